# Files that a unit's configuration names are tried before it has to read them; all that are wrong are said at once.

# Runs a command as the user of the unit whose text is $1, with the unit's groups and the group $2 added.
# As a user that the rebuild has yet to make it can do what these groups may, or everybody.
as_user_of() {
  local user uid=65534 gid=65534 name id
  local -a groups=()
  user=$(exec_user <<<"$1")
  if [[ ${user:-root} == root ]]; then
    "${@:3}"
    return
  fi
  if id -- "$user" >/dev/null 2>&1; then
    uid=$(id -u -- "$user")
    gid=$(id -g -- "$user")
    read -ra groups < <(id -G -- "$user")
  fi
  for name in $(exec_groups <<<"$1") $2; do
    id=$(group_id "$name")
    if [[ -n $id ]]; then groups+=("$id"); fi
  done
  groups+=("$gid")
  setpriv --reuid "$uid" --regid "$gid" --groups "$(IFS=, && echo "${groups[*]}")" -- "${@:3}"
}

# Prints what is wrong with the files that $1 reads, by the manifest; its unit's text is $2, a further group $3.
unreadable() {
  local entry path
  for entry in "${READS[@]}"; do
    path=${entry#* }
    if [[ ${entry%% *} != "$1" ]]; then continue; fi
    if [[ ! -e $path ]]; then
      echo "    $path, which $1 reads, is not there."
    elif ! as_user_of "$2" "$3" test -r "$path"; then
      echo "    $path, which $1 reads, is not readable for its user '$(exec_user <<<"$2")'."
    fi
  done
}

# Prints each folder of a site that is not there, or not for Caddy, whose unit's text is $1: hostname, folder and why,
# parted by tabs. One process tries all of them, since there may be hundreds.
missing_roots() {
  local entry path why shut
  if ((${#ROOTS[@]} == 0)); then return; fi
  # shellcheck disable=SC2016 # the other shell reads it
  shut=$'\n'$(as_user_of "$1" '' "$BASH" -c 'for path; do [[ -x $path ]] || echo "$path"; done' _ "${ROOTS[@]#* }")$'\n'
  for entry in "${ROOTS[@]}"; do
    path=${entry#* } why=''
    if [[ $path != /* ]]; then continue; fi
    if [[ ! -e $path ]]; then
      why='is not there'
    elif [[ ! -d $path ]]; then
      why='is no folder'
    elif [[ $shut == *$'\n'"$path"$'\n'* ]]; then
      why="is not readable for Caddy's user '$(exec_user <<<"$1")'"
    fi
    if [[ -n $why ]]; then printf '%s\t%s\t%s\n' "${entry%% *}" "$path" "$why"; fi
  done
}
