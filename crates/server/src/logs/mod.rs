//! How log lines look as JSON, and how they reach standard error. What is logged is decided where it happens, and which
//! of it is written by `log_filter.rs`.

mod buffer;
mod json;

pub(crate) use buffer::{LineBuffer, Written};
pub(crate) use json::{JsonLine, JsonMembers};
