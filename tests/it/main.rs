//! Journeys through the whole program over real HTTP, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod administration;
mod app;
mod bad_input;
mod contract;
mod contract_a;
mod contract_b;
mod front_ends;
mod isolation;
mod journey;
mod legacy_tokens;
mod operations;
mod sessions;
mod throttling;
