# Shared by the parts of the server program: where things are, what is said, what the manifest holds.
set -euo pipefail
umask 077

readonly ROOT=/var/lib/argoweb-deploy  # this program's own folder, root only
readonly LOCK=$ROOT/lock
readonly OWNER=$ROOT/owner             # the deployment that the server belongs to: project/stack/server address
readonly APPLIED=$ROOT/manifest        # the manifest that is live
readonly TRANSACTION=$ROOT/transaction # the old files, while new ones are being tried
readonly UNIT=argoweb-deploy           # transient unit of the work; its fixed name lets one run at a time
readonly PROFILE=/nix/var/nix/profiles/system
readonly LOCK_WAIT=1800                # seconds to wait for another deployment

# NixOS keeps PATH and NIX_PATH here; neither sudo nor a transient unit has them.
if [[ -r /etc/set-environment ]]; then
  set +u
  # shellcheck source=/dev/null
  . /etc/set-environment
  set -u
fi

WORK='' # this run's folder
export STARTED=${STARTED:-$EPOCHSECONDS}
step() { printf '[%3ds] %s\n' "$((EPOCHSECONDS - STARTED))" "$*"; }
readonly UNTOUCHED="STATE: nothing was changed on this server; it runs what it ran before."
fail_untouched() {
  trap - EXIT
  printf 'argoweb: %s\n%s\n' "$*" "$UNTOUCHED"
  exit 1
}
join() {
  local text
  printf -v text ', %s' "$@"
  echo "${text:2}"
}
indent() { sed 's/^/      | /' | cut -c1-2000; } # the Pulumi plugin hangs on a line of 64 KiB

# The manifest's lines are `key value…`; `file NAME MODE USER:GROUP SHA256 PATH` is one file, in order;
# `instance UNIT ADDRESS` is one cloudflared and where it serves /ready, in the order of their restarts.
declare -A SETTING=() INSTANCE_METRICS=() FILE_MODE=() FILE_OWNER=() FILE_SUM=() FILE_PATH=()
declare -a FILES=() INSTANCES=() REBUILD_ARGS=() HEALTH_URLS=() HEALTH_SITES=() READS=()
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
      rebuild-arg) REBUILD_ARGS+=("$rest") ;;
      health-url) HEALTH_URLS+=("$rest") ;;
      health-site) HEALTH_SITES+=("$rest") ;;
      reads) READS+=("$rest") ;;
      ?*) SETTING[$key]=$rest ;;
    esac
  done <"$1"
}

digest() { sha256sum -- "$1" 2>/dev/null | cut -d' ' -f1; }
unit_exists() { [[ $(systemctl show -p LoadState --value "$1") == loaded ]]; }
is_nix_input() { [[ $1 == *.nix || $1 == argoWeb.json ]]; }
current_system() { readlink -f /run/current-system; }

# Runs nixos-rebuild in the folder $2, which is where `build` leaves its link `result`.
rebuild() {
  local -a words=("$1")
  if [[ -n ${SETTING[flake]:-} ]]; then words+=(--flake "${SETTING[flake]}"); fi
  # Our files lie outside the flake, at an absolute path that a pure evaluation may not read.
  if [[ -n ${SETTING[flake]:-} || -e /etc/nixos/flake.nix ]]; then words+=(--impure); fi
  if [[ -n ${SETTING[build-host]:-} ]]; then words+=(--build-host "${SETTING[build-host]}"); fi
  (cd "$2" && nixos-rebuild "${words[@]}" "${REBUILD_ARGS[@]}") </dev/null
}

# Switches to the built system $1 without making it the boot default; 4 means that some unit failed.
switch_to() { "$1/bin/switch-to-configuration" test </dev/null; }
make_boot_default() {
  nix-env -p "$PROFILE" --set "$1" && "$1/bin/switch-to-configuration" boot </dev/null
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
# The program and the value of --config of a unit's last ExecStart and its last User and Group, from its text on stdin.
exec_program() { sed -n 's/^ExecStart=[-@:+!]*\([^ ]\+\).*/\1/p' | tail -n 1; }
exec_config() { sed -n 's/^ExecStart=.* --config[ =]\([^ ]*\).*/\1/p' | tail -n 1; }
exec_user() { sed -n 's/^User=//p' | tail -n 1; }
exec_group() { sed -n 's/^Group=//p' | tail -n 1; }

invocation() { systemctl show -p InvocationID --value "$1"; }
