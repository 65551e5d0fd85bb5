//! The security history of an account: what happened, when, and from where.

use crate::{EventId, SessionId, Stored, Timestamp, UserId, sessions::Client};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An account was made.
    SignedUp,
    /// A password was accepted and a session began.
    SignedIn,
    /// A wrong password was tried, at sign-in or to confirm a step, or a right one for an account that may not be used.
    SignInFailed,
    /// So many attempts at the password had failed that further ones have to wait.
    SignInThrottled,
    /// One session ended by its owner's wish.
    SignedOut,
    /// Several sessions ended by their owner's wish.
    SignedOutEverywhere,
    /// A refresh token came back that had been replaced long ago; its session ended.
    RefreshTokenReuse,
    /// The account's role changed; its sessions ended.
    RoleChanged,
    /// An administrator ended one session, or all of them.
    SessionEnded,
    /// An administrator banned the account; its sessions ended.
    UserBanned,
    /// An administrator lifted the ban.
    UserUnbanned,
    /// The owner deleted the account with everything in it.
    AccountDeleted,
    /// The session that was idle the longest ended, because the account had too many.
    SessionEvicted,
    /// The owner set another password; all other sessions ended, and this one begins.
    PasswordChanged,
    /// A link in a mail set another password; all sessions ended.
    PasswordReset,
    /// A link in a mail showed that mail to the account's address is read.
    EmailVerified,
    /// A link in a mail gave the account another address; all other sessions ended.
    EmailChanged,
    /// The owner made a personal access token.
    PersonalTokenCreated,
    /// The owner ended a personal access token.
    PersonalTokenRevoked,
    /// The owner confirmed a second factor: from now on a sign-in needs a code.
    SecondFactorEnrolled,
    /// The owner removed the second factor.
    SecondFactorRemoved,
    /// The operator removed the second factor of an owner who has lost it; all sessions ended.
    SecondFactorReset,
    /// Behind the right password, a wrong code was tried, or one that was used already.
    SecondFactorFailed,
    /// So many codes were wrong that further ones have to wait.
    SecondFactorThrottled,
    /// A recovery code was used in the place of a code by time.
    RecoveryCodeUsed,
    /// The owner had new recovery codes made; the earlier ones are void.
    RecoveryCodesRenewed,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::SignedUp,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignInThrottled,
        Self::SignedOut,
        Self::SignedOutEverywhere,
        Self::RefreshTokenReuse,
        Self::RoleChanged,
        Self::SessionEnded,
        Self::UserBanned,
        Self::UserUnbanned,
        Self::AccountDeleted,
        Self::SessionEvicted,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailVerified,
        Self::EmailChanged,
        Self::PersonalTokenCreated,
        Self::PersonalTokenRevoked,
        Self::SecondFactorEnrolled,
        Self::SecondFactorRemoved,
        Self::SecondFactorReset,
        Self::SecondFactorFailed,
        Self::SecondFactorThrottled,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesRenewed,
    ];

    /// The name that is stored and logged.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedUp => "signed_up",
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInThrottled => "sign_in_throttled",
            Self::SignedOut => "signed_out",
            Self::SignedOutEverywhere => "signed_out_everywhere",
            Self::RefreshTokenReuse => "refresh_token_reuse",
            Self::RoleChanged => "role_changed",
            Self::SessionEnded => "session_ended",
            Self::UserBanned => "user_banned",
            Self::UserUnbanned => "user_unbanned",
            Self::AccountDeleted => "account_deleted",
            Self::SessionEvicted => "session_evicted",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::EmailVerified => "email_verified",
            Self::EmailChanged => "email_changed",
            Self::PersonalTokenCreated => "personal_token_created",
            Self::PersonalTokenRevoked => "personal_token_revoked",
            Self::SecondFactorEnrolled => "second_factor_enrolled",
            Self::SecondFactorRemoved => "second_factor_removed",
            Self::SecondFactorReset => "second_factor_reset",
            Self::SecondFactorFailed => "second_factor_failed",
            Self::SecondFactorThrottled => "second_factor_throttled",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
        }
    }

    /// The kind with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One entry of the history. It belongs to an account, or to [`AuthEvent::NOBODY`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthEvent {
    /// Unique together with `user`; sorts by time of writing.
    pub id: EventId,
    /// The account it happened to.
    pub user: UserId,
    /// What happened.
    pub kind: Stored<EventKind>,
    /// When.
    pub at: Timestamp,
    /// The session it happened to or made, where there is one.
    pub session: Option<SessionId>,
    /// From where, as far as it is kept; `device` is not.
    pub client: Client,
}

impl AuthEvent {
    /// Stands for the account in attempts on an address that no account has.
    pub const NOBODY: UserId = UserId::new(uuid::Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_alone() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::from_name("SIGNED_UP"), None);
    }
}
