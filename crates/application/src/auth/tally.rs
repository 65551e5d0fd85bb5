//! How sign-ins, refreshes and bearers fared on this instance. What happened to whom is the history's.

use std::{sync::Arc, time::Duration};

use holdfast_domain::sessions::EventKind;

use super::{Auth, AuthError};
use crate::{
    error::Classify as _,
    measure::{ByName, Counter},
};

/// Counters since the process began.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) events: Arc<ByName<Counter>>,
    pub(super) sign_ins: ByName<Counter>,
    pub(super) refreshes: ByName<Counter>,
    pub(super) refused_tokens: ByName<Counter>,
}

/// Why a token was not taken. Callers hear the same of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedToken {
    /// A bearer that nothing of ours has signed, or whose time is over.
    Access,
    /// The same for a refresh token.
    Refresh,
    /// A personal access token that is none, or not any more.
    Personal,
    /// Its session, or its account, has ended.
    Ended,
}

impl RefusedToken {
    const ALL: [Self; 4] = [Self::Access, Self::Refresh, Self::Personal, Self::Ended];

    const fn name(self) -> &'static str {
        match self {
            Self::Access => "access_not_valid",
            Self::Refresh => "refresh_not_valid",
            Self::Personal => "personal_not_valid",
            Self::Ended => "session_ended",
        }
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            events: Arc::new(ByName::expecting(EventKind::ALL.map(EventKind::name))),
            sign_ins: ByName::expecting([OK]),
            refreshes: ByName::expecting([OK]),
            refused_tokens: ByName::expecting(RefusedToken::ALL.map(RefusedToken::name)),
        }
    }

    /// A token that was not taken.
    pub(super) fn refused(&self, token: RefusedToken) {
        self.refused_tokens.count(token.name());
    }
}

const OK: &str = "ok";

/// The outcome in one word: `ok`, or the stable code of the refusal.
pub(super) fn outcome<T>(result: &Result<T, AuthError>) -> &'static str {
    result.as_ref().map_or_else(AuthError::code, |_| OK)
}

/// How authentication fares on this instance, since the process began where nothing else is said.
#[derive(Debug, Clone)]
pub struct AuthFigures {
    /// Attempts to sign in, by `ok` or the code of the refusal.
    pub sign_ins: Vec<(&'static str, u64)>,
    /// Refreshes, likewise.
    pub refreshes: Vec<(&'static str, u64)>,
    /// Tokens that were not taken, by why.
    pub refused_tokens: Vec<(&'static str, u64)>,
    /// Entries of the security history that were made here, by kind.
    pub events: Vec<(&'static str, u64)>,
    /// How long ago the last good poll for ends on other instances began; nothing before the first.
    pub revocations_age: Option<Duration>,
    /// Whether memory alone judges tokens at the moment.
    pub by_memory: bool,
}

impl Auth {
    /// What was counted, for metrics.
    pub fn figures(&self) -> AuthFigures {
        let Tally { events, sign_ins, refreshes, refused_tokens } = &*self.tally;
        let now = self.clock.now();
        AuthFigures {
            sign_ins: sign_ins.read(),
            refreshes: refreshes.read(),
            refused_tokens: refused_tokens.read(),
            events: events.read(),
            revocations_age: self.revocations.learned_at().map(|at| now.since(at)),
            by_memory: self.revocations.is_current(now),
        }
    }
}
