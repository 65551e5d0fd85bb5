//! The reference: what the rules of sessions say, in plain numbers and nothing else. It shares no code with the program
//! and knows no key: which tokens belong to a session is told to it as they are handed out.
//!
//! All times are microseconds since 1970.

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const DAY: i64 = 24 * 60 * MINUTE;
/// A session that nobody refreshes ends after this long.
const IDLE: i64 = 7 * DAY;
/// However busy it is.
const ABSOLUTE: i64 = 30 * DAY;
/// The token before the current one still counts for this long.
pub(crate) const REUSE: i64 = 30 * SECOND;
/// Clocks may be apart this far.
const LEEWAY: i64 = 30 * SECOND;
const ROTATIONS_PER_MINUTE: u32 = 10;

/// What a refresh has to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A token that was never handed out before.
    New,
    /// The current token, byte for byte.
    Current,
    /// Not so often: in so many microseconds again.
    Wait(i64),
    /// 401, and nothing changes.
    Refused,
    /// 401, and the session is over.
    Caught,
}

/// One session with every refresh token that it handed out, oldest first.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) tokens: Vec<String>,
    begun_at: i64,
    rotated_at: i64,
    idle_until: i64,
    minute_began_at: i64,
    minute_rotations: u32,
    /// Signed out, or caught.
    pub(crate) ended: bool,
}

impl Family {
    pub(crate) fn begin(first: &str, now: i64) -> Self {
        Self {
            tokens: vec![first.to_owned()],
            begun_at: now,
            rotated_at: now,
            idle_until: now + IDLE,
            minute_began_at: now,
            minute_rotations: 0,
            ended: false,
        }
    }

    pub(crate) fn is_live(&self, now: i64) -> bool {
        !self.ended && now < self.idle_until && now < self.begun_at + ABSOLUTE
    }

    pub(crate) fn current(&self) -> &str {
        &self.tokens[self.tokens.len() - 1]
    }

    /// The `nth` token is presented for a refresh. After [`Expected::New`] the new token is to be told to
    /// [`Family::hand_out`].
    pub(crate) fn present(&mut self, nth: usize, now: i64) -> Expected {
        if !self.is_live(now) {
            return Expected::Refused;
        }
        let age = self.tokens.len() - 1 - nth;
        if age == 0 {
            return self.rotate(now);
        }
        if age == 1 && now - self.rotated_at <= REUSE {
            return Expected::Current;
        }
        self.ended = true;
        Expected::Caught
    }

    fn rotate(&mut self, now: i64) -> Expected {
        if now - self.minute_began_at >= MINUTE {
            (self.minute_began_at, self.minute_rotations) = (now, 0);
        }
        if self.minute_rotations == ROTATIONS_PER_MINUTE {
            return Expected::Wait(self.minute_began_at + MINUTE - now);
        }
        self.minute_rotations += 1;
        self.rotated_at = now;
        self.idle_until = (now + IDLE).min(self.begun_at + ABSOLUTE);
        Expected::New
    }

    pub(crate) fn hand_out(&mut self, token: &str) {
        self.tokens.push(token.to_owned());
    }

    /// Whether an access token that was made at `made_at` is good.
    pub(crate) fn admits(&self, made_at: i64, life: i64, now: i64) -> bool {
        let expires_at = (made_at + life).min(self.begun_at + ABSOLUTE) / SECOND * SECOND;
        self.is_live(now) && now <= expires_at + LEEWAY
    }
}
