//! Black-box tests of both surfaces over the memory store: requests in, answers out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod app;
mod auth;
mod auth_inspection;
mod authorization;
mod bodies;
mod conditional;
mod cors;
mod crowd;
mod documents;
mod errors;
mod export;
mod export_events;
mod health;
mod history;
mod idempotency;
mod jwks;
mod legacy;
mod limits;
mod links;
mod logs;
mod password;
mod personal_tokens;
mod revocation;
mod routing;
mod second_factor;
mod slowness;
mod socket;
mod tasks;
mod traces;
mod users;
mod walk;
