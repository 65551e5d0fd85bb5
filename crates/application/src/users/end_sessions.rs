//! Ending sessions of an account from outside of them.

use holdfast_domain::{
    SessionId, UserId,
    sessions::{AuthEvent, Client, EndReason, EventKind},
};

use super::{Caller, UserError, Users, authority::Authority};
use crate::ports::{StoreError, UnitOfWork};

impl Users {
    /// Ends one live session of the account, for its owner and for administrators. It may be the caller's own.
    pub async fn end_session(
        &self,
        caller: impl Into<Caller>,
        id: UserId,
        session: SessionId,
        client: &Client,
    ) -> Result<(), UserError> {
        let caller = caller.into();
        let authority = self.authority(caller, id).await?;
        let now = self.clock.now();
        let found = self.store.sessions().find(id, session).await?;
        if found.is_none_or(|session| session.check(now).is_err()) {
            return Err(UserError::SessionNotFound);
        }
        let work = self.store.begin().await?;
        // Not before: a command may wait for long until a database wakes, and running servers look for what is recent.
        let now = self.clock.now();
        let (reason, event) = self.end(authority, id, Some(session), client);
        let ended = work.sessions().end(id, session, reason, now).await?;
        Ok(self.commit_end(work, authority, caller, event, ended).await?)
    }

    /// Ends all sessions of the account, the caller's own as well, and its personal access tokens; the same people may.
    /// Answers how many sessions.
    pub async fn end_sessions(
        &self,
        caller: impl Into<Caller>,
        id: UserId,
        client: &Client,
    ) -> Result<usize, UserError> {
        let caller = caller.into();
        let authority = self.authority(caller, id).await?;
        let work = self.store.begin().await?;
        // Not before: a command may wait for long until a database wakes, and running servers look for what is recent.
        let now = self.clock.now();
        let (reason, event) = self.end(authority, id, None, client);
        work.users().lock(id).await?.ok_or_else(|| authority.missing())?;
        let ended = work.sessions().end_all(id, None, reason, now).await?;
        let refused = work.legacy_tokens().refuse_all(id, now).await?;
        let tokens = work.personal_tokens().delete_all(id).await?;
        let any = refused || tokens > 0 || !ended.is_empty();
        self.commit_end(work, authority, caller, event, any).await?;
        Ok(ended.len())
    }

    /// Commits, with the entry where anything ended.
    async fn commit_end(
        &self,
        work: Box<dyn UnitOfWork>,
        authority: Authority,
        caller: Caller,
        event: AuthEvent,
        ended: bool,
    ) -> Result<(), StoreError> {
        match authority {
            Authority::Administrator if ended => self.commit_administered(work, caller, event).await,
            Authority::Owner | Authority::Administrator => {
                if ended {
                    work.audit().append(&event).await?;
                }
                work.commit().await
            }
        }
    }

    fn end(
        &self,
        authority: Authority,
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
                let event = AuthEvent { session, ..self.event(id, EventKind::SessionEnded) };
                (EndReason::Administrator, event)
            }
        }
    }
}
