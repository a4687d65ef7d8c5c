#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL server, whose superuser URL is in ALLCLEAR_TEST_POSTGRES.
#   scripts/with-postgres.sh cargo nextest run -p allclear-store
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 2
fi

# The directory of the newest server's programs; empty when there is none.
find_server() {
  local newest
  newest=$(find /usr/lib/postgresql -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$newest" ]; then
    dirname "$newest"
  elif command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
    dirname "$(readlink -f "$(command -v initdb)")"
  fi
}

# Installs Debian's server without the cluster it would start.
install_server() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -q -y --no-install-recommends postgresql-common
  sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  apt-get install -q -y --no-install-recommends postgresql
}

bin=$(find_server)
if [ -z "$bin" ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  install_server >&2
  bin=$(find_server)
fi
if [ -z "$bin" ]; then
  echo "$0: no PostgreSQL server found; install the package postgresql (initdb, pg_ctl and postgres are needed)" >&2
  exit 1
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/allclear-pg.XXXXXX")
as=()
# The server refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  chown "$user" "$dir"
  if command -v runuser >/dev/null; then
    as=(runuser -u "$user" --)
  else
    as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --)
  fi
fi
server() {
  (cd "$dir" && HOME=$dir "${as[@]}" "$@")
}

cleanup() {
  server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  cat "$dir"/*.log >&2 || true
  echo "$0: PostgreSQL did not start" >&2
  exit 1
}
server sh -c 'exec "$0" "$@" >initdb.log 2>&1' \
  "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-instructions || fail

# A server cannot be asked for any free port, so try some.
port=
for _ in 1 2 3 4 5 6 7 8 9 10; do
  try=$((20000 + RANDOM % 12000))
  options="-p $try -k $dir -c listen_addresses=127.0.0.1 -c max_connections=400 -c fsync=on"
  if server "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -o "$options" -w start >/dev/null; then
    port=$try
    break
  fi
done
[ -n "$port" ] || fail

export ALLCLEAR_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
status=0
"$@" || status=$?
exit "$status"
