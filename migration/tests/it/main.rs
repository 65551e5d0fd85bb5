//! The migrations on real databases: a SQLite file and a PostgreSQL server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod command_line;
mod concurrency;
mod reversibility;
mod safety;
mod schema;
mod support;
