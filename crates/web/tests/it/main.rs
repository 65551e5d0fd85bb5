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
mod bodies;
mod conditional;
mod cors;
mod documents;
mod errors;
mod health;
mod legacy;
mod limits;
mod logs;
mod routing;
mod slowness;
mod socket;
mod tasks;
mod users;
mod walk;
