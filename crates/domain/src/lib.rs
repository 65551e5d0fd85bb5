//! The domain: entities, value types and state transitions that can refuse.
//!
//! Nothing here waits, reads a clock, draws a random number or knows a wire or storage format. A value that exists
//! is valid; what turns text into values says in its error what was expected.

pub mod ids;
pub mod personal_tokens;
pub mod second_factors;
pub mod sessions;
pub mod stored;
pub mod tasks;
pub mod text;
pub mod throttle;
pub mod time;
pub mod users;

pub use ids::{EventId, OneTimeTokenId, PersonalTokenId, SessionId, TaskId, TokenId, UserId};
pub use stored::Stored;
pub use time::Timestamp;
