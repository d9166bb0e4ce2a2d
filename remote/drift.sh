# What on this server differs from its stack, for people: a line for each difference.

say_difference() { echo "$2: found $3; the stack says $4"; }
say_changed_lines() { indent; }

drift() {
  local reason
  reason=$(undecided_reason)
  if [[ -n $reason ]]; then
    echo "$reason" >&2
    exit 2
  fi
  read_manifest "$APPLIED"
  find_differences
  if [[ $DRIFTED == yes ]]; then
    echo "To put it right: raise argoweb:servers.<name>.redeploy by one and run pulumi up."
    exit 1
  fi
  echo "Nothing differs from the stack."
}
