#!/usr/bin/env bash
# Installs what the tests need, where it is missing, and runs all of them. Works on a fresh machine with Rust and Python.
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

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --workspace --all-targets --locked -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step "licences and sources"
cargo deny --offline check bans licenses sources

step "tests, on SQLite and PostgreSQL"
scripts/with-postgres.sh cargo nextest run --workspace --locked
cargo test --workspace --doc --locked --quiet

step "API description is current"
target/debug/allclear openapi | diff -u docs/openapi.json - || {
    echo "docs/openapi.json is out of date: run make openapi" >&2
    exit 1
}
