//! What this instance remembers of sessions that ended before their time, so that a token of ours is judged without
//! asking the store. Pure memory: what ends here comes from `denying_store.rs`, what ends elsewhere from
//! `learn_revocations.rs`.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use holdfast_domain::{SessionId, Timestamp, UserId};

use crate::ports::{DeletedAccount, EndedSession};

/// How far each poll looks back behind the beginning of the one before. An end is found by the time that it is stamped
/// with, which lies before its commit, and which another clock tells: both together must take less than this.
pub(super) const OVERLAP: Duration = Duration::from_mins(1);
/// How old the beginning of the last good poll may be before memory alone decides nothing (semantics §2).
const TRUST: Duration = Duration::from_secs(10);
/// How much longer than the longest token an end is remembered: tokens count for 30 s longer where they are verified,
/// clocks differ, and a token may be under way while its session ends.
const GRACE: Duration = Duration::from_mins(2);
/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_mins(1);

/// The deny set of one instance. Its size is bounded by the sessions that end, and the accounts that are deleted, within
/// the life of the longest token.
pub struct Revocations {
    longest_token: Duration,
    memory: RwLock<Memory>,
}

#[derive(Default)]
struct Memory {
    sessions: HashMap<(UserId, SessionId), End>,
    /// Until when a token of the account needs the row to be read: its sessions may be gone with it.
    accounts: HashMap<UserId, Timestamp>,
    /// When the last good poll began.
    learned_at: Option<Timestamp>,
    swept_at: Option<Timestamp>,
}

/// What is known of the end of a session, and until when it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was committed. An end is never taken back.
    Certain(Timestamp),
    /// Whether it was committed, the row tells. If it was, a poll finds it before this is over.
    Possible(Timestamp),
}

/// What memory says about a token whose signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its session has not ended.
    Live,
    /// Its session has ended.
    Ended,
    /// Only the row of its session can tell.
    Unknown,
}

/// What ended in one unit of work.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) sessions: Vec<(UserId, SessionId)>,
    pub(super) accounts: Vec<UserId>,
}

impl Ends {
    /// One account with everything in it.
    pub(super) fn account(user: UserId) -> Self {
        Self { sessions: Vec::new(), accounts: vec![user] }
    }
}

impl Revocations {
    /// Remembers nothing yet, so that every token is for its row to judge. `longest_token` is the longest life that an
    /// access token is issued with.
    pub fn new(longest_token: Duration) -> Self {
        Self { longest_token, memory: RwLock::default() }
    }

    /// What is remembered of this session as of `now`.
    pub fn judge(&self, user: UserId, session: SessionId, now: Timestamp) -> Verdict {
        let memory = self.read();
        match memory.sessions.get(&(user, session)) {
            Some(End::Certain(until)) if now < *until => return Verdict::Ended,
            Some(End::Possible(until)) if now < *until => return Verdict::Unknown,
            Some(End::Certain(_) | End::Possible(_)) | None => {}
        }
        let in_doubt = memory.accounts.get(&user).is_some_and(|until| now < *until);
        if in_doubt || !memory.is_current(now) { Verdict::Unknown } else { Verdict::Live }
    }

    /// When the last good poll began.
    pub(super) fn learned_at(&self) -> Option<Timestamp> {
        self.read().learned_at
    }

    /// Whether memory alone can tell that a session lives.
    pub(super) fn is_current(&self, now: Timestamp) -> bool {
        self.read().is_current(now)
    }

    /// Notes what is about to be committed: from here on, and when nobody ever hears what became of the commit, rows
    /// decide.
    pub(super) fn expect(&self, ends: &Ends, now: Timestamp) {
        let until = now.plus(OVERLAP);
        let mut memory = self.write();
        for key in &ends.sessions {
            memory.end(*key, End::Possible(until));
        }
        for user in &ends.accounts {
            memory.doubt(*user, until);
        }
    }

    /// Notes what was committed.
    pub(super) fn confirm(&self, ends: &Ends, now: Timestamp) {
        let until = self.forgotten_at(now);
        let mut memory = self.write();
        for key in &ends.sessions {
            memory.end(*key, End::Certain(until));
        }
        for user in &ends.accounts {
            memory.doubt(*user, until);
        }
        memory.sweep(now);
    }

    /// Notes sessions that ended anywhere.
    pub(super) fn learn_sessions(&self, ended: &[EndedSession]) {
        let mut memory = self.write();
        for EndedSession { at, owner, id } in ended {
            memory.end((*owner, *id), End::Certain(self.forgotten_at(*at)));
        }
    }

    /// Notes accounts that were deleted anywhere.
    pub(super) fn learn_accounts(&self, deleted: &[DeletedAccount]) {
        let mut memory = self.write();
        for DeletedAccount { at, user } in deleted {
            memory.doubt(*user, self.forgotten_at(*at));
        }
    }

    /// Where a poll that begins at `now` must begin to read, so that memory misses nothing after it: everything from
    /// before the last good poll that was committed by then is known, apart from what lay in the overlap.
    pub(super) fn unknown_since(&self, now: Timestamp) -> Timestamp {
        let everything = now.minus(self.longest_token.saturating_add(GRACE));
        match self.read().learned_at {
            Some(at) if at.since(now) <= OVERLAP => at.min(now).minus(OVERLAP).max(everything),
            // A clock that was far ahead has made memory forget too much.
            Some(_) | None => everything,
        }
    }

    /// Notes that a poll which began at `begun` has told everything.
    pub fn learned(&self, begun: Timestamp) {
        let mut memory = self.write();
        memory.learned_at = Some(begun);
        memory.sweep(begun);
    }

    fn forgotten_at(&self, ended_at: Timestamp) -> Timestamp {
        ended_at.plus(self.longest_token.saturating_add(GRACE))
    }

    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// A poll may lie ahead a little where two threads read the clock; one that lies far ahead was dated by a clock that
    /// was set back since.
    fn is_current(&self, now: Timestamp) -> bool {
        self.learned_at.is_some_and(|at| now.since(at) <= TRUST && at.since(now) <= TRUST)
    }

    /// What is certain stays certain; of the same kind, the later end counts.
    fn end(&mut self, key: (UserId, SessionId), end: End) {
        match self.sessions.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(end);
            }
            Entry::Occupied(mut entry) => {
                let merged = match (*entry.get(), end) {
                    (End::Certain(one), End::Certain(other)) => End::Certain(one.max(other)),
                    (End::Possible(one), End::Possible(other)) => End::Possible(one.max(other)),
                    (certain @ End::Certain(_), End::Possible(_))
                    | (End::Possible(_), certain @ End::Certain(_)) => certain,
                };
                entry.insert(merged);
            }
        }
    }

    fn doubt(&mut self, user: UserId, until: Timestamp) {
        let entry = self.accounts.entry(user).or_insert(until);
        *entry = until.max(*entry);
    }

    /// Forgets what is over, once in a while: it looks at everything.
    fn sweep(&mut self, now: Timestamp) {
        if self.swept_at.is_some_and(|at| now.since(at) < SWEEP && at.since(now) < SWEEP) {
            return;
        }
        self.sessions.retain(|_, end| match end {
            End::Certain(until) | End::Possible(until) => now < *until,
        });
        self.accounts.retain(|_, until| now < *until);
        self.swept_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LONGEST: Duration = Duration::from_hours(24);
    const USER: UserId = UserId::new(Uuid::from_u128(1));
    const SESSION: SessionId = SessionId::new(Uuid::from_u128(2));

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600 + seconds).unwrap()
    }

    /// Knows everything up to `at(0)`.
    fn current() -> Revocations {
        let revocations = Revocations::new(LONGEST);
        revocations.learned(at(0));
        revocations
    }

    fn one_session() -> Ends {
        Ends { sessions: vec![(USER, SESSION)], accounts: Vec::new() }
    }

    fn size(revocations: &Revocations) -> usize {
        let memory = revocations.read();
        memory.sessions.len() + memory.accounts.len()
    }

    #[test]
    fn before_the_first_poll_rows_decide() {
        let revocations = Revocations::new(LONGEST);
        assert_eq!(revocations.judge(USER, SESSION, at(0)), Verdict::Unknown);
        revocations.learned(at(0));
        assert_eq!(revocations.judge(USER, SESSION, at(0)), Verdict::Live);
    }

    #[test]
    fn memory_is_trusted_for_ten_seconds_after_a_poll_began() {
        let revocations = current();
        assert_eq!(revocations.judge(USER, SESSION, at(10)), Verdict::Live);
        let late = at(10).plus(Duration::from_micros(1));
        assert_eq!(revocations.judge(USER, SESSION, late), Verdict::Unknown);
        revocations.learned(late);
        assert_eq!(revocations.judge(USER, SESSION, late), Verdict::Live);
    }

    #[test]
    fn a_clock_that_was_set_back_is_not_taken_for_a_fresh_poll() {
        let revocations = current();
        assert_eq!(revocations.judge(USER, SESSION, at(-1)), Verdict::Live);
        assert_eq!(revocations.judge(USER, SESSION, at(-11)), Verdict::Unknown);
    }

    #[test]
    fn what_was_committed_is_refused_also_when_memory_is_old() {
        let revocations = current();
        revocations.confirm(&one_session(), at(1));
        for seconds in [1, 10, 60, 86_400] {
            assert_eq!(revocations.judge(USER, SESSION, at(seconds)), Verdict::Ended);
        }
        let neighbour = SessionId::new(Uuid::from_u128(3));
        assert_eq!(revocations.judge(USER, neighbour, at(1)), Verdict::Live);
        let stranger = UserId::new(Uuid::from_u128(4));
        assert_eq!(revocations.judge(stranger, SESSION, at(1)), Verdict::Live);
    }

    #[test]
    fn what_may_have_been_committed_is_for_the_row_to_tell_until_a_poll_would_know() {
        let revocations = current();
        revocations.expect(&one_session(), at(1));
        assert_eq!(revocations.judge(USER, SESSION, at(1)), Verdict::Unknown);
        revocations.learned(at(61));
        assert_eq!(revocations.judge(USER, SESSION, at(61)), Verdict::Live);
        revocations.expect(&one_session(), at(62));
        revocations.learn_sessions(&[EndedSession { at: at(62), owner: USER, id: SESSION }]);
        revocations.expect(&one_session(), at(63));
        assert_eq!(revocations.judge(USER, SESSION, at(63)), Verdict::Ended, "what is certain stays so");
    }

    #[test]
    fn what_is_over_says_nothing_although_it_is_not_forgotten_yet() {
        for (note, until) in [
            (Revocations::expect as fn(&Revocations, &Ends, Timestamp), 60),
            (Revocations::confirm, 86_400 + 120),
        ] {
            for ends in [one_session(), Ends::account(USER)] {
                let revocations = Revocations::new(LONGEST);
                note(&revocations, &ends, at(0));
                // Forgets what is over now, and looks again in a minute.
                revocations.learned(at(until - 1));
                assert_ne!(revocations.judge(USER, SESSION, at(until - 1)), Verdict::Live);
                revocations.learned(at(until));
                assert_eq!(size(&revocations), 1);
                assert_eq!(revocations.judge(USER, SESSION, at(until)), Verdict::Live);
                let revocations = Revocations::new(LONGEST);
                note(&revocations, &ends, at(0));
                revocations.learned(at(until));
                assert_eq!(size(&revocations), 0);
            }
        }
    }

    #[test]
    fn a_deleted_account_is_for_its_rows_to_tell() {
        let notes: [fn(&Revocations); 2] = [
            |revocations| revocations.confirm(&Ends::account(USER), at(1)),
            |revocations| revocations.learn_accounts(&[DeletedAccount { at: at(1), user: USER }]),
        ];
        for note in notes {
            let revocations = current();
            note(&revocations);
            assert_eq!(revocations.judge(USER, SESSION, at(2)), Verdict::Unknown);
            revocations.learned(at(86_400));
            assert_eq!(revocations.judge(USER, SESSION, at(86_400)), Verdict::Unknown);
            revocations.learned(at(86_600));
            assert_eq!(revocations.judge(USER, SESSION, at(86_600)), Verdict::Live);
        }
    }

    #[test]
    fn nothing_is_kept_for_longer_than_a_token_could_count() {
        let revocations = current();
        revocations.confirm(&one_session(), at(0));
        revocations.expect(&Ends::account(USER), at(0));
        assert_eq!(size(&revocations), 2);
        revocations.learned(at(60));
        assert_eq!(size(&revocations), 1, "what was only possible is known by now");
        let over = 86_400 + 120;
        revocations.learned(at(over - 1));
        assert_eq!(size(&revocations), 1);
        revocations.confirm(&Ends::default(), at(over + 60));
        assert_eq!(size(&revocations), 0, "also where nobody polls");
    }

    #[test]
    fn each_poll_reads_once_more_what_the_one_before_may_have_missed() {
        let revocations = Revocations::new(LONGEST);
        let everything = |now: i64| at(now).minus(LONGEST + GRACE);
        assert_eq!(revocations.unknown_since(at(0)), everything(0));
        revocations.learned(at(0));
        assert_eq!(revocations.unknown_since(at(1)), at(-60));
        assert_eq!(revocations.unknown_since(at(3_600)), at(-60), "after an outage, from where it began");
        assert_eq!(revocations.unknown_since(at(200_000)), everything(200_000));
        assert_eq!(revocations.unknown_since(at(-60)), at(-120), "a clock that was set back a little");
        assert_eq!(revocations.unknown_since(at(-61)), everything(-61), "and one that was set back far");
    }
}
