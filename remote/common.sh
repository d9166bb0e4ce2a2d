# Shared by the parts of the server program: where things are, what is said, what the manifest holds.
set -euo pipefail

readonly ROOT=/var/lib/argoweb-deploy  # this program's own folder, root only
readonly LOCK=$ROOT/lock
readonly OWNER=$ROOT/owner             # the deployment that the server belongs to: project/stack/server address
readonly APPLIED=$ROOT/manifest        # the manifest that is live
readonly TRANSACTION=$ROOT/transaction # the old files, while new ones are being tried
readonly OWED=$ROOT/owed               # what has to be restarted, and why, since it runs with files that are not live any more
readonly UNIT=argoweb-deploy           # transient unit of the work; its fixed name lets one run at a time
readonly PROFILES=/nix/var/nix/profiles
readonly BOOT_ID=/proc/sys/kernel/random/boot_id
readonly SWITCHES=/run/nixos           # where NixOS's switch-to-configuration keeps its lock, and what it has still to start
readonly LOCK_WAIT=1800                # seconds to wait for another deployment
readonly SWITCH_WAIT=300               # seconds to wait for another switch of the system
readonly SWITCH_LIMIT=900              # seconds that a switch may take

# NixOS keeps PATH and NIX_PATH here; neither sudo nor a transient unit has them. The server's owner may add lines to it
# that were written for a login shell: they may fail, and set a umask.
if [[ -r /etc/set-environment ]]; then
  set +eu
  # shellcheck source=/dev/null
  . /etc/set-environment
  set -eu
fi
umask 077

WORK='' # this run's folder
export STARTED=${STARTED:-$EPOCHSECONDS}
step() { printf '[%3ds] %s\n' "$((EPOCHSECONDS - STARTED))" "$*"; }
# Says what holds when a run ends before it has begun to change anything.
untouched() {
  if [[ -e $OWED ]]; then
    echo "STATE: nothing else was changed on this server. Its units still run what they ran, and the next pulumi up restarts them: $(owed)."
  else
    echo "STATE: nothing was changed on this server; it runs what it ran before."
  fi
}
fail_untouched() {
  trap - EXIT
  say_silenced
  echo "argoweb: $*"
  untouched
  exit 1
}
# Notes for this run, and for later ones when it fails, that `cloudflared` or `all` units have to be restarted, and why.
owe() {
  printf '%s %s\n' "$1" "$2" >>"$OWED"
  sync -- "$OWED"
}
owed() { sed 's/^[^ ]* //' "$OWED" | sort -u | paste -sd ';' | sed 's/;/; /g'; }
join() {
  local text
  printf -v text ', %s' "$@"
  echo "${text:2}"
}
indent() { sed 's/^/      | /' | cut -c1-2000; } # the Pulumi plugin hangs on a line of 64 KiB

# The manifest's lines are `key value…`; `file NAME MODE USER:GROUP SHA256 PATH` is one file, in order;
# `instance UNIT ADDRESS` is one cloudflared and where it serves /ready, in the order of their restarts;
# `accept CODE` is a warning that stays silent;
# `tunnel-secret made` is one that Cloudflare has before the servers, `imported` one that it had before argoweb.
declare -A SETTING=() INSTANCE_METRICS=() FILE_MODE=() FILE_OWNER=() FILE_SUM=() FILE_PATH=()
declare -a FILES=() INSTANCES=() CADDY=() REBUILD_ARGS=() HEALTH_URLS=() HEALTH_SITES=() READS=() ROOTS=()
read_manifest() {
  local key rest name mode owner sum path
  while read -r key rest; do
    case $key in
      file)
        read -r name mode owner sum path <<<"$rest"
        FILES+=("$name")
        FILE_MODE[$name]=$mode FILE_OWNER[$name]=$owner FILE_SUM[$name]=$sum FILE_PATH[$name]=$path
        ;;
      instance)
        INSTANCES+=("${rest% *}")
        INSTANCE_METRICS[${rest% *}]=${rest#* }
        ;;
      caddy-unit) SETTING[$key]=$rest CADDY=("$rest.service") ;;
      accept) ACCEPTED+=("$rest") ;;
      rebuild-arg) REBUILD_ARGS+=("$rest") ;;
      health-url) HEALTH_URLS+=("$rest") ;;
      health-site) HEALTH_SITES+=("$rest") ;;
      reads) READS+=("$rest") ;;
      root) ROOTS+=("$rest") ;;
      ?*) SETTING[$key]=$rest ;;
    esac
  done <"$1"
}

# The folder $1, or the nearest one above it that is there.
nearest_folder() {
  local dir=$1
  while [[ ! -e ${dir:-/} ]]; do dir=${dir%/*}; done
  echo "${dir:-/}"
}

digest() {
  local sum
  sum=$(sha256sum -- "$1" 2>/dev/null) && echo "${sum%% *}"
}
# Learns what the given files and units are, of all at once, since each program that is started takes its time.
declare -A SUM=() ACCESS=() # of files: their digest; their mode and owner
learn_files() {
  local first rest path
  while read -r first path; do SUM[$path]=$first; done < <(sha256sum -- "$@" 2>/dev/null)
  while read -r first rest path; do ACCESS[$path]="$first $rest"; done < <(stat -c '%a %U:%G %n' -- "$@" 2>/dev/null)
}
declare -A LOAD=() ACTIVE=() INVOCATION=() # of units; the last changes with every start of one
learn_units() {
  local key value
  (($#)) || return 0
  while IFS='=' read -r key value; do
    case $key in
      LoadState) LOAD[$1]=$value ;;
      ActiveState) ACTIVE[$1]=$value ;;
      InvocationID) INVOCATION[$1]=$value ;;
      '') shift ;; # the next one's
    esac
  done < <(systemctl show -p LoadState -p ActiveState -p InvocationID -- "$@")
}
unit_exists() { [[ $(systemctl show -p LoadState --value "$1") == loaded ]]; }
is_nix_input() { [[ $1 == *.nix || $1 == argoWeb.json ]]; }

is_flake() { [[ -n ${SETTING[flake]:-} || -e /etc/nixos/flake.nix ]]; }

# Runs nixos-rebuild in the folder $2, which is where `build` leaves its link `result`.
rebuild() {
  local -a words=("$1")
  if [[ -n ${SETTING[flake]:-} ]]; then words+=(--flake "${SETTING[flake]}"); fi
  # Our files lie outside the flake, at an absolute path that a pure evaluation may not read.
  if is_flake; then words+=(--impure); fi
  words+=("${REBUILD_ARGS[@]}")
  (
    cd "$2" || exit
    # It copies here what the build host has built, but makes no link to it. The second run finds nothing left to build.
    if [[ -n ${SETTING[build-host]:-} ]]; then nixos-rebuild "${words[@]}" --build-host "${SETTING[build-host]}" || exit; fi
    nixos-rebuild "${words[@]}" || exit
    [[ -e result ]] || { echo "nixos-rebuild ${words[*]} ended without an error, but left no link 'result'." && exit 1; }
  ) </dev/null
}

# The text of the unit $1 with its drop-ins: of the built system $2, or of the running one.
unit_text() {
  local dir=${2:-}/etc/systemd/system
  if [[ -n ${2:-} ]]; then
    cat -- "$dir/$1" "$dir/$1.d/"*.conf 2>/dev/null || true
  else
    systemctl cat -- "$1" 2>/dev/null || true
  fi
}
# Of a unit's text on stdin: the program and the value of the option $1 of its last ExecStart, its user and its groups.
exec_program() { sed -n 's/"//g; s/^ExecStart=[-@:+!]*\([^ ]\+\).*/\1/p' | tail -n 1; }
exec_option() { sed -n "s/\"//g; s/^ExecStart=.* --$1[ =]\([^ ]*\).*/\1/p" | tail -n 1; }
exec_user() { sed -n 's/^User=//p' | tail -n 1; }
exec_groups() { awk -F= '$1 == "Group" { own = $2 } $1 == "SupplementaryGroups" { more = $2 ? more " " $2 : "" } END { print own more }'; }

group_id() { awk -F: -v name="$1" '$1 == name { print $3 }' /etc/group; }
