//! Ending sessions of an account from outside of them.

use holdfast_domain::{
    SessionId, UserId,
    sessions::{AuthEvent, Client, EndReason, EventKind},
};

use super::{UserError, Users, authority::Authority};
use crate::Actor;

impl Users {
    /// Ends one live session of the account, for its owner and for administrators. It may be the caller's own.
    pub async fn end_session(
        &self,
        actor: Actor,
        id: UserId,
        session: SessionId,
        client: &Client,
    ) -> Result<(), UserError> {
        let authority = self.authority(actor, id).await?;
        let now = self.clock.now();
        let found = self.store.sessions().find(id, session).await?;
        if found.is_none_or(|session| session.check(now).is_err()) {
            return Err(UserError::SessionNotFound);
        }
        let (reason, event) = self.end(authority, actor, id, Some(session), client);
        let work = self.store.begin().await?;
        if work.sessions().end(id, session, reason, now).await? {
            work.audit().append(&event).await?;
        }
        Ok(work.commit().await?)
    }

    /// Ends all sessions of the account, the caller's own as well; the same people may. Answers how many.
    pub async fn end_sessions(&self, actor: Actor, id: UserId, client: &Client) -> Result<usize, UserError> {
        let authority = self.authority(actor, id).await?;
        let now = self.clock.now();
        let (reason, event) = self.end(authority, actor, id, None, client);
        let work = self.store.begin().await?;
        work.users().lock(id).await?.ok_or_else(|| authority.missing())?;
        let ended = work.sessions().end_all(id, None, reason, now).await?;
        let refused = work.legacy_tokens().refuse_all(id, now).await?;
        if refused || !ended.is_empty() {
            work.audit().append(&event).await?;
        }
        work.commit().await?;
        Ok(ended.len())
    }

    fn end(
        &self,
        authority: Authority,
        actor: Actor,
        id: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> (EndReason, AuthEvent) {
        match authority {
            Authority::Owner => {
                let all = session.is_none();
                let kind = if all { EventKind::SignedOutEverywhere } else { EventKind::SignedOut };
                let event = AuthEvent { session, client: client.clone(), ..self.event(id, kind) };
                (EndReason::SignedOut, event)
            }
            Authority::Administrator => {
                let event = self.administered(actor.user, id, EventKind::SessionEnded, session);
                (EndReason::Administrator, event)
            }
        }
    }
}
