# logs DATA_DIR FOLLOW JOURNALCTL_WORD…: the journal of units, without the tunnel's secret, whoever printed it. Where it is
# followed, the end of stdin ends it: nothing goes on here when the connection breaks.

# Of stdin; in a journal's JSON, a slash may be written with a backslash before it.
without_secrets() {
  local line secret secrets=()
  while read -r secret || [[ -n $secret ]]; do
    secrets+=("$secret" "${secret//\//\\/}")
  done < <(sed -n 's/.*"TunnelSecret": *"\([^"]*\)".*/\1/p' -- "$1"/*.json 2>/dev/null)
  while IFS= read -r line || [[ -n $line ]]; do
    for secret in "${secrets[@]}"; do line=${line//"$secret"/[secret]}; done
    printf '%s\n' "$line"
  done
}

logs() {
  local data_dir=$1 follow=$2 journal
  shift 2
  if [[ $follow == no ]]; then
    journalctl --no-pager --quiet "$@" | without_secrets "$data_dir"
    return
  fi
  exec 3< <(exec journalctl --no-pager --quiet --follow "$@")
  journal=$!
  without_secrets "$data_dir" <&3 &
  cat >/dev/null
  kill "$journal"
}
