#!/usr/bin/env bash
# Installs what the tests need, where it is missing, and runs all of them. Works on a fresh machine with Rust, Node and
# Python.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "tools"
command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest
if ! command -v cargo-deny >/dev/null; then
    cargo install --locked cargo-deny
fi
if [ ! -x target/python/bin/schemathesis ]; then
    python3 -m venv target/python
    target/python/bin/pip install --quiet --disable-pip-version-check 'schemathesis>=4,<5'
fi
export ALLCLEAR_TEST_SCHEMATHESIS="$PWD/target/python/bin/schemathesis"
if ! command -v chromium >/dev/null; then
    [ "$(id -u)" -eq 0 ] || { echo "install the package chromium" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends chromium
fi

step "console: types, unit tests, build, sizes"
(
    cd console
    npm ci --ignore-scripts --no-audit --no-fund
    npm test
    npm run build
    npm run size
)

step "peers: other people's software the channels are tried with"
npm ci --prefix tests/peers --ignore-scripts --no-audit --no-fund

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "licences and sources"
cargo fetch --locked
cargo deny --offline check bans licenses sources

step "tests, on SQLite and PostgreSQL"
scripts/with-scep.sh scripts/with-postgres.sh cargo nextest run --workspace --locked
cargo test --workspace --doc --locked --quiet

step "API description and the console's client are current"
target/debug/allclear openapi | diff -u docs/openapi.json - || {
    echo "docs/openapi.json is out of date: run make openapi" >&2
    exit 1
}
(cd console && npm run --silent api -- --output ../target/console-api)
diff -r console/src/api target/console-api || {
    echo "console/src/api is out of date: run make openapi" >&2
    exit 1
}

step "the console in Chromium"
(cd console && npm run --silent e2e)
