//! What the use cases need from the storage of accounts.

use async_trait::async_trait;
use holdfast_domain::{
    Timestamp, UserId,
    users::{Account, PasswordHash, Role, User},
};

use super::StoreError;

/// Accounts.
///
/// - Every field MUST come back as it went in, the e-mail address and the name as typed.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The account without its credential.
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The account that signs in with `email`.
    ///
    /// - The exact spelling MUST win; without it, the only account whose address is equal under
    ///   `domain::text::fold`; with several of those and none exact, nobody.
    async fn find_by_email(&self, email: &str) -> Result<Option<Account>, StoreError>;

    /// Adds an account.
    ///
    /// - An address that equals another account's under `domain::text::fold` MUST be `Duplicate(Unique::Email)`,
    ///   also when both are added at the same moment: exactly one succeeds.
    async fn insert(&self, account: &Account) -> Result<(), StoreError>;

    /// Notes that a password was accepted at `at`. False when there is no such account.
    async fn record_sign_in(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError>;

    /// Replaces the hash `old` by `new`, without touching `updated_at`.
    ///
    /// - It MUST change nothing and answer false when the stored hash is no longer `old`.
    async fn replace_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError>;

    /// Gives the account a role at `at`. False when there is no such account.
    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError>;
}
