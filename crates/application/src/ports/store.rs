//! The door to storage.

use async_trait::async_trait;

use super::{
    AuditRepository, IdempotencyRepository, LeaseRepository, LegacyTokenRepository, OneTimeTokenRepository,
    PersonalTokenRepository, SecondFactorRepository, SessionRepository, TaskRepository, ThrottleRepository,
    UserRepository, WriteOutage,
};

/// What lies beneath an error. It is logged and never sent.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A rule that two rows would break together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// Two accounts with one e-mail address, without regard to case.
    Email,
    /// Two rows with one identifier.
    Id,
}

/// Why the store could not do as asked. An error means that nothing was changed, unless it is `Unavailable` on a
/// write: then the write may have happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is full, or did not answer in time.
    #[error("the database is unavailable")]
    Unavailable(#[source] Cause),
    /// A row like it exists already.
    #[error("a row with this {0:?} exists already")]
    Duplicate(Unique),
    /// The account that the row should belong to does not exist.
    #[error("the owner of the row does not exist")]
    OwnerMissing,
    /// Anything else: a fault of ours or of the data.
    #[error("the database refused or returned something unexpected")]
    Unexpected(#[source] Cause),
}

/// The repositories, alone or inside a unit of work.
pub trait Repositories: Send + Sync {
    /// Tasks.
    fn tasks(&self) -> &dyn TaskRepository;
    /// Accounts.
    fn users(&self) -> &dyn UserRepository;
    /// Sessions.
    fn sessions(&self) -> &dyn SessionRepository;
    /// What became of tokens that the FastAPI backend issued.
    fn legacy_tokens(&self) -> &dyn LegacyTokenRepository;
    /// Requests that were carried out and may be repeated.
    fn idempotency(&self) -> &dyn IdempotencyRepository;
    /// What proves links in mails.
    fn one_time_tokens(&self) -> &dyn OneTimeTokenRepository;
    /// Personal access tokens.
    fn personal_tokens(&self) -> &dyn PersonalTokenRepository;
    /// Second factors and their recovery codes.
    fn second_factors(&self) -> &dyn SecondFactorRepository;
    /// Failed attempts at passwords.
    fn throttle(&self) -> &dyn ThrottleRepository;
    /// The security history.
    fn audit(&self) -> &dyn AuditRepository;
    /// Who does at the moment what one instance should do.
    fn leases(&self) -> &dyn LeaseRepository;
}

/// The store. Used directly, each call runs alone and is atomic: what it wrote MUST be visible to every caller once
/// it returns.
#[async_trait]
pub trait Store: Repositories {
    /// Begins a unit of work. Between here and `commit` nothing but the store may be waited for.
    ///
    /// - Its own writes MUST be visible within it.
    /// - They MUST NOT be visible outside before `commit`.
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>, StoreError>;

    /// One round trip, to know whether the store answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Whether writes are possible, for who asks whether this instance wants work. A store that writes MUST say so; one
    /// that cannot may have learned it up to 5 s ago.
    async fn check_writes(&self) -> Result<(), WriteOutage>;
}

/// Several writes that happen together or not at all.
///
/// - Dropping it without `commit` MUST roll everything back.
/// - After an error of one of its calls the unit of work is spent: `commit` MUST NOT report success after a call
///   failed with anything but a compare-and-set that did not apply.
#[async_trait]
pub trait UnitOfWork: Repositories {
    /// Makes the writes durable and visible, all at once.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}
