//! Use cases, run against the memory store with a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

mod administration;
mod authenticate;
mod change_email;
mod change_password;
mod claim;
mod classify;
mod create_admin;
mod delete_account;
mod events;
mod export;
mod export_events;
mod faults;
mod housekeeping;
mod idempotency;
mod inspect;
mod legacy_tokens;
mod letters;
mod operator;
mod passwords;
mod patch;
mod personal_tokens;
mod refresh;
mod refresh_races;
mod reset_password;
mod revocation;
mod second_factor;
mod second_factor_counts;
mod second_factor_steps;
mod sign_in;
mod sign_out;
mod sign_up;
mod tasks;
mod tasks_list;
mod throttling;
mod throttling_races;
mod verify_email;
mod world;
