//! Enrolling a second factor: a secret for the app first, and once a code shows that the app has it, recovery codes.

use std::{fmt, time::Duration};

use holdfast_domain::{
    Timestamp,
    second_factors::{Code, RECOVERY_CODES, RecoveryCode, TimeStep, TotpSecret, Typed},
    sessions::{Client, EventKind},
    users::Password,
};

use super::{
    super::{Auth, AuthError, attempts::Attempt, tell::Reserved},
    Asker, SecondFactorError, hash, totp,
};
use crate::{
    Actor,
    ports::{Letter, Randomness, SecondFactor, TokenHash},
};

/// How long an enrolment waits for its first code.
const PENDING_FOR: Duration = Duration::from_mins(15);

/// What an app needs to show codes. Told once, and never printed.
#[derive(Clone)]
pub struct Enrolment {
    /// The secret as people type it: 32 letters.
    pub secret: String,
    /// The same as apps read it from a picture (`otpauth://totp/…`).
    pub address: String,
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolment(redacted)")
    }
}

impl Auth {
    /// Makes a secret for the caller's account, in the place of one that was not confirmed. It counts once it is confirmed,
    /// within 15 minutes. Exactly one verification of the password is done, unless the attempt is throttled.
    pub async fn enrol_second_factor(
        &self,
        actor: Actor,
        password: &Password,
        client: &Client,
    ) -> Result<Enrolment, AuthError> {
        let account = self.store.users().find_account(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        let verified = account.password_hash.ok_or(AuthError::NoPassword)?;
        // Before the costly part: where secrets cannot be sealed, nothing of this can be done.
        let secret = TotpSecret::from_random(&self.randomness.secret().map_err(SecondFactorError::from)?);
        let sealed = self.second_factors.vault.seal(actor.user, secret.expose());
        let sealed = sealed.map_err(SecondFactorError::from)?;
        self.attempts.confirm(actor, Some(&verified), password, client).await?;
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let current = work.users().lock(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        // Whoever shows a password that was changed meanwhile enrols nothing.
        if current.password_hash != Some(verified) {
            return Err(AuthError::TokenInvalid);
        }
        current.user.admit(now)?;
        let (owner, created_at) = (actor.user, now);
        let pending = SecondFactor { owner, secret: sealed, created_at, confirmed_at: None, last_step: None };
        if !work.second_factors().enrol(&pending).await? {
            return Err(SecondFactorError::Enrolled.into());
        }
        self.attempts.begin_codes_anew(&*work, owner, client, now).await?;
        work.commit().await?;
        let address = totp::address(&secret, &current.user.email);
        Ok(Enrolment { secret: secret.base32(), address })
    }

    /// Lets the enrolled secret count, once a code shows that an app has it, and answers the recovery codes, which are told
    /// this once. Sessions go on.
    pub async fn confirm_second_factor(
        &self,
        actor: Actor,
        code: &Code,
        client: &Client,
    ) -> Result<Vec<RecoveryCode>, AuthError> {
        let user = self.store.users().find(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        let pending = self.pending(actor, self.clock.now()).await?;
        let asker = Asker { user: &user, session: actor.session, client };
        let attempt = self.attempts.begin_code(user.id, client).await.map_err(SecondFactorError::from)?;
        let step = match code.read() {
            Some(Typed::Digits(digits)) => self.second_factors.step(&attempt, &pending, digits).await?,
            Some(Typed::Recovery(_)) | None => None,
        };
        let Some(step) = step else {
            return Err(self.second_factors.fail(&attempt, asker).await?.into());
        };
        let confirmed = self.let_count(actor, &pending, step, &attempt, client).await;
        if confirmed.is_err() {
            // The code was right.
            self.attempts.take_back(&attempt).await;
        }
        confirmed
    }

    /// The same once the code was found to be that of `step`.
    async fn let_count(
        &self,
        actor: Actor,
        pending: &SecondFactor,
        step: TimeStep,
        attempt: &Attempt,
        client: &Client,
    ) -> Result<Vec<RecoveryCode>, AuthError> {
        let (codes, hashes) = recovery_codes(actor, &*self.randomness)?;
        let place = self.place_if_any();
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let user = work.users().lock(actor.user).await?.ok_or(AuthError::TokenInvalid)?.user;
        user.admit(now)?;
        if !work.second_factors().confirm(user.id, pending.created_at, step, now).await? {
            return Err(SecondFactorError::Missing.into());
        }
        work.second_factors().insert_recovery_codes(user.id, &hashes).await?;
        attempt.succeed(&*work, now).await?;
        let event = self.event(user.id, EventKind::SecondFactorEnrolled, actor.session, client);
        work.audit().append(&event).await?;
        let letter = place.map(|place| Reserved::letter(place, user.email, Letter::SecondFactorWasEnrolled));
        self.commit_and_tell(work, letter).await?;
        Ok(codes)
    }

    /// The enrolment that waits for its first code.
    async fn pending(&self, actor: Actor, now: Timestamp) -> Result<SecondFactor, AuthError> {
        let found = self.store.second_factors().find(actor.user).await?;
        let factor = found.ok_or(SecondFactorError::Missing)?;
        if factor.confirmed_at.is_some() {
            return Err(SecondFactorError::Enrolled.into());
        }
        if factor.created_at.plus(PENDING_FOR) <= now {
            return Err(SecondFactorError::Missing.into());
        }
        Ok(factor)
    }
}

/// New recovery codes, and what is stored of them.
pub(super) fn recovery_codes(
    actor: Actor,
    randomness: &dyn Randomness,
) -> Result<(Vec<RecoveryCode>, Vec<TokenHash>), SecondFactorError> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        codes.push(RecoveryCode::from_random(&randomness.secret()?));
    }
    let hashes = codes.iter().map(|code| hash(actor.user, code)).collect();
    Ok((codes, hashes))
}
