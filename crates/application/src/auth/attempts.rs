//! Attempts at passwords: which of them are verified at all, and what becomes of those that fail.
//!
//! An attempt is counted as a failure before its password is looked at, and taken out again when it was none. So neither
//! many attempts at once nor several instances let more through than one after the other would.

use std::{sync::Arc, time::Duration};

use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::{AuthEvent, Client, EventKind},
    throttle::{Counters, Limit, Limits, Network, Principal, Throttled},
    users::{Password, PasswordHash},
};

use super::Throttling;
use crate::{
    Actor, history,
    ports::{Clock, Ids, Passwords, PasswordsError, Repositories, Store, StoreError, Verification},
};

/// How long a caller waits who was refused at the very moment at which others gave their slots back.
const NEXT: Duration = Duration::from_secs(1);

/// Lets attempts through, or not.
#[derive(Clone)]
pub(crate) struct Attempts {
    store: Arc<dyn Store>,
    passwords: Arc<dyn Passwords>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    throttling: Throttling,
}

/// Why a password was not found to be right.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It was not looked at: too many attempts came before.
    Throttled(Throttled),
    /// It is wrong. That is in the history already.
    PasswordWrong,
    /// It could not be verified now.
    Passwords(PasswordsError),
    /// The store failed.
    Store(StoreError),
}

impl From<PasswordsError> for Refused {
    fn from(error: PasswordsError) -> Self {
        Self::Passwords(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An attempt that may be verified.
pub(crate) struct Attempt(Option<Counted>);

/// Where it was counted.
struct Counted {
    principal: Principal,
    network: Network,
    counters: Counters,
    at: Timestamp,
    /// Whether further attempts wait if this one fails.
    sets_in: bool,
}

impl Attempts {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        passwords: Arc<dyn Passwords>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        throttling: Throttling,
    ) -> Self {
        Self { store, passwords, clock, ids, throttling }
    }

    /// Confirms a step with the password of the caller's account, whose stored hash is `hash`. Exactly one verification is done,
    /// unless the attempt is throttled: then none is. A wrong password goes into the history.
    pub(crate) async fn confirm(
        &self,
        actor: Actor,
        hash: Option<&PasswordHash>,
        password: &Password,
        client: &Client,
    ) -> Result<(), Refused> {
        let attempt = self.begin(Some(actor.user), "", client).await?;
        if self.verify(&attempt, password, hash).await? == Verification::Mismatch {
            self.record(&attempt, actor.user, actor.session, client).await?;
            return Err(Refused::PasswordWrong);
        }
        attempt.succeed(&*self.store, self.clock.now()).await?;
        Ok(())
    }

    /// Counts an attempt at the password of the account, or of the address where no account was found; or refuses it.
    pub(super) async fn begin(
        &self,
        account: Option<UserId>,
        address: &str,
        client: &Client,
    ) -> Result<Attempt, Refused> {
        let Some(rule) = self.throttling.rule() else { return Ok(Attempt(None)) };
        let (principal, network) = (rule.principal(account, address), Network::of(client));
        let at = self.clock.now();
        let counters = self.store.throttle().count(principal, &network, &rule.limits, at).await?;
        let sets_in = rule.limits.sets_in(&counters);
        let complete = counters.account.is_some() || counters.is_known(at);
        let counted = Counted { principal, network, counters, at, sets_in };
        if counters.network.is_some() && complete {
            return Ok(Attempt(Some(counted)));
        }
        counted.give_back(&*self.store).await?;
        Err(Refused::Throttled(self.wait(&rule.limits, &counted).await?))
    }

    /// Verifies. Where that cannot be done now the attempt was none.
    pub(super) async fn verify(
        &self,
        Attempt(counted): &Attempt,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, Refused> {
        let verification = self.passwords.verify(password, hash).await;
        if let (Err(_), Some(counted)) = (&verification, counted) {
            counted.give_back(&*self.store).await?;
        }
        Ok(verification?)
    }

    /// Writes a failed attempt into the history, and once in a series that further ones wait. Those that wait are not written:
    /// a burst must not fill the history. Attempts on unknown accounts are written as well, so that the time taken tells
    /// nothing.
    pub(super) async fn record(
        &self,
        Attempt(counted): &Attempt,
        user: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), StoreError> {
        let sets_in = counted.as_ref().is_some_and(|counted| counted.sets_in);
        let kinds = [Some(EventKind::SignInFailed), sets_in.then_some(EventKind::SignInThrottled)];
        for kind in kinds.into_iter().flatten() {
            let event = history::event(&*self.ids, &*self.clock, user, kind);
            self.store.audit().append(&AuthEvent { session, client: client.clone(), ..event }).await?;
        }
        Ok(())
    }

    /// Notes that the owner of the account acted from the client's network, in the unit of work that shows it otherwise than
    /// by an attempt.
    pub(super) async fn vouch(
        &self,
        work: &dyn Repositories,
        user: UserId,
        client: &Client,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if self.throttling.rule().is_none() {
            return Ok(());
        }
        work.throttle().clear(Principal::account(user), &Network::of(client), at).await
    }

    /// How long the attempt has to wait.
    async fn wait(&self, limits: &Limits, counted: &Counted) -> Result<Throttled, StoreError> {
        let counters = self.store.throttle().find(counted.principal, &counted.network).await?;
        let free = limits.network.free();
        let next = Throttled { limit: Limit::Network, quota: free, retry_after: NEXT };
        Ok(limits.judge(&counters, counted.at).err().unwrap_or(next))
    }
}

impl Attempt {
    /// Notes a success at `at`: the network is a known one from now on, and what failed there is forgotten. What failed in
    /// networks that are not known stays, without this attempt.
    pub(super) async fn succeed(&self, work: &dyn Repositories, at: Timestamp) -> Result<(), StoreError> {
        let Some(Counted { principal, network, counters, at: began, sets_in: _ }) = &self.0 else {
            return Ok(());
        };
        work.throttle().clear(*principal, network, at).await?;
        if counters.account.is_some() {
            let account = Counters { network: None, ..*counters };
            work.throttle().give_back(*principal, network, &account, *began).await?;
        }
        Ok(())
    }
}

impl Counted {
    async fn give_back(&self, store: &dyn Store) -> Result<(), StoreError> {
        let Self { principal, network, counters, at, sets_in: _ } = self;
        if *counters == Counters::default() {
            return Ok(());
        }
        store.throttle().give_back(*principal, network, counters, *at).await
    }
}
