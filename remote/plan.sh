# What is staged is whole, and what has to be done with it: a comparison with what is live, said on one line.

declare -a CHANGED=() OBSOLETE=() UNSTAGED=()
REBUILD=no RESTART=no RELOAD=no

# Whether two owners, each `project/stack-server address id`, are one set of resources.
have_one_id() { [[ ${1##* } == "${2##* }" && ${1##* } =~ ^[0-9a-f]{8}$ ]]; }

# A stack that was renamed, or moved to another project, is the same by its id.
PREVIOUS=''
check_owner() {
  local deployment=${SETTING[owner]}
  [[ -e $OWNER ]] || return 0
  PREVIOUS=$(<"$OWNER")
  if [[ ${PREVIOUS%/* *} == "${deployment%/* *}" ]]; then return; fi
  have_one_id "$PREVIOUS" "$deployment" || fail_untouched \
    "this server belongs to the deployment '${PREVIOUS}', not to '${deployment}'. A server serves one stack: write the sites of both into that one, or destroy it first. If it is gone for good, remove $OWNER on the server to take the server over. [server-of-another]"
  step "this server belonged to '$PREVIOUS', which is the same by its id: now to '$deployment'"
}

# Takes the staged files that are what the manifest says; one that is already live needs no staging. Taken, they are this
# run's alone: the next one may stage its own meanwhile, each by a rename.
take_staged() {
  local name staged=() taken=() lost=()
  mkdir -- "$WORK/files"
  for name in "${FILES[@]}"; do staged+=("$STAGING/$name") taken+=("$WORK/files/$name"); done
  ln -t "$WORK/files" -- "${staged[@]}" 2>/dev/null || true # not all of them need be there
  learn_files "${taken[@]}" "${FILE_PATH[@]}"
  for name in "${FILES[@]}"; do
    [[ ${SUM[$WORK/files/$name]:-} == "${FILE_SUM[$name]}" ]] && continue
    rm -f -- "$WORK/files/$name"
    [[ ${SUM[${FILE_PATH[$name]}]:-} == "${FILE_SUM[$name]}" ]] || lost+=("$name")
  done
  ((${#lost[@]} == 0)) || fail_untouched \
    "the staging folder lost ${lost[*]} (a pulumi up --target that left them out, a reinstalled server, or a file edited by hand?). Run pulumi up without --target; if it ends here too, raise argoweb:servers.<name>.redeploy by one first: that sends every file again."
}

# A file of this run: taken from the staging folder, or live already.
source_of() {
  [[ -e $WORK/files/$1 ]] && echo "$WORK/files/$1" || echo "${FILE_PATH[$1]}"
}

is_live() {
  local path=${FILE_PATH[$1]}
  [[ ${SUM[$path]:-} == "${FILE_SUM[$1]}" && ${ACCESS[$path]:-} == "${FILE_MODE[$1]} ${FILE_OWNER[$1]}" ]]
}

# Cloudflare has the new secret of a rotation already, and refuses the old one. So whatever comes of this run, the new
# credentials stay: a cloudflared that starts needs them.
NEW_SECRET=''
take_new_secret() {
  local live=${FILE_PATH[credentials]:-} new
  [[ ${SETTING[tunnel-secret]:-} == made && -e $live && ${SUM[$live]:-} != "${FILE_SUM[credentials]}" ]] || return 0
  new=$(source_of credentials)
  [[ $(tunnel_of "$live") == "$(tunnel_of "$new")" ]] || return 0
  step "putting the tunnel's new secret in its place, where it stays: Cloudflare refuses the old one"
  owe cloudflared "the tunnel has a new secret"
  place credentials
  learn_files "$live"
  NEW_SECRET=" with the tunnel's new secret"
}
tunnel_of() { sed -n 's/.*"TunnelID": *"\([^"]*\)".*/\1/p' -- "$1"; }

# Plans what earlier runs left to be done.
plan_owed() {
  [[ -e $OWED ]] || return 0
  RESTART=yes
  if grep -q '^all ' "$OWED"; then RELOAD=yes; fi
}

# Whether the running system has our module, but of other files than the manifest's: somebody switched to an older
# generation, or built it while other files lay here.
is_built_from_others() {
  local inputs name sums=()
  inputs=$(inputs_of "${1:-/run/current-system}")
  for name in argoWeb.json argoWeb.nix cloudflared-custom.nix; do
    if [[ -n ${FILE_SUM[$name]:-} ]]; then sums+=("${FILE_SUM[$name]}"); fi
  done
  [[ -n $inputs && $inputs != "${sums[*]}" ]]
}

# Decides what has to be done and says it on one line.
compare() {
  local name path unit why=()
  plan_owed
  if [[ -e $OWED ]]; then why+=("$(owed)"); fi
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
      if [[ -z ${FILE_PATH[$name]:-} ]]; then UNSTAGED+=("$STAGING/$name"); fi
      why+=("$name removed")
      if is_nix_input "$name"; then REBUILD=yes; fi
    done < <(grep '^file ' "$APPLIED")
  fi
  learn_units "${INSTANCES[@]}" "${CADDY[@]}"
  for unit in "${INSTANCES[@]}"; do
    if [[ ${LOAD[$unit]} != loaded ]]; then REBUILD=yes why+=("$unit is not there yet"); fi
    if [[ ${ACTIVE[$unit]} != active ]]; then RESTART=yes why+=("$unit is not running"); fi
  done
  if [[ ${ACTIVE[${CADDY[*]}]} != active ]]; then RELOAD=yes why+=("${CADDY[*]} is not running"); fi
  if [[ $REBUILD == no ]] && is_built_from_others; then REBUILD=yes why+=("the running system was built from other files of argoweb"); fi
  if [[ $REBUILD$RESTART$RELOAD == nonono ]] && ((${#OBSOLETE[@]} == 0)); then
    step "plan: nothing to do, the server has all of it"
    return
  fi
  local -a plan=()
  [[ $REBUILD == yes ]] && plan+=("rebuild NixOS")
  [[ $RESTART == yes ]] && plan+=("restart argoWeb")
  [[ $RELOAD == yes ]] && plan+=("reload ${SETTING[caddy-unit]}")
  step "plan: $(join "${plan[@]:-tidy up}") ($(join "${why[@]}"))"
  if [[ $RESTART == yes ]] || loses_an_instance; then tell_cost; fi
}

# The rebuild that takes the second cloudflared away restarts the first one.
loses_an_instance() {
  local before
  before=$(grep -c '^instance ' "$APPLIED" 2>/dev/null || true)
  ((${before:-0} > ${#INSTANCES[@]}))
}

# What visitors notice of a restart of cloudflared.
tell_cost() {
  local unit running=0
  for unit in "${INSTANCES[@]}"; do
    if [[ ${ACTIVE[$unit]} == active ]]; then running=$((running + 1)); fi
  done
  if ((running == 0)); then return 0; fi
  if ((${#INSTANCES[@]} == 1)); then
    echo "It is the only cloudflared here, so this server serves nothing meanwhile; argoweb:nixos.instances 2 avoids that."
  else
    echo "One restarts after the other, so no request is lost. What goes on for longer than the grace period of ${SETTING[grace-period]:-30} s is cut off: WebSockets, streams, downloads."
  fi
  if [[ ${SETTING[routing]:-} == cloudflared && " ${CHANGED[*]} " == *' argoWeb.yml '* ]]; then
    echo "With argoweb:routing caddy a change of what Caddy serves restarts nothing, not even for a new hostname."
  fi
}
