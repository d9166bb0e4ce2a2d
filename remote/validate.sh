# The candidate is built and checked by the programs that will run it, before anything live is touched.

NEW_SYSTEM='' # the built system, when one is needed

# Builds and checks the candidate where it will be, in a mount namespace of its own: the live files stay untouched.
validate() {
  local name path candidate=$WORK/candidate dir=${SETTING[config-dir]}
  (umask 022 && mkdir -p -- "$dir")
  mkdir -- "$WORK/build" "$candidate"
  cp -a -- "$dir/." "$candidate/" # also where it is a link
  for name in "${CHANGED[@]}"; do
    path=${FILE_PATH[$name]}
    [[ ${path%/*} == "$dir" ]] || continue
    install -m "${FILE_MODE[$name]}" -- "$(source_of "$name")" "$candidate/$name"
  done
  for path in "${OBSOLETE[@]}"; do
    if [[ ${path%/*} == "$dir" ]]; then rm -f -- "$candidate/${path##*/}"; fi
  done
  unshare --mount --propagation private -- bash "$PROGRAM" validate "$WORK" "$dir" "$REBUILD" "$RESTART" "$RELOAD" ||
    {
      rmdir --ignore-fail-on-non-empty -- "$dir" 2>/dev/null || true
      fail_untouched "the new configuration was refused, see above."
    }
  if [[ $REBUILD == yes ]]; then
    NEW_SYSTEM=$(readlink -f "$WORK/build/result")
    if [[ $NEW_SYSTEM == "$(current_system)" ]]; then step "the built system is the running one"; fi
  fi
}

# Runs inside the mount namespace. A program that goes on with what it runs is not asked again.
validate_candidate() {
  local dir=$2 rebuild=$3 restart=$4 reload=$5 system='' tunnel caddy wrong ours
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
  # A unit of the same name that was made by hand, or by the module of another folder, reads another file.
  if [[ ! -e $system/etc/systemd/system/argoWeb-recover.service || $(exec_option config <<<"$tunnel") != "${FILE_PATH[argoWeb.yml]}" ]]; then
    ours=$dir/argoWeb.nix
    if ! is_flake; then ours="(if builtins.pathExists $ours then $ours else { })"; fi
    echo "The server's configuration does not import ours. Put it into its list of imports once, then run pulumi up again:"
    echo "    imports = [ ./hardware-configuration.nix $ours ];"
    return 1
  fi
  caddy=$(unit_text "${SETTING[caddy-unit]}.service" "$system")
  if [[ -z $caddy ]]; then
    echo "There is no unit ${SETTING[caddy-unit]}.service on this server: set argoweb:caddy.unit to the name of Caddy's unit."
    return 1
  fi
  wrong=$(
    unreadable cloudflared "$tunnel" "${SETTING[proxy-group]}"
    unreadable Caddy "$caddy" ''
  )
  if [[ -n $wrong ]]; then
    printf 'Of the files that the stack names:\n%s\n' "$wrong"
    return 1
  fi
  if [[ $rebuild$restart != nono ]]; then
    step "checking argoWeb.yml with cloudflared"
    "$(exec_program <<<"$tunnel")" tunnel --config "${FILE_PATH[argoWeb.yml]}" ingress validate >"$WORK/cloudflared.log" 2>&1 || {
      indent <"$WORK/cloudflared.log"
      return 1
    }
  fi
  if [[ $rebuild$reload != nono ]]; then
    step "checking argoWeb.caddy with Caddy"
    validate_caddy "$caddy" "$system"
  fi
}
