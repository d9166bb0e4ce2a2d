# What on this server differs from what its stack sent last: a line for each difference.

DRIFTED=no
differs() {
  DRIFTED=yes
  echo "$1: found $2; the stack says $3"
}

drift() {
  local name path found unit
  if [[ ! -e $APPLIED ]]; then
    echo "No deployment of argoweb is live on this server." >&2
    exit 2
  fi
  if [[ -e $TRANSACTION || $(systemctl is-active "$UNIT.service") == active ]]; then
    echo "A deployment is at work on this server, or was cut off. Wait for it, or run pulumi up." >&2
    exit 2
  fi
  read_manifest "$APPLIED"
  for name in "${FILES[@]}"; do
    path=${FILE_PATH[$name]}
    if [[ ! -e $path ]]; then
      differs "$path" "no file" "there is one"
      continue
    fi
    found=$(stat -c '%a %U:%G' -- "$path")
    [[ $found == "${FILE_MODE[$name]} ${FILE_OWNER[$name]}" ]] || differs "$path" "$found" "${FILE_MODE[$name]} ${FILE_OWNER[$name]}"
    [[ $(digest "$path") == "${FILE_SUM[$name]}" ]] && continue
    differs "$path" "another content" "as in its preview"
    # The credentials have no copy to compare with, and are never shown.
    if [[ $(digest "$STAGING/$name") == "${FILE_SUM[$name]}" ]]; then
      diff -U 0 --label "the stack" --label "this server" -- "$STAGING/$name" "$path" | indent || true
    fi
  done
  for unit in "${INSTANCES[@]}" "${CADDY[@]}"; do
    found=$(systemctl is-active "$unit" || true)
    [[ $found == active ]] || differs "$unit" "$found" "active"
  done
  if is_built_from_others; then differs "the running system" "one built from other files of argoweb" "from these"; fi
  if [[ $DRIFTED == yes ]]; then
    echo "To put it right: raise argoweb:servers.<name>.redeploy by one and run pulumi up."
    exit 1
  fi
  echo "Nothing differs from the stack."
}
