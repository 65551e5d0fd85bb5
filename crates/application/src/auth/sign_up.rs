//! Making an account and its first session.

use holdfast_domain::{
    UserId,
    sessions::{Client, EventKind},
    users::{Account, Email, Name, NewPassword, Role, User},
};

use super::{Auth, AuthError, SignedIn, tell::Reserved};
use crate::ports::{Errand, StoreError, Unique};

/// A wish for an account.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The address that will name it.
    pub email: Email,
    /// Its password.
    pub password: NewPassword,
    /// What the person wants to be called.
    pub name: Option<Name>,
    /// Where the wish comes from.
    pub client: Client,
}

impl Auth {
    /// Makes the account with the role `user` and signs it in, with a long-lived token for front ends that never
    /// refresh. A mail asks whether the address is theirs; nothing waits for an answer.
    pub async fn sign_up(&self, wish: SignUp) -> Result<SignedIn, AuthError> {
        let SignUp { email, password, name, client } = wish;
        let hash = self.passwords.hash(password.password()).await?;
        let now = self.clock.now();
        let mut user = User::register(UserId::new(self.ids.next()), email, name, Role::User, now);
        user.last_sign_in_at = Some(now);
        let account = Account { user: user.clone(), password_hash: Some(hash) };
        let (session, signed_in) = self.begin_session(user, client, true, now)?;

        let place = self.place_if_any();
        let work = self.store.begin().await?;
        work.users().insert(&account).await.map_err(|error| match error {
            StoreError::Duplicate(Unique::Email) => AuthError::EmailExists,
            other => other.into(),
        })?;
        work.sessions().insert(&session).await?;
        self.attempts.vouch(&*work, session.owner, &session.client, now).await?;
        let event = self.event(session.owner, EventKind::SignedUp, Some(session.id), &session.client);
        work.audit().append(&event).await?;
        let errand = Errand::SignedUp { user: signed_in.user.id };
        self.commit_and_tell(work, place.map(|place| Reserved::new(place, errand))).await?;
        Ok(signed_in)
    }
}
