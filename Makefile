# The two commands this project asks you to know. Everything else is cargo.
.PHONY: demo test check fmt bench openapi console

# Build and start on embedded SQLite with a living demo fleet.
demo: console
	cargo run --release --bin allclear -- demo

# Build the console, which the server is built with.
console:
	cd console && npm ci --ignore-scripts && npm run build

# Install what the tests need, then everything: format, lints, licences, unit, property, both databases, black box,
# browser.
test:
	scripts/test.sh

# What to run while working: no PostgreSQL, no Python tools.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo nextest run --workspace

fmt:
	cargo fmt --all

bench:
	cargo bench -p allclear-engine --bench the_loop

# Write the API description that is kept in the tree, and the console's client from it.
openapi:
	cargo run --bin allclear -- openapi > docs/openapi.json
	cd console && npm ci --ignore-scripts && npm run api
