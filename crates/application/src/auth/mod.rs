//! Use cases of accounts and sessions, one per file: who somebody is, and for how long that is believed.

mod authenticate;
mod error;
mod inspect;
mod issue;
mod profile;
mod refresh;
mod sign_in;
mod sign_out;
mod sign_up;

use std::{sync::Arc, time::Duration};

pub use error::AuthError;
use holdfast_domain::{
    SessionId, UserId,
    sessions::{AuthEvent, Client, EventKind, Lifetimes},
};
pub use inspect::Inspection;
pub use issue::{Issued, SignedIn};
pub use refresh::Refreshed;
pub use sign_in::SignIn;
pub use sign_out::{Scope, SignOut};
pub use sign_up::SignUp;

use crate::{
    history,
    ports::{Clock, Ids, Passwords, Store, Tokens},
};

/// How long tokens and sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthPolicy {
    /// The life of an access token.
    pub access: Duration,
    /// The life of the token for front ends that never refresh.
    pub long_lived: Duration,
    /// The life of a session.
    pub sessions: Lifetimes,
}

/// Accounts and sessions.
#[derive(Clone)]
pub struct Auth {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    policy: AuthPolicy,
}

impl Auth {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        tokens: Arc<dyn Tokens>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        policy: AuthPolicy,
    ) -> Self {
        Self { store, passwords, tokens, clock, ids, policy }
    }

    /// An entry for the security history, logged as well. Whoever calls this stores it with its cause.
    fn event(&self, user: UserId, kind: EventKind, session: Option<SessionId>, client: &Client) -> AuthEvent {
        AuthEvent { session, client: client.clone(), ..history::event(&*self.ids, &*self.clock, user, kind) }
    }
}
