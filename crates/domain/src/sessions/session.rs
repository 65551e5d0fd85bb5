//! A session: when it ends, and what a refresh token that is presented to it means.

use std::time::Duration;

use crate::{SessionId, Stored, Timestamp, TokenId, UserId};

/// How many live sessions an account may have: existing clients never sign out.
pub const SESSION_LIMIT: u64 = 500;
/// How many rotations one session may make within [`ROTATION_WINDOW`].
pub const ROTATIONS_PER_WINDOW: i32 = 10;
/// The length of the window in which rotations are counted.
pub const ROTATION_WINDOW: Duration = Duration::from_mins(1);

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// Its owner signed out, here or from another session.
    SignedOut,
    /// A refresh token came back that had been replaced long ago: somebody else may hold a copy.
    Reuse,
    /// The role of its account changed.
    RoleChanged,
    /// An administrator ended it.
    Administrator,
    /// Its account was banned.
    Banned,
    /// Its account has more sessions than [`SESSION_LIMIT`], and this one was idle the longest.
    Surplus,
    /// The password of its account changed.
    PasswordChanged,
    /// The address of its account changed.
    EmailChanged,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SignedOut,
        Self::Reuse,
        Self::RoleChanged,
        Self::Administrator,
        Self::Banned,
        Self::Surplus,
        Self::PasswordChanged,
        Self::EmailChanged,
    ];

    /// The name that is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reuse => "refresh_token_reuse",
            Self::RoleChanged => "role_changed",
            Self::Administrator => "administrator",
            Self::Banned => "banned",
            Self::Surplus => "session_limit",
            Self::PasswordChanged => "password_changed",
            Self::EmailChanged => "email_changed",
        }
    }

    /// The reason with this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What is remembered of the client at sign-in, for its owner to recognise it by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// The `User-Agent` header, cut to 512 code points.
    pub user_agent: Option<String>,
    /// The network of the client: IPv4 /24 or IPv6 /48, never the whole address.
    pub ip_prefix: Option<String>,
    /// A name that the client gave itself, cut to 100 code points.
    pub device: Option<String>,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without a refresh for this long, a session ends.
    pub idle: Duration,
    /// After this long, a session ends however busy it is.
    pub absolute: Duration,
    /// How long the token before the current one still gets the same successor.
    pub reuse: Duration,
}

/// A session of one account. It holds the identifiers of two refresh tokens and no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Unique together with `owner`.
    pub id: SessionId,
    /// The account; never changes.
    pub owner: UserId,
    /// The `jti` of the refresh token that is good now.
    pub current: TokenId,
    /// The `jti` of the one before it.
    pub previous: Option<TokenId>,
    /// Counts the refresh tokens of this family, from 1.
    pub generation: i64,
    /// Names the key that signed the current refresh token, so that it can be made again byte for byte.
    pub key_id: String,
    /// When the current refresh token was made.
    pub rotated_at: Timestamp,
    /// When the window began in which rotations are counted.
    pub window_started_at: Timestamp,
    /// Rotations within that window.
    pub window_rotations: i32,
    /// The time of sign-in.
    pub created_at: Timestamp,
    /// The last sign-in or rotation.
    pub last_used_at: Timestamp,
    /// Moves with each rotation; also the `exp` of the current refresh token.
    pub idle_expires_at: Timestamp,
    /// Never moves.
    pub absolute_expires_at: Timestamp,
    /// Set once, when the session ends before its time.
    pub ended: Option<(Timestamp, Stored<EndReason>)>,
    /// Where it began.
    pub client: Client,
}

/// What a presented refresh token means to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The one that is good now: rotate.
    Current,
    /// The one before it, moments ago: a second tab or a lost answer. Hand out the same successor again.
    JustReplaced,
    /// An older one: a copy is about. End the session.
    Reused,
    /// The session is over; nothing is left to protect.
    Over,
}

/// The session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct Expired;

/// The session rotates too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many refreshes; wait {} s", .retry_after.as_secs())]
pub struct TooManyRotations {
    /// When the next rotation may be tried.
    pub retry_after: Duration,
}

/// The compare-and-set that replaces a session's refresh token: it applies only while `expected` is the current
/// token of a session that is neither ended nor expired at `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The account.
    pub owner: UserId,
    /// The session.
    pub session: SessionId,
    /// The `jti` that must still be current.
    pub expected: TokenId,
    /// The `jti` that becomes current.
    pub next: TokenId,
    /// The key that will sign the new token.
    pub key_id: String,
    /// Now.
    pub at: Timestamp,
    /// The new idle expiry.
    pub idle_expires_at: Timestamp,
    /// When the counting window began, after this rotation.
    pub window_started_at: Timestamp,
    /// Rotations within it, this one included.
    pub window_rotations: i32,
}

impl Session {
    /// A session that begins now. It outlasts `longest_token`, the life of the longest token issued at sign-in.
    #[expect(
        clippy::too_many_arguments,
        reason = "each names one fact of the sign-in; no two belong together"
    )]
    pub fn begin(
        id: SessionId,
        owner: UserId,
        first: TokenId,
        key_id: String,
        client: Client,
        lifetimes: Lifetimes,
        longest_token: Duration,
        now: Timestamp,
    ) -> Self {
        let absolute_expires_at = now.plus(lifetimes.absolute.max(longest_token));
        Self {
            id,
            owner,
            current: first,
            previous: None,
            generation: 1,
            key_id,
            rotated_at: now,
            window_started_at: now,
            window_rotations: 0,
            created_at: now,
            last_used_at: now,
            idle_expires_at: now.plus(lifetimes.idle.max(longest_token)).min(absolute_expires_at),
            absolute_expires_at,
            ended: None,
            client,
        }
    }

    /// When it ends by itself, unless it is refreshed before.
    pub fn expires_at(&self) -> Timestamp {
        self.idle_expires_at.min(self.absolute_expires_at)
    }

    /// From when on no token of it can be good, and none can tell anything by coming back. One that has ended counts until its
    /// latest end, whenever it would have expired: until then an instance may ask whether it has ended.
    pub fn over_from(&self) -> Timestamp {
        if self.ended.is_some() { self.absolute_expires_at } else { self.expires_at() }
    }

    /// Whether the session is neither ended nor expired at `now`.
    pub fn check(&self, now: Timestamp) -> Result<(), Expired> {
        let live = self.ended.is_none() && now < self.idle_expires_at && now < self.absolute_expires_at;
        if live { Ok(()) } else { Err(Expired) }
    }

    /// What it means that the refresh token `jti` is presented at `now`. `reuse` is the interval in which the token
    /// before the current one is still good.
    pub fn present(&self, jti: TokenId, now: Timestamp, reuse: Duration) -> Presented {
        if self.check(now).is_err() {
            return Presented::Over;
        }
        if jti == self.current {
            return Presented::Current;
        }
        // The interval's last instant still counts; with an interval of zero nothing does.
        let fresh = !reuse.is_zero() && now.since(self.rotated_at) <= reuse;
        if fresh && self.previous == Some(jti) { Presented::JustReplaced } else { Presented::Reused }
    }

    /// The rotation that replaces the current token at `now`, or how long to wait for it.
    pub fn rotate(
        &self,
        next: TokenId,
        key_id: String,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Rotation, TooManyRotations> {
        let age = now.since(self.window_started_at);
        let (window_started_at, window_rotations) = if age >= ROTATION_WINDOW {
            (now, 1)
        } else if self.window_rotations >= ROTATIONS_PER_WINDOW {
            return Err(TooManyRotations { retry_after: ROTATION_WINDOW.saturating_sub(age) });
        } else {
            (self.window_started_at, self.window_rotations + 1)
        };
        Ok(Rotation {
            owner: self.owner,
            session: self.id,
            expected: self.current,
            next,
            key_id,
            at: now,
            // Never earlier than before: a token issued at sign-in may outlast the idle time.
            idle_expires_at: now.plus(lifetimes.idle).max(self.idle_expires_at).min(self.absolute_expires_at),
            window_started_at,
            window_rotations,
        })
    }

    /// This session after `rotation`, or nothing when its comparison fails.
    #[must_use]
    pub fn rotated(&self, rotation: &Rotation) -> Option<Self> {
        let Rotation {
            owner,
            session,
            expected,
            next,
            key_id,
            at,
            idle_expires_at,
            window_started_at,
            window_rotations,
        } = rotation;
        let applies = *owner == self.owner
            && *session == self.id
            && *expected == self.current
            && self.check(*at).is_ok();
        applies.then(|| Self {
            current: *next,
            previous: Some(self.current),
            generation: self.generation + 1,
            key_id: key_id.clone(),
            rotated_at: *at,
            last_used_at: *at,
            idle_expires_at: *idle_expires_at,
            window_started_at: *window_started_at,
            window_rotations: *window_rotations,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LIFETIMES: Lifetimes = Lifetimes {
        idle: Duration::from_secs(700),
        absolute: Duration::from_mins(50),
        reuse: Duration::from_secs(30),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn token(n: u128) -> TokenId {
        TokenId::new(Uuid::from_u128(n))
    }

    fn session(longest_token: Duration) -> Session {
        let (id, owner) = (SessionId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)));
        Session::begin(id, owner, token(1), "k1".into(), Client::default(), LIFETIMES, longest_token, at(0))
    }

    fn rotate(session: &Session, next: u128, now: i64) -> Session {
        let rotation = session.rotate(token(next), "k1".into(), LIFETIMES, at(now)).unwrap();
        session.rotated(&rotation).unwrap()
    }

    #[test]
    fn every_reason_is_found_by_its_name_alone() {
        for reason in EndReason::ALL {
            assert_eq!(EndReason::from_name(reason.name()), Some(reason));
        }
        assert_eq!(EndReason::from_name("BANNED"), None);
    }

    #[test]
    fn it_is_over_at_the_instant_of_either_end() {
        for (idle, absolute) in [(700, 3_000), (3_000, 700)] {
            let ends = Session {
                idle_expires_at: at(idle),
                absolute_expires_at: at(absolute),
                ..session(Duration::ZERO)
            };
            assert_eq!(ends.check(at(700).minus(Duration::from_micros(1))), Ok(()));
            assert_eq!(ends.check(at(700)), Err(Expired));
        }
    }

    #[test]
    fn a_rotation_leaves_of_the_session_what_it_does_not_name() {
        let first = session(Duration::ZERO);
        let rotation = first.rotate(token(2), "k2".into(), LIFETIMES, at(100)).unwrap();
        let expected = Session {
            current: token(2),
            previous: Some(token(1)),
            generation: 2,
            key_id: "k2".into(),
            rotated_at: at(100),
            window_started_at: at(100),
            window_rotations: 1,
            last_used_at: at(100),
            idle_expires_at: at(800),
            ..first.clone()
        };
        assert_eq!(first.rotated(&rotation), Some(expected));
    }

    #[test]
    fn the_predecessor_is_good_for_the_interval_and_not_longer() {
        let session = rotate(&session(Duration::ZERO), 2, 100);
        assert_eq!(session.present(token(2), at(100), LIFETIMES.reuse), Presented::Current);
        assert_eq!(session.present(token(1), at(130), LIFETIMES.reuse), Presented::JustReplaced);
        assert_eq!(session.present(token(1), at(131), LIFETIMES.reuse), Presented::Reused);
        assert_eq!(session.present(token(1), at(100), Duration::ZERO), Presented::Reused);
    }

    #[test]
    fn two_generations_old_is_reuse_at_once() {
        let session = rotate(&rotate(&session(Duration::ZERO), 2, 100), 3, 100);
        assert_eq!(session.present(token(1), at(100), LIFETIMES.reuse), Presented::Reused);
        assert_eq!(session.generation, 3);
    }

    #[test]
    fn rotation_moves_the_idle_end_but_never_past_the_absolute_one() {
        let mut live = session(Duration::ZERO);
        assert_eq!(live.idle_expires_at, at(700));
        for (next, now) in [(2, 600), (3, 1_200), (4, 1_800), (5, 2_400)] {
            live = rotate(&live, next, now);
        }
        assert_eq!(live.idle_expires_at, at(3_000));
        assert_eq!(live.present(live.current, at(3_000), LIFETIMES.reuse), Presented::Over);
    }

    #[test]
    fn a_session_outlasts_the_longest_token_that_it_issued() {
        let longest = Duration::from_secs(10_000);
        let live = session(longest);
        assert_eq!((live.idle_expires_at, live.absolute_expires_at), (at(10_000), at(10_000)));
        assert_eq!(rotate(&live, 2, 10).idle_expires_at, at(10_000));
    }

    #[test]
    fn the_eleventh_rotation_of_a_minute_waits() {
        let mut live = session(Duration::ZERO);
        for next in 2..=11 {
            live = rotate(&live, next, 10);
        }
        let refused = live.rotate(token(12), "k1".into(), LIFETIMES, at(15)).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(45));
        assert_eq!(rotate(&live, 12, 60).window_rotations, 1);
    }

    #[test]
    fn a_rotation_of_a_token_that_is_no_longer_current_does_not_apply() {
        let first = session(Duration::ZERO);
        let stale = first.rotate(token(2), "k1".into(), LIFETIMES, at(1)).unwrap();
        let moved = rotate(&first, 3, 1);
        assert_eq!(moved.rotated(&stale), None);
        let ended = Session { ended: Some((at(1), EndReason::SignedOut.into())), ..first };
        assert_eq!(ended.rotated(&stale), None);
    }
}
