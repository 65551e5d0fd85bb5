//! The composition root: settings, adapters, services and surfaces put together into one process.
//! No rule of the domain and no route lives here.

pub mod cli;
pub mod compose;
mod connections;
mod housekeeping;
mod listener;
mod log_filter;
mod logs;
mod mail;
mod operations;
pub mod reload;
mod revocations;
mod secrets;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
mod traces;

pub use compose::Application;
