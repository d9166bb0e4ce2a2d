# release.sh STAGING TEARDOWN: the resources that staged files here for that teardown, by its Pulumi id, are deleted.
# What is replaced and what is deleted for good look alike to the old resource. But a teardown that is replaced has another
# id, and the file that this comes with is sent again for that one before: then no folder is found here, and the old
# teardown leaves the server alone.
# The file's content is sent here too, and a command that ends before it has all of it fails.
set -euo pipefail
cat >/dev/null
for mark in "$1"/*/teardown; do
  if [[ -e $mark && $(<"$mark") == "$2" ]]; then : >"${mark%/*}/ended"; fi
done
