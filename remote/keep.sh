# keep.sh STAGING: the resources that stage files in this folder go on, with a new teardown or a changed one.
# So what was said of their end is over: the program that was replaced for the same teardown has said it too.
# Under another name of the stack, or with another id, the folder had another name.
# The manifest is sent here too, and a command that ends before it has all of it fails.
set -euo pipefail
cat >/dev/null
rm -f -- "${1%-*}"-*/ended "${1%/*}"/*-"${1##*-}"/ended
