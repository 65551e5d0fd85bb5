//! The ports: what the use cases need from outside. A trait stands here only where the other side is I/O, time or
//! chance. The documentation of each is a contract; the conformance kit in `holdfast-testkit` has a case for every
//! MUST of the store.

mod audit;
mod clock;
mod idempotency;
mod ids;
mod legacy_tokens;
mod mailer;
mod one_time_tokens;
mod outbox;
mod passwords;
mod randomness;
mod sessions;
mod store;
mod tasks;
mod throttle;
mod tokens;
mod users;

pub use audit::{AuditRepository, DeletedAccount, EventPosition};
pub use clock::Clock;
pub use idempotency::{Claim, IdempotencyRecord, IdempotencyRepository};
pub use ids::Ids;
pub use legacy_tokens::LegacyTokenRepository;
pub use mailer::{Mail, MailError, Mailer};
pub use one_time_tokens::{LinkToken, OneTimeToken, OneTimeTokenRepository};
pub use outbox::{Errand, Letter, Outbox, OutboxFull};
pub use passwords::{Passwords, PasswordsError, Verification};
pub use randomness::{NoRandomness, Randomness};
pub use sessions::{EndedSession, SessionRepository};
pub use store::{Cause, Repositories, Store, StoreError, Unique, UnitOfWork};
pub use tasks::{
    Deleted, Direction, Position, SortBy, SortKey, Start, TaskChanges, TaskFilter, TaskOrder, TaskQuery,
    TaskRepository, Updated,
};
pub use throttle::ThrottleRepository;
pub use tokens::{
    AccessClaims, Expiry, InvalidToken, LegacyClaims, PublicKey, PublicParameters, RefreshClaims, TokenHash,
    Tokens, TokensError,
};
pub use users::{ProfileChanges, UserFilter, UserQuery, UserRepository};
