//! Journeys through the whole program over real HTTP, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod app;
mod bad_input;
mod isolation;
mod journey;
mod operations;
mod sessions;
mod throttling;
