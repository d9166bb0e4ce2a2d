# What a first deployment needs of this server, for programs: lines of a kind and its fields, parted by tabs. It changes
# nothing. doctor CONFIG_DIR PORTS EDGE…, with the stack's `flake` among the settings: PORTS with commas, each EDGE as HOST:PORT; what is empty is not asked for.

readonly PROBE_SECONDS=5 # for each question to Cloudflare

say() {
  local IFS=$'\t'
  printf '%s\n' "$*"
}

# Whether a TCP connection to host $1, port $2, can be opened: `yes`, or why not.
tcp_opens() {
  local said
  # shellcheck disable=SC2016 # the inner shell has them as its own
  said=$(timeout "$PROBE_SECONDS" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>&1) && echo yes && return
  said=${said%%$'\n'*} said=${said##*: }
  echo "${said:-no answer within $PROBE_SECONDS s}"
}

# Whether QUIC is answered at host $1, port $2: `yes`, or why not. A first packet of a version that nobody has is answered
# with the versions that there are (RFC 9000, sections 6 and 17.2.1), and opens nothing.
quic_answers() {
  local filling said
  printf -v filling '%1178s' ''
  # shellcheck disable=SC2016
  said=$(timeout "$PROBE_SECONDS" bash -c '
    exec 3<>"/dev/udp/$0/$1" || exit
    printf "\xc0\x1a\x2a\x3a\x4a\x08argoweb1\x08argoweb2%s" "$2" >&3
    head -c 1 <&3 | wc -c' "$1" "$2" "$filling" 2>&1)
  said=${said%%$'\n'*} said=${said##*: }
  case $said in
    1) echo yes ;;
    '' | 0) echo "no answer within $PROBE_SECONDS s" ;;
    *) echo "$said" ;;
  esac
}

# The unit of a process: its control group's last part.
unit_of() {
  local group
  group=$(tail -n 1 "/proc/$1/cgroup" 2>/dev/null)
  group=${group##*/}
  echo "${group:-none}"
}

# Who listens on a port, by TCP: the process's name, its id, its unit; nothing where nobody does.
report_listener() {
  local inode link pid
  # Column 2 is the local address with the port in hexadecimal, 4 the state (0A: listening), 10 the socket's inode.
  inode=$(awk -v port="$(printf ':%04X' "$1")" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10; exit }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  if [[ -z $inode ]]; then return; fi
  link=$(find /proc/[0-9]*/fd -lname "socket:\\[$inode\\]" -print -quit 2>/dev/null || true)
  pid=${link#/proc/} pid=${pid%%/*}
  if [[ -z $pid ]]; then say listener "$1" systemd 1 none; else say listener "$1" "$(<"/proc/$pid/comm")" "$pid" "$(unit_of "$pid")"; fi
}

# Whether a version, which begins with its year and month, came out more than a year ago: Cloudflare supports none so old.
is_older_than_a_year() {
  local year month
  [[ $1 =~ ^(20[0-9]{2})\.([0-9]{1,2})\. ]] || return 1
  read -r year month < <(date '+%Y %m')
  ((12 * year + 10#$month - 12 * BASH_REMATCH[1] - 10#${BASH_REMATCH[2]} > 12))
}

report_edge() {
  say tcp "$1" "$(tcp_opens "${1%:*}" "${1##*:}")"
  say udp "$1" "$(quic_answers "${1%:*}" "${1##*:}")"
}

doctor() {
  local config_dir=$1 ports=$2 flake=${SETTING[flake]:-} port edge path process unit version pids=()
  shift 2
  say clock "$(date +%s.%N)"
  for edge in "$@"; do
    report_edge "$edge" &
    pids+=("$!")
  done
  say nixos "$(cat /run/current-system/nixos-version 2>/dev/null)" "$(type -P nixos-rebuild)"
  if [[ -e $OWNER ]]; then say owner "$(<"$OWNER")"; fi
  say module "$(inputs_of /run/current-system)"
  if is_flake; then say flake yes; else say flake no; fi
  path=${flake%%#*}
  path=${path#path:}
  if [[ ! -d $path ]]; then path=/etc/nixos; fi
  say import "$path" "$(find "$path"/ -name '*.nix' -exec grep -HF -- "$config_dir/argoWeb.nix" {} + 2>/dev/null | sed -n '/^[^:]*:[[:space:]]*#/!s/:.*//p' | head -n 1)"
  for path in "$config_dir" "$ROOT"; do
    path=$(nearest_folder "$path")
    if [[ ! -w $path ]]; then say read-only "$path"; fi
  done
  if ! has_ipv6; then say no-ipv6; fi
  for path in /nix/store /boot /var /tmp; do
    if [[ -d $path ]]; then say disk "$path" "$(df --output=avail -k -- "$path" | tail -n 1 | tr -d ' ')" "$(df --output=ipcent -- "$path" | tail -n 1 | tr -d ' ')"; fi
  done
  say memory "$(awk '$1 == "MemAvailable:" || $1 == "SwapFree:" { sum += $2 } END { print sum }' /proc/meminfo)"
  say buffers "$(cat /proc/sys/net/core/rmem_max 2>/dev/null)" "$(cat /proc/sys/net/core/wmem_max 2>/dev/null)"
  for port in ${ports//,/ }; do report_listener "$port"; done
  for unit in "${CADDY[@]}"; do
    if unit_exists "$unit"; then
      path=$(unit_text "$unit" | exec_program)
      say caddy "$unit" "$(systemctl is-active "$unit")" "$(check_caddy_version "$path")"
    fi
  done
  missing_roots "$(unit_text "${CADDY[@]}")" | sed $'s/^/root\t/'
  for path in /proc/[0-9]*; do
    process=${path#/proc/}
    if [[ $(cat "$path/comm" 2>/dev/null) == cloudflared ]]; then
      version=$("$path/exe" --version 2>/dev/null | awk '{ print $3; exit }' || true)
      say cloudflared "$process" "$(unit_of "$process")" "$(known_fault "$version")"
      if is_older_than_a_year "$version"; then say cloudflared-old "$version" "$(unit_of "$process")"; fi
    fi
  done
  wait "${pids[@]}"
  say end
}
