//! The ports: what the use cases need from outside. A trait stands here only where the other side is I/O, time or
//! chance. The documentation of each is a contract; the conformance kit in `holdfast-testkit` has a case for every
//! MUST of the store.

mod audit;
mod clock;
mod idempotency;
mod ids;
mod leases;
mod legacy_tokens;
mod mailer;
mod one_time_tokens;
mod outbox;
mod passwords;
mod personal_tokens;
mod randomness;
mod second_factors;
mod sessions;
mod shared_buckets;
mod store;
mod tasks;
mod throttle;
mod tokens;
mod users;
mod vault;
mod write_outage;

pub use audit::{AuditRepository, DeletedAccount, EventPosition, TrailPosition};
pub use clock::Clock;
pub use idempotency::{Claim, IdempotencyRecord, IdempotencyRepository};
pub use ids::Ids;
pub use leases::LeaseRepository;
pub use legacy_tokens::LegacyTokenRepository;
pub use mailer::{Mail, MailError, Mailer};
pub use one_time_tokens::{LinkToken, OneTimeToken, OneTimeTokenRepository, PendingLink};
pub use outbox::{Errand, Letter, Outbox, OutboxFull, Place};
pub use passwords::{Passwords, PasswordsError, Verification};
pub use personal_tokens::{
    PersonalTokenBearer, PersonalTokenClaim, PersonalTokenRepository, PersonalTokenText,
};
pub use randomness::{NoRandomness, Randomness};
pub use second_factors::{SecondFactor, SecondFactorRepository};
pub use sessions::{EndedSession, SessionRepository};
pub use shared_buckets::{BucketSize, BucketsUnreachable, Drawing, SharedBuckets};
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
pub use users::{ProfileChanges, UserFilter, UserPosition, UserQuery, UserRepository};
pub use vault::{Opened, Sealed, Vault, VaultError};
pub use write_outage::WriteOutage;
