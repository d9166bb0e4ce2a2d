# Activation: lock, verify, compare, validate, swap, switch, health; on failure everything as it was.

# Puts one new file in its place. A user that the rebuild has yet to make owns it later, by the tmpfiles rules.
place() {
  local path=${FILE_PATH[$1]} owner=${FILE_OWNER[$1]} new
  new=${path%/*}/.argoweb-new
  (umask 022 && mkdir -p -- "${path%/*}")
  install -m 600 -- "$(source_of "$1")" "$new"
  if id -- "${owner%:*}" >/dev/null 2>&1; then chown -- "$owner" "$new"; fi
  chmod -- "${FILE_MODE[$1]}" "$new"
  mv -Tf -- "$new" "$path"
}

swap() {
  local name paths=()
  for name in "${CHANGED[@]}"; do paths+=("${FILE_PATH[$name]}"); done
  transaction_begin "${paths[@]}" "${OBSOLETE[@]}"
  for name in "${CHANGED[@]}"; do place "$name"; done
  if ((${#OBSOLETE[@]})); then rm -f -- "${OBSOLETE[@]}"; fi
}

declare -A INVOCATION=() # of each cloudflared when the files came into their places
note_invocations() {
  local unit
  for unit in "${INSTANCES[@]}"; do INVOCATION[$unit]=$(invocation "$unit"); done
}

# Restarts each cloudflared that nothing has restarted since `note_invocations`; reloads Caddy, or starts it.
# A cloudflared is connected before the next one is restarted, so that two of them are never down together.
apply_units() {
  local caddy=${SETTING[caddy-unit]}.service unit verb
  for unit in "${INSTANCES[@]}"; do
    verb=start # waits, too, for a restart that goes on: the first one's is followed by the second one's
    if [[ $RESTART == yes && $(invocation "$unit") == "${INVOCATION[$unit]}" ]]; then verb=restart; fi
    if [[ $verb == restart || $(systemctl is-active "$unit") != active ]]; then step "restarting ${unit%.service}"; fi
    timeout "${SETTING[health-timeout]}" systemctl "$verb" "$unit" || return 1
  done
  if [[ $RELOAD == yes ]]; then
    step "reloading ${SETTING[caddy-unit]}"
    timeout "${SETTING[health-timeout]}" systemctl reload-or-restart "$caddy" || return 1
  fi
}

switch_system() {
  local status=0
  step "switching to the new system"
  switch_to "$1" >"$WORK/switch.log" 2>&1 || status=$?
  case $status in
    0) ;;
    4) step "switch-to-configuration reports failed units (exit 4); whether ours are among them, the health check tells" ;;
    *)
      echo "switch-to-configuration failed with exit code $status:"
      tail -n 30 "$WORK/switch.log" | indent
      return 1
      ;;
  esac
}

# Everything as it was, and checked as well.
roll_back() {
  local old profile status=0
  journal_tail
  if [[ ! -e $TRANSACTION ]]; then
    echo "STATE: nothing was changed on this server, which has all files of this configuration but does not serve."
    return
  fi
  step "going back to what ran before"
  if [[ -e $APPLIED ]]; then
    INSTANCES=() # those of the old configuration, and where they serve /ready
    read_manifest <(grep '^instance ' "$APPLIED")
  fi
  old=$(<"$TRANSACTION/system")
  profile=$(<"$TRANSACTION/profile")
  transaction_restore
  note_invocations
  if [[ $REBUILD == yes ]]; then
    switch_to "$old" >"$WORK/rollback.log" 2>&1 || status=$?
    ((status == 0 || status == 4)) || tail -n 20 "$WORK/rollback.log" | indent
  fi
  if [[ -n $profile && $(readlink -f "$PROFILE") != "$profile" ]]; then
    make_boot_default "$profile" >"$WORK/rollback.log" 2>&1 ||
      echo "The boot default could not be set back to $profile: $(tail -n 1 "$WORK/rollback.log")"
  fi
  transaction_end
  if ! unit_exists argoWeb.service; then
    echo "STATE: the new configuration failed and was taken back; the server has no tunnel, as before this run."
    return
  fi
  systemctl reset-failed "${INSTANCES[@]}" "${SETTING[caddy-unit]}.service" 2>/dev/null || true
  HEALTH_URLS=()
  if apply_units && healthy; then
    echo "STATE: the new configuration failed and was taken back; the server serves what it served before."
  else
    echo "STATE: the new configuration failed and was taken back, but the old one is not healthy either. Look at: journalctl -u argoWeb"
  fi
}

commit() {
  local name
  if [[ -n $NEW_SYSTEM && $(readlink -f "$PROFILE") != "$NEW_SYSTEM" ]]; then
    step "making the new system the boot default"
    make_boot_default "$NEW_SYSTEM" >"$WORK/boot.log" 2>&1 || {
      tail -n 20 "$WORK/boot.log" | indent
      return 1
    }
  fi
  # Owners and modes that the rebuild's new user made possible.
  for name in "${FILES[@]}"; do
    chown -- "${FILE_OWNER[$name]}" "${FILE_PATH[$name]}"
  done
  if [[ -e $TRANSACTION ]]; then transaction_end; fi
  install -m 600 -- "$WORK/manifest" "$APPLIED"
  printf '%s\n' "${SETTING[owner]}" >"$OWNER"
  ln -sfn -- "$STAGING/server.sh" "$ROOT/server.sh" # the same place for every deployment, for people
}

# The credentials stay in one place on the server: the live one.
tidy_staging() {
  local staged name
  for staged in "$STAGING"/*; do
    name=${staged##*/}
    if [[ $name != server.sh && (-z ${FILE_PATH[$name]:-} || ${FILE_MODE[$name]} == 600) ]]; then
      rm -f -- "$staged"
    fi
  done
}

activate() {
  WORK=$1
  read_manifest "$WORK/manifest"
  exec 9>"$LOCK"
  flock -w "$LOCK_WAIT" 9 || fail_untouched "another deployment holds $LOCK for more than $LOCK_WAIT s."
  check_owner
  recover
  verify_staging
  compare
  if [[ $REBUILD == yes ]] || ((${#CHANGED[@]})); then validate; fi
  if [[ $REBUILD$RESTART$RELOAD != nonono ]] || ((${#OBSOLETE[@]})); then swap; fi
  note_invocations
  if { [[ -z $NEW_SYSTEM || $NEW_SYSTEM == "$(current_system)" ]] || switch_system "$NEW_SYSTEM"; } && apply_units && healthy && commit; then
    tidy_staging
    step "done: the tunnel is connected and serves this configuration"
  else
    roll_back
    exit 1
  fi
}
