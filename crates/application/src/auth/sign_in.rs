//! Signing in with a password.

use holdfast_domain::{
    second_factors::Code,
    sessions::{AuthEvent, Client, EventKind, SESSION_LIMIT},
    users::{Account, Password, PasswordHash, User},
};

use super::{
    Asker, Auth, AuthError, SignedIn,
    attempts::Attempt,
    second_factor::{SecondFactors, Shown},
    tally::outcome,
    tell::Reserved,
};
use crate::ports::{PasswordsError, Verification};

/// A wish to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Any text: no rule keeps an existing account out.
    pub email: String,
    /// As typed.
    pub password: Password,
    /// As typed, where the account has a second factor. A code that nobody asked for is not looked at.
    pub code: Option<Code>,
    /// Whether the client never refreshes and wants the long-lived token as well.
    pub long_lived: bool,
    /// Where the wish comes from.
    pub client: Client,
}

/// How often a sign-in begins anew because the credential changed under it. Each time, somebody else's sign-in or change
/// of password was done; a second look nearly always decides.
const LOOKS: usize = 3;

/// What became of the attempt to begin a session.
enum Begun {
    Done(Box<SignedIn>),
    /// The credential is another one by now: what was verified says nothing any more.
    Changed(Box<Account>),
}

impl Auth {
    /// Verifies the password and begins a session. Exactly one verification is done, whatever the account is, unless the
    /// attempt is throttled, or the credential changes at this very moment; a hash weaker than today's is replaced in the
    /// same step.
    ///
    /// Behind the right password, an account with a second factor is asked for a code. An attempt that ends there counts neither
    /// as a failure nor as a success of the password.
    ///
    /// The account is read once more when it is held: a ban or another role that came meanwhile counts.
    pub async fn sign_in(&self, wish: SignIn) -> Result<SignedIn, AuthError> {
        let signed_in = self.try_sign_in(wish).await;
        self.tally.sign_ins.count(outcome(&signed_in));
        signed_in
    }

    async fn try_sign_in(&self, wish: SignIn) -> Result<SignedIn, AuthError> {
        let account = self.store.users().find_by_email(&wish.email).await?;
        let found = account.as_ref().map(|account| account.user.id);
        let attempt = self.attempts.begin(found, &wish.email, &wish.client).await?;
        let mut shown = None;
        let signed_in = self.look(account, &attempt, &mut shown, &wish).await;
        self.second_factors.settle(shown.as_ref(), signed_in).await
    }

    /// Looks until the credential stands still, and says what becomes of the attempt at the password. The code is looked at once,
    /// behind the first right password.
    async fn look(
        &self,
        mut account: Option<Account>,
        attempt: &Attempt,
        shown: &mut Option<Shown>,
        wish: &SignIn,
    ) -> Result<SignedIn, AuthError> {
        for _ in 0..LOOKS {
            let (user, hash, stronger) = self.verify(account, attempt, wish).await?;
            let shown = match shown {
                Some(shown) => shown,
                None => shown.insert(self.second_factor_of(&user, attempt, wish).await?),
            };
            match self.begin(user, &hash, stronger, attempt, shown, wish).await {
                Ok(Begun::Done(signed_in)) => return Ok(*signed_in),
                Ok(Begun::Changed(current)) => account = Some(*current),
                Err(refusal @ (AuthError::Banned | AuthError::Inactive)) => return Err(refusal),
                Err(error) => {
                    self.attempts.take_back(attempt).await;
                    return Err(error);
                }
            }
        }
        self.attempts.take_back(attempt).await;
        Err(AuthError::InvalidCredentials)
    }

    /// The account, its hash, and a stronger one where that is due; or the refusal.
    async fn verify(
        &self,
        account: Option<Account>,
        attempt: &Attempt,
        wish: &SignIn,
    ) -> Result<(User, PasswordHash, Option<PasswordHash>), AuthError> {
        let SignIn { email: _, password, code: _, long_lived: _, client } = wish;
        let hash = account.as_ref().and_then(|account| account.password_hash.as_ref());
        let verification = self.attempts.verify(attempt, password, hash).await?;
        let (user, hash) = match account {
            Some(Account { user, password_hash: Some(hash) }) if verification != Verification::Mismatch => {
                (user, hash)
            }
            other => {
                let user = other.map_or(AuthEvent::NOBODY, |account| account.user.id);
                self.attempts.record(attempt, user, None, client).await?;
                return Err(AuthError::InvalidCredentials);
            }
        };
        if let Err(refusal) = user.admit(self.clock.now()) {
            self.attempts.record(attempt, user.id, None, client).await?;
            return Err(refusal.into());
        }
        let stronger = match verification {
            Verification::MatchOutdated => self.stronger(attempt, password).await?,
            Verification::Match | Verification::Mismatch => None,
        };
        Ok((user, hash, stronger))
    }

    /// What was shown beside the password.
    async fn second_factor_of(
        &self,
        user: &User,
        attempt: &Attempt,
        wish: &SignIn,
    ) -> Result<Shown, AuthError> {
        let asker = Asker { user, session: None, client: &wish.client };
        let shown = self.second_factors.check(asker, wish.code.as_ref()).await;
        if shown.is_err() {
            self.attempts.take_back(attempt).await;
        }
        Ok(shown?)
    }

    /// A hash as they are made today. Whoever has shown the right password is not sent away because it cannot be made now:
    /// the next sign-in makes it.
    async fn stronger(
        &self,
        attempt: &Attempt,
        password: &Password,
    ) -> Result<Option<PasswordHash>, AuthError> {
        match self.passwords.hash(password).await {
            Ok(hash) => Ok(Some(hash)),
            Err(PasswordsError::Busy { retry_after: _ }) => Ok(None),
            Err(error) => {
                self.attempts.take_back(attempt).await;
                Err(error.into())
            }
        }
    }

    async fn begin(
        &self,
        verified: User,
        hash: &PasswordHash,
        stronger: Option<PasswordHash>,
        attempt: &Attempt,
        shown: &Shown,
        wish: &SignIn,
    ) -> Result<Begun, AuthError> {
        let SignIn { email: _, password: _, code: _, long_lived, client } = wish;
        let letter = SecondFactors::letter(shown).and_then(|letter| Some((self.place_if_any()?, letter)));
        let now = self.clock.now();
        let work = self.store.begin().await?;
        // An account that vanished between the look-up and here was never there.
        let current = work.users().lock(verified.id).await?.ok_or(AuthError::InvalidCredentials)?;
        if current.password_hash.as_ref() != Some(hash) {
            return Ok(Begun::Changed(Box::new(current)));
        }
        let mut user = current.user;
        if let Err(refusal) = user.admit(now) {
            drop(work);
            self.attempts.record(attempt, user.id, None, client).await?;
            return Err(refusal.into());
        }
        let asker = Asker { user: &user, session: None, client };
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        user.last_sign_in_at = Some(now);
        let letter = letter.map(|(place, letter)| Reserved::letter(place, user.email.clone(), letter));
        let (session, signed_in) = self.begin_session(user, client.clone(), *long_lived, now)?;
        if let Some(stronger) = &stronger {
            work.users().replace_hash(session.owner, hash, stronger).await?;
        }
        work.users().record_sign_in(session.owner, now).await?;
        attempt.succeed(&*work, now).await?;
        work.sessions().insert(&session).await?;
        for evicted in work.sessions().end_surplus(session.owner, SESSION_LIMIT, now).await? {
            let event = self.event(session.owner, EventKind::SessionEvicted, Some(evicted), &session.client);
            work.audit().append(&event).await?;
        }
        let event = self.event(session.owner, EventKind::SignedIn, Some(session.id), &session.client);
        work.audit().append(&event).await?;
        self.commit_and_tell(work, letter).await?;
        Ok(Begun::Done(Box::new(signed_in)))
    }
}
