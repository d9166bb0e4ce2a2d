# Caddy checks the candidate as its unit will run it; what it will run has to import our file. Afterwards it has to run
# what is live.

readonly PROBE=argoweb-probe.invalid # a site that only the candidate has: where Caddy finds it, it finds our file
readonly OLDEST_CADDY=2.8.4          # the oldest one that the sites are tested with

declare -a SURROUNDINGS=() # what a process finds in Caddy's unit, as options of systemd-run
declare -a SECRETS=()      # files with values that nobody else may see
MISSING=''                 # a file without which the unit does not start
USER_EXISTS=yes

# What the unit runs: its program, the configuration and what adapts that.
declare PROGRAM_OF_CADDY ADAPTER CONFIG

# Learns them from the unit's text $1; further options of systemd-run follow.
read_surroundings() {
  local unit=$1 own user group line path
  PROGRAM_OF_CADDY=$(exec_program <<<"$unit")
  ADAPTER=$(exec_option adapter <<<"$unit")
  CONFIG=$(exec_option config <<<"$unit")
  own=${FILE_PATH[argoWeb.caddy]:-}
  CONFIG=${CONFIG:-$own}
  if [[ -z $ADAPTER && (${CONFIG,,} == *caddyfile* || $CONFIG == *.caddyfile || $CONFIG == "$own") ]]; then ADAPTER=caddyfile; fi
  SECRETS=() MISSING='' USER_EXISTS=yes
  SURROUNDINGS=(--property=PrivateTmp=yes "${@:2}")
  user=$(exec_user <<<"$unit")
  if ! id -- "${user:-root}" >/dev/null 2>&1; then
    # The rebuild has yet to make it. Until then nobody, who leaves nothing that it could not open; whether it may read
    # the files of the stack is known, those of others may be for groups that are not there yet either.
    USER_EXISTS=no
    SURROUNDINGS+=(--property=DynamicUser=yes --property=AmbientCapabilities=CAP_DAC_READ_SEARCH)
  elif [[ -n $user ]]; then
    SURROUNDINGS+=("--property=User=$user")
  fi
  for group in $(exec_groups <<<"$unit"); do
    if [[ -n $(group_id "$group") ]]; then SURROUNDINGS+=("--property=SupplementaryGroups=$group"); fi
  done
  while read -r line; do
    SURROUNDINGS+=("--property=${line//%%/%}")
    path=${line##*[=:]}
    case $line in
      EnvironmentFile=-*) SECRETS+=("${path#-}") ;;
      EnvironmentFile=/*) SECRETS+=("$path") ;;&
      EnvironmentFile=/* | LoadCredential=*:/*) if [[ ! -e $path ]]; then MISSING=$path; fi ;;
    esac
  done < <(grep -E '^(Environment|EnvironmentFile|LoadCredential|ProtectHome|NetworkNamespacePath)=' <<<"$unit")
  SURROUNDINGS+=("--property=Environment=XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp")
}

as_caddys_unit() { systemd-run --quiet --pipe --wait --collect "${SURROUNDINGS[@]}" -- "$@"; }

# The values of the environment files; one may be a part of another.
values_longest_first() {
  cat -- "${SECRETS[@]}" /dev/null 2>/dev/null | sed "s/^[^=]*=//; s/^[\"']//; s/[\"']\$//" |
    awk '{ print length, $0 }' | sort -rn | cut -d ' ' -f 2-
}

readonly NO_BRACES="The server's own services.caddy.extraConfig begins with a site without braces, which takes in what follows: write 'example.com {' before its lines and '}' behind them."
readonly OTHER_SCHEME="The server's own configuration of Caddy has a site where those of the stack are, with TLS while those are plain http, or the other way round (argoweb:caddy.tls): Caddy cannot have both at one port. Take another port or address for it, or write http:// before its name."
# What some of Caddy's refusals mean here: a part of its text, and what to do.
readonly -A MEANING=(
  ['duplicate listener addresses']="The server's own configuration of Caddy has a 'servers' option for the address of the sites too: put its lines into argoweb:caddy.serverOptions."
  ['duplicate global log option']="Caddy's log is set twice: in argoweb:caddy.globalOptions, or the server's own services.caddy.globalConfig, and on the server, where nixpkgs always sets services.caddy.logFormat. Set that one, or give yours a name, as in 'log mine {'."
  ['ambiguous site definition']="The server's own configuration of Caddy has a site of that name at the same address: take it out there, or out of the stack."
  ['File to import not found: argoweb-']="$NO_BRACES"
  ['curly braces around each site']="$NO_BRACES"
  ['unrecognized global option: metrics']="argoweb:metrics needs Caddy 2.9: update nixpkgs, set services.caddy.package to a newer one, or leave the key out."
  ['cannot natively multiplex']="$OTHER_SCHEME"
  ['scheme and port violate convention']="Caddy's https_port (services.caddy.httpsPort), or its http_port with argoweb:caddy.tls, is the port of the sites: set argoweb:caddy.port to another one."
)

# Shows the text $1, Caddy's log in JSON, without the values of the unit's environment files.
show_refusal() {
  local text=$1 value part
  text=${text//\\\\/\\}
  text=${text//\\\"/\"}
  while IFS= read -r value; do
    if ((${#value} > 3)); then text=${text//"$value"/[secret]}; fi
  done < <(values_longest_first)
  indent <<<"${text:-It could not be started: journalctl -n 20 tells why.}"
  for part in "${!MEANING[@]}"; do
    if [[ $text == *"$part"* ]]; then echo "${MEANING[$part]}"; fi
  done
}

# Says so where Caddy is older than the oldest one that is supported; one that was built by hand may tell no version.
check_caddy_version() {
  local version
  version=$("$1" version 2>/dev/null) || return 0
  version=${version%% *}
  version=${version#v}
  if [[ $version != [0-9]* ]] || printf '%s\n' "$OLDEST_CADDY" "$version" | sort --version-sort --check=quiet; then
    return
  fi
  echo "Caddy $version is too old: this needs $OLDEST_CADDY or newer. Update nixpkgs, or set services.caddy.package to a newer one."
  return 1
}

has_ipv6() { grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; }

# `caddy validate` opens what the configuration names, such as certificates and log files.
validate_caddy() {
  local unit=$1 system=$2 own=${FILE_PATH[argoWeb.caddy]} there adapted flat text valid=yes
  if grep -Eq '^\s*bind .*:' "$own" && ! has_ipv6; then
    echo "This server has no IPv6, but Caddy would listen on it: set argoweb:caddy.bind to 127.0.0.1. [ipv6-missing]"
    return 1
  fi
  read_surroundings "$unit" "--property=BindReadOnlyPaths=$WORK/candidate:${SETTING[config-dir]}"
  text=$(check_caddy_version "$PROGRAM_OF_CADDY") || {
    echo "$text [caddy-old]"
    return 1
  }
  if [[ -n $MISSING ]]; then
    warn caddy-unchecked "not checked: Caddy's unit needs $MISSING, which is not there yet."
    return
  fi
  there=$CONFIG # until the switch
  if [[ -n $system && -e $system$CONFIG ]]; then there=$system$CONFIG; fi
  if grep -q '^[^#]' "$own"; then printf 'http://%s:1 {\n\trespond 204\n}\n' "$PROBE" >>"$WORK/candidate/${own##*/}"; fi
  # Both at once saves a start. Where that fails, what the checks between say of it comes first.
  if [[ $USER_EXISTS == no || -z $ADAPTER ]] || ! adapted=$(adapt "$there" --validate 2>/dev/null); then
    valid=''
    adapted=$(adapt "$there" 2>/dev/null) || {
      text=$(adapt "$there" 2>&1)
      show_refusal "$text"
      return 1
    }
  fi
  if grep -q "$PROBE" "$own" && [[ $adapted != *"$PROBE"* ]]; then
    if [[ -z $ADAPTER ]]; then
      echo "Caddy runs $CONFIG, which is JSON (services.caddy.settings?) and cannot import our sites. Write it as a Caddyfile, in services.caddy.virtualHosts or extraConfig, or run a second Caddy for the sites: argoweb:caddy.manage false, argoweb:caddy.unit."
    else
      echo "Caddy runs $CONFIG, which does not import our sites. Add this line there once, then run pulumi up again:"
      echo "    import ${own%y}?"
    fi
    return 1
  fi
  flat=$(flat <<<"$adapted")
  if grep -qx '\."admin"\."disabled"=true' <<<"$flat" && [[ -n $(sed -n 's/^ExecReload=//p' <<<"$unit" | tail -n 1) ]]; then
    echo "Caddy's admin endpoint is off, by which its unit is reloaded. Set services.caddy.enableReload = false on the server, so that it is restarted, or leave 'admin off' out."
    return 1
  fi
  check_beside "$own" "$flat" || return 1
  text=$(taken_from_caddy "$flat" "$unit" "$system")
  if [[ -n $text ]]; then
    echo "$text"
    return 1
  fi
  if [[ -n $valid ]]; then return; fi
  # Where the user is not there yet, neither are the folders for its logs.
  if [[ $USER_EXISTS == no ]]; then adapted=${adapted//'"filename":"'/'"filename":"/tmp/'}; fi
  text=$(printf '%s' "$adapted" | as_caddys_unit "$PROGRAM_OF_CADDY" validate --config - 2>&1) || {
    show_refusal "$text"
    return 1
  }
}

# The JSON that Caddy makes of the configuration $1, which may be JSON already; further options of `caddy adapt` follow.
adapt() {
  if [[ -z $ADAPTER ]]; then
    cat -- "$1"
  else
    as_caddys_unit "$PROGRAM_OF_CADDY" adapt --config "$1" --adapter "$ADAPTER" "${@:2}"
  fi
}

# JSON on stdin as lines `."key"[index]=value`, sorted, the same for all texts that say the same.
flat() {
  tr -d '\n' | LC_ALL=C sed -E 's/"([^"\\]|\\.)*"|[][{},:]|[^][{},:"[:space:]]+/&\n/g' | LC_ALL=C awk '
    BEGIN { named = 1 }
    function here() { return before[depth] (array[depth] ? "[" item[depth] "]" : depth ? "." key[depth] : "") }
    { sub(/^[[:space:]]+/, "") }
    /^$/ { next }
    /^[{[]$/ {
      place = here()
      full[depth] = 1
      depth++
      before[depth] = place
      array[depth] = $0 == "["
      item[depth] = full[depth] = 0
      named = array[depth]
      next
    }
    /^[]}]$/ {
      if (!full[depth]) print before[depth] "=" $0
      depth--
      next
    }
    $0 == "," {
      item[depth]++
      named = array[depth]
      next
    }
    $0 == ":" { named = 1; next }
    !named { key[depth] = $0; next }
    { full[depth] = 1; print here() "=" $0 }' | LC_ALL=C sort
}

# Reloads Caddy, or starts it, and restarts it where that was not enough: a reload goes by way of the admin endpoint of
# the new configuration, which the running one need not have.
reload_caddy() {
  local unit before
  if [[ $REBUILD$RELOAD == nono ]] || ((${#CADDY[@]} == 0)); then return 0; fi # in a trap, `return` alone gives what came before it
  before=${INVOCATION[${CADDY[*]}]:-}
  if [[ $RELOAD == yes ]]; then
    step "reloading ${SETTING[caddy-unit]}"
    limited reload-or-restart "${CADDY[@]}"
  fi
  unit=$(unit_text "${CADDY[@]}")
  if runs_live "$unit" "$before"; then return 0; fi
  step "restarting ${SETTING[caddy-unit]}, which does not run what is live"
  limited restart "${CADDY[@]}" || return 1
  # It has read what is live, unless it starts with what it had before.
  if [[ $unit != *' --resume'* ]] || runs_live "$unit" "$before"; then return 0; fi
  echo "${SETTING[caddy-unit]} goes on with a configuration that is not the live one."
  return 1
}

# Whether Caddy, its unit's text being $1, runs what is live, which its admin endpoint tells. One without that has read
# what is live if it has started since its invocation $2. What it has instead stands in NOT_LIVE.
runs_live() {
  local unit=$1 tmp wanted listen running
  local shared=("--property=JoinsNamespaceOf=${CADDY[*]}") where=()
  tmp=$(sed -n 's/^PrivateTmp=//p' <<<"$unit" | tail -n 1)
  if [[ ! $tmp =~ ^(1|y|t|on) ]]; then shared+=(--property=PrivateTmp=no); fi
  read_surroundings "$unit" "${shared[@]}"
  if [[ -z $PROGRAM_OF_CADDY ]]; then return 1; fi
  add_directories
  NOT_LIVE='another configuration than its files have'
  if ! wanted=$(adapt "$CONFIG" 2>/dev/null | flat) || [[ -z $wanted ]]; then
    wanted=$(adapt "$CONFIG" 2>&1 | tail -n 1)
    NOT_LIVE="another one, since its files cannot be read: ${wanted:-nothing runs beside its unit}"
    return 1
  fi
  if grep -qx '\."admin"\."disabled"=true' <<<"$wanted"; then
    learn_units "${CADDY[@]}"
    [[ ${ACTIVE[${CADDY[*]}]} == active && ${INVOCATION[${CADDY[*]}]} != "$2" ]]
    return
  fi
  listen=$(sed -n 's/^\."admin"\."listen"="\(tcp\/\)\?\(.*\)"$/\2/p' <<<"$wanted")
  listen=${listen:-localhost:2019}
  listen=${listen%|*}
  case $listen in
    unix/*) where=(--unix-socket "${listen#unix/}" http://127.0.0.1/config/) ;;
    :*) where=("http://localhost$listen/config/") ;;
    *) where=("http://$listen/config/") ;;
  esac
  if [[ $listen != unix/* ]]; then where+=(--header "Origin: http://$listen"); fi # as `caddy reload` says
  running=$(as_caddys_unit "$(type -P curl)" -fsS --globoff --max-time 5 --noproxy '*' "${where[@]}" 2>/dev/null | flat) || {
    NOT_LIVE="no answer at its admin endpoint, $listen"
    return 1
  }
  [[ $running == "$wanted" ]]
}

# What systemd tells the running Caddy of its folders, which its configuration may name.
add_directories() {
  local pid line
  pid=$(systemctl show -p MainPID --value "${CADDY[@]}")
  while IFS= read -r line; do
    SURROUNDINGS+=("--property=Environment=$line")
  done < <(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ" |
    grep -E '^((STATE|LOGS|CACHE|RUNTIME|CONFIGURATION|CREDENTIALS)_DIRECTORY|HOME|USER)=[^ ]*$')
}
