//! The driven adapters: what the ports of the application reach in the outside world.
//!
//! Databases, password hashing, tokens, encryption of stored secrets, mail, the clock, identifiers and randomness. No rule of the product lives here,
//! and nothing here knows HTTP.

pub mod clock;
pub mod database;
pub mod exchange;
pub mod ids;
pub mod mail;
pub mod passwords;
pub mod randomness;
pub mod shared_buckets;
pub mod tokens;
pub mod vault;
