//! Making a personal access token.

use holdfast_domain::{
    PersonalTokenId, SessionId, Timestamp, UserId,
    personal_tokens::{PERSONAL_TOKEN_LIMIT, PersonalToken, TokenLife, TokenName, TokenScopes},
    second_factors::Code,
    sessions::{Client, EventKind},
    users::{Password, PasswordHash},
};

use super::{Asker, Auth, AuthError, second_factor::Shown, tell::Reserved};
use crate::{
    Actor,
    ports::{Letter, PersonalTokenText, Repositories},
};

/// A wish for a token that a script may use.
#[derive(Debug, Clone)]
pub struct CreatePersonalToken {
    /// What the owner calls it.
    pub name: TokenName,
    /// What it may do.
    pub scopes: TokenScopes,
    /// How long.
    pub life: TokenLife,
    /// Shows that the account's owner asks: the token will outlive the session.
    pub password: Password,
    /// As typed, where the account has a second factor.
    pub code: Option<Code>,
    /// Where the wish comes from.
    pub client: Client,
}

/// A token that was made. Its text is told this once.
#[derive(Debug, Clone)]
pub struct PersonalTokenMade {
    /// What is kept of it.
    pub token: PersonalToken,
    /// What the script sends.
    pub text: PersonalTokenText,
}

impl Auth {
    /// Verifies the password and makes the token; word of it goes to the account's address. Exactly one verification is done,
    /// unless the attempt is throttled, or there are too many tokens already.
    ///
    /// The session must be live when the token is stored, and the credential the one that was verified: whoever is signed out
    /// everywhere, or knows an old password, gets no token that outlives that. A token of the FastAPI backend belongs to no
    /// session and makes none.
    pub async fn create_personal_token(
        &self,
        actor: Actor,
        wish: CreatePersonalToken,
    ) -> Result<PersonalTokenMade, AuthError> {
        let session = actor.session.ok_or(AuthError::TokenInvalid)?;
        leaves_room(&*self.store, actor.user, self.clock.now()).await?;
        let account = self.store.users().find_account(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        let verified = account.password_hash.ok_or(AuthError::NoPassword)?;
        self.attempts.confirm(actor, Some(&verified), &wish.password, &wish.client).await?;
        let asker = Asker { user: &account.user, session: actor.session, client: &wish.client };
        let shown = self.second_factors.check(asker, wish.code.as_ref()).await?;
        let made = self.make(&wish, asker, session, &verified, &shown).await;
        self.second_factors.settle(Some(&shown), made).await
    }

    /// The same once password and code were looked at.
    async fn make(
        &self,
        wish: &CreatePersonalToken,
        asker: Asker<'_>,
        session: SessionId,
        verified: &PasswordHash,
        shown: &Shown,
    ) -> Result<PersonalTokenMade, AuthError> {
        let CreatePersonalToken { name, scopes, life, password: _, code: _, client } = wish;
        let owner = asker.user.id;
        let id = PersonalTokenId::new(self.ids.next());
        let (text, hash) = PersonalTokenText::seal(owner, id, &self.randomness.secret()?);

        let place = self.place_if_any();
        let now = self.clock.now();
        let token = PersonalToken::issue(id, owner, name.clone(), scopes.clone(), *life, now);
        let work = self.store.begin().await?;
        let current = work.users().lock(owner).await?.ok_or(AuthError::TokenInvalid)?;
        current.user.admit(now)?;
        let session = work.sessions().find(owner, session).await?;
        let session = session.filter(|session| session.check(now).is_ok()).ok_or(AuthError::TokenInvalid)?;
        if current.password_hash.as_ref() != Some(verified) {
            return Err(AuthError::TokenInvalid);
        }
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        // The account is held, so that nobody else makes one while these are counted.
        leaves_room(&*work, owner, now).await?;
        work.personal_tokens().insert(&token, hash).await?;
        let event = self.event(owner, EventKind::PersonalTokenCreated, Some(session.id), client);
        work.audit().append(&event).await?;
        let to = current.user.email;
        let letter = place.map(|place| Reserved::letter(place, to, Letter::PersonalTokenWasCreated));
        self.commit_and_tell(work, letter).await?;
        Ok(PersonalTokenMade { token, text })
    }
}

/// Refuses one more than there may be.
async fn leaves_room(store: &dyn Repositories, owner: UserId, now: Timestamp) -> Result<(), AuthError> {
    let tokens = store.personal_tokens().list(owner).await?;
    let live = tokens.iter().filter(|token| token.is_live(now)).count();
    if live < PERSONAL_TOKEN_LIMIT { Ok(()) } else { Err(AuthError::PersonalTokenLimit) }
}
