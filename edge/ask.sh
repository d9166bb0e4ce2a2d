# Asks hostnames through Cloudflare's edge, from this machine: by /bin/sh, as dash or bash 3 are, and curl.
#
# Standard input has a line for each: a key, a hostname, a path. Where PULUMI_COMMAND_STDOUT has the key, it answered an
# earlier time and is not asked again. What comes from behind the edge is an answer, whatever it is; the login of Access too.
# Prints the keys of all if all answer; else, as an error, what came instead, and ends with 1.
#
# ASK is this program. ASK_SECONDS bounds how long is asked again, ASK_HOPS has Cloudflare's codes and what each means.
at_once=25
again_after=2 # seconds
one_takes=10  # seconds at most
shown=20
# Sees a new record at once, where this machine's resolver may remember for half an hour that there was none.
resolver=https://one.one.one.one/dns-query

# Sets code (curl's), status (000 for none), ray (whether Cloudflare says that it was there), number (that of its error page,
# none: -) and told (curl's own words).
edge() { # --head or --include, hostname and path, curl's further arguments
  how=$1 url=https://$2
  shift 2
  found=$(
    {
      curl "$how" --silent --show-error --globoff --no-fail --no-location --suppress-connect-headers --max-time $one_takes \
        --max-filesize 1000000 --user-agent argoweb "$@" "$url" 2>&1
      printf '\nexit %s\n' $?
    } | LC_ALL=C awk '
      BEGIN { status = "000"; ray = number = code = "-" }
      { sub(/\r$/, "") }
      !body && /^HTTP\// { status = $2 }
      !body && tolower($0) ~ /^cf-ray:/ { ray = "ray" }
      /^$/ && status >= 200 { body = 1 }
      /^curl: / { told = $0 }
      /^exit [0-9]+$/ { code = $2 }
      body && number == "-" && match($0, /[Ee]rror code:? *(<[^>]*> *)*[0-9]+/) {
        number = substr($0, RSTART, RLENGTH)
        sub(/.*[^0-9]/, "", number)
      }
      END { print code, status, ray, number, told }'
  )
  read -r code status ray number told <<EOF
$found
EOF
}

hop() { # a code of Cloudflare's, or a status
  printf '%s\n' "$ASK_HOPS" | sed -n "s/^$1 //p"
}

# Prints nothing where a hostname answers, else what came instead, and the code by which programs know that.
instead() { # hostname and path
  edge --head "$1"
  if [ "$code" = 6 ] || { [ "$status" != 000 ] && [ "$ray" = - ]; }; then
    first=$status
    set -- "$1" --doh-url $resolver
    edge --head "$@"
    if [ "$ray" = - ]; then
      case $first in
      000) echo "there is no such name; it is the record, or the zone is not at Cloudflare yet [edge-unreachable]" ;;
      *) echo "$first, and not from Cloudflare; it is the record, or this machine's resolver or proxy [edge-unreachable]" ;;
      esac
      return
    fi
  fi
  case $status:$code in
  # By the error page; and not everybody answers to HEAD.
  403:* | 409:* | 502:* | 504:* | 52?:* | 530:* | 000:28 | 000:52) edge --include "$@" ;;
  esac
  [ "$number" != - ] || number=$status
  why=$(hop "$number")
  case $status:$code:$why in
  000:28:*) echo "no answer in $one_takes seconds; it is the service, or the network from here to Cloudflare [edge-unreachable]" ;;
  000:35:* | 000:51:* | 000:60:*) echo "TLS fails; it is the certificate: Cloudflare's covers a zone and one label below it [edge-certificate]" ;;
  000:127:*) echo "nothing: there is no curl on this machine [program-missing]" ;;
  000:*) echo "${told:-nothing}; it is the network from here to Cloudflare [edge-unreachable]" ;;
  502:* | 504:* | 52?:* | 530:* | 403:*:?* | 409:*:?*)
    [ "$number" = "$status" ] || with=" with error code $number"
    echo "$status${with-}; it is ${why:-$(hop "$status")} [edge-error]"
    ;;
  esac
}

one() { # key, hostname, path
  if [ "$(date +%s)" -gt $((ASK_UNTIL + one_takes)) ]; then
    echo "$1 $2 $3 not asked: the time was over"
  else
    echo "$1 $2 $3 $(instead "$2$3")"
  fi
}

all() {
  asked=$(cat)
  known=" $(printf '%s' "${PULUMI_COMMAND_STDOUT-}" | tr '\n' ' ') "
  left=$(printf '%s\n' "$asked" | KNOWN=$known awk 'index(ENVIRON["KNOWN"], " " $1 " ") == 0')
  ASK_UNTIL=$(($(date +%s) + ASK_SECONDS))
  export ASK_UNTIL
  bad=
  while [ "$left" ]; do
    # shellcheck disable=SC2016 # the other shell expands it
    answers=$(printf '%s\n' "$left" | xargs -n 3 -P $at_once /bin/sh -c 'eval "$ASK"' ask)
    # Of what was not asked once more counts what it gave before.
    bad=$(printf '%s\n' "$answers" | BEFORE=$bad awk '
      BEGIN { for (n = split(ENVIRON["BEFORE"], lines, "\n"); n; n--) { split(lines[n], of, " "); before[of[1]] = lines[n] } }
      NF > 3 { print ($4 == "not" && $1 in before) ? before[$1] : $0 }')
    left=$(printf '%s\n' "$bad" | awk '{ print $1, $2, $3 }')
    if [ -z "$bad" ] || [ "$(date +%s)" -ge "$ASK_UNTIL" ]; then break; fi
    sleep $again_after
  done
  if [ -z "$bad" ]; then
    printf '%s\n' "$asked" | awk '{ print $1 }'
    return
  fi
  {
    printf '%s\n' "$bad" | awk -v shown=$shown '
      NR <= shown { address = $2 $3; $1 = $2 = $3 = ""; sub(/^ +/, ""); print "https://" address ": " $0 }
      END { if (NR > shown) print "and " NR - shown " more" }'
    echo "What was changed stays. pulumi up asks again; argoweb:health.edge: false leaves it out."
  } >&2
  return 1
}

case $# in
0) all ;;
*) one "$@" ;;
esac
