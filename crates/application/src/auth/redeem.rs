//! What the links in mails have in common: whether one is good, using it up, and what ends when the credential or the
//! address of an account is another one.

use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::EndReason,
    users::{LinkPurpose, User},
};

use super::{Auth, AuthError};
use crate::ports::{LinkToken, OneTimeToken, StoreError, TokenHash, UnitOfWork};

/// A link that was good a moment ago.
pub(super) struct Presented {
    pub(super) owner: UserId,
    purpose: LinkPurpose,
    hash: TokenHash,
}

impl Auth {
    /// Judges a link before anything costly or telling is done for whoever shows it.
    pub(super) async fn present(&self, token: &str, purpose: LinkPurpose) -> Result<Presented, AuthError> {
        let (owner, hash) = LinkToken::open(token).ok_or(AuthError::LinkInvalid)?;
        let found = self.store.one_time_tokens().find(owner, purpose, hash, self.clock.now()).await?;
        found.map(|_| Presented { owner, purpose, hash }).ok_or(AuthError::LinkInvalid)
    }

    /// Holds the account and uses the link up. Of any number of callers at the same moment, one gets through.
    pub(super) async fn redeem(
        &self,
        work: &dyn UnitOfWork,
        link: Presented,
        now: Timestamp,
    ) -> Result<(User, OneTimeToken), AuthError> {
        let Presented { owner, purpose, hash } = link;
        // The account goes first, here as everywhere, so that two who change it never wait for each other.
        let account = work.users().lock(owner).await?.ok_or(AuthError::LinkInvalid)?;
        let redeemed = work.one_time_tokens().redeem(owner, purpose, hash, now).await?;
        Ok((account.user, redeemed.ok_or(AuthError::LinkInvalid)?))
    }
}

/// What ended of an account's access.
pub(crate) struct Ended {
    pub(crate) sessions: Vec<SessionId>,
    /// Whether tokens of the FastAPI backend were accepted until now.
    pub(super) legacy_tokens: bool,
}

/// Takes away, in the unit of work that changes the credential or the address of an account, whatever was given out before
/// to whoever knew the old one: all sessions but `except`, tokens of the FastAPI backend, links that wait in mails, and personal
/// access tokens. The account is held.
pub(crate) async fn end_access(
    work: &dyn UnitOfWork,
    owner: UserId,
    except: Option<SessionId>,
    reason: EndReason,
    now: Timestamp,
) -> Result<Ended, StoreError> {
    let sessions = work.sessions().end_all(owner, except, reason, now).await?;
    let legacy_tokens = work.legacy_tokens().refuse_all(owner, now).await?;
    work.one_time_tokens().revoke_all(owner, now).await?;
    work.personal_tokens().delete_all(owner).await?;
    Ok(Ended { sessions, legacy_tokens })
}
