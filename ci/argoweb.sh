#!/usr/bin/env bash
# What a machine does for a team, on any runner, in the folder of the project:
#   ci/argoweb.sh preview FOLDER   what would change, as `plan.json` and, for people, `comment.md` in that folder
#   ci/argoweb.sh up FOLDER        does what the plan there says, and ends where that is not what is to be done any more
#   ci/argoweb.sh drift            whether Cloudflare and the servers are as the stack has them: exit code 1 if not
# It needs PULUMI_STACK, PULUMI_BACKEND_URL, the way to the stack's secrets (PULUMI_CONFIG_PASSPHRASE, or a key service), and
# what `pulumi install` and requirements-cli.txt have installed.
set -euo pipefail

readonly MOST=60000 # characters: a comment at GitHub may have 65,536

preview() {
  local plan=$1/plan.json comment=$1/comment.md shown status=0
  mkdir -p -- "$1" && rm -f -- "$plan" "$comment"
  shown=$(pulumi preview --non-interactive --diff --color never --suppress-progress --save-plan "$plan" 2>&1) || status=$?
  printf '%s\n' "$shown"
  if ((${#shown} > MOST)); then shown="${shown:0:MOST}"$'\n… the rest is in the log of this run'; fi
  { printf '## %s\n\n' "$PULUMI_STACK" && printf '~~~~~diff\n%s\n~~~~~\n' "$shown"; } >"$comment"
  return "$status"
}

up() {
  if [[ ! -e $1/plan.json ]]; then
    echo "There is no plan in $1: run $0 preview $1, and have it read." >&2
    return 1
  fi
  pulumi up --yes --skip-preview --non-interactive --color never --suppress-progress --plan "$1/plan.json"
}

drift() {
  .venv/bin/python -m argoweb drift
}

case ${1-}:$# in
  preview:2 | up:2 | drift:1) "$@" ;;
  *)
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
    ;;
esac
