//! Use cases, run against the memory store with a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod administration;
mod authenticate;
mod claim;
mod classify;
mod create_admin;
mod delete_account;
mod faults;
mod inspect;
mod legacy_tokens;
mod passwords;
mod patch;
mod refresh;
mod refresh_races;
mod sign_in;
mod sign_out;
mod sign_up;
mod tasks;
mod tasks_list;
mod world;
