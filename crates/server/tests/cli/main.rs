//! The command line as operators and scripts meet it: the real program, its output and its exit codes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod doctor;
mod documents;
mod prompts;
mod scene;
mod seed;
mod tree;
mod users;
