# The server program's entry. In the SSH session it only starts the work and shows its log, so the work outlives the connection.

PROGRAM=$(readlink -f -- "$0")
STAGING=${ARGOWEB_STAGING:-${PROGRAM%/*}} # the work runs from a copy elsewhere
readonly PROGRAM STAGING

readonly SILENCE=20 # seconds after which a run that says nothing is said to be still at work

last_line() { tail -n 1 -- "$1" 2>/dev/null | tr -cd '\40-\176' | sed 's/^./: &/' | cut -c1-202 || true; }

# Says what the run in folder $1 is at: its last step, and of a build or a switch the last line of the log.
still() {
  local last
  last=$(tail -n 1 -- "$1/log" 2>/dev/null | sed 's/^\[[^]]*\] //' || true)
  if [[ $last == *building* ]]; then
    last+=$(last_line "$1/build/log")
  elif [[ $last == *switching* ]]; then
    last+=$(last_line "$1/switching.log")
  fi
  step "still ${last:-at work}"
}

# Shows the log of the run in folder $1 from its beginning until the run has ended.
follow() {
  local log=$1/log shown=0 size ended heard=$SECONDS
  while :; do
    ended=no
    if [[ -e $1/status || $(systemctl show -p ActiveState --value "$UNIT.service") =~ ^(inactive|failed)$ ]]; then ended=yes; fi
    size=$(stat -c %s -- "$log" 2>/dev/null || echo 0)
    if ((size > shown)); then
      tail -c "+$((shown + 1))" -- "$log" | head -c "$((size - shown))"
      shown=$size heard=$SECONDS
    elif ((SECONDS - heard >= SILENCE)); then
      still "$1"
      heard=$SECONDS
    fi
    if [[ $ended == yes ]]; then return; fi
    sleep 0.2
  done
}

# One at a time: a run of an earlier, perhaps cut-off, pulumi up is waited for and shown.
start() {
  local command=$1 run status result earlier bash refused=0 home=~root
  bash=$(command -v bash)
  mkdir -p -- "$ROOT/runs"
  run=$(mktemp -d "$ROOT/runs/XXXXXXXX")
  echo "$$" >"$run/session" # who waits for it
  cat >"$run/manifest"
  cp -- "$PROGRAM" "$run/server.sh" # whoever stages another one meanwhile changes nothing here
  if [[ $(tail -n 1 -- "$run/manifest") != end || $(tail -n 1 -- "$run/server.sh") != '} # end' ]]; then
    rm -rf -- "$run"
    fail_untouched "the connection broke before all of the manifest was here. Run the same command again."
  fi
  # A build that takes all memory is ended alone. Git wants to know its user, and whose `sudo` it is.
  while ! systemd-run --quiet --collect --unit="$UNIT" --property=Type=exec --property=OOMPolicy=continue \
    --setenv="ARGOWEB_STAGING=$STAGING" --setenv="HOME=$home" ${SUDO_UID:+"--setenv=SUDO_UID=$SUDO_UID"} \
    --property="StandardOutput=append:$run/log" --property="StandardError=append:$run/log" \
    --property="ExecStopPost=$bash $run/server.sh ended $run" \
    -- "$bash" "$run/server.sh" "work-$command" "$run" 2>"$run/start.log"; do
    earlier=$(readlink -f -- "$ROOT/runs/current")
    if [[ $(systemctl show -p ActiveState --value "$UNIT.service") =~ ^(inactive|failed)$ ]]; then
      # An earlier run may have ended between the two questions, or systemd may not have forgotten it yet.
      refused=$((refused + 1))
      if ((refused < 10)); then
        sleep 0.5
        continue
      fi
      cat -- "$run/start.log"
      untouched
      exit 1
    fi
    echo "another deployment is at work on this server; waiting for it"
    if [[ -d $earlier ]]; then follow "$earlier"; fi
    sleep 1
  done
  # What earlier runs left whose connection broke; a day is long past anybody who still reads them or waits.
  find "$ROOT/runs" -mindepth 1 -maxdepth 1 -type d -mmin +1440 -exec rm -rf -- {} +
  follow "$run"
  read -r status result < <(cat -- "$run/status" 2>/dev/null) || true
  if [[ ! $status =~ ^[0-9]+$ ]]; then
    say_cut_off "$command" "${status:-an unknown cause}${result:+, $result}"
    status=1
  fi
  if [[ $command == deactivate && $status == 0 ]]; then
    clean_up "$run"
  else
    rm -rf -- "$run"
  fi
  exit "$status"
}

# The work did not come to its own end: $2 ended it.
say_cut_off() {
  echo "The work on this server was ended by $2. Its journal: journalctl -u $UNIT"
  if [[ $1 == deactivate ]]; then
    echo "STATE: the teardown was cut off. Run pulumi destroy again."
  elif [[ -e $TRANSACTION ]]; then
    echo "STATE: the change was cut off half-way. Run pulumi up again: it first undoes what is half done, as a start of the server does."
  elif [[ -e $OWED ]]; then
    echo "STATE: no file is half changed, but units may still run what is not live any more. Run pulumi up again, which restarts them: $(owed)."
  else
    echo "STATE: no change was half done; the server runs what it ran before, or already this configuration. Run pulumi up again."
  fi
}

# After the teardown in folder $1. Another deployment that is live keeps what it needs; one that waits, what it has sent.
clean_up() {
  local run folder
  read_manifest "$1/manifest"
  for folder in "$ROOT"/staging/*; do
    if is_ended "$folder"; then rm -rf -- "$folder"; fi
  done
  if [[ ! -e $1/left-alone ]]; then
    find "$ROOT" -mindepth 1 -maxdepth 1 ! -name staging ! -name runs -exec rm -rf -- {} +
    for run in "$ROOT"/runs/*; do
      if ! kill -0 "$(cat -- "$run/session" 2>/dev/null)" 2>/dev/null; then rm -rf -- "$run"; fi
    done
    rm -f -- "$ROOT/runs/current"
  fi
  rm -rf -- "$1"
  rmdir -- "$ROOT/staging" "$ROOT/runs" "$ROOT" 2>/dev/null || true
}

main() {
  case $1 in
    activate | deactivate) start "$1" ;;
    work-*)
      ln -sfn -- "$2" "$ROOT/runs/current"
      if [[ $1 == work-activate ]]; then activate "$2"; fi
      if [[ $1 == work-deactivate ]]; then deactivate "$2"; fi
      ;;
    drift) drift ;;
    validate) validate_candidate "${@:2}" ;;
    ended) # systemd sets both; EXIT_STATUS is a number or a signal's name
      rm -rf -- "$2/files" "$2/candidate" # the credentials and Caddy's keys may be among them
      cp -- "$2/log" "$ROOT/log"
      printf '%s %s\n' "${EXIT_STATUS:-}" "${SERVICE_RESULT:-}" >"$2/status.new"
      mv -f -- "$2/status.new" "$2/status" # whole, since somebody waits for it
      ;;
    recover)
      exec 9>"$LOCK"
      flock -n 9 || exit 0
      recover yes
      ;;
  esac
}

main "$@"
