# Live files change only inside a transaction: the old ones are kept until the new ones have proved themselves.

# Begins one over the given paths. $TRANSACTION appears whole, by one rename.
transaction_begin() {
  local new=$TRANSACTION.new path index=0
  rm -rf -- "$new"
  mkdir -p -- "$new"
  current_system >"$new/system"
  readlink -f "$PROFILE" >"$new/profile" || true
  cp -- "$PROGRAM" "$new/server.sh"
  for path in "$@"; do
    if [[ -e $path || -L $path ]]; then
      cp -a -- "$path" "$new/$index"
    fi
    printf '%s\n' "$path" >>"$new/paths"
    index=$((index + 1))
  done
  sync -f "$new"
  mv -T -- "$new" "$TRANSACTION"
}

# Puts every file back as it was.
transaction_restore() {
  local path index=0
  while read -r path; do
    if [[ -e $TRANSACTION/$index || -L $TRANSACTION/$index ]]; then
      mkdir -p -- "${path%/*}"
      cp -a -- "$TRANSACTION/$index" "${path%/*}/.argoweb-old"
      mv -Tf -- "${path%/*}/.argoweb-old" "$path"
    else
      rm -f -- "$path"
    fi
    index=$((index + 1))
  done <"$TRANSACTION/paths"
}

transaction_end() {
  mv -T -- "$TRANSACTION" "$TRANSACTION.done"
  rm -rf -- "$TRANSACTION.done"
}

# After a crash or a reboot: the old files come back. A transaction of a run that lives is left alone.
recover() {
  [[ -e $TRANSACTION/paths ]] || return 0
  transaction_restore
  transaction_end
  step "an unfinished deployment was undone: the files are those from before it"
}
