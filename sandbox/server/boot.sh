#!/bin/bash
# boot.sh COMMAND…: runs systemd-nspawn, again when the server has rebooted, until it is asked to end.
# With --keep-unit systemd-nspawn leaves the restart to its caller and says so by its exit code.
set -u
readonly REBOOTED=133

ended=no
trap 'ended=yes; kill -TERM "$child" 2>/dev/null' TERM
while :; do
  "$@" &
  child=$!
  code=0
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do wait "$child" || code=$?; done
  if [[ $ended == yes || $code != "$REBOOTED" ]]; then exit "$code"; fi
done
