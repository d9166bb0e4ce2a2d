# NixOS's own switch, which others use too: the server's owner, a timer, another tool.

current_system() { readlink -f /run/current-system; }

# The profile by which `nixos-rebuild` with these arguments goes.
boot_profile() {
  local index word name=''
  for index in "${!REBUILD_ARGS[@]}"; do
    word=${REBUILD_ARGS[index]}
    case $word in
      --profile-name | -p) name=${REBUILD_ARGS[index + 1]:-} ;;
      --profile-name=*) name=${word#*=} ;;
    esac
  done
  if [[ -z $name || $name == system ]]; then echo "$PROFILES/system"; else echo "$PROFILES/system-profiles/$name"; fi
}
# The system that a start of the server runs, as far as the profile tells.
boot_default() { readlink -e -- "$(boot_profile)" || true; }

# Runs switch-to-configuration of the built system $1 with the verb $2. It waits for no other switch, but ends
# (nixpkgs' switch-to-configuration-ng, `src/main.rs`). Where $3 is given, nothing is done unless that system runs.
ask_switch() {
  local status waits deadline=$((SECONDS + SWITCH_WAIT)) log=$WORK/switching.log
  while :; do
    if [[ -n ${3:-} && $(current_system) != "$3" ]]; then
      echo "Somebody else has switched this server to $(current_system) meanwhile."
      return 1
    fi
    status=0
    timeout --kill-after=10 "$SWITCH_LIMIT" "$1/bin/switch-to-configuration" "$2" </dev/null >"$log" 2>&1 || status=$?
    if ((status == 0)) || ! grep -q 'Could not acquire lock' "$log" || ((SECONDS >= deadline)); then break; fi
    sleep 2
  done
  cat -- "$log"
  if ((status == 124 || status == 137)); then
    waits=$(systemctl list-jobs --no-legend --plain 2>/dev/null | awk '$4 == "running" { printf ", %s (%s)", $2, $3 }' || true)
    echo "switch-to-configuration $2 did not end within $SWITCH_LIMIT s and was stopped. ${waits:+It was waiting for ${waits:2}. }What it said last: $(tail -n 1 -- "$log")"
  fi
  return "$status"
}

# Switches to the built system $1 without making it the boot default; 4 means that some unit failed, 2 that some
# activation script did.
switch_to() { ask_switch "$1" test "${2:-}"; }
# Whether the system runs after a switch that ended with the exit code $1: some unit or activation script may have failed.
is_switched() { [[ $1 == 0 || $1 == 2 || $1 == 4 ]]; }
# Whether a switch broke off in its middle: it notes which units it has still to start before it stops any.
is_switch_unfinished() { [[ -s $SWITCHES/start-list || -s $SWITCHES/restart-list || -s $SWITCHES/reload-list ]]; }

make_boot_default() {
  local profile
  profile=$(boot_profile)
  (umask 022 && mkdir -p -- "${profile%/*}") && nix-env -p "$profile" --set "$1" && ask_switch "$1" boot
}

# Waits until no switch is at work, so that what it makes is seen; it may have made nothing yet while it works.
wait_for_switches() {
  local lock=$SWITCHES/switch-to-configuration.lock
  [[ -e $lock ]] || return 0
  flock -n "$lock" true && return
  step "another switch of this server is at work; waiting for it"
  flock -w "$SWITCH_WAIT" "$lock" true || echo "It has not ended within $SWITCH_WAIT s."
}

declare BASE_SYSTEM BASE_DEFAULT # what runs, and the boot default, before anything is built
learn_base() {
  wait_for_switches
  BASE_SYSTEM=$(current_system)
  BASE_DEFAULT=$(boot_default)
}
is_base_left() {
  if [[ $BASE_SYSTEM == "$(current_system)" && $BASE_DEFAULT == "$(boot_default)" ]]; then return 1; fi
  step "somebody else has switched this server while the new system was built, perhaps from an older configuration: building it again"
}

# Prints why this server cannot be switched to the built system $1, or nothing: what `switch-to-configuration` would
# only say after the files have been swapped. A system from before there were such checks (25.05) answers with its usage.
switch_refusal() {
  local said status=0 interface=init-interface-version
  if [[ -e $1/$interface && $(<"$1/$interface") != "$(cat /run/current-system/$interface 2>/dev/null)" ]]; then
    echo "The new system cannot take over from the running one without a restart of the server."
    return
  fi
  said=$(ask_switch "$1" check) || status=$?
  if ((status == 0)) || [[ $said == *Usage:* ]]; then return 0; fi
  printf '%s\n' "$said"
}

# The specialisation that runs, of whatever generation, or nothing.
specialisation() {
  local path running
  running=$(current_system)
  for path in "$(boot_profile)"-*-link/specialisation/*; do
    if [[ $(readlink -f -- "$path") == "$running" ]]; then
      echo "${path##*/}"
      return
    fi
  done
}
# Of the built system $1 what is to run here: itself, or its specialisation that runs now. Fails when it has none of that name.
running_form() {
  local name
  name=$(specialisation)
  if [[ -z $name ]]; then echo "$1"; else readlink -e -- "$1/specialisation/$name"; fi
}

# From which of our files the system $1 was built, by their digests, as our module writes them into one of its units.
inputs_of() { sed -n 's/^X-Inputs=//p' -- "$1/etc/systemd/system/argoWeb-recover.service" 2>/dev/null || true; }
is_or_has_inputs_of() { [[ $1 == "$2" || (-n $(inputs_of "$1") && $(inputs_of "$1") == "$(inputs_of "$2")") ]]; }

# What somebody else has made of this server since a run began with the system $1 and the boot default $2, and built $3
# as the boot default and $4 to run: sentences, or nothing.
others() {
  local running default
  running=$(current_system) default=$(boot_default)
  if [[ $running != "$1" && $running != "$4" ]]; then
    echo -n " Somebody else has switched this server to $running meanwhile, which stays."
  fi
  if [[ $default != "$2" && $default != "$3" && $default != "$running" ]]; then
    echo -n " Somebody else has made $default the boot default meanwhile, which stays."
  fi
}
