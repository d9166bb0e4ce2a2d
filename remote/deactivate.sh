# Teardown: stop, take the secret away, take our files out of the user's configuration, rebuild, leave no trace.

deactivate() {
  local unit dir path owner=''
  WORK=$1
  read_manifest "$WORK/manifest"
  exec 9>"$LOCK"
  flock -w "$LOCK_WAIT" 9
  trap 'status=$?; ((status == 0)) || echo "$STATE Run pulumi destroy again."' EXIT
  STATE="STATE: the teardown broke off, see above; the tunnel may still run."
  take_manifest
  if [[ -e $APPLIED ]]; then owner=$(sed -n 's/^owner //p' "$APPLIED"); fi
  if [[ -n $owner && $owner != "${SETTING[owner]}" ]]; then
    if [[ -d $TRANSACTION ]]; then undo_for_others; fi
    step "this server belongs to '$owner': left alone"
    : >"$WORK/left-alone"
    trap - EXIT
    return
  fi
  if [[ ! -e $APPLIED ]]; then
    # No activation has come to its end. What is at our paths is what the server had before, perhaps made by hand.
    recover no
    step "done: nothing of argoweb was live here"
    trap - EXIT
    return
  fi
  if [[ -d $TRANSACTION ]]; then
    transaction_restore
    transaction_end
  fi
  read_manifest <(grep -E '^(file|instance|config-dir|data-dir|caddy-unit) ' "$APPLIED")

  step "stopping argoWeb"
  for unit in "${INSTANCES[@]}"; do
    if unit_exists "$unit"; then systemctl stop "$unit"; fi
  done
  for dir in "${SETTING[config-dir]}" "${SETTING[data-dir]}"; do
    rm -f -- "$dir/.argoweb-new" "$dir/.argoweb-old" # of a run that was killed
  done
  for path in "${FILE_PATH[@]}"; do
    if [[ $path == */argoWeb.nix && -e $path ]]; then neutral_module "$path"; else rm -f -- "$path"; fi
  done
  STATE="STATE: the tunnel is stopped and its credentials are gone; the system still contains the unit argoWeb."

  step "rebuilding NixOS without the module"
  # Until the boot loader has the system without it, also when an earlier teardown broke off after its switch.
  if unit_exists argoWeb.service; then : >"$ROOT/tearing-down"; fi
  if [[ -e $ROOT/tearing-down ]]; then rebuild_without_module; fi
  if [[ $(systemctl is-active "${CADDY[@]}") == active ]]; then
    systemctl reload-or-restart "${CADDY[@]}" || true
  fi
  rmdir --ignore-fail-on-non-empty -- "${SETTING[data-dir]}" 2>/dev/null || true
  trap - EXIT
  step "done: no service, no configuration and no secret of argoweb is left"
}

# Undoes a run that was killed, and lets the units run with what is live again.
undo_for_others() {
  recover no
  read_manifest <(grep -E '^(instance|caddy-unit|health-timeout) ' "$APPLIED")
  plan_owed
  learn_units "${INSTANCES[@]}"
  restart_tunnel && reload_caddy && rm -f -- "$OWED"
}

# The user's line that imports it must go on evaluating, whatever its form, and so must settings for it.
neutral_module() {
  cat >"$1.new" <<'END'
{ lib, ... }: # argoweb was here. This file may go, with the line that imports it and all settings of services.argoWeb.
{
  options.services.argoWeb = lib.mkOption {
    type = lib.types.anything;
    default = { };
    visible = false;
  };
}
END
  chmod 644 "$1.new"
  sync -- "$1.new"
  mv -f -- "$1.new" "$1"
}

rebuild_without_module() {
  local system status=0
  mkdir -p -- "$WORK/build"
  if ! rebuild build "$WORK/build" >"$WORK/build/log" 2>&1; then
    tail -n 40 "$WORK/build/log" | indent
    echo "The rebuild above failed: mend the server's configuration."
    exit 1
  fi
  system=$(readlink -f "$WORK/build/result")
  switch_to "$system" >"$WORK/build/log" 2>&1 || status=$?
  if ! is_switched "$status"; then
    tail -n 30 "$WORK/build/log" | indent
    echo "Switching to the system without argoWeb failed with exit code $status."
    exit 1
  fi
  make_boot_default "$system" >"$WORK/build/log" 2>&1 || {
    indent <"$WORK/build/log"
    STATE="STATE: the tunnel is stopped and its credentials are gone; the boot default still contains the unit argoWeb."
    exit 1
  }
}
