# Live files change only inside a transaction: the old ones are kept until the new ones have proved themselves.

# Begins one over the given paths. $TRANSACTION appears whole, by one rename.
transaction_begin() {
  local new=$TRANSACTION.new path index=0
  rm -rf -- "$new"
  mkdir -p -- "$new"
  printf '%s\n' "$BASE_SYSTEM" >"$new/system"
  printf '%s\n' "$BASE_DEFAULT" >"$new/profile"
  printf '%s\n' "$NEW_SYSTEM" >"$new/new"
  printf '%s\n' "$NEW_RUNNING" >"$new/next"
  cp -- "$BOOT_ID" "$new/boot"
  : >"$new/paths"
  cp -- "$PROGRAM" "$new/server.sh"
  for path in "$@"; do
    if [[ -e $path || -L $path ]]; then
      cp -a -- "$path" "$new/$index"
    fi
    printf '%s\n' "$path" >>"$new/paths"
    index=$((index + 1))
  done
  sync -f "$new"
  mv -T -- "$new" "$TRANSACTION"
  sync -- "$ROOT"
}

# The new files serve: from here on they belong to the system $1, which is about to become the boot default.
transaction_proved() {
  printf '%s\n' "$1" >"$TRANSACTION/proved.new"
  sync -- "$TRANSACTION/proved.new"
  mv -- "$TRANSACTION/proved.new" "$TRANSACTION/proved"
  sync -- "$TRANSACTION"
}

# Puts every file back as it was; fails when it could not do so with each.
transaction_restore() {
  local path index=0 status=0
  if [[ -e $TRANSACTION/proved ]]; then mv -f -- "$TRANSACTION/proved" "$TRANSACTION/loader"; fi
  rm -f -- "$APPLIED.new" "$OWNER.new"
  sync -- "$TRANSACTION"
  while read -r path; do
    put_back "$TRANSACTION/$index" "$path" || status=1
    rm -f -- "${path%/*}/.argoweb-new" "${path%/*}/.argoweb-old" # of a run that was killed between two files
    index=$((index + 1))
  done <"$TRANSACTION/paths"
  return "$status"
}

# Where the file of before is that the path $1 had, if this transaction is about it.
kept_file() {
  local path index=0
  [[ -d $TRANSACTION ]] || return 1
  while read -r path; do
    if [[ $path == "$1" && -f $TRANSACTION/$index ]]; then
      echo "$TRANSACTION/$index"
      return
    fi
    index=$((index + 1))
  done <"$TRANSACTION/paths"
  return 1
}

put_back() {
  if [[ -f $2 && ! -L $2 && $(digest "$1") == "$(digest "$2")" && $(stat -c '%a %u %g' -- "$1" "$2" | uniq | wc -l) == 1 ]]; then
    return 0
  elif [[ -e $1 || -L $1 ]]; then
    mkdir -p -- "${2%/*}" && cp -a -- "$1" "${2%/*}/.argoweb-old" && sync -- "${2%/*}/.argoweb-old" &&
      mv -Tf -- "${2%/*}/.argoweb-old" "$2"
  else
    rm -f -- "$2"
  fi
}

# What comes after this survives a power loss. An earlier one may have left its `.done`.
transaction_end() {
  rm -rf -- "$TRANSACTION.done" && mv -T -- "$TRANSACTION" "$TRANSACTION.done" && sync -- "$ROOT" &&
    rm -rf -- "$TRANSACTION.done"
}

# The systems of the transaction: what ran before and was the boot default, what its run has built as the boot default
# and to run. One that an older program has left does not say what that run has built.
declare BEFORE DEFAULT_BEFORE NEW NEXT
transaction_systems() {
  BEFORE=$(<"$TRANSACTION/system")
  DEFAULT_BEFORE=$(<"$TRANSACTION/profile")
  if [[ -e $TRANSACTION/next ]]; then
    NEW=$(<"$TRANSACTION/new") NEXT=$(<"$TRANSACTION/next")
  else
    NEW=$(boot_default) NEXT=$(current_system)
  fi
}

# What runs goes back to the system from before, where the transaction's run has switched to its own, or broke off in the
# middle of that. What somebody else has switched to since stays. No check is asked of what ran a moment ago.
system_back() {
  local running status=0
  running=$(current_system)
  if [[ $running == "$BEFORE" ]]; then
    if [[ -z $NEXT ]] || ! is_switch_unfinished; then return 0; fi
  elif [[ $running != "$NEXT" ]]; then
    return 0
  fi
  step "switching to the system from before"
  NIXOS_NO_CHECK=1 switch_to "$BEFORE" "$running" >"$WORK/back.log" || status=$?
  if is_switched "$status"; then return 0; fi
  echo "switch-to-configuration failed with exit code $status:"
  tail -n 20 -- "$WORK/back.log" | indent
  return 1
}

# The boot default goes back, or the boot loader alone, unless somebody else has chosen another one since.
default_back() {
  local now
  now=$(boot_default)
  if [[ -z $DEFAULT_BEFORE ]]; then return 0; fi
  if [[ $now == "$DEFAULT_BEFORE" ]]; then
    if [[ ! -e $TRANSACTION/loader ]]; then return 0; fi
  elif [[ $now != "$NEW" ]]; then
    return 0
  fi
  NIXOS_NO_CHECK=1 make_boot_default "$DEFAULT_BEFORE" >"$WORK/back.log" 2>&1
}

# An activation whose files stay leaves its manifest and its owner as `.new`. They become the live ones after the end of
# the transaction, by the next run where this one was killed, so that a later run and a teardown go by them.
take_manifest() {
  if [[ -d $TRANSACTION ]]; then return 0; fi
  if [[ $(tail -n 1 -- "$APPLIED.new" 2>/dev/null) != end ]]; then
    rm -f -- "$APPLIED.new" "$OWNER.new" # nothing, or the part of it that a power loss has left
    return
  fi
  if [[ -e $OWNER.new ]]; then mv -f -- "$OWNER.new" "$OWNER" || return 1; fi
  mv -f -- "$APPLIED.new" "$APPLIED" && sync -- "$ROOT"
}

# After a crash the old files come back, and the old system is switched to if the new one runs. At boot it is the boot
# loader that has chosen the system: if that was built from the files with which the new one had proved itself, they stay.
# A transaction of a run that lives is left alone; so is one of this boot, when somebody else's switch starts the unit.
recover() {
  local boot=$1 theirs=''
  [[ -d $TRANSACTION ]] || return 0
  if [[ $boot == yes && -e $TRANSACTION/boot && $(<"$TRANSACTION/boot") == "$(<"$BOOT_ID")" ]]; then return; fi
  if [[ $boot == yes && -e $TRANSACTION/proved ]] && is_or_has_inputs_of "$(current_system)" "$(<"$TRANSACTION/proved")"; then
    transaction_end
    take_manifest
    step "an unfinished deployment is kept: it had proved itself, and the server has booted into its system"
    return
  fi
  transaction_restore
  if [[ $boot == no ]]; then
    owe all "an unfinished deployment was undone"
    wait_for_switches
    transaction_systems
    theirs=$(others "$BEFORE" "$DEFAULT_BEFORE" "$NEW" "$NEXT")
    system_back
    default_back
  fi
  transaction_end
  step "an unfinished deployment was undone: the files are those from before it.$theirs"
}
