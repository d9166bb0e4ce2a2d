# Activation: lock, verify, compare, validate, swap, switch, health; on failure everything as it was.

# Puts one new file in its place. A user that the rebuild has yet to make owns it later, by the tmpfiles rules.
place() {
  local path=${FILE_PATH[$1]} owner=${FILE_OWNER[$1]} new
  new=${path%/*}/.argoweb-new
  (umask 022 && mkdir -p -- "${path%/*}")
  install -m 600 -- "$(source_of "$1")" "$new"
  if id -- "${owner%:*}" >/dev/null 2>&1; then chown -- "$owner" "$new"; fi
  chmod -- "${FILE_MODE[$1]}" "$new"
  sync -- "$new"
  mv -Tf -- "$new" "$path"
  sync -- "${path%/*}"
}

swap() {
  local name paths=()
  for name in "${CHANGED[@]}"; do paths+=("${FILE_PATH[$name]}"); done
  transaction_begin "${paths[@]}" "${OBSOLETE[@]}"
  for name in "${CHANGED[@]}"; do place "$name"; done
  if ((${#OBSOLETE[@]})); then rm -f -- "${OBSOLETE[@]}"; fi
}

switch_system() {
  local status=0 watch told=() lines=()
  if [[ -z $NEW_SYSTEM || $NEW_RUNNING == "$(current_system)" ]]; then return 0; fi
  step "switching to the new system"
  end_refused &
  watch=$!
  switch_to "$NEW_RUNNING" "$BASE_SYSTEM" >"$WORK/switch.log" || status=$?
  # Bash runs the EXIT trap in a child that is ended before it has begun.
  until [[ -e $WORK/watching ]] || ! kill -0 "$watch" 2>/dev/null; do sleep 0.05; done
  kill "$watch"
  case $status in
    0) ;;
    2) told=(switch-script "switch-to-configuration reports a failed activation script (exit 2); whether it matters to us, the health check tells.") ;;
    4) told=(switch-units "switch-to-configuration reports failed units (exit 4); whether ours are among them, the health check tells.") ;;
    *)
      echo "switch-to-configuration failed with exit code $status:"
      tail -n 30 "$WORK/switch.log" | indent
      return 1
      ;;
  esac
  if ((status)); then
    mapfile -t lines < <(grep -i fail "$WORK/switch.log" | tail -n 5 | indent)
    warn "${told[@]}" "${lines[@]}"
  fi
}

# Both programs take the new configuration: Caddy first, which then has the sites that cloudflared is about to send to
# it, unless it would lose one that cloudflared goes on sending until its restart.
serve_new() {
  if loses_a_site; then
    restart_tunnel && reload_caddy
  else
    reload_caddy && restart_tunnel
  fi
}

# Whether the sites of before have a hostname or a path by which the new ones do not choose.
loses_a_site() {
  local own=${FILE_PATH[argoWeb.caddy]:-} before
  before=$(kept_file "$own") || return 1
  [[ -n $(comm -23 <(chosen_by "$before") <(chosen_by "$own")) ]]
}
chosen_by() { grep -E '^https?://|^\s+(host|header_regexp host|path_regexp path) ' -- "$1" | sort; }

# Everything as it was, and checked as well; it goes as far as it can.
roll_back() {
  local patience=${SETTING[health-timeout]} mend=no well=yes loader='' theirs
  set +e
  journal_tail
  if [[ ! -d $TRANSACTION ]]; then
    echo "STATE: nothing was changed on this server, which has all files of this configuration but does not serve."
    return
  fi
  step "going back to what ran before"
  if [[ -e $APPLIED ]]; then
    INSTANCES=() CADDY=() # those of the old configuration, and where they serve /ready
    read_manifest <(grep -E '^(instance|caddy-unit|health-timeout) ' "$APPLIED")
    if ((SETTING[health-timeout] < patience)); then SETTING[health-timeout]=$patience; fi
  fi
  wait_for_switches
  transaction_systems
  transaction_restore || mend=files
  learn_units "${INSTANCES[@]}"
  theirs=$(others "$BEFORE" "$DEFAULT_BEFORE" "$NEW" "$NEXT")
  if [[ $theirs == *switched* ]] && is_built_from_taken_back; then
    theirs+=" It was built from files that were taken back: the next pulumi up builds it anew."
  fi
  system_back || mend=system
  default_back ||
    loader=" The boot default could not be set back to $DEFAULT_BEFORE, which the next pulumi up does: $(tail -n 1 "$WORK/back.log")"
  plan_owed # an undone run's as well, when this one had not come to its plan
  owe all "a deployment was taken back"
  if [[ $mend == no && -z $loader ]]; then transaction_end; fi
  # A server that had none of this before has no such units now.
  mapfile -t INSTANCES < <(existing "${INSTANCES[@]}")
  mapfile -t CADDY < <(existing "${CADDY[@]}")
  # Without a unit it would forget every failure of the server.
  if ((${#INSTANCES[@]} + ${#CADDY[@]})); then systemctl reset-failed "${INSTANCES[@]}" "${CADDY[@]}" 2>/dev/null; fi
  HEALTH_URLS=() HEALTH_SITES=()
  if [[ $mend != files ]]; then
    restart_tunnel || well=no
    reload_caddy || well=no # also when the tunnel does not come back: Caddy may run with the new sites
  fi
  if [[ $mend != no ]]; then
    echo "STATE: the new configuration failed, and not everything of the old one could be put back, see above. Mend what stands in the way; the next pulumi up puts it back first.$theirs"
    return
  fi
  if ((${#INSTANCES[@]})) && [[ $well == yes ]]; then healthy old || well=no; fi
  if [[ $well == no ]]; then
    echo "STATE: the new configuration failed and was taken back, but the old one is not healthy either. Look at: journalctl$(printf ' -u %s' "${INSTANCES[@]}" "${CADDY[@]}")$loader$theirs"
    return
  fi
  rm -f -- "$OWED"
  if ((${#INSTANCES[@]})); then
    echo "STATE: the new configuration failed and was taken back; the server serves what it served before$NEW_SECRET.$loader$theirs"
  else
    echo "STATE: the new configuration failed and was taken back; the server has no tunnel, as before this run.$loader$theirs"
  fi
}

# Whether what somebody else has switched to was built while the files of this run lay here.
is_built_from_taken_back() {
  local inputs
  inputs=$(inputs_of /run/current-system)
  [[ -n $inputs && $inputs == "$(inputs_of "$NEW")" && $inputs != "$(inputs_of "$BEFORE")" ]]
}

# Those of the given units that there are.
existing() {
  local unit
  for unit in "$@"; do
    if unit_exists "$unit"; then echo "$unit"; fi
  done
}

# Which system a start of the server shall run from here on. What somebody else has switched to since this run began, or
# made the boot default, stays, and these files with it if it was built from them too; else they do not fit, and go.
BOOTS=''
choose_boot_default() {
  local running default each
  wait_for_switches
  running=$(current_system) default=$(boot_default)
  BOOTS=$NEW_SYSTEM
  if [[ $default != "$BASE_DEFAULT" && $default != "$NEW_SYSTEM" ]]; then BOOTS=$default; fi
  for each in "$running" "$BOOTS"; do
    if [[ $each != "$NEW_RUNNING" ]] && ! is_or_has_inputs_of "$each" "$NEW_SYSTEM"; then
      echo "Somebody else has switched this server to $each meanwhile, or made it the boot default. It was not built from these files, so they are taken back. Run pulumi up again: it builds on that."
      return 1
    fi
  done
  if [[ $running != "$NEW_RUNNING" ]]; then
    step "somebody else has switched this server to $running meanwhile, which was built from these files too"
    healthy new
  fi
}

commit() {
  local name
  if [[ -n $NEW_SYSTEM ]]; then choose_boot_default || return 1; fi
  # The new manifest lies there before the boot loader has the new system: where a power loss comes then, both stay.
  printf '%s\n' "${SETTING[owner]}" >"$OWNER.new" && sync -- "$OWNER.new" || return 1
  install -m 600 -- "$WORK/manifest" "$APPLIED.new" && sync -- "$APPLIED.new" || return 1
  # Also when the profile has it: a run that was cut off may not have come as far as the boot loader.
  if [[ -n $NEW_SYSTEM ]]; then
    step "making the new system the boot default"
    if [[ -d $TRANSACTION ]]; then transaction_proved "$BOOTS" || return 1; fi
    make_boot_default "$BOOTS" >"$WORK/boot.log" 2>&1 || {
      tail -n 20 "$WORK/boot.log" | indent
      return 1
    }
  fi
  # Owners and modes that the rebuild's new user made possible.
  for name in "${FILES[@]}"; do
    chown -- "${FILE_OWNER[$name]}" "${FILE_PATH[$name]}" || return 1
  done
  if [[ -d $TRANSACTION ]]; then transaction_end || return 1; fi
  rm -f -- "$OWED"
  take_manifest && ln -sfn -- "$STAGING/server.sh" "$ROOT/server.sh" # the same place for every deployment, for people
}

# The credentials stay in one place on the server: the live one. A file that another run has staged is that run's.
# Folders go in which this deployment has staged before, under another name or by an id that was lost or replaced.
tidy_staging() {
  local name folder before=''
  for name in "${FILES[@]}"; do
    if [[ ${FILE_MODE[$name]} == 600 && $(digest "$STAGING/$name") == "${FILE_SUM[$name]}" ]]; then
      rm -f -- "$STAGING/$name"
    fi
  done
  rm -f -- "${UNSTAGED[@]}"
  if [[ ${PREVIOUS% *} == "${SETTING[owner]% *}" ]] || have_one_id "$PREVIOUS" "${SETTING[owner]}"; then before=${PREVIOUS##* }; fi
  for folder in "$ROOT"/staging/*; do
    if [[ $folder == "$STAGING" ]]; then continue; fi
    if [[ $folder == *-"${before:-none}" ]] || cmp -s -- "$folder/teardown" "$STAGING/teardown"; then rm -rf -- "$folder"; fi
  done
}

# What nobody foresaw: a full disk, a folder that cannot be written. Standard error, just above in the log, says which.
# shellcheck disable=SC2317 # a trap calls it
broken_off() {
  local status=$?
  trap - EXIT
  if ((status == 0)) || [[ $BASHPID != "$$" ]]; then return 0; fi # a child that a signal ends leaves all of it to its parent
  say_silenced
  echo "argoweb: the work broke off, see above."
  if [[ -d $TRANSACTION ]]; then roll_back; else untouched; fi
  exit 1
}

activate() {
  local theirs
  WORK=$1
  read_manifest "$WORK/manifest"
  exec 9>"$LOCK"
  flock -n 9 || step "another run holds the lock; waiting for it"
  flock -w "$LOCK_WAIT" 9 || fail_untouched "another deployment holds $LOCK for more than $LOCK_WAIT s."
  take_manifest
  check_owner
  trap broken_off EXIT
  recover no
  take_staged
  take_new_secret
  compare
  check_writable
  learn_base
  if [[ $REBUILD == yes ]] || ((${#CHANGED[@]})); then validate; fi
  if [[ $REBUILD$RESTART$RELOAD != nonono ]] || ((${#OBSOLETE[@]})); then swap; fi
  learn_units "${INSTANCES[@]}"
  if switch_system && serve_new && healthy new && stay_healthy && commit; then
    trap - EXIT
    tidy_staging
    step "done: the tunnel is connected and serves this configuration"
    say_silenced
    theirs=$(others "$BASE_SYSTEM" "$BASE_DEFAULT" "$NEW_SYSTEM" "$NEW_RUNNING")
    if [[ -n $theirs ]]; then echo "STATE: the server serves this configuration.$theirs"; fi
  else
    trap - EXIT
    say_silenced
    roll_back
    exit 1
  fi
}
