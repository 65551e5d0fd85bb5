//! Signing in with a password.

use holdfast_domain::{
    UserId,
    sessions::{AuthEvent, Client, EventKind},
    users::{Account, Password, PasswordHash, Refusal, User},
};

use super::{Auth, AuthError, SignedIn};
use crate::ports::{StoreError, Verification};

/// A wish to sign in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Any text: no rule keeps an existing account out.
    pub email: String,
    /// As typed.
    pub password: Password,
    /// Whether the client never refreshes and wants the long-lived token as well.
    pub long_lived: bool,
    /// Where the wish comes from.
    pub client: Client,
}

impl Auth {
    /// Verifies the password and begins a session. Exactly one verification is done, whatever the account is; a hash
    /// weaker than today's is replaced in the same step.
    pub async fn sign_in(&self, wish: SignIn) -> Result<SignedIn, AuthError> {
        let SignIn { email, password, long_lived, client } = wish;
        let account = self.store.users().find_by_email(&email).await?;
        let hash = account.as_ref().and_then(|account| account.password_hash.as_ref());
        let verification = self.passwords.verify(&password, hash).await?;
        let now = self.clock.now();
        let (user, hash) = match account {
            Some(Account { user, password_hash: Some(hash) }) if verification != Verification::Mismatch => {
                (user, hash)
            }
            other => {
                let user = other.map_or(AuthEvent::NOBODY, |account| account.user.id);
                return Err(self.refuse(user, &client, AuthError::InvalidCredentials).await?);
            }
        };
        if let Err(refusal) = user.admit(now) {
            let error = match refusal {
                Refusal::Banned => AuthError::Banned,
                Refusal::Inactive => AuthError::Inactive,
            };
            return Err(self.refuse(user.id, &client, error).await?);
        }
        let stronger = match verification {
            Verification::MatchOutdated => Some(self.passwords.hash(&password).await?),
            Verification::Match | Verification::Mismatch => None,
        };
        self.begin(user, &hash, stronger, client, long_lived).await
    }

    async fn begin(
        &self,
        mut user: User,
        hash: &PasswordHash,
        stronger: Option<PasswordHash>,
        client: Client,
        long_lived: bool,
    ) -> Result<SignedIn, AuthError> {
        let now = self.clock.now();
        user.last_sign_in_at = Some(now);
        let (session, signed_in) = self.begin_session(user, client, long_lived, now)?;
        let work = self.store.begin().await?;
        if let Some(stronger) = &stronger {
            // Lost against another sign-in or a password change, the upgrade waits for the next time.
            work.users().replace_hash(session.owner, hash, stronger).await?;
        }
        work.users().record_sign_in(session.owner, now).await?;
        work.sessions().insert(&session).await.map_err(gone)?;
        let event = self.event(session.owner, EventKind::SignedIn, Some(session.id), &session.client);
        work.audit().append(&event).await?;
        work.commit().await?;
        Ok(signed_in)
    }

    /// Writes the failed attempt into the history and gives the error back. Attempts on unknown accounts are written as
    /// well, so that the time taken tells nothing.
    async fn refuse(&self, user: UserId, client: &Client, error: AuthError) -> Result<AuthError, AuthError> {
        self.store.audit().append(&self.event(user, EventKind::SignInFailed, None, client)).await?;
        Ok(error)
    }
}

/// An account that vanished between the look-up and the session was never there.
fn gone(error: StoreError) -> AuthError {
    match error {
        StoreError::OwnerMissing => AuthError::InvalidCredentials,
        other => other.into(),
    }
}
