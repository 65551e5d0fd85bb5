//! The second factor of an account: whether one is asked for, whether what was shown is good, and that it is good once.
//! Enrolling and removing one are the use cases' in `enrol` and `manage`.

mod enrol;
mod error;
mod manage;
mod totp;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use holdfast_domain::{
    SessionId, Timestamp, UserId,
    second_factors::{Code, RecoveryCode, TimeStep, TotpSecret, Typed},
    sessions::{AuthEvent, Client, EventKind},
    users::User,
};
use sha2::{Digest, Sha256};

use super::attempts::{Attempt, Attempts};
use crate::{
    history,
    ports::{
        Clock, Errand, Ids, Letter, Outbox, Repositories, Sealed, SecondFactor, Store, StoreError, TokenHash,
        UnitOfWork, Vault,
    },
};

pub use enrol::Enrolment;
pub use error::SecondFactorError;
pub use manage::SecondFactorState;

/// Asks for second factors.
#[derive(Clone)]
pub(crate) struct SecondFactors {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) attempts: Attempts,
}

/// Who takes a step that may need a code.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The account, whose password was right.
    pub(crate) user: &'a User,
    /// The session, where there is one already.
    pub(crate) session: Option<SessionId>,
    /// Where the step comes from.
    pub(crate) client: &'a Client,
}

/// What was shown for a step.
pub(crate) enum Shown {
    /// The account has no second factor, so that nothing had to be.
    Nothing,
    /// Something good, unless it was used already.
    Code(Box<ShownCode>),
}

/// A code that was not used yet when it was looked at.
pub(crate) struct ShownCode {
    attempt: Attempt,
    factor: SecondFactor,
    proof: Proof,
    /// It was found to be used already: then the attempt is a failure whatever else becomes of the step.
    failed: AtomicBool,
}

/// How a code proves itself.
enum Proof {
    /// It is the code of this period.
    Step(TimeStep),
    /// Its hash is among those of the account, or not: that is seen when it is used up.
    Recovery(TokenHash),
}

impl SecondFactors {
    /// Judges what was shown, after the password was right: so nobody who does not know the password reaches what is counted
    /// here. A code that nobody asked for is not looked at.
    pub(crate) async fn check(
        &self,
        asker: Asker<'_>,
        code: Option<&Code>,
    ) -> Result<Shown, SecondFactorError> {
        let Some(factor) = active(&*self.store, asker.user.id).await? else { return Ok(Shown::Nothing) };
        let code = code.ok_or(SecondFactorError::Required)?;
        let attempt = self.attempts.begin_code(asker.user.id, asker.client).await?;
        let proof = match code.read() {
            None => None,
            Some(Typed::Recovery(code)) => Some(Proof::Recovery(hash(asker.user.id, &code))),
            Some(Typed::Digits(digits)) => self.step(&attempt, &factor, digits).await?.map(Proof::Step),
        };
        match proof {
            Some(proof) => {
                let failed = AtomicBool::new(false);
                Ok(Shown::Code(Box::new(ShownCode { attempt, factor, proof, failed })))
            }
            None => Err(self.fail(&attempt, asker).await?),
        }
    }

    /// Uses up what was shown, in a unit of work that holds the account; of any number of steps with one code, one is taken.
    /// Without success the unit of work is rolled back.
    pub(crate) async fn spend(
        &self,
        work: Box<dyn UnitOfWork>,
        shown: &Shown,
        asker: Asker<'_>,
        now: Timestamp,
    ) -> Result<Box<dyn UnitOfWork>, SecondFactorError> {
        let owner = asker.user.id;
        let ShownCode { attempt, factor, proof, failed } = match shown {
            Shown::Nothing if active(&*work, owner).await?.is_none() => return Ok(work),
            // One was confirmed at this very moment.
            Shown::Nothing => return Err(SecondFactorError::Required),
            Shown::Code(code) => &**code,
        };
        let good = match proof {
            Proof::Step(step) => work.second_factors().accept(owner, factor.created_at, *step).await?,
            Proof::Recovery(hash) => work.second_factors().redeem_recovery_code(owner, *hash).await?,
        };
        if !good {
            failed.store(true, Ordering::Relaxed);
            drop(work);
            return Err(self.fail(attempt, asker).await?);
        }
        if let Proof::Recovery(_) = proof {
            let event = self.event(asker, EventKind::RecoveryCodeUsed);
            work.audit().append(&event).await?;
        }
        attempt.succeed(&*work, now).await?;
        Ok(work)
    }

    /// What became of a step behind what was shown, once all of it is done that may fail, and its unit of work with it. Where the
    /// step came to nothing, and not for the code's sake, nothing is counted against the code: every step ends here.
    pub(crate) async fn settle<T, E>(&self, shown: Option<&Shown>, outcome: Result<T, E>) -> Result<T, E> {
        if let (Some(Shown::Code(code)), Err(_)) = (shown, &outcome)
            && !code.failed.load(Ordering::Relaxed)
        {
            self.attempts.take_back(&code.attempt).await;
        }
        outcome
    }

    /// The letter that what was shown calls for, once the step is taken.
    pub(crate) const fn letter(shown: &Shown) -> Option<Letter> {
        match shown {
            Shown::Code(code) if matches!(code.proof, Proof::Recovery(_)) => {
                Some(Letter::RecoveryCodeWasUsed)
            }
            Shown::Code(_) | Shown::Nothing => None,
        }
    }

    /// The period that the digits are the code of.
    async fn step(
        &self,
        attempt: &Attempt,
        factor: &SecondFactor,
        digits: u32,
    ) -> Result<Option<TimeStep>, SecondFactorError> {
        let step = self.period(factor, digits).await;
        if step.is_err() {
            // That the secret cannot be read is not the caller's failure.
            self.attempts.take_back(attempt).await;
        }
        step
    }

    /// The same. A secret under an earlier key is sealed anew.
    async fn period(
        &self,
        factor: &SecondFactor,
        digits: u32,
    ) -> Result<Option<TimeStep>, SecondFactorError> {
        let SecondFactor { owner, secret: sealed, .. } = factor;
        let opened = self.vault.open(*owner, sealed)?;
        let secret = TotpSecret::from_bytes(&opened.plaintext).ok_or_else(unreadable)?;
        let step = totp::matching(&secret, digits, TimeStep::at(self.clock.now()));
        if step.is_some() && opened.outdated {
            self.reseal(*owner, sealed, &secret).await?;
        }
        Ok(step)
    }

    async fn reseal(
        &self,
        owner: UserId,
        old: &Sealed,
        secret: &TotpSecret,
    ) -> Result<(), SecondFactorError> {
        // Whoever comes second, or has no key of today any more, leaves it as it is.
        if let Ok(new) = self.vault.seal(owner, secret.expose()) {
            self.store.second_factors().reseal(owner, old, &new).await?;
        }
        Ok(())
    }

    /// Writes a wrong code into the history; its owner is told once in a series, since whoever tries knows the password.
    async fn fail(&self, attempt: &Attempt, asker: Asker<'_>) -> Result<SecondFactorError, StoreError> {
        let Asker { user, session, client } = asker;
        self.attempts.record_code(attempt, user.id, session, client).await?;
        if attempt.sets_in() {
            let errand = Errand::Letter { to: user.email.clone(), letter: Letter::WrongCodesWereTried };
            if self.outbox.submit(errand).is_err() {
                tracing::warn!(target: "holdfast::mail", "no mail about wrong codes: too much waits to be sent already");
            }
        }
        Ok(SecondFactorError::Wrong)
    }

    fn event(&self, Asker { user, session, client }: Asker<'_>, kind: EventKind) -> AuthEvent {
        let event = history::event(&*self.ids, &*self.clock, user.id, kind);
        AuthEvent { session, client: client.clone(), ..event }
    }
}

/// The factor that counts.
async fn active(repositories: &dyn Repositories, owner: UserId) -> Result<Option<SecondFactor>, StoreError> {
    let found = repositories.second_factors().find(owner).await?;
    Ok(found.filter(|factor| factor.confirmed_at.is_some()))
}

fn unreadable() -> SecondFactorError {
    SecondFactorError::Vault(crate::ports::VaultError::Failed("the secret has another length".into()))
}

/// What is stored of a recovery code. A plain hash is enough for 120 random bits (OWASP ASVS 6.5.2); the account's id goes into
/// it, so that the same code of two accounts is stored differently.
fn hash(owner: UserId, code: &RecoveryCode) -> TokenHash {
    let hash = Sha256::new()
        .chain_update(b"holdfast recovery code v1\0")
        .chain_update(owner.uuid().as_bytes())
        .chain_update(code.expose());
    TokenHash(hash.finalize().into())
}
