# Teardown: stop, take the secret away, take our files out of the user's configuration, rebuild, leave no trace.

deactivate() {
  local dir path owner=''
  local -a there=()
  WORK=$1
  read_manifest "$WORK/manifest"
  exec 9>"$LOCK"
  flock -w "$LOCK_WAIT" 9
  trap 'status=$?; ((status == 0)) || echo "$STATE Run pulumi destroy again."' EXIT
  STATE="STATE: the teardown broke off, see above; the tunnel may still run."
  take_manifest
  if [[ -e $APPLIED ]]; then owner=$(sed -n 's/^owner //p' "$APPLIED"); fi
  if [[ -n $owner ]] && ! is_ending "$owner"; then
    if [[ -d $TRANSACTION ]]; then undo_for_others; fi
    take_secrets_away
    if [[ $owner == "${SETTING[owner]}" ]]; then
      step "this server is in use by the stack, which has made its teardown again: left alone"
      echo "Where it was to end, Pulumi has forgotten what tells so: run pulumi up, then pulumi destroy."
    else
      step "this server belongs to '$owner': left alone"
    fi
    : >"$WORK/left-alone"
    return
  fi
  if [[ ! -e $APPLIED ]]; then
    # No activation has come to its end. What is at our paths is what the server had before, perhaps made by hand.
    recover no
    take_secrets_away
    step "done: nothing of argoweb was live here"
    return
  fi
  if [[ -d $TRANSACTION ]]; then
    transaction_restore
    transaction_end
  fi
  read_manifest <(grep -E '^(file|instance|config-dir|data-dir|caddy-unit|health-timeout) ' "$APPLIED")

  step "stopping argoWeb"
  mapfile -t there < <(existing "${INSTANCES[@]}" | sort -u)
  if ((${#there[@]})); then systemctl stop "${there[@]}"; fi # together: each may take its grace period
  for dir in "${SETTING[config-dir]}" "${SETTING[data-dir]}"; do
    rm -f -- "$dir/.argoweb-new" "$dir/.argoweb-old" # of a run that was killed
  done
  path=${FILE_PATH[credentials]:-}
  take_secrets_away "$(tunnel_of "$path" 2>/dev/null || basename -- "$path" .json)"
  for path in "${FILE_PATH[@]}"; do
    if [[ $path == */argoWeb.nix && -e $path ]]; then neutral_module "$path"; else rm -f -- "$path"; fi
  done
  STATE="STATE: the tunnel is stopped and its credentials are gone; the system still contains the unit argoWeb."

  step "rebuilding NixOS without the module"
  # Until the boot loader has the system without it, also when an earlier teardown broke off after its switch.
  if unit_exists argoWeb.service; then : >"$ROOT/tearing-down"; fi
  if [[ -e $ROOT/tearing-down ]]; then rebuild_without_module; fi
  if [[ $(systemctl is-active "${CADDY[@]}") == active ]]; then
    RELOAD=yes
    reload_caddy || echo "Caddy may still serve the sites until it is restarted."
  fi
  rmdir -- "${SETTING[data-dir]}" 2>/dev/null || true
  step "done: no service, no configuration and no secret of argoweb is left$OTHERS"
}

# Whether the set of resources to which this teardown belongs has staged its files in the folder $1, under whatever name of
# the stack: its id tells, or that it was staged for the same teardown as a folder with this id.
is_ours() {
  local folder
  if [[ ${1##*/} == *-"${SETTING[owner]##* }" ]]; then return 0; fi
  for folder in "$ROOT"/staging/*-"${SETTING[owner]##* }"; do
    if cmp -s -- "$1/teardown" "$folder/teardown"; then return 0; fi
  done
  return 1
}

# Whether this set of resources is deleted, and the folder $1 is one of its own. Earlier versions left no mark: of theirs
# only this teardown's own folder is.
is_ended() {
  [[ $1 == "$STAGING" && ! -e $1/teardown ]] || { [[ -e $1/ended ]] && is_ours "$1"; }
}

# Whether what is live, of the owner $1, ends with this teardown; where an earlier version left no mark, the owner tells.
is_ending() {
  local folder marked=no
  for folder in "$ROOT"/staging/*-"${1##* }"; do
    if [[ -e $folder/ended ]] && is_ours "$folder"; then return 0; fi
    if [[ -e $folder/teardown ]]; then marked=yes; fi
  done
  [[ $marked == no && $1 == "${SETTING[owner]}" ]]
}

# Removes the credentials that lie in a staging folder that ends, and those of the tunnel $1 wherever they are. Notes which
# others there are.
OTHERS=''
take_secrets_away() {
  local file folder others=()
  while read -r file; do
    folder=${file%/*}
    if is_ended "$folder" || [[ -n ${1:-} && $(tunnel_of "$file") == "$1" ]]; then
      rm -f -- "$file"
    else
      others+=("$file")
    fi
  done < <(grep -rlsE '"TunnelSecret": *"[A-Za-z0-9+/]{16}' -- "$ROOT" ${SETTING[data-dir]:+"${SETTING[data-dir]}"})
  if ((${#others[@]})); then OTHERS="; of other deployments there is $(join "${others[@]}")"; fi
}

# Undoes a run that was killed, and lets the units run with what is live again.
undo_for_others() {
  recover no
  INSTANCES=() # those of what is live
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
  local system running refused status=0
  learn_base
  mkdir -p -- "$WORK/build"
  if ! rebuild build "$WORK/build" >"$WORK/build/log" 2>&1; then
    tail -n 40 "$WORK/build/log" | indent
    echo "The rebuild above failed: mend the server's configuration."
    exit 1
  fi
  if is_base_left; then
    rebuild_without_module
    return
  fi
  system=$(readlink -f "$WORK/build/result")
  running=$(running_form "$system") || running=$system
  refused=$(switch_refusal "$running")
  if [[ -n $refused ]]; then
    indent <<<"$refused"
    step "the system without argoWeb cannot be switched to while this server runs, see above: it is for the next start, the unit stays stopped until then"
  else
    switch_to "$running" "$BASE_SYSTEM" >"$WORK/build/log" || status=$?
  fi
  if ! is_switched "$status"; then
    tail -n 30 "$WORK/build/log" | indent
    echo "Switching to the system without argoWeb failed with exit code $status."
    exit 1
  fi
  make_boot_default "$system" >"$WORK/build/log" 2>&1 || {
    indent <"$WORK/build/log"
    if [[ -n $refused ]]; then
      step "it cannot be the boot default either: the next nixos-rebuild that succeeds takes the stopped unit away"
      return
    fi
    STATE="STATE: the tunnel is stopped and its credentials are gone; the boot default still contains the unit argoWeb."
    exit 1
  }
}
