# launch.sh activate|deactivate SERVER_PROGRAM: starts the staged server program; the manifest is on stdin.
# A teardown has nothing to do where the program is not there, unless it is the one of what is live.
# One line, since Pulumi prints it with every failure of the program. A program that was cut short is not started: bash
# runs nothing of it, but calls some of its syntax errors a success.
[ "$(tail -n 1 -- "$2" 2>&1)" = '} # end' ] && exec bash "$2" "$1"; echo "argoweb: $2 is missing or was cut short. Raise argoweb:servers.<name>.redeploy by one, pulumi up"; [ "$1" = deactivate ] && [ ! -e "$2" ] && [ "$(readlink "${2%/staging/*}/server.sh")" != "$2" ]
