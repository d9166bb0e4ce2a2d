# Whether the server serves: the units run and each cloudflared is connected.

unhealthy_reason() {
  local unit url
  for unit in "${INSTANCES[@]}" "${SETTING[caddy-unit]}.service"; do
    if [[ $(systemctl is-active "$unit") != active ]]; then
      echo "$unit is $(systemctl is-active "$unit")"
      return
    fi
  done
  for unit in "${INSTANCES[@]}"; do
    curl -fsS -o "$WORK/ready" --max-time 5 "http://${INSTANCE_METRICS[$unit]}/ready" 2>/dev/null || {
      echo "cloudflared has no connection to Cloudflare (http://${INSTANCE_METRICS[$unit]}/ready of $unit)"
      return
    }
  done
  for url in "${HEALTH_URLS[@]}"; do
    curl -fsS -o /dev/null --max-time 10 "$url" 2>"$WORK/url.log" || {
      echo "$url does not answer: $(head -c 300 "$WORK/url.log")"
      return
    }
  done
}

# Waits until everything is well, at most SETTING[health-timeout] seconds, and for two checks in a row.
healthy() {
  local deadline=$((SECONDS + SETTING[health-timeout])) reason good=0
  step "waiting until cloudflared is connected and Caddy runs (at most ${SETTING[health-timeout]} s)"
  while :; do
    reason=$(unhealthy_reason)
    if [[ -z $reason ]]; then
      good=$((good + 1))
      ((good == 2)) && return 0
    else
      good=0
    fi
    if ((SECONDS >= deadline)); then
      echo "Not healthy after ${SETTING[health-timeout]} s: $reason"
      return 1
    fi
    sleep 0.3
  done
}

journal_tail() {
  local unit
  for unit in "${INSTANCES[@]}" "${SETTING[caddy-unit]}.service"; do
    echo "Last journal lines of $unit:"
    journalctl --no-pager -q -o cat --since "@$STARTED" -n 15 -u "$unit" 2>/dev/null | indent
  done
}
