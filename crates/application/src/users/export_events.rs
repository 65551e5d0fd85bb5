//! The security history of all accounts, for administrators to take along. How it is written down is the surface's.

use std::{ops::Range, time::Duration};

use holdfast_domain::{Timestamp, sessions::AuthEvent};

use super::{Caller, UserError, Users};
use crate::ports::TrailPosition;

/// The most entries in one piece. Only one piece is in memory at a time, however many there are.
const PIECE: u64 = 500;

/// An export under way, the oldest entries first. Each piece is a short read of its own: nothing of the database is held while
/// the taker takes its time. It ends where it began in time, so that it does end while entries are added.
pub struct EventExport {
    users: Users,
    caller: Caller,
    times: Range<Timestamp>,
    after: Option<TrailPosition>,
    over: bool,
}

impl Users {
    /// Begins an export of the entries from `from` on and before `until`, which is now at the latest; of all until now where
    /// neither is given. For administrators; that it was begun, and by whom, is in the log.
    ///
    /// An entry is dated before it is committed, by the clock of its instance: who continues an export later begins some seconds before
    /// its end, and knows what comes twice by its id and account.
    pub async fn export_events(
        &self,
        caller: impl Into<Caller>,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<EventExport, UserError> {
        let caller = caller.into();
        self.administrator(caller).await?;
        let now = self.clock.now();
        let start = from.unwrap_or_else(|| now.minus(Duration::MAX));
        let times = start..until.map_or(now, |until| until.min(now));
        tracing::info!(target: "holdfast::security", event = "events_exported", from = %times.start, until = %times.end,
            administrator = caller.name(), "administration");
        Ok(EventExport { users: self.clone(), caller, times, after: None, over: false })
    }
}

impl EventExport {
    /// The next piece; nothing when all was told. Whoever is no administrator any more gets no further piece. After an error of the
    /// store the same piece may be asked for again.
    pub async fn next(&mut self) -> Result<Option<Vec<AuthEvent>>, UserError> {
        if self.over {
            return Ok(None);
        }
        self.users.administrator(self.caller).await?;
        let audit = self.users.store.audit();
        let events = audit.between(self.times.clone(), self.after, PIECE).await?;
        self.after = events.last().map(TrailPosition::of);
        self.over = (events.len() as u64) < PIECE;
        Ok((!events.is_empty()).then_some(events))
    }
}
