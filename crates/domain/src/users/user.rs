//! An account and whether it may sign in.

use crate::{
    Timestamp, UserId,
    users::{BanReason, Email, Image, Name, PasswordHash, Role},
};

/// Why and until when an administrator keeps somebody out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// When it was spoken.
    pub at: Timestamp,
    /// What the person is told.
    pub reason: Option<BanReason>,
    /// When it ends by itself; never, when absent.
    pub expires_at: Option<Timestamp>,
}

/// A ban would end before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must lie in the future")]
pub struct BanEndsTooEarly;

impl Ban {
    /// A ban from `now` on.
    pub fn speak(
        reason: Option<BanReason>,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, BanEndsTooEarly> {
        if expires_at.is_some_and(|end| end <= now) {
            return Err(BanEndsTooEarly);
        }
        Ok(Self { at: now, reason, expires_at })
    }
}

/// Why an account may not be used, although its password was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Switched off.
    Inactive,
    /// Banned, and the ban has not ended yet.
    Banned,
}

/// A person's account, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Never changes.
    pub id: UserId,
    /// As typed at sign-up.
    pub email: Email,
    /// What the person wants to be called.
    pub name: Option<Name>,
    /// What it may do.
    pub role: Role,
    /// False once it is switched off.
    pub active: bool,
    /// Whether somebody has shown that they read mail sent to `email`.
    pub email_verified: bool,
    /// A picture of the person.
    pub image: Option<Image>,
    /// A ban, which may have ended already.
    pub ban: Option<Ban>,
    /// Never changes.
    pub created_at: Timestamp,
    /// Moves when something above changes.
    pub updated_at: Timestamp,
    /// The last time that a password was accepted.
    pub last_sign_in_at: Option<Timestamp>,
}

impl User {
    /// A new account without a history.
    pub fn register(id: UserId, email: Email, name: Option<Name>, role: Role, now: Timestamp) -> Self {
        Self {
            id,
            email,
            name,
            role,
            active: true,
            email_verified: false,
            image: None,
            ban: None,
            created_at: now,
            updated_at: now,
            last_sign_in_at: None,
        }
    }

    /// The ban that holds at `now`, if any.
    pub fn ban_at(&self, now: Timestamp) -> Option<&Ban> {
        self.ban.as_ref().filter(|ban| ban.expires_at.is_none_or(|end| now < end))
    }

    /// Whether the account may be used at `now`.
    pub fn admit(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.ban_at(now).is_some() {
            return Err(Refusal::Banned);
        }
        if self.active { Ok(()) } else { Err(Refusal::Inactive) }
    }
}

/// An account together with its credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub user: User,
    /// Absent where nobody can sign in with a password.
    pub password_hash: Option<PasswordHash>,
}

impl Account {
    /// Whether an adoption made it up to hang tasks on whose owner did not exist, and nobody has claimed it since. An
    /// account that an administrator deactivated may lack a password as well, but it has an address of its own.
    pub fn is_placeholder(&self) -> bool {
        let Self { user, password_hash } = self;
        let made_up = format!("orphan-{}@placeholder.invalid", user.id);
        !user.active && password_hash.is_none() && user.email.as_str() == made_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn user() -> User {
        let email = Email::new("ada@example.com".into()).unwrap();
        User::register(UserId::new(uuid::Uuid::nil()), email, None, Role::User, at(0))
    }

    #[test]
    fn only_what_an_adoption_made_up_is_a_placeholder() {
        let made_up = |n| Email::stored(format!("orphan-{}@placeholder.invalid", uuid::Uuid::from_u128(n)));
        let made = Account { user: User { email: made_up(0), active: false, ..user() }, password_hash: None };
        assert!(made.is_placeholder());
        let hash = Some(PasswordHash::new("$argon2".into()));
        let claimed = Account { password_hash: hash, ..made.clone() };
        let active = Account { user: User { active: true, ..made.user.clone() }, ..made.clone() };
        let own_address = Account { user: User { email: user().email, ..made.user.clone() }, ..made.clone() };
        let of_another = Account { user: User { email: made_up(1), ..made.user.clone() }, ..made };
        for no_placeholder in [claimed, active, own_address, of_another] {
            assert!(!no_placeholder.is_placeholder(), "{no_placeholder:?}");
        }
    }

    #[test]
    fn a_ban_keeps_out_until_its_end() {
        let ban = Ban { at: at(1), reason: None, expires_at: Some(at(10)) };
        let banned = User { ban: Some(ban), ..user() };
        assert_eq!(banned.admit(at(9)), Err(Refusal::Banned));
        assert_eq!(banned.admit(at(10)), Ok(()));
    }

    #[test]
    fn a_ban_ends_after_it_begins() {
        assert!(Ban::speak(None, None, at(5)).is_ok());
        assert_eq!(Ban::speak(None, Some(at(6)), at(5)).unwrap().expires_at, Some(at(6)));
        assert_eq!(Ban::speak(None, Some(at(5)), at(5)), Err(BanEndsTooEarly));
    }

    #[test]
    fn a_ban_without_an_end_and_an_inactive_account_stay_out() {
        let ban = Ban { at: at(1), reason: None, expires_at: None };
        assert_eq!(User { ban: Some(ban), ..user() }.admit(at(i64::from(u32::MAX))), Err(Refusal::Banned));
        assert_eq!(User { active: false, ..user() }.admit(at(1)), Err(Refusal::Inactive));
        assert_eq!(user().admit(at(1)), Ok(()));
    }
}
