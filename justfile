# Everything here is a short name for a command that works without `just`.

set dotenv-load := false

# Run the server with an embedded database.
run:
    cargo run --release

# All tests. PostgreSQL suites are skipped, and say so, on a machine without PostgreSQL.
test:
    cargo test --workspace

# What CI runs.
ci:
    .ci/run

# Formatting, lints and documentation, without warnings.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Write the OpenAPI document from the code.
openapi:
    cargo run -q -- openapi > docs/openapi/v1.json

# Check that docs/requirements.md names every requirement and only tests that exist.
requirements:
    python3 docs/check_requirements.py

# Plant mistakes in the code, one at a time, and tell which of them no test notices (docs/testing.md, "Planted mistakes"). `just mutants -p
# holdfast-domain` takes half an hour, `just mutants -f crates/application/src/auth/refresh.rs` a few minutes. Needs `cargo install cargo-mutants`.
mutants *ARGUMENTS:
    cargo mutants {{ARGUMENTS}}

# Each reader under libFuzzer for so many seconds (fuzz/README.md), with the stable compiler and a C++ one. The first build takes minutes.
fuzz SECONDS="30":
    fuzz/run {{SECONDS}}

# The hot inner parts alone, by criterion: tokens, answers, statements (bench/inner).
bench-inner *ARGUMENTS:
    cp Cargo.lock bench/inner/
    cd bench/inner && cargo bench {{ARGUMENTS}}

# Compare any server with the contract's tables, row by row: `just contract-replay http://localhost:8000`. `CONTRACT_SURFACE=a`
# or `b` runs one of them; `CONTRACT_ADMIN_EMAIL` and `CONTRACT_ADMIN_PASSWORD` name an administrator for its rows.
contract-replay BASE_URL:
    CONTRACT_BASE_URL={{BASE_URL}} cargo test -q -p acceptance --test it contract_replay -- --nocapture

# Ten minutes of random faults under eight writers each on PostgreSQL, behind PgBouncer and on SQLite; a table at the end (docs/reliability.md).
# `FAULTS_SECONDS` and `FAULTS_SEED` make it longer and another one.
faults:
    FAULTS_SECONDS="${FAULTS_SECONDS:-600}" cargo test -p holdfast-server --test reliability random_faults -- --nocapture

# The leader of the database is taken away under eight writers: PostgreSQL under Patroni with etcd and HAProxy, all on this machine
# (docs/database.md, "Fail-over"). About two minutes a round; `just failover --rounds 5`. HOLDFAST_BIN names another binary.
failover *ARGUMENTS:
    [ -n "${HOLDFAST_BIN:-}" ] || cargo build --release --package holdfast-server
    tests/drills/failover.py {{ARGUMENTS}}

# Two instances behind HAProxy are restarted in turn under sixteen clients. `just rolling --from OLD_BINARY` goes through an upgrade.
rolling *ARGUMENTS:
    [ -n "${HOLDFAST_BIN:-}" ] || cargo build --release --package holdfast-server
    tests/drills/rolling.py {{ARGUMENTS}}

# How fast it is, alone and against others: `just bench --peer "NAME=COMMAND" --write` (docs/performance.md).
bench *ARGUMENTS:
    [ -n "${HOLDFAST_BIN:-}" ] || cargo build --release --package holdfast-server
    bench/run.py {{ARGUMENTS}}
