//! Where an account is signed in.

use holdfast_domain::{UserId, sessions::Session};

use super::{Caller, UserError, Users};

/// The most sessions that are shown, which is also the most that an account may have (semantics, "Limits").
const SHOWN: u64 = 500;

impl Users {
    /// The live sessions of the account, the one used last first, for its owner and for administrators.
    pub async fn sessions(&self, caller: impl Into<Caller>, id: UserId) -> Result<Vec<Session>, UserError> {
        let authority = self.authority(caller.into(), id).await?;
        let sessions = self.store.sessions().live(id, self.clock.now(), SHOWN).await?;
        if sessions.is_empty() && self.store.users().find(id).await?.is_none() {
            return Err(authority.missing());
        }
        Ok(sessions)
    }
}
