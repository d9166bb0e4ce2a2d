# release.sh STAGING TEARDOWN: a resource that staged a file here for that teardown, by its Pulumi id, is deleted.
# What is replaced and what is deleted for good look alike to the old resource. But where the teardown is replaced, the new
# one has another id, for which the file is sent before the old file's end: then no folder is found here. Where the file
# alone is replaced, its teardown is not deleted, and the one that takes its place some day takes this mark away: keep.sh.
# The file's content is sent here too, and a command that ends before it has all of it fails.
set -euo pipefail
cat >/dev/null
for mark in "$1"/*/teardown; do
  if [[ -e $mark && $(<"$mark") == "$2" ]]; then : >"${mark%/*}/ended"; fi
done
