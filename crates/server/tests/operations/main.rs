//! What operators see of the real program: metrics, effective settings, its log, and the files in `ops/`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod collector;
mod documents;
mod journey;
mod metrics;
mod page;
mod places;
mod secrets;
mod server;
mod traces;
