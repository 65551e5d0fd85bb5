//! Use cases of accounts and sessions, one per file: who somebody is, and for how long that is believed.

mod attempts;
mod authenticate;
mod change_email;
mod change_password;
mod create_personal_token;
mod denying_store;
mod error;
mod forgot_password;
mod inspect;
mod issue;
mod learn_revocations;
mod personal_bearer;
mod personal_tokens;
mod profile;
mod public_keys;
mod redeem;
mod refresh;
mod reset_password;
mod revocations;
mod second_factor;
mod sign_in;
mod sign_out;
mod sign_up;
mod tally;
mod tell;
mod throttling;
mod verify_email;

use std::{sync::Arc, time::Duration};

pub(crate) use attempts::{Attempts, Refused};
pub use change_email::ChangeEmail;
pub use change_password::ChangePassword;
pub use create_personal_token::{CreatePersonalToken, PersonalTokenMade};
pub use denying_store::DenyingStore;
pub use error::AuthError;
pub(crate) use error::exceeded;
use holdfast_domain::{
    SessionId, UserId,
    sessions::{AuthEvent, Client, EventKind, Lifetimes},
};
pub use inspect::Inspection;
pub use issue::{Issued, SignedIn};
pub(crate) use redeem::end_access;
pub use refresh::Refreshed;
pub use reset_password::ResetPassword;
pub use revocations::{Revocations, Verdict};
pub(crate) use second_factor::{Asker, SecondFactors, Shown};
pub use second_factor::{Enrolment, SecondFactorError, SecondFactorState};
pub use sign_in::SignIn;
pub use sign_out::{Scope, SignOut};
pub use sign_up::SignUp;
pub use tally::AuthFigures;
pub(crate) use tally::Tally;
pub use throttling::Throttling;

use crate::{
    Adapters, history,
    mail::Links,
    ports::{Clock, Ids, Outbox, Passwords, Randomness, Store, Tokens},
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

impl AuthPolicy {
    /// The longest life that an access token is issued with.
    pub fn longest_token(&self) -> Duration {
        self.access.max(self.long_lived)
    }
}

/// Accounts and sessions.
#[derive(Clone)]
pub struct Auth {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    tokens: Arc<dyn Tokens>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    outbox: Arc<dyn Outbox>,
    randomness: Arc<dyn Randomness>,
    links: Links,
    policy: AuthPolicy,
    revocations: Arc<Revocations>,
    attempts: Attempts,
    second_factors: SecondFactors,
    tally: Arc<Tally>,
}

impl Auth {
    pub(crate) fn new(
        adapters: Adapters,
        policy: AuthPolicy,
        revocations: Arc<Revocations>,
        attempts: Attempts,
        second_factors: SecondFactors,
        tally: Arc<Tally>,
    ) -> Self {
        let Adapters { store, passwords, tokens, clock, ids, randomness, outbox, vault: _ } = adapters;
        let links = Links::new(clock.clone(), ids.clone(), randomness.clone());
        Self {
            store,
            passwords,
            tokens,
            clock,
            ids,
            outbox,
            randomness,
            links,
            policy,
            revocations,
            attempts,
            second_factors,
            tally,
        }
    }

    /// An entry for the security history. Whoever calls this stores it with its cause.
    fn event(&self, user: UserId, kind: EventKind, session: Option<SessionId>, client: &Client) -> AuthEvent {
        AuthEvent { session, client: client.clone(), ..history::event(&*self.ids, &*self.clock, user, kind) }
    }
}
