//! The application: use cases as concrete services, and every port through which they reach the outside.
//!
//! Nothing here knows HTTP, SQL or a token format. `Services` is what a surface is given; `Adapters` is what the
//! composition root must bring.

use std::sync::Arc;

pub mod actor;
pub mod auth;
pub mod error;
pub mod health;
mod history;
pub mod housekeeping;
pub mod idempotency;
pub mod mail;
pub mod measure;
pub mod page;
pub mod patch;
pub mod ports;
pub mod spans;
pub mod tasks;
mod undisturbed;
pub mod users;

pub use actor::Actor;
pub use error::{Classify, ErrorKind, Exceeded};
pub use holdfast_domain as domain;
pub use patch::Patch;

use auth::{Attempts, Auth, AuthPolicy, DenyingStore, Revocations, SecondFactors, Tally, Throttling};
use health::Health;
use page::CursorKey;
use ports::{Clock, Ids, Outbox, Passwords, Randomness, Store, Tokens, Vault};
use tasks::Tasks;
use users::Users;

/// The outside, as the services see it.
#[derive(Clone)]
pub struct Adapters {
    /// Where rows live.
    pub store: Arc<dyn Store>,
    /// Hashing of passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Signing and verification of tokens.
    pub tokens: Arc<dyn Tokens>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// Fresh secrets.
    pub randomness: Arc<dyn Randomness>,
    /// Where mail is left to be sent.
    pub outbox: Arc<dyn Outbox>,
    /// Encryption of secrets that are stored.
    pub vault: Arc<dyn Vault>,
}

/// All use cases. Cloning costs a few reference counts.
#[derive(Clone)]
pub struct Services {
    /// Tasks of one owner.
    pub tasks: Tasks,
    /// Sign-up, sign-in, refresh, sign-out, and who is calling.
    pub auth: Auth,
    /// Administration of accounts.
    pub users: Users,
    /// Whether the dependencies answer.
    pub health: Health,
}

impl Services {
    /// Connects the use cases to their adapters.
    pub fn new(adapters: Adapters, policy: AuthPolicy, cursors: CursorKey, throttling: Throttling) -> Self {
        let Adapters { store, passwords, tokens: _, clock, ids, randomness: _, outbox, vault } = &adapters;
        let revocations = Arc::new(Revocations::new(policy.longest_token()));
        let tally = Arc::new(Tally::new());
        // Every service works on this one: whichever ends a session, its tokens are refused here from then on.
        let store: Arc<dyn Store> = Arc::new(DenyingStore::new(
            store.clone(),
            revocations.clone(),
            clock.clone(),
            tally.events.clone(),
        ));
        let attempts =
            Attempts::new(store.clone(), passwords.clone(), clock.clone(), ids.clone(), throttling);
        let second_factors = SecondFactors {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            outbox: outbox.clone(),
            attempts: attempts.clone(),
        };
        Self {
            tasks: Tasks::new(store.clone(), clock.clone(), ids.clone(), cursors.clone()),
            users: Users::new(
                store.clone(),
                passwords.clone(),
                clock.clone(),
                ids.clone(),
                cursors,
                attempts.clone(),
                second_factors.clone(),
            ),
            health: Health::new(store.clone()),
            auth: Auth::new(
                Adapters { store, ..adapters },
                policy,
                revocations,
                attempts,
                second_factors,
                tally,
            ),
        }
    }
}
