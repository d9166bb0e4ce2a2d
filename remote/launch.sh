# launch.sh activate|deactivate SERVER_PROGRAM: starts the staged server program; the manifest is on stdin.
# It is sent as the argument of `bash -c`, so it stays short.
set -euo pipefail
if [[ -e $2 ]]; then
  exec bash "$2" "$1"
elif [[ $1 == deactivate ]]; then
  echo "argoweb: nothing of this deployment is on the server"
else
  echo "argoweb: $2 is missing on the server: its staging folder was lost (a reinstalled server?)." >&2
  echo "Raise argoweb:servers.<name>.redeploy by one and run pulumi up: it sends every file again." >&2
  exit 1
fi
