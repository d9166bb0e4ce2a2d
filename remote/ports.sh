# Where a unit is about to listen has to be free, or its own already: it would fail after the swap, and visitors with it.

# Whoever listens at the TCP address $2, if that is neither the unit $1 nor one of the units $4: a program and its unit, or
# nothing. An address with a name other than localhost, and a socket, are not looked for. $3 is a system that is about to
# be switched to, or nothing.
taken_by() {
  local unit=$1 host=${2%:*} port=${2##*:} system=$3 not=" $1 $4 " own inode pid holder
  host=${host#\[} host=${host%\]}
  [[ $port =~ ^[1-9][0-9]*$ ]] || return
  own=$(systemctl show -p MainPID --value "$unit")
  for inode in $(listening "${host/localhost/127.0.0.1}" "$(printf %04X "$port")"); do
    if [[ ${own:-0} != 0 ]] && [[ $(ls -l "/proc/$own/fd") == *"socket:[$inode]"* ]]; then continue; fi
    pid=$(pid_of_socket "$inode")
    holder=$(sed -n 's/^0::.*\///p' "/proc/${pid:-none}/cgroup" 2>/dev/null)
    if [[ -n $holder && $not == *" $holder "* ]] || { [[ -n $system ]] && is_changed_by_switch "$holder" "$system"; }; then continue; fi
    echo "$(cat "/proc/${pid:-none}/comm" 2>/dev/null || echo something)${holder:+ ($holder)}"
    return
  done
}

# Whether a switch to the system $2 ends the unit $1 or starts it anew, so that it may listen elsewhere then. The second
# cloudflared restarts after that.
is_changed_by_switch() {
  local now=/run/current-system/etc/systemd/system/$1
  [[ $1 != argoWeb* && -f $now ]] && ! cmp -s -- "$now" "$2/etc/systemd/system/$1"
}

# The sockets that listen at the host $1 and the port $2, in hexadecimal: those of this very address, else of all addresses.
listening() {
  local exact='' any='^(00000000|00000000000000000000000000000000)$' rows
  local -a byte
  case $1 in
    '' | ::) exact=. ;;
    ::1) exact='^00000000000000000000000001000000$' any='^00000000000000000000000000000000$' ;;
    0.0.0.0) exact='^.{8}$' ;;
    *.*.*.*)
      IFS=. read -ra byte <<<"$1"
      printf -v exact '^(0000000000000000FFFF0000)?%02X%02X%02X%02X$' "${byte[3]}" "${byte[2]}" "${byte[1]}" "${byte[0]}"
      # All IPv6 addresses may be all IPv4 addresses too.
      if ! (: <>"/dev/tcp/$1/$((16#$2))") 2>/dev/null; then any='^00000000$'; fi
      ;;
    *) return ;;
  esac
  rows=$(awk -v port="$2" '$4 == "0A" { split($2, at, ":"); if (at[2] == port) print at[1], $10 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  awk -v exact="$exact" -v any="$any" '$1 ~ exact { found = found $2 "\n" } $1 ~ any { all = all $2 "\n" } END { printf "%s", found ? found : all }' <<<"$rows"
}

pid_of_socket() {
  # shellcheck disable=SC2012 # a find for each link would take seconds
  ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[$1]" -F / '/^\/proc/ { pid = $3 } index($0, socket) { print pid; exit }'
}

# Prints for which cloudflared something else listens where it is to serve its metrics, after a switch to the system $1 or
# without one. Those before it have restarted by then.
taken_metrics() {
  local unit at by before=''
  for unit in "${INSTANCES[@]}"; do
    at=${INSTANCE_METRICS[$unit]}
    by=$(taken_by "$unit" "$at" "$1" "$before")
    if [[ -n $by ]]; then
      echo "$unit is to serve its metrics at $at, where $by listens. $(way_out "$by" argoweb:cloudflared.metrics) [port-taken]"
    fi
    before+=" $unit"
  done
}

# The same of Caddy by its flat configuration $1 and its unit's text $2; $3 is the system.
taken_from_caddy() {
  local at by key
  if grep -q '^\(NetworkNamespacePath\|PrivateNetwork\)=' <<<"$2"; then return; fi
  while read -r at; do
    by=$(taken_by "${CADDY[*]}" "$at" "$3" '')
    if [[ -z $by ]]; then continue; fi
    key="the server's own configuration of Caddy"
    if grep -q ":${at##*:} {\$" "${FILE_PATH[argoWeb.caddy]}"; then key=argoweb:caddy.port; fi
    if grep -A 3 "^http://:${at##*:} {\$" "${FILE_PATH[argoWeb.caddy]}" | grep -q 'metrics /metrics/caddy'; then
      key='argoweb:metrics.address, or metricsAddress of this server'
    fi
    echo "${CADDY[*]} is to listen at $at, where $by does. $(way_out "$by" "$key") [port-taken]"
  done < <(addresses_of_caddy <<<"$1")
}

# What to do where $1 listens at a port of ours; $2 is where that port is set.
way_out() {
  if [[ $1 == *'(argoWeb'* || $1 == *"(${CADDY[*]})" ]]; then
    echo "It moves only after that: take another port in $2 first, and this one in a pulumi up of its own."
  else
    echo "Stop that, or take another port in $2."
  fi
}

# The TCP addresses at which a Caddy listens, by its flat configuration on stdin.
addresses_of_caddy() {
  awk -F '"' '
    /^\."admin"\."(disabled|listen)"=/ { admin = 1 }
    /^\."admin"\."listen"=/ || /^\."apps"\."http"\."servers"\."[^"]*"\."listen"\[[0-9]+\]=/ {
      at = $(NF - 1)
      sub(/^tcp\//, "", at)
      sub(/[|].*/, "", at)
      if (at !~ /\// && at != ":1") print at # where the probe is
    }
    END { if (!admin) print "localhost:2019" }' | sort -u
}
