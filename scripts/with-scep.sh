#!/usr/bin/env bash
# Runs a command with an independent SCEP client, Debian's scepclient, whose path is in ALLCLEAR_TEST_SCEPCLIENT.
#   scripts/with-scep.sh cargo nextest run -p allclear --test scep
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 2
fi

fail() {
  echo "$0: no scepclient found, and none could be installed; install the package scep" >&2
  exit 1
}

dir=
cleanup() {
  [ -z "$dir" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

client=$(command -v scepclient || true)
if [ -z "$client" ]; then
  command -v apt-get >/dev/null || fail
  if [ "$(id -u)" -eq 0 ]; then
    (
      export DEBIAN_FRONTEND=noninteractive
      apt-get update -q
      apt-get install -q -y --no-install-recommends scep
    ) >&2 || fail
    client=$(command -v scepclient) || fail
  else
    # Without the right to install, the package is unpacked beside.
    dir=$(mktemp -d "${TMPDIR:-/tmp}/allclear-scep.XXXXXX")
    (cd "$dir" && apt-get download -q scep && dpkg -x scep_*.deb .) >&2 || fail
    client="$dir/usr/bin/scepclient"
    [ -x "$client" ] || fail
  fi
fi

export ALLCLEAR_TEST_SCEPCLIENT="$client"
status=0
"$@" || status=$?
exit "$status"
