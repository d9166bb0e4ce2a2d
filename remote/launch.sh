# launch.sh activate|deactivate SERVER_PROGRAM: starts the staged server program; the manifest is on stdin.
# One line, since Pulumi prints it with every failure of the program.
[ -e "$2" ] && exec bash "$2" "$1"; echo "argoweb: $2 is missing. If the server was reinstalled, raise argoweb:servers.<name>.redeploy by one, pulumi up"; [ "$1" = deactivate ]
