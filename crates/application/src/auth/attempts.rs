//! Attempts at passwords and at codes of second factors: which of them are verified at all, and what becomes of those that
//! fail.
//!
//! An attempt is counted as a failure before what was typed is looked at, and taken out again when it was none. So neither
//! many attempts at once nor several instances let more through than one after the other would. Whoever finds no slot because
//! of attempts that have not ended waits for their ends: a burst of right passwords is slower than one, and not throttled.

use std::{sync::Arc, time::Duration};

use holdfast_domain::{
    SessionId, Timestamp, UserId,
    sessions::{AuthEvent, Client, EventKind},
    throttle::{Counters, Limits, Network, Principal, Throttled},
    users::{Password, PasswordHash},
};
use tracing::Instrument as _;

use super::Throttling;
use crate::{
    Actor, history,
    ports::{Clock, Ids, Passwords, PasswordsError, Repositories, Store, StoreError, Verification},
};

/// When a caller may come again whose turn did not come in time.
const NEXT: Duration = Duration::from_secs(1);
/// How often an attempt looks again whether its turn has come, and how long it waits the first time and at most before the next
/// look: some two seconds in all, as long as the queue of the hasher may be.
const LOOKS: u32 = 16;
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_millis(150);
/// When an attempt is taken back that was no failure, where the store fails at that, too; and how long its caller waits for it.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5)];
const TAKEN_BACK: Duration = Duration::from_millis(100);

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
#[derive(Clone)]
pub(crate) struct Attempt(Option<Counted>);

/// Where it was counted.
#[derive(Clone)]
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
        let succeeded = attempt.succeed(&*self.store, self.clock.now()).await;
        if succeeded.is_err() {
            self.take_back(&attempt).await;
        }
        Ok(succeeded?)
    }

    /// Counts an attempt at the password of the account, or of the address where no account was found; or refuses it.
    pub(super) async fn begin(
        &self,
        account: Option<UserId>,
        address: &str,
        client: &Client,
    ) -> Result<Attempt, Refused> {
        let Some(rule) = self.throttling.rule() else { return Ok(Attempt(None)) };
        self.count(rule.principal(account, address), rule.limits, client).await
    }

    /// Counts an attempt at a code of the account, whose password was right; or refuses it.
    pub(super) async fn begin_code(&self, account: UserId, client: &Client) -> Result<Attempt, Refused> {
        let Some(rule) = self.throttling.rule() else { return Ok(Attempt(None)) };
        self.count(Principal::second_factor(account), rule.limits.for_codes(), client).await
    }

    async fn count(&self, principal: Principal, limits: Limits, client: &Client) -> Result<Attempt, Refused> {
        let network = Network::of(client);
        for look in 0..LOOKS {
            if let Some(counted) = self.take_slot(principal, &network, &limits).await? {
                return Ok(Attempt(Some(counted)));
            }
            let at = self.clock.now();
            let counters = self.store.throttle().find(principal, &network).await?;
            if let Err(throttled) = limits.judge(&counters, at)
                && !limits.may_clear(&counters, at)
            {
                return Err(Refused::Throttled(throttled));
            }
            tokio::time::sleep(SHORTEST.saturating_mul(1 << look.min(8)).min(LONGEST)).await;
        }
        Err(Refused::Passwords(PasswordsError::Busy { retry_after: NEXT }))
    }

    /// Counts the attempt, if it may be made now.
    async fn take_slot(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
    ) -> Result<Option<Counted>, StoreError> {
        let at = self.clock.now();
        let counters = self.store.throttle().count(principal, network, limits, at).await?;
        let complete = counters.account.is_some() || counters.is_known(at);
        let sets_in = limits.sets_in(&counters);
        let counted = Counted { principal, network: network.clone(), counters, at, sets_in };
        if counters.network.is_some() && complete {
            return Ok(Some(counted));
        }
        counted.give_back(&*self.store).await?;
        Ok(None)
    }

    /// Verifies. Where that cannot be done now the attempt was none.
    pub(super) async fn verify(
        &self,
        attempt: &Attempt,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, Refused> {
        let verification = self.passwords.verify(password, hash).await;
        if verification.is_err() {
            self.take_back(attempt).await;
        }
        Ok(verification?)
    }

    /// Takes an attempt back that was no failure, as one whose password was right although the sign-in came to nothing. It goes on
    /// when the store is away for a moment, and holds nobody up for long: a store that failed may take its time.
    pub(super) async fn take_back(&self, attempt: &Attempt) {
        let (store, attempt) = (self.store.clone(), attempt.clone());
        let taken_back = async move {
            for pause in TRIES {
                tokio::time::sleep(pause).await;
                if attempt.withdraw(&*store).await.is_ok() {
                    return;
                }
            }
            tracing::warn!(target: "holdfast::security", "an attempt that was no failure stays counted as one");
        };
        let taken_back = tokio::spawn(taken_back.in_current_span());
        // Whether it is done by then or goes on is the same to the caller.
        tokio::time::timeout(TAKEN_BACK, taken_back).await.ok();
    }

    /// Writes a failed attempt into the history, and once in a series that further ones wait. Those that wait are not written:
    /// a burst must not fill the history. Attempts on unknown accounts are written as well, so that the time taken tells
    /// nothing.
    pub(super) async fn record(
        &self,
        attempt: &Attempt,
        user: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), StoreError> {
        attempt.fail(&*self.store).await?;
        let throttled = attempt.sets_in().then_some(EventKind::SignInThrottled);
        self.write([Some(EventKind::SignInFailed), throttled], user, session, client).await
    }

    /// The same for an attempt at a code.
    pub(super) async fn record_code(
        &self,
        attempt: &Attempt,
        user: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), StoreError> {
        attempt.fail(&*self.store).await?;
        let throttled = attempt.sets_in().then_some(EventKind::SecondFactorThrottled);
        self.write([Some(EventKind::SecondFactorFailed), throttled], user, session, client).await
    }

    async fn write(
        &self,
        kinds: [Option<EventKind>; 2],
        user: UserId,
        session: Option<SessionId>,
        client: &Client,
    ) -> Result<(), StoreError> {
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

    /// Forgets what was counted against the codes of an account that begins to enrol a second factor, and notes that its owner
    /// did so from the client's network: nobody elsewhere can then hold up the confirmation, or the first sign-ins.
    pub(super) async fn begin_codes_anew(
        &self,
        work: &dyn Repositories,
        user: UserId,
        client: &Client,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let principal = Principal::second_factor(user);
        work.throttle().forget(principal).await?;
        if self.throttling.rule().is_none() {
            return Ok(());
        }
        work.throttle().clear(principal, &Network::of(client), at).await
    }
}

impl Attempt {
    /// Whether further attempts wait if this one fails.
    pub(super) fn sets_in(&self) -> bool {
        self.0.as_ref().is_some_and(|counted| counted.sets_in)
    }

    /// Notes that the attempt has failed, for those who wait for its end.
    async fn fail(&self, store: &dyn Store) -> Result<(), StoreError> {
        let Some(Counted { principal, network, counters, at: _, sets_in: _ }) = &self.0 else {
            return Ok(());
        };
        store.throttle().fail(*principal, network, counters).await
    }

    /// Takes the attempt back: it was neither a failure nor a success.
    pub(super) async fn withdraw(&self, store: &dyn Store) -> Result<(), StoreError> {
        match &self.0 {
            Some(counted) => counted.give_back(store).await,
            None => Ok(()),
        }
    }

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
