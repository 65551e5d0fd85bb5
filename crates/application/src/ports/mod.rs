//! The ports: what the use cases need from outside. A trait stands here only where the other side is I/O, time or
//! chance. The documentation of each is a contract; the conformance kit in `holdfast-testkit` has a case for every
//! MUST of the store.

mod audit;
mod clock;
mod ids;
mod legacy_tokens;
mod passwords;
mod sessions;
mod store;
mod tasks;
mod tokens;
mod users;

pub use audit::AuditRepository;
pub use clock::Clock;
pub use ids::Ids;
pub use legacy_tokens::LegacyTokenRepository;
pub use passwords::{Passwords, PasswordsError, Verification};
pub use sessions::SessionRepository;
pub use store::{Cause, Repositories, Store, StoreError, Unique, UnitOfWork};
pub use tasks::{
    Deleted, Direction, Position, SortBy, SortKey, Start, TaskChanges, TaskFilter, TaskOrder, TaskQuery,
    TaskRepository, Updated,
};
pub use tokens::{
    AccessClaims, Expiry, InvalidToken, LegacyClaims, RefreshClaims, TokenHash, Tokens, TokensError,
};
pub use users::{ProfileChanges, UserFilter, UserQuery, UserRepository};
