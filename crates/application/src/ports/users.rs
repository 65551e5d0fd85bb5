//! What the use cases need from the storage of accounts.

use async_trait::async_trait;
use holdfast_domain::{
    Timestamp, UserId,
    users::{Account, Ban, Email, Image, LinkedAccount, Name, PasswordHash, Role, User},
};

use super::StoreError;
use crate::Patch;

/// Which accounts. Absent members do not restrict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFilter {
    /// With exactly this role.
    pub role: Option<Role>,
    /// Banned, or not banned.
    pub banned: Option<bool>,
    /// Switched on, or off.
    pub active: Option<bool>,
    /// A folded text that the folded address begins with, taken literally.
    pub email_prefix: Option<String>,
    /// The time at which a ban counts.
    pub at: Timestamp,
}

/// A place in the list of accounts: just behind one of them, whether or not it still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserPosition {
    /// When it was created.
    pub created_at: Timestamp,
    /// Its id.
    pub id: UserId,
}

impl UserPosition {
    /// The place behind `user`.
    pub fn behind(user: &User) -> Self {
        Self { created_at: user.created_at, id: user.id }
    }
}

/// One page of accounts, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserQuery {
    /// Which accounts.
    pub filter: UserFilter,
    /// Those behind this place alone.
    pub behind: Option<UserPosition>,
    /// How many of these to skip.
    pub offset: u64,
    /// How many at most.
    pub limit: u64,
}

/// What changes about the part of an account that its owner decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileChanges {
    /// The name, kept, cleared or set.
    pub name: Patch<Name>,
    /// The picture, kept, cleared or set.
    pub image: Patch<Image>,
}

/// Accounts.
///
/// - Every field MUST come back as it went in, the e-mail address and the name as typed.
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// The account without its credential.
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The account with its credential.
    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// The account, held until the unit of work ends.
    ///
    /// - Until then, no other unit of work MUST be able to change, delete or hold it; those wait.
    /// - It MUST answer the account as it is once it is held, not as it was when the wait began.
    async fn lock(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// All accounts with the role `admin`, each held like [`UserRepository::lock`]. Whoever holds them alone can tell
    /// whether an administrator would be left.
    async fn lock_admins(&self) -> Result<Vec<User>, StoreError>;

    /// One page.
    ///
    /// - The order MUST be total: by time of creation, ties by id, both descending; ids compare by their bytes.
    /// - A ban that has ended at the filter's time MUST NOT count.
    /// - `email_prefix` MUST be taken literally, `%`, `_` and `\` included.
    /// - Pages that follow each other by place MUST show every account that is there throughout exactly once, whatever is
    ///   inserted or deleted meanwhile.
    /// - An offset past the end MUST give an empty page, however large it is.
    async fn list(&self, query: UserQuery) -> Result<Vec<User>, StoreError>;

    /// How many accounts match, on all pages together.
    async fn count(&self, filter: UserFilter) -> Result<u64, StoreError>;

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

    /// Gives the account another hash at `at`. False when there is no such account. Whether the caller may do that is known
    /// only while the account is held.
    async fn set_password(&self, id: UserId, hash: &PasswordHash, at: Timestamp) -> Result<bool, StoreError>;

    /// Gives an account that is inactive and has no password an address and a hash, and activates it, at `at`.
    ///
    /// - It MUST change nothing and answer false when the account is active, has a password, or is not there.
    /// - An address that equals another account's under `domain::text::fold` MUST be `Duplicate(Unique::Email)`.
    async fn claim_placeholder(
        &self,
        id: UserId,
        email: &Email,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes at `at` that mail to the account's address is read. False when there is no such account.
    async fn verify_email(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError>;

    /// Gives the account another address at `at`; whether its owner was seen to read mail to it is `verified`. False when there is
    /// no such account.
    ///
    /// - An address that equals another account's under `domain::text::fold` MUST be `Duplicate(Unique::Email)`, also
    ///   when two accounts ask for it at the same moment: at most one gets it. The account's own MUST NOT count.
    /// - The address that it had MUST be free afterwards.
    async fn change_email(
        &self,
        id: UserId,
        email: &Email,
        verified: bool,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives the account a role at `at`. False when there is no such account.
    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError>;

    /// Changes the profile at `at`, also when nothing in it changes, and answers the account as it is then.
    async fn update(
        &self,
        id: UserId,
        changes: &ProfileChanges,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError>;

    /// Sets the ban, or lifts it, at `at`. False when there is no such account.
    async fn set_ban(&self, id: UserId, ban: Option<&Ban>, at: Timestamp) -> Result<bool, StoreError>;

    /// Removes the account for good. False when there was none.
    ///
    /// - Its tasks, sessions and links MUST go with it; its security history MUST stay.
    async fn delete(&self, id: UserId) -> Result<bool, StoreError>;

    /// The links of the account to others, the oldest first, ties by id.
    async fn linked_accounts(&self, id: UserId) -> Result<Vec<LinkedAccount>, StoreError>;
}
