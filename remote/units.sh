# Restarts of the units. What a stop may take systemd bounds; what a start may take, the settings do.

readonly REFUSALS=3     # of the tunnel's secret by Cloudflare, until it counts as wrong: some 5 s
readonly REFUSALS_NEW=5 # of one that Cloudflare was given a moment ago, and that may not be known everywhere yet: some 20 s

# systemctl $1 of the unit $2, for as long as it takes to stop, and then no longer than the new configuration may take
# to serve.
limited() {
  local verb=$1 unit=$2 said=$WORK/systemctl.log job deadline=$((SECONDS + SETTING[health-timeout])) told=no status=0 refusal
  systemctl "$verb" "$unit" >"$said" 2>&1 &
  job=$!
  while ! timeout 1 tail --pid "$job" --sleep-interval 0.05 --follow /dev/null; do
    learn_units "$unit"
    refusal=$(refusal_of "$unit")
    if [[ ${ACTIVE[$unit]} == deactivating ]]; then
      deadline=$((SECONDS + SETTING[health-timeout]))
      if [[ $told == no ]]; then
        step "waiting until ${unit%.service} has stopped, which finishes what it answers (at most $(systemctl show -p TimeoutStopUSec --value "$unit"))"
        told=yes
      fi
    elif [[ -n $refusal ]]; then
      kill "$job"
      echo "$refusal"
      return 1
    elif ((SECONDS >= deadline)); then
      kill "$job"
      echo "systemctl $verb $unit did not end within ${SETTING[health-timeout]} s."
      return 1
    fi
  done
  wait "$job" || status=$?
  indent <"$said"
  if ((status)); then echo "systemctl $verb $unit failed."; fi
  return "$status"
}

# Restarts each cloudflared that nothing has restarted since the units were learned.
# One is connected before the next one is restarted, so that two of them are never down together.
restart_tunnel() {
  local unit verb before
  if [[ -s $WORK/refused ]]; then
    cat -- "$WORK/refused"
    rm -- "$WORK/refused"
    return 1
  fi
  for unit in "${INSTANCES[@]}"; do
    before=${INVOCATION[$unit]}
    learn_units "$unit"
    verb=start # waits, too, for a restart that goes on: the first one's is followed by the second one's
    if [[ $RESTART == yes && ${INVOCATION[$unit]} == "$before" ]]; then verb=restart; fi
    if [[ $verb == restart || ${ACTIVE[$unit]} != active ]]; then step "restarting ${unit%.service}"; fi
    if [[ $verb == restart && ${ACTIVE[$unit]} == activating ]]; then end_at_once "$unit"; fi
    limited "$verb" "$unit" || return 1
  done
  if [[ $REBUILD$RESTART != nono ]] && ((${#INSTANCES[@]})); then warn_of "$(unit_text "${INSTANCES[0]}" | version_of)"; fi
}

# Ends a cloudflared that has no connection, and so no request: at the first signal it goes on for up to its grace
# period, the second one ends it.
end_at_once() {
  systemctl stop --no-block "$1"
  for _ in 1 2 3 4 5; do
    sleep 0.3
    if [[ $(systemctl show -p ActiveState --value "$1") != deactivating ]]; then break; fi
    systemctl kill "$1" 2>/dev/null || true
  done
}

# Prints that Cloudflare does not take the secret of a cloudflared, or nothing. It goes on asking for ever, and until
# one connection has succeeded only the first one asks (cloudflared's `supervisor.go`). Over QUIC it says that it was
# refused, and never why (`Serve` in its `connection/quic_connection.go`).
refusal_of() {
  local unit=$1 said count limit=$REFUSALS advice='Was it changed by somebody else, or the tunnel deleted? Raise argoweb:tunnel.secretVersion by one.'
  if [[ ${ACTIVE[$unit]} != activating ]]; then return 0; fi
  if [[ -n $NEW_SECRET || ${SETTING[tunnel-secret]:-} == made && " ${CHANGED[*]} " == *' credentials '* ]]; then limit=$REFUSALS_NEW; fi
  said=$(journalctl --no-pager -q -o cat "_SYSTEMD_INVOCATION_ID=${INVOCATION[$unit]}" 2>/dev/null |
    grep -E '(Register tunnel error.*Unauthorized|Serve tunnel error.*control stream encountered a failure).*connIndex=0')
  count=$(grep -c . <<<"$said")
  if [[ $said == *'control stream'* ]]; then limit=$REFUSALS_NEW; fi
  if ((count >= limit)); then
    if [[ ${SETTING[tunnel-secret]:-} == imported ]]; then advice="Set argoweb:tunnelSecret to that of the tunnel."; fi
    echo "Cloudflare has refused the tunnel's secret $count times: $(sed -n 's/.*error="control stream.*/over QUIC it does not say why, and a wrong secret is the likeliest cause/p; s/.*error="\([^"]*\)".*/\1/p' <<<"$said" | tail -n 1). $advice"
  fi
}

# Beside a switch, which would wait for such a cloudflared for as long as systemd does, 90 s: ends it.
end_refused() {
  local unit refusal
  : >"$WORK/watching"
  while sleep 1; do
    learn_units "${INSTANCES[@]}"
    for unit in "${INSTANCES[@]}"; do
      refusal=$(refusal_of "$unit")
      if [[ -n $refusal ]]; then
        echo "$refusal" >"$WORK/refused"
        end_at_once "$unit"
      fi
    done
  done
}

# The version of the cloudflared that a unit runs, its text being on stdin.
version_of() { "$(exec_program)" --version 2>/dev/null | awk '{ print $3; exit }' || true; }

# What a version of cloudflared is known to do wrong, or nothing.
known_fault() {
  if [[ $1 =~ (^|[^0-9.])2026\.8\.[01]($|[^0-9.]) ]]; then
    echo "cloudflared $1 changes the path that your services get: it decodes it and takes a slash at its end away. Take 2026.8.2 or newer: update nixpkgs, or set argoweb:package."
  fi
}

warn_of() {
  local fault
  fault=$(known_fault "$1")
  if [[ -n $fault ]]; then warn cloudflared-bad "$fault"; fi
}
