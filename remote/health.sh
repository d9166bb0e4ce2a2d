# Whether the server serves: the units run and stay so, each cloudflared is connected, the stack's URLs answer.

readonly REFUSED_BY_SERVER=22 # curl's exit code for a status of 400 and above
readonly SETTLE=2             # seconds for which all of it must hold without a restart
readonly BLIP=5               # seconds for which an application may be away while other servers wait, as one that restarts
readonly USUAL=600            # seconds before a run that tell what visitors could not reach without it either

# Prints why it does not serve, with the code by which programs know that, or nothing.
unhealthy_reason() {
  local unit url site address host ready status
  learn_units "${INSTANCES[@]}" "${CADDY[@]}"
  for unit in "${INSTANCES[@]}" "${CADDY[@]}"; do
    if [[ ${ACTIVE[$unit]} != active ]]; then
      echo "$unit is ${ACTIVE[$unit]} [unit-stopped]"
      return
    fi
  done
  for unit in "${INSTANCES[@]}"; do
    ready=http://${INSTANCE_METRICS[$unit]}/ready status=0
    curl -fsS -o "$WORK/ready" --max-time 5 --noproxy '*' "$ready" 2>/dev/null || status=$?
    if ((status == REFUSED_BY_SERVER)); then
      echo "cloudflared has no connection to Cloudflare ($ready of $unit) [cloudflared-unconnected]"
      return
    elif ((status)); then
      echo "nothing answers at $ready of $unit. Was cloudflared given another address for its metrics, as by TUNNEL_METRICS in its environment? Look at: systemctl cat $unit [cloudflared-runs-another]"
      return
    fi
  done
  for url in "${HEALTH_URLS[@]}"; do
    if ! answers "$url"; then
      echo "$url does not answer: $(head -c 300 "$WORK/url.log") [origin-error]"
      return
    fi
  done
  for site in "${HEALTH_SITES[@]}"; do
    read -r address host url <<<"$site"
    # Caddy chooses the site by its Host; whether its certificate is good is cloudflared's question.
    if ! answers "$url" --connect-to "::$address" --header "Host: $host" --insecure --noproxy '*'; then
      echo "Caddy at $address does not answer for $host ($url): $(head -c 300 "$WORK/url.log") [origin-error]"
      return
    fi
  done
}

answers() { curl -fsS --globoff -o /dev/null --max-time 10 "${@:2}" -- "$1" 2>"$WORK/url.log"; }

# Changes with every start of a unit, by whomever.
starts() { systemctl show -p InvocationID -p NRestarts "${INSTANCES[@]}" "${CADDY[@]}"; }

readonly NO_WAY_BACK="There is no way back for that tunnel: pulumi config set --path argoweb:tunnel.name <name>, then: pulumi up --replace '**::tunnel-tunnel'"

# Waits until everything is well and stays so, at most about SETTING[health-timeout] seconds: what is well at their end still has
# the time to show that it stays so. $1 is `new` for what was just
# deployed, or `old` for what ran before, by whatever rules.
healthy() {
  local began=$SECONDS deadline=$((SECONDS + SETTING[health-timeout])) reason seen='' now since='' failed=''
  step "waiting until cloudflared is connected and Caddy runs (at most ${SETTING[health-timeout]} s)"
  while :; do
    now=$(starts)
    reason=$(unhealthy_reason)
    if [[ -n $reason ]]; then
      since=''
    elif [[ -z $since ]]; then
      since=$SECONDS
    elif [[ $now != "$seen" ]]; then
      since=$SECONDS
      reason="one of ${INSTANCES[*]} ${CADDY[*]} keeps restarting [unit-restarts]"
    elif ((SECONDS - since >= SETTLE)); then
      if [[ $1 == old ]]; then return 0; fi
      reason=$(other_rules)
      if [[ -z $reason ]]; then return 0; fi
      echo "cloudflared goes by other rules than those of ${FILE_PATH[argoWeb.yml]}: $reason. [cloudflared-runs-another]"
      if [[ $reason == *dashboard* ]]; then echo "$NO_WAY_BACK"; else echo "Was something added to its command? Look at: systemctl cat ${INSTANCES[0]}"; fi
      return 1
    fi
    # systemd starts it no more; what it is about to start again is `activating`.
    if [[ $reason != *' is failed ['* ]]; then failed=''; else failed=${failed:-$SECONDS}; fi
    if [[ -n $failed ]] && ((SECONDS - failed >= SETTLE)); then deadline=$SECONDS; fi
    if [[ -n $reason ]] && ((SECONDS >= deadline)); then
      echo "Not healthy after $((deadline - began)) s: $reason"
      return 1
    fi
    seen=$now
    sleep 0.3
  done
}

# What visitors were led to in vain between two times of journalctl's, $1 and $2, each after the second in which that was: a
# service as cloudflared names it (its proxy/proxy.go), a hostname as Caddy does (its modules/caddyhttp/server.go).
unreached() {
  local units=("${INSTANCES[@]}" "${CADDY[@]}")
  journalctl --no-pager -q -o short-unix --since "$1" --until "$2" -n 20000 "${units[@]/#/--unit=}" 2>/dev/null |
    sed -nE '/dial |tls: |x509: |TLS handshake/ {
      s/^([0-9]+).*Unable to reach the origin service.*originService[=":]+([^" ]+).*/\1 \2/p
      s/^([0-9]+).*http\.log\.error.*"host": ?"([^"]+)".*/\1 \2/p
    }'
}

# Watches for as long as the servers wait that take the change after this one.
stay_healthy() {
  local pause=${SETTING[pause]:-0} began=$SECONDS since next=$EPOCHSECONDS seen time what lasts
  local -A usual=() first=()
  if [[ $REBUILD$RESTART$RELOAD == nonono ]] || ((pause == 0)); then return 0; fi
  step "watching for $pause s before others follow"
  while read -r _ what; do usual[$what]=yes; done < <(unreached "@$((STARTED - USUAL))" "@$STARTED")
  seen=$(starts)
  while :; do
    since=$next next=$EPOCHSECONDS
    while read -r time what; do
      first[$what]=${first[$what]:-$time}
      lasts=$((time - ${first[$what]})) # no name that a visitor may have sent stands in a sum, where bash would expand it again
      if ((lasts > BLIP)) && [[ -z ${usual[$what]:-} ]]; then
        echo "Not healthy: since this change visitors have been led in vain to $what for $lasts s [origin-error]"
        return 1
      fi
    done < <(unreached "@$since" now)
    if [[ -n $(unhealthy_reason) || $(starts) != "$seen" ]]; then
      healthy new || return 1
      seen=$(starts)
    fi
    if ((SECONDS >= began + pause)); then return 0; fi
    sleep 1
  done
}

# The lines of the units since this run began that tell most: errors, each once, and the last ones. Without debug lines and
# access logs, which hold what visitors sent, without cloudflared's pre-checks and general advice, and without the tunnel's secret,
# whoever printed it.
journal_tail() {
  local unit text secret
  secret=$(sed -n 's/.*"TunnelSecret": *"\([^"]*\)".*/\1/p' -- "${FILE_PATH[credentials]:-}" 2>/dev/null)
  for unit in "${INSTANCES[@]}" "${CADDY[@]}"; do
    text=$(journalctl --no-pager -q -o cat --since "@$STARTED" -n 2000 -u "$unit" 2>/dev/null |
      grep -v -e ' DBG ' -e '"level":"debug"' -e 'http\.log\.access' -e ' INF [|+]' -e ' INF precheck ' -e ' ERR  ' -e ' ERR Please try ')
    if [[ -n $secret ]]; then text=${text//"$secret"/[secret]}; fi
    show_lines "Errors of $unit:" "$(errors_in "$text" | tail -n 10)"
    show_lines "Last journal lines of $unit:" "$(tail -n 5 <<<"$text")"
  done
}
show_lines() {
  if [[ -n $2 ]]; then
    echo "$1"
    indent <<<"$2"
  fi
}
# Of lines that differ in numbers only, as a time, the last one.
errors_in() {
  grep -v -E ' (INF|WRN) |"level":"(info|warn)"' <<<"$1" |
    grep -i -E ' (ERR|FTL) |"level":"(error|fatal|panic)"|(^|[^a-z])(error|failed|failure|panic)' |
    awk '{ key = $0; gsub(/[0-9]+/, "", key); line[NR] = $0; kind[NR] = key; newest[key] = NR }
      END { for (n = 1; n <= NR; n++) if (newest[kind[n]] == n) print line[n] }'
}
