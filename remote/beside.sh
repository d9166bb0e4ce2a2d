# What the server's own configuration of Caddy has where the sites are: it may end them, or take their requests.

# Where the sites of the file $1 are, `host:port` each, in one line.
sites_at() {
  local port hosts host at=''
  port=$(sed -nE '/^https?:\/\// { s/.*:([0-9]+) \{$/\1/p; q }' "$1")
  hosts=$(sed -n '/^\tbind / { s///p; q }' "$1")
  for host in $hosts; do
    if [[ $host == *:* ]]; then host="[$host]"; fi
    at+=" $host:$port"
  done
  echo "${at# }"
}

# What is at the addresses $1 by Caddy's flat configuration on stdin, a line each: `also ADDRESS` that is one of them by
# another name, `tls`, `host HOST[PATH]` by which Caddy chooses before it takes the last site, `uncertified` where it makes
# no certificates, `peer` where it believes no proxy.
beside() {
  awk -F '"' -v addresses="$1" '
    BEGIN { for (count = split(addresses, each, " "); count; count--) ours[each[count]] = 1 }
    { value = $(NF - 1) }
    /^\."admin"\."listen"|"listen"\[/ {
      at = value
      sub(/^tcp\//, "", at)
      sub(/[|].*/, "", at)
      sub(/^localhost:/, "127.0.0.1:", at)
      if ($2 == "apps" && value in ours) chosen[$8] = 1
      else if (at in ours) print "also " value
    }
    $6 != "servers" { next }
    $10 == "trusted_proxies" { believes[$8] = 1 }
    $10 == "tls_connection_policies" { tls[$8] = 1 }
    $12 == "skip" { plain[$8, value] = 1 }
    /"automatic_https"\."disable(_certificates)?"=true$/ { uncertified[$8] = 1 }
    $12 == "match" && $14 == "host" {
      host[$8, $11] = value
      hosts[$8] = hosts[$8] "host " value "\n"
      if (!(($8, value) in plain)) tls[$8] = 1 # Caddy finds out when it starts
    }
    $12 == "match" && $14 == "path" { hosts[$8] = hosts[$8] "host " host[$8, $11] value "\n" }
    $12 == "handle" && $13 ~ /^\[[1-9]/ { hosts[$8] = hosts[$8] "host *\n" }
    END {
      for (name in chosen) {
        printf "%s", hosts[name]
        if (tls[name]) print "tls"
        if (uncertified[name]) print "uncertified"
        if (!believes[name]) print "peer"
      }
    }' | sort -u
}

# Tells what of the flat configuration $2 of Caddy is where the sites of the file $1 are; fails where they would not answer.
check_beside() {
  local own=$1 at there others tls
  at=$(sites_at "$own")
  there=$(beside "$at" <<<"$2")
  others=$(sed -n 's/^host //p' <<<"$there" | grep -vxFf <(sed -nE 's/^https?:\/\/([^ ]+):[0-9]+ \{$/\1/p' "$own") | paste -sd ' ')
  tls=$(grep -c '^https://' "$own")
  if grep -q '^also ' <<<"$there"; then
    echo "Caddy is to listen at $(sed -n 's/^also //p' <<<"$there" | paste -sd ' ') for something else, which is where the sites are ($at): each would get a part of the requests. Move that, or set argoweb:caddy.port."
    return 1
  elif ((!tls)) && grep -qx tls <<<"$there"; then
    echo "$OTHER_SCHEME It has: ${others:-a site for all hostnames}."
    return 1
  elif grep -qx uncertified <<<"$there" && grep -q '^	tls internal' "$own"; then
    echo "With 'auto_https off' or 'disable_certs' Caddy makes no certificate, which argoweb:caddy.tls.internal needs: take that out of the server's own configuration of Caddy."
    return 1
  fi
  if [[ -n $others ]]; then
    warn caddy-beside "the server's own configuration of Caddy has sites where those of the stack are ($at), which take requests first: $others."
  fi
  if grep -qx peer <<<"$there" && grep -q '{client_ip}' "$own"; then
    warn caddy-visitor "Caddy takes cloudflared for the visitor, so the sites get the address 127.0.0.1." \
      "Put this into its global options, for each of ${at// /, }:" \
      "    servers ${at%% *} {" \
      "        trusted_proxies static 127.0.0.1/8 ::1/128" \
      "        client_ip_headers CF-Connecting-IP" \
      "    }"
  fi
}
