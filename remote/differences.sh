# What on this server differs from what its stack sent last. Who asks says how a difference is told: `say_difference` and,
# for the lines of a file on stdin, `say_changed_lines`.

DRIFTED=no
# A code by which programs know the kind of the difference, its place, what was found there, what the stack says.
differs() {
  DRIFTED=yes
  say_difference "$@"
}

SILENT=() # units of cloudflareds that were asked, and did not answer

# Whether it can be read what is live, and whose it is: a power loss may leave empty files.
is_readable() { [[ -s $OWNER && $(tail -n 1 -- "$APPLIED") == end ]]; }

# Why nothing can be said of this server, or nothing.
undecided_reason() {
  if [[ ! -e $APPLIED ]]; then
    echo "No deployment of argoweb is live on this server."
  elif ! is_readable; then
    echo "$OWNER or $APPLIED is not there, or damaged."
  elif [[ -e $TRANSACTION || $(systemctl is-active "$UNIT.service") == active ]]; then
    echo "A deployment is at work on this server, or was cut off. Wait for it, or run pulumi up."
  fi
}

# Prints by which rules a cloudflared goes instead of those of the live argoWeb.yml, or nothing: Cloudflare's dashboard gives a
# running one others, and so does what somebody has added to its command. Those of its own file have the version -1.
other_rules() {
  local unit rules version theirs ours path=${FILE_PATH[argoWeb.yml]}
  if [[ ! -f $path ]]; then return; fi
  ours=$(sed -n 's/^\(- \|  \)hostname: "\?\([^"]\+\)"\?$/\2/p' -- "$path" | LC_ALL=C sort)
  for unit in "${INSTANCES[@]}"; do
    if [[ " ${SILENT[*]} " == *" $unit "* ]]; then continue; fi
    rules=$(curl -fsS --max-time 3 --noproxy '*' "http://${INSTANCE_METRICS[$unit]}/config" 2>/dev/null | flat) || continue
    version=$(sed -n 's/^\."version"=//p' <<<"$rules")
    theirs=$(sed -n 's/^\."config"\."ingress"\[[0-9]*\]\."hostname"="\(.\+\)"$/\1/p' <<<"$rules" | LC_ALL=C sort)
    if [[ $version =~ ^[0-9]+$ ]]; then
      echo "those of Cloudflare's dashboard (version $version), to which the tunnel was moved"
      return
    elif [[ -n $version && $theirs != "$ours" ]]; then
      echo "others, for $(paste -sd ' ' <<<"${theirs:-no hostname}" | cut -c1-200)"
      return
    fi
  done
}

# Says each difference from the manifest, which was read before.
find_differences() {
  local name path found unit default
  for name in "${FILES[@]}"; do
    path=${FILE_PATH[$name]}
    if [[ ! -f $path ]]; then
      if [[ -e $path ]]; then found='something else'; else found='no file'; fi
      differs file-missing "$path" "$found" "there is one"
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
  if [[ $(systemctl is-active "${CADDY[@]}") == active ]] && ! runs_live "$(unit_text "${CADDY[@]}")" ''; then
    differs caddy-runs-another "${CADDY[@]}" "$NOT_LIVE" "that of its files"
  fi
  found=$(other_rules)
  if [[ -n $found ]]; then differs cloudflared-runs-another cloudflared "$found" "the rules of ${FILE_PATH[argoWeb.yml]:-argoWeb.yml}"; fi
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
