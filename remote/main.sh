# The server program's entry. In the SSH session it only starts the work and shows its log, so the work outlives the connection.

PROGRAM=$(readlink -f -- "$0")
STAGING=${PROGRAM%/*}
readonly PROGRAM STAGING

# Shows the log of the run in folder $1 from its beginning until the run has ended.
follow() {
  local log=$1/log shown=0 size ended
  while :; do
    ended=no
    if [[ -e $1/status || $(systemctl show -p ActiveState --value "$UNIT.service") =~ ^(inactive|failed)$ ]]; then ended=yes; fi
    size=$(stat -c %s -- "$log" 2>/dev/null || echo 0)
    if ((size > shown)); then
      tail -c "+$((shown + 1))" -- "$log" | head -c "$((size - shown))"
      shown=$size
    fi
    if [[ $ended == yes ]]; then return; fi
    sleep 0.2
  done
}

# One at a time: a run of an earlier, perhaps cut-off, pulumi up is waited for and shown.
start() {
  local command=$1 run status earlier
  mkdir -p -- "$ROOT/runs"
  run=$(mktemp -d "$ROOT/runs/XXXXXXXX")
  cat >"$run/manifest"
  while ! systemd-run --quiet --collect --unit="$UNIT" --property=Type=exec \
    --property="StandardOutput=append:$run/log" --property="StandardError=append:$run/log" \
    --property="ExecStopPost=/bin/sh -c 'echo \$EXIT_STATUS >$run/status'" \
    -- "$(command -v bash)" "$PROGRAM" "work-$command" "$run" 2>"$run/start.log"; do
    earlier=$(readlink -f -- "$ROOT/runs/current" 2>/dev/null || true)
    if [[ $(systemctl show -p ActiveState --value "$UNIT.service") =~ ^(inactive|failed)$ ]]; then
      cat -- "$run/start.log"
      echo "STATE: nothing was changed on this server; it runs what it ran before."
      exit 1
    fi
    echo "another deployment is at work on this server; waiting for it"
    if [[ -d $earlier ]]; then follow "$earlier"; fi
    sleep 1
  done
  ln -sfn -- "$run" "$ROOT/runs/current"
  follow "$run"
  status=$(cat -- "$run/status" 2>/dev/null || echo 1)
  [[ $status =~ ^[0-9]+$ ]] || status=1
  if [[ $command == deactivate && $status == 0 ]]; then
    clean_up "$run"
  else
    cp -- "$run/log" "$ROOT/log"
    rm -rf -- "$run"
  fi
  exit "$status"
}

# After a teardown; a server that belongs to a newer deployment keeps what that one needs.
clean_up() {
  if [[ -d $STAGING ]]; then rm -rf -- "$ROOT"; else rm -rf -- "$1"; fi
}

main() {
  case $1 in
    activate | deactivate) start "$1" ;;
    work-activate) activate "$2" ;;
    work-deactivate) deactivate "$2" ;;
    validate) validate_candidate "$2" "$3" "$4" ;;
    recover)
      exec 9>"$LOCK"
      flock -n 9 || exit 0
      recover
      ;;
  esac
  exit
}

main "$@"
