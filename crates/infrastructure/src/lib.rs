//! The driven adapters: what the ports of the application reach in the outside world.
//!
//! Databases, password hashing, tokens, the clock and identifiers. No rule of the product lives here, and nothing
//! here knows HTTP.

pub mod clock;
pub mod database;
pub mod ids;
pub mod passwords;
pub mod tokens;
