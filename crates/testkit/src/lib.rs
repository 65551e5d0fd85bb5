//! Test doubles, fixtures and the conformance kit; a dev-dependency only.
//!
//! Nothing here may be used from `src/**` of a crate that it depends on: cargo would build two copies of that crate.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a test says what is wrong by panicking, and so does what it is made of"
)]

pub mod authenticator;
pub mod chaos;
pub mod clock;
pub mod conformance;
pub mod failing;
pub mod fixtures;
pub mod ids;
pub mod keys;
pub mod mail;
pub mod memory;
pub mod passwords;
pub mod postgres;
pub mod randomness;
pub mod redis;
pub mod rows;
pub mod tokens;
pub mod vault;

pub use authenticator::Authenticator;
pub use chaos::{ChaosProxy, NetworkFault};
pub use clock::FixedClock;
pub use failing::FailingStore;
pub use ids::SequentialIds;
pub use mail::{MemoryMailer, MemoryOutbox};
pub use memory::MemoryStore;
pub use passwords::PlainPasswords;
pub use randomness::CountedSecrets;
pub use redis::RedisServer;
pub use tokens::PlainTokens;
pub use vault::PlainVault;
