# Warnings of an update, each with a code that the stack's owner may accept: `settings/on_servers.py` has all of them.

declare -a ACCEPTED=() # codes

# Prints the warning with the code $1 and the text $2, and further lines; or notes that it is accepted.
warn() {
  if [[ " ${ACCEPTED[*]} " == *" $1 "* ]]; then
    echo "$1" >>"$WORK/silenced"
    return
  fi
  echo "warning: $2 [$1]"
  shift 2
  if (($#)); then printf '%s\n' "$@"; fi
}

# Says in one line what was silenced, also in the mount namespace of the validation.
say_silenced() {
  local codes
  [[ -e $WORK/silenced ]] || return 0
  codes=$(sort -- "$WORK/silenced" | uniq -c | awk '{ printf ", %s (%s)", $2, $1 }')
  echo "Warnings that argoweb:accept silences: ${codes:2}."
}
