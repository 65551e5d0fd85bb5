//! A personal access token: what is known of one without its secret.

use std::time::Duration;

use super::{TokenLife, TokenName, TokenScopes};
use crate::{PersonalTokenId, Timestamp, UserId};

/// The most tokens of one account that are not over.
pub const PERSONAL_TOKEN_LIMIT: usize = 50;

/// A use is noted at most this often, so that a busy script does not write with each of its reads.
pub const USE_INTERVAL: Duration = Duration::from_mins(1);

/// A token that its owner gave to a script. What proves it is kept beside it, and its text nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalToken {
    /// The account that it acts for; never changes.
    pub owner: UserId,
    /// Unique together with `owner`; part of the text.
    pub id: PersonalTokenId,
    /// What the owner calls it.
    pub name: TokenName,
    /// What it may do.
    pub scopes: TokenScopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is good for nothing.
    pub expires_at: Timestamp,
    /// About when it was used last, to [`USE_INTERVAL`]; never, when absent.
    pub last_used_at: Option<Timestamp>,
}

impl PersonalToken {
    /// A new token of the account.
    pub fn issue(
        id: PersonalTokenId,
        owner: UserId,
        name: TokenName,
        scopes: TokenScopes,
        life: TokenLife,
        now: Timestamp,
    ) -> Self {
        let expires_at = now.plus(life.duration());
        Self { owner, id, name, scopes, created_at: now, expires_at, last_used_at: None }
    }

    /// Whether its time is not up at `at`.
    pub fn is_live(&self, at: Timestamp) -> bool {
        at < self.expires_at
    }

    /// Whether a use at `at` is to be noted.
    pub fn is_use_due(&self, at: Timestamp) -> bool {
        self.last_used_at.is_none_or(|last| last.plus(USE_INTERVAL) <= at)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::personal_tokens::TokenScope;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn token() -> PersonalToken {
        let (id, owner) = (PersonalTokenId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        let scopes = TokenScopes::new([TokenScope::TasksRead]).unwrap();
        let name = TokenName::new("backup").unwrap();
        PersonalToken::issue(id, owner, name, scopes, TokenLife::days(1).unwrap(), at(0))
    }

    #[test]
    fn a_token_is_good_until_its_time_is_up_and_not_at_that_moment() {
        let token = token();
        assert_eq!([0, 86_399, 86_400].map(|seconds| token.is_live(at(seconds))), [true, true, false]);
    }

    #[test]
    fn a_use_is_noted_the_first_time_and_then_once_a_minute() {
        assert!(token().is_use_due(at(0)));
        let used = PersonalToken { last_used_at: Some(at(100)), ..token() };
        assert_eq!(
            [99, 100, 159, 160].map(|seconds| used.is_use_due(at(seconds))),
            [false, false, false, true]
        );
    }
}
