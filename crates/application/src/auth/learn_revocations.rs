//! Learning which sessions ended on other instances.
//!
//! What is read is complete. Each poll begins its reading [`OVERLAP`](super::revocations) before the beginning of the one
//! before. An end that was committed when that one began is known. One that was committed later bears a time that is
//! older than its commit by no more than the units of work take, in the eyes of a clock that differs by no more than
//! clocks may: it lies in what is read, as long as both are less than the overlap together (`docs/security.md`).

use holdfast_domain::Timestamp;

use super::Auth;
use crate::ports::StoreError;

/// How many ends are read at a time. The first poll may find a month of them.
const PAGE: u64 = 1_000;

impl Auth {
    /// Learns of all ends that were committed before this call, on any instance. To be called each second: from the first
    /// success on, tokens of ours are judged without the store; 10 s after the last one, rows are read again. Where it is
    /// never called, each request reads the row of its session.
    ///
    /// Nothing is lost by an error: the next call begins where this one should have.
    pub async fn learn_revocations(&self) -> Result<(), StoreError> {
        let begun = self.clock.now();
        let since = self.revocations.unknown_since(begun);
        self.learn_ended_sessions(since).await?;
        self.learn_deleted_accounts(since).await?;
        self.revocations.learned(begun);
        Ok(())
    }

    /// Whether tokens of ours are judged without the store at this moment.
    pub fn knows_revocations(&self) -> bool {
        self.revocations.is_current(self.clock.now())
    }

    async fn learn_ended_sessions(&self, since: Timestamp) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let ended = self.store.sessions().ended(since, last, PAGE).await?;
            self.revocations.learn_sessions(&ended);
            match ended.last() {
                Some(session) if ended.len() as u64 >= PAGE => last = Some(*session),
                Some(_) | None => return Ok(()),
            }
        }
    }

    async fn learn_deleted_accounts(&self, since: Timestamp) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let deleted = self.store.audit().deletions(since, last, PAGE).await?;
            self.revocations.learn_accounts(&deleted);
            match deleted.last() {
                Some(account) if deleted.len() as u64 >= PAGE => last = Some(*account),
                Some(_) | None => return Ok(()),
            }
        }
    }
}
