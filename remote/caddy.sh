# Caddy checks the candidate as its unit will run it; what it will run has to import our file.

readonly PROBE=argoweb-probe.invalid # a site that only the candidate has: where Caddy finds it, it finds our file

declare -a SURROUNDINGS=() # what a process finds in Caddy's unit, as options of systemd-run
declare -a SECRETS=()      # files with values that nobody else may see
MISSING=''                 # a file without which the unit does not start
USER_EXISTS=yes

# Learns them from the unit's text.
read_surroundings() {
  local unit=$1 user group line path
  SURROUNDINGS=("--property=BindReadOnlyPaths=$WORK/candidate:${SETTING[config-dir]}" --property=PrivateTmp=yes)
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
  done < <(grep -E '^(Environment|EnvironmentFile|LoadCredential|ProtectHome)=' <<<"$unit")
  SURROUNDINGS+=("--property=Environment=XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp")
}

as_caddys_unit() { systemd-run --quiet --pipe --wait --collect "${SURROUNDINGS[@]}" -- "$@"; }

# The values of the environment files; one may be a part of another.
values_longest_first() {
  cat -- "${SECRETS[@]}" /dev/null 2>/dev/null | sed "s/^[^=]*=//; s/^[\"']//; s/[\"']\$//" |
    awk '{ print length, $0 }' | sort -rn | cut -d ' ' -f 2-
}

# Shows the text $1, Caddy's log in JSON, without the values of the unit's environment files.
show_refusal() {
  local text=$1 value
  text=${text//\\\\/\\}
  text=${text//\\\"/\"}
  while IFS= read -r value; do
    if ((${#value} > 3)); then text=${text//"$value"/[secret]}; fi
  done < <(values_longest_first)
  indent <<<"${text:-It could not be started: journalctl -n 20 tells why.}"
}

# `caddy validate` opens what the configuration names, such as certificates and log files.
validate_caddy() {
  local unit=$1 system=$2 own=${FILE_PATH[argoWeb.caddy]} program adapter config there adapted text
  if grep -Eq '^\s*bind .*:' "$own" && ! grep -q ' lo$' /proc/net/if_inet6 2>/dev/null; then
    echo "This server has no IPv6, but Caddy would listen on it: set argoweb:caddy.bind to 127.0.0.1."
    return 1
  fi
  read_surroundings "$unit"
  if [[ -n $MISSING ]]; then
    step "not checked: Caddy's unit needs $MISSING, which is not there yet"
    return
  fi
  program=$(exec_program <<<"$unit")
  adapter=$(exec_option adapter <<<"$unit")
  config=$(exec_option config <<<"$unit")
  config=${config:-$own}
  there=$config # until the switch
  if [[ -n $system && -e $system$config ]]; then there=$system$config; fi
  if grep -q '^[^#]' "$own"; then printf 'http://%s:1 {\n\trespond 204\n}\n' "$PROBE" >>"$WORK/candidate/${own##*/}"; fi
  if [[ -z $adapter && ${config,,} != */caddyfile* && $config != *.caddyfile && $config != "$own" ]]; then
    adapted=$(<"$there") # JSON, which imports nothing
  else
    adapted=$(as_caddys_unit "$program" adapt --config "$there" --adapter "${adapter:-caddyfile}" 2>/dev/null) || {
      text=$(as_caddys_unit "$program" adapt --config "$there" --adapter "${adapter:-caddyfile}" 2>&1 || true)
      show_refusal "$text"
      return 1
    }
  fi
  if grep -q "$PROBE" "$own" && [[ $adapted != *"$PROBE"* ]]; then
    echo "Caddy runs $config, which does not import our sites. Add this line there once, then run pulumi up again:"
    echo "    import ${own%y}?"
    return 1
  fi
  # Where the user is not there yet, neither are the folders for its logs.
  if [[ $USER_EXISTS == no ]]; then adapted=${adapted//'"filename":"'/'"filename":"/tmp/'}; fi
  text=$(printf '%s' "$adapted" | as_caddys_unit "$program" validate --config - 2>&1) || {
    show_refusal "$text"
    return 1
  }
}
