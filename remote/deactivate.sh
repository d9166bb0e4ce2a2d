# Teardown: stop, take the secret away, take our files out of the user's configuration, rebuild, leave no trace.

deactivate() {
  local dir name path unit
  WORK=$1
  read_manifest "$WORK/manifest"
  dir=${SETTING[config-dir]}
  exec 9>"$LOCK"
  flock -w "$LOCK_WAIT" 9
  if [[ -e $OWNER && $(<"$OWNER") != "${SETTING[owner]}" ]]; then
    step "this server now belongs to '$(<"$OWNER")': left alone"
    rm -rf -- "$STAGING"
    return
  fi
  rm -rf -- "$TRANSACTION"

  step "stopping argoWeb"
  for unit in "${INSTANCES[@]}"; do
    if unit_exists "$unit"; then systemctl stop "$unit"; fi
  done
  for name in "${FILES[@]}"; do
    path=${FILE_PATH[$name]}
    [[ ${FILE_MODE[$name]} == 600 ]] && rm -f -- "$path"
  done

  step "rebuilding NixOS without the module"
  for name in "${FILES[@]}"; do
    [[ ${FILE_PATH[$name]} == "$dir/$name" ]] && rm -f -- "$dir/$name"
  done
  if unit_exists argoWeb.service; then
    # The user's import line must go on evaluating, whatever its form.
    printf '# argoweb was here. This file may go together with the line that imports it.\n{ }\n' >"$dir/argoWeb.nix"
    chmod 644 "$dir/argoWeb.nix"
    rebuild_without_module
  fi
  if unit_exists "${SETTING[caddy-unit]}.service" && [[ $(systemctl is-active "${SETTING[caddy-unit]}.service") == active ]]; then
    systemctl reload-or-restart "${SETTING[caddy-unit]}.service" || true
  fi
  rmdir --ignore-fail-on-non-empty -- "${SETTING[data-dir]}" 2>/dev/null || true
  step "done: no service, no configuration and no secret of argoweb is left"
}

rebuild_without_module() {
  local system status=0
  mkdir -p -- "$WORK/build"
  if ! rebuild build "$WORK/build" >"$WORK/build/log" 2>&1; then
    tail -n 40 "$WORK/build/log" | indent
    echo "STATE: the tunnel is stopped and its credentials are gone; the system still contains the unit argoWeb, because the rebuild above failed. Mend the server's configuration and run pulumi destroy again."
    exit 1
  fi
  system=$(readlink -f "$WORK/build/result")
  switch_to "$system" >"$WORK/build/log" 2>&1 || status=$?
  if ((status != 0 && status != 4)); then
    tail -n 30 "$WORK/build/log" | indent
    echo "STATE: the tunnel is stopped and its credentials are gone; switching to the system without argoWeb failed with exit code $status. Run pulumi destroy again."
    exit 1
  fi
  make_boot_default "$system" >"$WORK/build/log" 2>&1 || {
    indent <"$WORK/build/log"
    echo "STATE: the tunnel is stopped and its credentials are gone; the boot default still contains the unit argoWeb. Run pulumi destroy again."
    exit 1
  }
}
