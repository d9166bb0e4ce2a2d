# The candidate is built and checked by the programs that will run it, before anything live is touched.

NEW_SYSTEM=''  # the built system, when one is needed
NEW_RUNNING='' # what of it is to run here
# A folder of ours that cannot be made or written is known before anything is done.
check_writable() {
  local name dir
  for name in "${CHANGED[@]}"; do
    dir=$(nearest_folder "${FILE_PATH[$name]%/*}")
    [[ -w $dir ]] || fail_untouched \
      "${FILE_PATH[$name]} cannot be written, since $dir is read-only, as /etc is with system.etc.overlay.mutable = false. Set argoweb:nixos.configDir to a folder that can be written and is kept, such as /var/lib/argoweb-config, and import argoWeb.nix from there. [folder-read-only]"
  done
}

# Builds and checks the candidate where it will be, in a mount namespace of its own: the live files stay untouched.
validate() {
  local name path candidate=$WORK/candidate dir=${SETTING[config-dir]}
  learn_base
  (umask 022 && mkdir -p -- "$dir")
  rm -rf -- "$WORK/build" "$candidate"
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
      rmdir -- "$dir" 2>/dev/null || true
      fail_untouched "the new configuration was refused, see above."
    }
  if [[ $REBUILD == yes ]]; then
    if is_base_left; then
      validate
      return
    fi
    NEW_SYSTEM=$(readlink -f "$WORK/build/result")
    NEW_RUNNING=$(running_form "$NEW_SYSTEM")
    if [[ $NEW_RUNNING == "$BASE_SYSTEM" ]]; then step "the built system is the running one"; fi
  fi
}

# Runs inside the mount namespace. A program that goes on with what it runs is not asked again.
validate_candidate() {
  local dir=$2 rebuild=$3 restart=$4 reload=$5 system='' built tunnel version caddy wrong ours
  WORK=$1
  read_manifest "$WORK/manifest"
  chmod 755 "$WORK/candidate"
  mount --bind "$WORK/candidate" "$dir"
  if [[ $rebuild == yes ]]; then
    step "building the system"
    rebuild build "$WORK/build" >"$WORK/build/log" 2>&1 || {
      tail -n 40 "$WORK/build/log" | indent
      if grep -q 'nixpkgs.config is set to read-only' "$WORK/build/log"; then
        echo "This server's flake makes its packages itself, so no module may set nixpkgs.config: set argoweb:nixos.allowUnfree to false."
      fi
      return 1
    }
    built=$(readlink -f "$WORK/build/result")
    system=$(running_form "$built") || {
      echo "This server runs its specialisation '$(specialisation)', which the new system does not have. Switch to one that it has, or to $(boot_profile)/bin/switch-to-configuration, then run pulumi up again."
      return 1
    }
    if [[ $system != "$(current_system)" ]]; then
      wrong=$(switch_refusal "$system")
      if [[ -n $wrong ]]; then
        indent <<<"$wrong"
        echo "The new system cannot be switched to while this server runs, see above. Mend it, or run nixos-rebuild boot on the server and restart it, then run pulumi up again."
        return 1
      fi
    fi
  fi
  tunnel=$(unit_text argoWeb.service "$system")
  # A unit of the same name that was made by hand, or by the module of another folder, reads another file.
  if [[ ! -e $system/etc/systemd/system/argoWeb-recover.service || $(exec_option config <<<"$tunnel") != "${FILE_PATH[argoWeb.yml]}" ]]; then
    ours=$dir/argoWeb.nix
    if ! is_flake; then ours="(if builtins.pathExists $ours then $ours else { })"; fi
    echo "The server's configuration does not import ours. Put it into its list of imports once, then run pulumi up again: [import-line]"
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
    version=$(version_of <<<"$tunnel")
    step "checking argoWeb.yml with cloudflared $version"
    warn_of "$version"
    "$(exec_program <<<"$tunnel")" tunnel --config "${FILE_PATH[argoWeb.yml]}" ingress validate >"$WORK/cloudflared.log" 2>&1 || {
      indent <"$WORK/cloudflared.log"
      return 1
    }
  fi
  wrong=$(if [[ $rebuild$restart != nono ]]; then taken_metrics "$system"; fi)
  if [[ -n $wrong ]]; then
    echo "$wrong"
    return 1
  fi
  if [[ $rebuild$reload != nono ]]; then
    step "checking argoWeb.caddy with Caddy"
    validate_caddy "$caddy" "$system" || return 1
    missing_roots "$caddy" | while IFS=$'\t' read -r ours path wrong; do
      warn root-missing "$path, which $ours serves, $wrong: its visitors find nothing there."
    done
  fi
}
