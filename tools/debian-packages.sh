# Sourced, after common.sh, by the scripts that fetch Debian's i386 packages. Nothing is installed and the host's apt is
# not changed: apt runs with an architecture, a state and a cache of its own, in the folder $apt_state, and the host's
# sources. apt verifies what it downloads. The scripts set apt_state and call start_apt first.
# shellcheck shell=bash disable=SC2154

# private TOOL ARGUMENTS...: one of apt's tools for a machine that is i386 and has nothing installed.
private() {
  local tool=$1
  shift
  "$tool" -o APT::Architecture=i386 -o APT::Architectures=i386 -o APT::Sandbox::User= \
    -o Acquire::Languages=none -o APT::Update::Error-Mode=any \
    -o Dir::State="$apt_state" -o Dir::State::status="$apt_state/status" \
    -o Dir::State::lists="$apt_state/lists" -o Dir::Cache="$apt_state" "$@"
}

# An empty state and a fresh index.
start_apt() {
  rm -rf -- "$apt_state"
  mkdir -p -- "$apt_state/lists/partial" "$apt_state/archives/partial" "$apt_state/download" "$apt_state/root"
  : >"$apt_state/status"
  # A mirror in the middle of a sync fails for one of its sections; the packages decide whether that matters.
  private apt-get update >"$apt_state/log" 2>&1 || true
}

# apt_failed WHAT: ends the script with what apt has said.
apt_failed() {
  grep '^E:' -- "$apt_state/log" >&2 || true
  die "apt-get could not $1 (i386)"
}

# The package into $apt_state/download.
download() {
  (cd -- "$apt_state/download" && private apt-get download "$1") >>"$apt_state/log" 2>&1 || apt_failed "download $1"
}

need_tools() {
  local tool
  for tool; do
    command -v "$tool" >/dev/null || die "needs $tool"
  done
}
