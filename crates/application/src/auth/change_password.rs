//! Changing one's password while signed in.

use holdfast_domain::{
    second_factors::Code,
    sessions::{Client, EndReason, EventKind},
    users::{Account, NewPassword, Password, PasswordHash},
};

use super::{
    Asker, Auth, AuthError, SignedIn,
    redeem::{Ended, end_access},
    second_factor::Shown,
    tell::Reserved,
};
use crate::{Actor, ports::Letter};

/// A wish for another password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// As typed: whoever only found an open session does not know it.
    pub current: Password,
    /// The one that counts from now on.
    pub new: NewPassword,
    /// As typed, where the account has a second factor.
    pub code: Option<Code>,
    /// Where the wish comes from.
    pub client: Client,
}

/// How often a change begins anew because the credential changed under it, as a sign-in does that replaces a weak hash.
const LOOKS: usize = 3;

/// What became of the wish once the current password was verified.
enum Change {
    Done(Box<SignedIn>),
    /// The credential is another one by now: what was verified says nothing any more.
    Outrun(Box<Account>),
}

impl Auth {
    /// Verifies the current password and sets the new one. All sessions end, the caller's own as well, and so do tokens from
    /// the field and links in mails; a new session begins for the caller. Whoever holds a copy of anything earlier holds
    /// nothing.
    ///
    /// Exactly one verification is done, unless the attempt is throttled, or the credential changes at this very moment. An
    /// account without a password gets none here: the session alone does not show whose it is.
    pub async fn change_password(&self, actor: Actor, wish: ChangePassword) -> Result<SignedIn, AuthError> {
        let account = self.store.users().find_account(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        let mut shown = None;
        let changed = self.change(actor, &wish, account, &mut shown).await;
        self.second_factors.settle(shown.as_ref(), changed).await
    }

    /// Looks until the credential stands still. The code is looked at once, behind the first right password.
    async fn change(
        &self,
        actor: Actor,
        wish: &ChangePassword,
        mut account: Account,
        shown: &mut Option<Shown>,
    ) -> Result<SignedIn, AuthError> {
        for _ in 0..LOOKS {
            let current = account.password_hash.ok_or(AuthError::NoPassword)?;
            self.attempts.confirm(actor, Some(&current), &wish.current, &wish.client).await?;
            let asker = Asker { user: &account.user, session: actor.session, client: &wish.client };
            let shown = match shown {
                Some(shown) => shown,
                None => shown.insert(self.second_factors.check(asker, wish.code.as_ref()).await?),
            };
            let new = self.passwords.hash(wish.new.password()).await?;
            match self.set_password(actor, &current, &new, shown, asker).await? {
                Change::Done(signed_in) => return Ok(*signed_in),
                Change::Outrun(now) => account = *now,
            }
        }
        Err(AuthError::InvalidCredentials)
    }

    async fn set_password(
        &self,
        actor: Actor,
        verified: &PasswordHash,
        new: &PasswordHash,
        shown: &Shown,
        asker: Asker<'_>,
    ) -> Result<Change, AuthError> {
        let client = asker.client;
        let place = self.place_if_any();
        let now = self.clock.now();
        let work = self.store.begin().await?;
        let account = work.users().lock(actor.user).await?.ok_or(AuthError::TokenInvalid)?;
        if account.password_hash.as_ref() != Some(verified) {
            return Ok(Change::Outrun(Box::new(account)));
        }
        let mut user = account.user;
        user.admit(now)?;
        let work = self.second_factors.spend(work, shown, asker, now).await?;
        let ended = end_access(&*work, user.id, None, EndReason::PasswordChanged, now).await?;
        let Ended { sessions, legacy_tokens } = ended;
        // Whoever was signed out since the request came in changes nothing any more.
        if !actor.session.map_or(legacy_tokens, |session| sessions.contains(&session)) {
            return Err(AuthError::TokenInvalid);
        }
        (user.updated_at, user.last_sign_in_at) = (now, Some(now));
        let (session, signed_in) = self.begin_session(user, client.clone(), false, now)?;
        work.users().set_password(session.owner, new, now).await?;
        work.users().record_sign_in(session.owner, now).await?;
        work.sessions().insert(&session).await?;
        let event = self.event(session.owner, EventKind::PasswordChanged, Some(session.id), client);
        work.audit().append(&event).await?;
        let to = signed_in.user.email.clone();
        let letter = place.map(|place| Reserved::letter(place, to, Letter::PasswordWasChanged));
        self.commit_and_tell(work, letter).await?;
        Ok(Change::Done(Box::new(signed_in)))
    }
}
