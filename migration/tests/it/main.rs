//! The migrations on real databases: a SQLite file and a PostgreSQL server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod adoption;
mod adoption_addresses;
mod adoption_both_sides;
mod adoption_changes;
mod adoption_large;
mod adoption_passwords;
mod adoption_refusals;
mod adoption_safety;
mod adoption_way_back;
mod adoption_write_back;
mod autovacuum;
mod checksums;
mod command_line;
mod concurrency;
mod cut_off;
mod expand_contract;
mod fastapi;
mod integrity;
mod live_traffic;
mod online;
mod previous_version;
mod reversibility;
mod safety;
mod schema;
mod search_index;
mod support;
mod transfer;
mod transfer_damage;
mod transfer_refusals;
mod transfer_writers;
