# Sourced by the scripts of this project: where things are, and how to fail.
# shellcheck shell=bash

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # both are read by the scripts that source this file
readonly root default_guests=${XDG_CACHE_HOME:-$HOME/.cache}/ringdown/guests

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# run_logged LOG COMMAND...: silent when it works; otherwise its output and the failure.
run_logged() {
  local log=$1
  shift
  mkdir -p -- "$(dirname -- "$log")"
  "$@" >"$log" 2>&1 && return 0
  tail -n 40 -- "$log" >&2
  die "'$1' failed; everything it said is in $log"
}
