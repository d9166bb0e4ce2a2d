# stage.sh put|drop FILE [REVISION]: keeps one file of the staging folder; with put its content is read from stdin.
# It prints when, so that whatever reads its output knows that the file was sent again.
# A REVISION that differs from the last one's makes Pulumi send an unchanged file again.
# It is sent as the argument of `bash -c`, so it stays short. When the connection breaks, standard input just ends:
# what came is kept for a file, and the manifest's digest tells; nothing at all is refused here.
set -euo pipefail
umask 077
case $1 in
  put)
    mkdir -p -- "${2%/*}"
    cat >"$2.part"
    [[ -s $2.part ]]
    mv -f -- "$2.part" "$2"
    date +%s%N
    ;;
  drop)
    cat >/dev/null # the content is sent here too, and a command that ends before it has all of it fails
    rm -f -- "$2" "$2.part"
    rmdir -p --ignore-fail-on-non-empty -- "${2%/*}" 2>/dev/null || true
    ;;
esac
