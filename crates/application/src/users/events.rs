//! What happened to an account.

use holdfast_domain::{UserId, sessions::AuthEvent};

use super::{UserError, Users};
use crate::{Actor, ports::EventPosition};

/// One page of a history, the newest entries first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The entries in order.
    pub events: Vec<AuthEvent>,
    /// Leads to the next page; absent on the last one.
    pub next_cursor: Option<String>,
}

impl Users {
    /// One page of the history of the account, for its owner and for administrators: `limit` entries at most, which the
    /// surface keeps between 1 and 100, from the newest or from where the page ended that `cursor` came with.
    ///
    /// A history outlives its account. That of [`AuthEvent::NOBODY`] holds the attempts on addresses that no account has.
    pub async fn events(
        &self,
        actor: Actor,
        id: UserId,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<EventPage, UserError> {
        let authority = self.authority(actor.into(), id).await?;
        let behind = cursor.map(|text| self.cursors.open_event(id, text)).transpose()?;
        // One more than wanted tells whether another page follows.
        let mut events = self.store.audit().latest(id, behind, limit.saturating_add(1)).await?;
        if events.is_empty() && self.store.users().find(id).await?.is_none() {
            return Err(authority.missing());
        }
        let more = events.len() as u64 > limit;
        if more {
            events.pop();
        }
        let last = events.last().filter(|_| more).map(EventPosition::behind);
        let next_cursor = last.map(|position| self.cursors.seal_event(id, position));
        Ok(EventPage { events, next_cursor })
    }
}
