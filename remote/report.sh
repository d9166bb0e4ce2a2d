# What this server is like, for programs: lines of a kind and its fields, parted by tabs. It changes nothing.
# Of the credentials it tells no more than that their digest differs.

say() {
  local IFS=$'\t'
  printf '%s\n' "$*"
}
say_difference() { say differs "$@"; }
say_changed_lines() { sed $'s/^/changed\t/' | cut -c1-2000; }

# What a unit's journal had last.
report_journal() {
  journalctl --no-pager -q -o cat -n 5 -u "$1" 2>/dev/null | without_secrets "${SETTING[data-dir]:-}" | cut -c1-300 | sed "s/^/journal\t$1\t/"
}

# Each unit: its state, since when it is active, how often it was restarted; each cloudflared: the answer of /ready, version
# and where it is connected; of what is not well, the end of its journal.
report_units() {
  local unit text state id version where
  for unit in "${INSTANCES[@]}" "${CADDY[@]}"; do
    state=$(systemctl show -p ActiveState --value "$unit")
    say unit "$unit" "$state" "$(systemctl show -p ActiveEnterTimestamp --timestamp=unix --value "$unit" 2>/dev/null | tr -d @)" \
      "$(systemctl show -p NRestarts --value "$unit")"
    if [[ $state != active ]]; then report_journal "$unit"; fi
  done
  for unit in "${INSTANCES[@]}"; do
    text=$(curl -sS --max-time 3 --noproxy '*' "http://${INSTANCE_METRICS[$unit]}/ready" 2>/dev/null || true)
    id=$(sed -n 's/.*"connectorId":"\([^"]*\)".*/\1/p' <<<"$text")
    text=$(sed -n 's/.*"readyConnections":\([0-9]*\).*/\1/p' <<<"$text")
    version=$(unit_text "$unit" | version_of)
    where=''
    if [[ -z $text ]]; then
      SILENT+=("$unit")
    elif ((text > 0)); then
      where=$(curl -sS --max-time 3 --noproxy '*' "http://${INSTANCE_METRICS[$unit]}/metrics" 2>/dev/null |
        sed -n 's/^cloudflared_tunnel_server_locations{.*edge_location="\([^"]*\)".*} 1$/\1/p' | sort | paste -sd ' ' || true)
    fi
    say cloudflared "$unit" "$text" "$version" "$where" "$id"
    if [[ $text == 0 ]]; then report_journal "$unit"; fi
  done
  if [[ $(systemctl show -p LoadState --value "${CADDY[@]}") == loaded ]]; then
    say caddy "${CADDY[@]}" "$("$(unit_text "${CADDY[@]}" | exec_program)" version 2>/dev/null | cut -d ' ' -f 1)"
  fi
}

# Asks what curl's configuration on stdin says, as many at once as it may; each answer names itself.
report_sites() { curl --silent --parallel --parallel-max 20 --config - 2>/dev/null || true; }

report() {
  local reason profile
  say clock "$(date +%s.%N)" # EPOCHREALTIME has a comma where the locale has one
  say system "$(current_system)" "$(cat /run/current-system/nixos-version 2>/dev/null)" "$(boot_default)" "$(</proc/uptime)"
  profile=$(readlink -- "$PROFILES/system" || true)
  say generation "$profile" "$(stat -c %Y -- "$PROFILES/$profile" 2>/dev/null)"
  reason=$(undecided_reason)
  if [[ -n $reason ]]; then say undecided "$reason"; fi
  if [[ -e $APPLIED ]]; then
    say owner "$(cat -- "$OWNER" 2>/dev/null)" "$(stat -c %Y -- "$APPLIED")"
  fi
  if [[ -e $APPLIED ]] && is_readable; then
    sed $'s/^/manifest\t/' "$APPLIED"
    read_manifest "$APPLIED"
    report_units
    missing_roots "$(unit_text "${CADDY[@]}")" | sed $'s/^/root\t/'
    if [[ -z $reason ]]; then find_differences; fi
  fi
  report_sites
  say end
}
