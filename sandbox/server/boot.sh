#!/bin/bash
# boot.sh GROUPS COMMAND…: runs systemd-nspawn in the control groups, again when the server has rebooted, until it is
# asked to end.
# With --keep-unit systemd-nspawn leaves the restart to its caller and says so by its exit code.
set -u
readonly REBOOTED=133

for group in $1; do echo $$ >"$group/cgroup.procs" || exit 1; done
shift

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
