# What on this server differs from what its stack sent last. Who asks says how a difference is told: `say_difference` and,
# for the lines of a file on stdin, `say_changed_lines`.

DRIFTED=no
# A code by which programs know the kind of the difference, its place, what was found there, what the stack says.
differs() {
  DRIFTED=yes
  say_difference "$@"
}

# Why nothing can be said of this server, or nothing.
undecided_reason() {
  if [[ ! -e $APPLIED ]]; then
    echo "No deployment of argoweb is live on this server."
  elif [[ -e $TRANSACTION || $(systemctl is-active "$UNIT.service") == active ]]; then
    echo "A deployment is at work on this server, or was cut off. Wait for it, or run pulumi up."
  fi
}

# Says each difference from the manifest, which was read before.
find_differences() {
  local name path found unit default
  for name in "${FILES[@]}"; do
    path=${FILE_PATH[$name]}
    if [[ ! -e $path ]]; then
      differs file-missing "$path" "no file" "there is one"
      continue
    fi
    found=$(stat -c '%a %U:%G' -- "$path")
    [[ $found == "${FILE_MODE[$name]} ${FILE_OWNER[$name]}" ]] || differs file-access "$path" "$found" "${FILE_MODE[$name]} ${FILE_OWNER[$name]}"
    [[ $(digest "$path") == "${FILE_SUM[$name]}" ]] && continue
    differs file-edited "$path" "another content" "as in its preview"
    # The credentials have no copy to compare with, and are never shown.
    if [[ $(digest "$STAGING/$name") == "${FILE_SUM[$name]}" ]]; then
      diff -U 0 --label "the stack" --label "this server" -- "$STAGING/$name" "$path" | say_changed_lines || true
    fi
  done
  for unit in "${INSTANCES[@]}" "${CADDY[@]}"; do
    found=$(systemctl is-active "$unit" || true)
    [[ $found == active ]] || differs unit-stopped "$unit" "$found" "active"
  done
  if [[ $(systemctl is-active "${CADDY[@]}" || true) == active ]] && ! runs_live "$(unit_text "${CADDY[@]}")" ''; then
    differs caddy-runs-another "${CADDY[@]}" "another configuration than its files have" "that of its files"
  fi
  if [[ -z $(inputs_of /run/current-system) ]]; then
    differs system-switched "the running system" "one without argoweb's module" "one with it"
  elif is_built_from_others; then
    differs system-switched "the running system" "one built from other files of argoweb" "from these"
  fi
  default=$(boot_default)
  if [[ -n $default && $default != "$(current_system)" ]] && { [[ -z $(inputs_of "$default") ]] || is_built_from_others "$default"; }; then
    differs boot-default "the boot default" "$default, built from other files than argoweb's" "from these"
  fi
}
