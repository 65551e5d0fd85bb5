//! Journeys through the whole program over real HTTP, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod account_life;
mod administration;
mod app;
mod bad_input;
mod contract;
mod contract_a;
mod contract_b;
mod dump;
mod exports;
mod forge;
mod front_ends;
mod idempotency;
mod isolation;
mod journey;
mod legacy_tokens;
mod links;
mod lost_answers;
mod lost_updates;
mod network_faults;
mod operations;
mod personal_tokens;
mod races;
mod revocation;
mod round_trips;
mod second_factor;
mod sessions;
mod throttling;
mod token_attacks;
mod unreliable_link;
