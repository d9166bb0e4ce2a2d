# launch.sh activate|deactivate SERVER_PROGRAM: starts the staged server program; the manifest is on stdin.
# A teardown whose program is not there asks the one of what is live, which may be the same deployment from another folder.
# Where nothing is live it has nothing to do; where the live one's program is lost, it fails.
# The manifest is read in any case: a command that ends before it has all of it fails.
# One line, since Pulumi prints it with every failure of the program. A program that was cut short is not started: bash
# runs nothing of it, but calls some of its syntax errors a success.
live=${2%/staging/*}/server.sh; p=$2; [ "$1" = deactivate ] && [ ! -e "$p" ] && [ -e "$live" ] && p=$(readlink -f -- "$live"); [ "$(tail -n 1 -- "$p" 2>&1)" = '} # end' ] && exec bash "$p" "$1"; cat >/dev/null; echo "argoweb: $p is missing or was cut short. Raise argoweb:servers.<name>.redeploy by one, pulumi up"; [ "$1" = deactivate ] && [ ! -e "$p" ] && [ "$(readlink -- "$live")" != "$2" ]
