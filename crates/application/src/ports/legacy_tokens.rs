//! What the use cases need from the storage of what became of tokens that the FastAPI backend issued.

use async_trait::async_trait;
use holdfast_domain::{Timestamp, UserId, users::User};

use super::{StoreError, TokenHash};

/// Which tokens of the FastAPI backend do not count any more. They belong to no session, so that one of them is denied by
/// its hash, and all of an account by a mark on the account.
///
/// - No call MUST ever read or write what belongs to another account than the one it names;
///   [`LegacyTokenRepository::sweep`] alone names none.
#[async_trait]
pub trait LegacyTokenRepository: Send + Sync {
    /// The account as it is now, for whoever shows the token with this hash.
    ///
    /// - It MUST be `None` when there is no such account, when the account refuses all of these tokens, and when this
    ///   one is denied.
    async fn bearer(&self, user: UserId, token: TokenHash) -> Result<Option<User>, StoreError>;

    /// Denies one token. The denial may be forgotten from `until` on, when the token is over by itself.
    ///
    /// - It MUST answer false, and change nothing, for a token that is denied already: of any number of callers at the
    ///   same moment, exactly one hears true.
    /// - A user without an account MUST be `OwnerMissing`.
    async fn deny(&self, user: UserId, token: TokenHash, until: Timestamp) -> Result<bool, StoreError>;

    /// Refuses all tokens of the account from now on, which is for ever. Part of every unit of work that bans or
    /// deactivates an account, changes its password or signs it out everywhere.
    ///
    /// - It MUST answer false, and change nothing, when there is no such account or it refuses them already: of any
    ///   number of callers at the same moment, exactly one hears true.
    async fn refuse_all(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError>;

    /// Forgets denials that may be forgotten from `until` on, or earlier, `limit` at most; answers how many.
    ///
    /// - Any other MUST stay, and so MUST what an account refuses.
    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError>;
}
