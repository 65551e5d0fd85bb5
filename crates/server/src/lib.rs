//! The composition root: settings, adapters, services and surfaces put together into one process.
//! No rule of the domain and no route lives here.

pub mod cli;
pub mod compose;
mod housekeeping;
mod revocations;
pub mod settings;
pub mod shutdown;
pub mod telemetry;

pub use compose::Application;
