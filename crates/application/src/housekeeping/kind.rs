//! What goes away when its time is up, and when that is.

use std::time::Duration;

use holdfast_domain::Timestamp;

use crate::{
    idempotency::KEPT_FOR,
    mail::LINK_WINDOW,
    ports::{Repositories, StoreError},
};

/// How long a session that is over is still there. No token of it is good by then on any instance, also where clocks differ (a
/// minute would do, see [`crate::ports::SessionRepository`]).
pub const SESSION_GRACE: Duration = Duration::from_hours(1);
/// The same for the denial of a token that belongs to no session.
pub const DENIAL_GRACE: Duration = Duration::from_hours(1);

/// One kind of rows that housekeeping removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sessions of which no token can be alive, and whose reuse would tell nothing any more.
    Sessions,
    /// Denials of tokens of the FastAPI backend that are over by themselves.
    Denials,
    /// What proves links in mails that are over, once they do not count for how much mail was sent either.
    Links,
    /// Personal access tokens that are over.
    PersonalTokens,
    /// Counters of failed attempts that say nothing any more.
    Attempts,
    /// Answers to requests that may not be repeated any more.
    Answers,
    /// Entries of the security history that were kept for as long as the operator wants.
    History,
}

impl Kind {
    /// All of them, in the order in which they are removed.
    pub const ALL: [Self; 7] = [
        Self::Sessions,
        Self::Denials,
        Self::Links,
        Self::PersonalTokens,
        Self::Attempts,
        Self::Answers,
        Self::History,
    ];

    /// The name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Denials => "denied_tokens",
            Self::Links => "links",
            Self::PersonalTokens => "personal_tokens",
            Self::Attempts => "attempts",
            Self::Answers => "answers",
            Self::History => "history",
        }
    }

    /// Removes what is over at `now`, `limit` at most; answers how many. The history is kept for `retention`.
    pub(super) async fn sweep(
        self,
        store: &dyn Repositories,
        now: Timestamp,
        retention: Duration,
        limit: u64,
    ) -> Result<u64, StoreError> {
        match self {
            Self::Sessions => store.sessions().sweep(now.minus(SESSION_GRACE), limit).await,
            Self::Denials => store.legacy_tokens().sweep(now.minus(DENIAL_GRACE), limit).await,
            Self::Links => store.one_time_tokens().sweep(now.minus(LINK_WINDOW), limit).await,
            Self::PersonalTokens => store.personal_tokens().sweep(now, limit).await,
            Self::Attempts => store.throttle().sweep(now, limit).await,
            Self::Answers => store.idempotency().sweep(now.minus(KEPT_FOR), limit).await,
            Self::History => store.audit().sweep(now.minus(retention), limit).await,
        }
    }
}
