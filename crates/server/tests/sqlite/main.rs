//! The program on a SQLite file that fails it: at the start a clear word, while serving an answer for every request,
//! nothing that was acknowledged lost, and service again by itself.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a skipped one says so"
)]

mod files;
mod many;
mod outages;
mod server;
mod starts;
