# Activation: lock, verify, compare, validate, swap, switch, health; on failure everything as it was.

declare -a CHANGED=() OBSOLETE=()
REBUILD=no RESTART=no RELOAD=no
WORK='' # this run's folder
NEW_SYSTEM='' # the built system, when one is needed

fail_untouched() {
  printf 'argoweb: %s\nSTATE: nothing was changed on this server; it runs what it ran before.\n' "$*"
  exit 1
}

check_owner() {
  local owner deployment=${SETTING[owner]}
  [[ -e $OWNER ]] || return 0
  owner=$(<"$OWNER")
  [[ ${owner%/* *} == "${deployment%/* *}" ]] || fail_untouched \
    "this server belongs to the deployment '${owner}', not to '${deployment}'. Destroy that one first, or remove $OWNER on the server to take it over."
}

# A staged file is used when it is what the manifest says; one that is already live needs no staging.
verify_staging() {
  local name lost=()
  for name in "${FILES[@]}"; do
    [[ $(digest "$STAGING/$name") == "${FILE_SUM[$name]}" ]] && continue
    [[ $(digest "${FILE_PATH[$name]}") == "${FILE_SUM[$name]}" ]] || lost+=("$name")
  done
  ((${#lost[@]} == 0)) || fail_untouched \
    "the staging folder lost ${lost[*]} (a reinstalled server, or a file edited by hand?). Raise argoweb:servers.<name>.redeploy by one and run pulumi up: it sends every file again."
}

is_live() {
  local path=${FILE_PATH[$1]}
  [[ $(digest "$path") == "${FILE_SUM[$1]}" && $(stat -c '%a %U:%G' -- "$path") == "${FILE_MODE[$1]} ${FILE_OWNER[$1]}" ]]
}

# Decides what has to be done and says it on one line.
compare() {
  local name path why=()
  for name in "${FILES[@]}"; do
    is_live "$name" && continue
    CHANGED+=("$name")
    why+=("$name")
    case $name in
      *.nix | argoWeb.json) REBUILD=yes ;;
      argoWeb.caddy) RELOAD=yes ;;
      *) RESTART=yes ;;
    esac
  done
  if [[ -e $APPLIED ]]; then
    while read -r _ name _ _ _ path; do
      [[ -n ${FILE_PATH[$name]:-} && ${FILE_PATH[$name]} == "$path" ]] && continue
      OBSOLETE+=("$path")
      why+=("$name removed")
      if is_nix_input "$name"; then REBUILD=yes; fi
    done < <(grep '^file ' "$APPLIED")
  fi
  if ! unit_exists argoWeb.service; then REBUILD=yes why+=("argoWeb.service is not there yet"); fi
  if [[ $(systemctl is-active argoWeb.service) != active ]]; then RESTART=yes why+=("argoWeb.service is not running"); fi
  if [[ $(systemctl is-active "${SETTING[caddy-unit]}.service") != active ]]; then RELOAD=yes why+=("${SETTING[caddy-unit]}.service is not running"); fi
  if [[ $REBUILD$RESTART$RELOAD == nonono ]] && ((${#OBSOLETE[@]} == 0)); then
    step "plan: nothing to do, the server has all of it"
    return
  fi
  local -a plan=()
  [[ $REBUILD == yes ]] && plan+=("rebuild NixOS")
  [[ $RESTART == yes ]] && plan+=("restart argoWeb")
  [[ $RELOAD == yes ]] && plan+=("reload ${SETTING[caddy-unit]}")
  step "plan: $(join "${plan[@]:-tidy up}") ($(join "${why[@]}"))"
}

source_of() {
  [[ $(digest "$STAGING/$1") == "${FILE_SUM[$1]}" ]] && echo "$STAGING/$1" || echo "${FILE_PATH[$1]}"
}

# Builds and checks the candidate where it will be, in a mount namespace of its own: the live files stay untouched.
validate() {
  local name path candidate=$WORK/candidate dir=${SETTING[config-dir]}
  (umask 022 && mkdir -p -- "$dir")
  mkdir -- "$WORK/build"
  cp -a -- "$dir" "$candidate"
  for name in "${CHANGED[@]}"; do
    path=${FILE_PATH[$name]}
    [[ ${path%/*} == "$dir" ]] || continue
    install -m "${FILE_MODE[$name]}" -- "$(source_of "$name")" "$candidate/$name"
  done
  for path in "${OBSOLETE[@]}"; do
    if [[ ${path%/*} == "$dir" ]]; then rm -f -- "$candidate/${path##*/}"; fi
  done
  unshare --mount --propagation private -- bash "$PROGRAM" validate "$WORK" "$REBUILD" "$dir" ||
    {
      rmdir --ignore-fail-on-non-empty -- "$dir"
      fail_untouched "the new configuration was refused, see above."
    }
  if [[ $REBUILD == yes ]]; then
    NEW_SYSTEM=$(readlink -f "$WORK/build/result")
    if [[ $NEW_SYSTEM == "$(current_system)" ]]; then step "the built system is the running one"; fi
  fi
}

# Runs inside the mount namespace.
validate_candidate() {
  local rebuild=$2 dir=$3 system='' tunnel caddy
  WORK=$1
  read_manifest "$WORK/manifest"
  chmod 755 "$WORK/candidate"
  mount --bind "$WORK/candidate" "$dir"
  if [[ $rebuild == yes ]]; then
    step "building the system"
    rebuild build "$WORK/build" >"$WORK/build/log" 2>&1 || {
      tail -n 40 "$WORK/build/log" | indent
      return 1
    }
    system=$(readlink -f "$WORK/build/result")
  fi
  tunnel=$(unit_text argoWeb.service "$system")
  if [[ -z $tunnel ]]; then
    echo "The server's configuration does not import ours. Add this line to it once, then run pulumi up again:"
    echo "    imports = lib.optional (builtins.pathExists $dir/argoWeb.nix) $dir/argoWeb.nix;"
    return 1
  fi
  step "checking argoWeb.yml with cloudflared"
  "$(exec_program <<<"$tunnel")" tunnel --config "${FILE_PATH[argoWeb.yml]}" ingress validate >"$WORK/cloudflared.log" 2>&1 || {
    indent <"$WORK/cloudflared.log"
    return 1
  }
  caddy=$(unit_text "${SETTING[caddy-unit]}.service" "$system")
  if [[ -z $caddy ]]; then
    echo "There is no unit ${SETTING[caddy-unit]}.service on this server: set argoweb:caddy.unit to the name of Caddy's unit."
    return 1
  fi
  step "checking argoWeb.caddy with Caddy"
  validate_caddy "$caddy" "$system"
}

# `caddy validate` opens what the configuration names (certificates, log files), so it runs as Caddy's own user.
validate_caddy() {
  local unit=$1 system=$2 config user home status=0
  local -a as=()
  config=$(exec_config <<<"$unit")
  if [[ -n $system && -e $system$config ]]; then config=$system$config; fi
  user=$(exec_user <<<"$unit")
  home=$(mktemp -d)
  if [[ -n $user ]] && id -- "$user" >/dev/null 2>&1; then
    as=(setpriv --reuid "$user" --regid "$(id -g -- "$user")" --init-groups)
    chown -- "$user" "$home"
  fi
  env HOME="$home" XDG_DATA_HOME="$home" XDG_CONFIG_HOME="$home" "${as[@]}" "$(exec_program <<<"$unit")" \
    validate --config "${config:-${FILE_PATH[argoWeb.caddy]}}" --adapter caddyfile >"$WORK/caddy.log" 2>&1 || status=$?
  rm -rf -- "$home"
  if ((status != 0)); then indent <"$WORK/caddy.log"; fi
  return "$status"
}

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

# Restarts argoWeb, unless the switch has done so since its invocation $1; reloads Caddy, or starts it.
apply_units() {
  local caddy=${SETTING[caddy-unit]}.service
  if [[ ($RESTART == yes && $(invocation argoWeb.service) == "$1") || $(systemctl is-active argoWeb.service) != active ]]; then
    step "restarting argoWeb"
    timeout "${SETTING[health-timeout]}" systemctl restart argoWeb.service || return 1
  fi
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

unhealthy_reason() {
  local unit url
  for unit in argoWeb.service "${SETTING[caddy-unit]}.service"; do
    if [[ $(systemctl is-active "$unit") != active ]]; then
      echo "$unit is $(systemctl is-active "$unit")"
      return
    fi
  done
  if ! curl -fsS -o "$WORK/ready" --max-time 5 "http://${SETTING[metrics]}/ready" 2>/dev/null; then
    echo "cloudflared has no connection to Cloudflare (http://${SETTING[metrics]}/ready)"
    return
  fi
  for url in "${HEALTH_URLS[@]}"; do
    curl -fsS -o /dev/null --max-time 10 "$url" 2>"$WORK/url.log" || {
      echo "$url does not answer: $(head -c 300 "$WORK/url.log")"
      return
    }
  done
}

# Waits until everything is well, at most SETTING[health-timeout] seconds, and for two checks in a row.
healthy() {
  local deadline=$((SECONDS + SETTING[health-timeout])) reason good=0
  step "waiting until cloudflared is connected and Caddy runs (at most ${SETTING[health-timeout]} s)"
  while :; do
    reason=$(unhealthy_reason)
    if [[ -z $reason ]]; then
      good=$((good + 1))
      ((good == 2)) && return 0
    else
      good=0
    fi
    if ((SECONDS >= deadline)); then
      echo "Not healthy after ${SETTING[health-timeout]} s: $reason"
      return 1
    fi
    sleep 0.3
  done
}

journal_tail() {
  local unit
  for unit in argoWeb.service "${SETTING[caddy-unit]}.service"; do
    echo "Last journal lines of $unit:"
    journalctl --no-pager -q -o cat --since "@$STARTED" -n 15 -u "$unit" 2>/dev/null | indent
  done
}

# Everything as it was, and checked as well.
roll_back() {
  local old profile status=0 touched
  journal_tail
  if [[ ! -e $TRANSACTION ]]; then
    echo "STATE: nothing was changed on this server, which has all files of this configuration but does not serve."
    return
  fi
  step "going back to what ran before"
  old=$(<"$TRANSACTION/system")
  profile=$(<"$TRANSACTION/profile")
  touched=$(invocation argoWeb.service)
  transaction_restore
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
  systemctl reset-failed argoWeb.service "${SETTING[caddy-unit]}.service" 2>/dev/null || true
  HEALTH_URLS=()
  if apply_units "$touched" && healthy; then
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
  local before
  WORK=$1
  read_manifest "$WORK/manifest"
  exec 9>"$LOCK"
  flock -w "$LOCK_WAIT" 9 || fail_untouched "another deployment holds $LOCK for more than $LOCK_WAIT s."
  check_owner
  recover
  verify_staging
  compare
  if [[ $REBUILD == yes ]] || ((${#CHANGED[@]})); then validate; fi
  before=$(invocation argoWeb.service)
  if [[ $REBUILD$RESTART$RELOAD != nonono ]] || ((${#OBSOLETE[@]})); then swap; fi
  if { [[ -z $NEW_SYSTEM || $NEW_SYSTEM == "$(current_system)" ]] || switch_system "$NEW_SYSTEM"; } && apply_units "$before" && healthy && commit; then
    tidy_staging
    step "done: the tunnel is connected and serves this configuration"
  else
    roll_back
    exit 1
  fi
}
