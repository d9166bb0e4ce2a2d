# What is staged is whole, and what has to be done with it: a comparison with what is live, said on one line.

declare -a CHANGED=() OBSOLETE=()
REBUILD=no RESTART=no RELOAD=no

check_owner() {
  local owner deployment=${SETTING[owner]}
  [[ -e $OWNER ]] || return 0
  owner=$(<"$OWNER")
  [[ ${owner%/* *} == "${deployment%/* *}" ]] || fail_untouched \
    "this server belongs to the deployment '${owner}', not to '${deployment}'. Destroy that one first, or remove $OWNER on the server to take it over."
}

# A staged file is used when it is what the manifest says; one that is already live needs no staging.
verify_staging() {
  local name lost=()
  for name in "${FILES[@]}"; do
    [[ $(digest "$STAGING/$name") == "${FILE_SUM[$name]}" ]] && continue
    [[ $(digest "${FILE_PATH[$name]}") == "${FILE_SUM[$name]}" ]] || lost+=("$name")
  done
  ((${#lost[@]} == 0)) || fail_untouched \
    "the staging folder lost ${lost[*]} (a reinstalled server, or a file edited by hand?). Raise argoweb:servers.<name>.redeploy by one and run pulumi up: it sends every file again."
}

source_of() {
  [[ $(digest "$STAGING/$1") == "${FILE_SUM[$1]}" ]] && echo "$STAGING/$1" || echo "${FILE_PATH[$1]}"
}

is_live() {
  local path=${FILE_PATH[$1]}
  [[ $(digest "$path") == "${FILE_SUM[$1]}" && $(stat -c '%a %U:%G' -- "$path") == "${FILE_MODE[$1]} ${FILE_OWNER[$1]}" ]]
}

# Decides what has to be done and says it on one line.
compare() {
  local name path unit why=()
  for name in "${FILES[@]}"; do
    is_live "$name" && continue
    CHANGED+=("$name")
    why+=("$name")
    case $name in
      *.nix | argoWeb.json) REBUILD=yes ;;
      argoWeb.caddy) RELOAD=yes ;;
      *) RESTART=yes ;;
    esac
  done
  if [[ -e $APPLIED ]]; then
    while read -r _ name _ _ _ path; do
      [[ -n ${FILE_PATH[$name]:-} && ${FILE_PATH[$name]} == "$path" ]] && continue
      OBSOLETE+=("$path")
      why+=("$name removed")
      if is_nix_input "$name"; then REBUILD=yes; fi
    done < <(grep '^file ' "$APPLIED")
  fi
  for unit in "${INSTANCES[@]}"; do
    if ! unit_exists "$unit"; then REBUILD=yes why+=("$unit is not there yet"); fi
    if [[ $(systemctl is-active "$unit") != active ]]; then RESTART=yes why+=("$unit is not running"); fi
  done
  if [[ $(systemctl is-active "${SETTING[caddy-unit]}.service") != active ]]; then RELOAD=yes why+=("${SETTING[caddy-unit]}.service is not running"); fi
  if [[ $REBUILD$RESTART$RELOAD == nonono ]] && ((${#OBSOLETE[@]} == 0)); then
    step "plan: nothing to do, the server has all of it"
    return
  fi
  local -a plan=()
  [[ $REBUILD == yes ]] && plan+=("rebuild NixOS")
  [[ $RESTART == yes ]] && plan+=("restart argoWeb")
  [[ $RELOAD == yes ]] && plan+=("reload ${SETTING[caddy-unit]}")
  step "plan: $(join "${plan[@]:-tidy up}") ($(join "${why[@]}"))"
}
