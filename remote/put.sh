# put.sh FILE REVISION [TEARDOWN]: writes one file of the staging folder; its content is read from stdin.
# It prints when, so that whatever reads its output knows that the file was sent again.
# A REVISION that differs from the last one's makes Pulumi send an unchanged file again.
# With the file that has one, the folder is known to belong to that TEARDOWN, by its Pulumi id; see release.sh.
# When the connection breaks, standard input just ends:
# what came is kept for a file, and the manifest's digest tells; nothing at all is refused here.
set -euo pipefail
umask 077
mkdir -p -- "${1%/*}"
cat >"$1.part"
[[ -s $1.part ]]
mv -f -- "$1.part" "$1"
if [[ -n ${3:-} ]]; then
  printf '%s\n' "$3" >"${1%/*}/teardown"
  rm -f -- "${1%/*}/ended"
fi
date +%s%N
