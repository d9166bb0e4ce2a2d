# drop.sh FILE: takes one file out of the staging folder, and the folder when it was the last one.
# The content is sent here too, and a command that ends before it has all of it fails.
set -euo pipefail
cat >/dev/null
rm -f -- "$1" "$1.part"
rmdir -p --ignore-fail-on-non-empty -- "${1%/*}" 2>/dev/null || true
