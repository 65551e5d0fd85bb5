//! Sessions.

use std::{collections::BTreeSet, time::Duration};

use holdfast_application::{
    domain::{
        SessionId, Stored, Timestamp, TokenId, UserId,
        sessions::{Client, EndReason, Rotation, Session},
    },
    ports::{EndedSession, StoreError, Unique},
};
use uuid::Uuid;

use super::Fresh;
use crate::{
    fixtures::{LIFETIMES, at, ends_of_time, micros, owner, session},
    ids::unique,
};

async fn insert(fresh: &Fresh, session: &Session) {
    fresh.store.sessions().insert(session).await.unwrap();
}

async fn stored(fresh: &Fresh, session: &Session) -> Session {
    fresh.store.sessions().find(session.owner, session.id).await.unwrap().unwrap()
}

fn rotation(session: &Session, seconds: u64) -> Rotation {
    session.rotate(TokenId::new(unique()), "k2".into(), LIFETIMES, at(seconds)).unwrap()
}

/// Every field MUST come back as it went in, times to the microsecond.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    let plain = session(owner);
    let instant = |n: i64| micros(at(0).micros() + n);
    let full = Session {
        previous: Some(TokenId::new(unique())),
        generation: i64::from(i32::MAX) + 1,
        key_id: "ключ 2026-01".into(),
        rotated_at: instant(1),
        window_started_at: instant(2),
        window_rotations: 10,
        created_at: instant(3),
        last_used_at: instant(4),
        idle_expires_at: instant(5),
        absolute_expires_at: ends_of_time()[1],
        ended: Some((instant(6), EndReason::RoleChanged.into())),
        client: Client {
            user_agent: Some("𝄞".repeat(512)),
            ip_prefix: Some("2001:db8:1::/48".into()),
            device: Some("Ada's ☎".into()),
        },
        ..session(owner)
    };
    let empty = Some(String::new());
    let client = Client { user_agent: empty.clone(), ip_prefix: empty.clone(), device: empty };
    let empty = Session { client, created_at: ends_of_time()[0], ..session(owner) };
    let mut sessions = vec![plain, full, empty];
    for reason in EndReason::ALL {
        sessions.push(Session { ended: Some((at(1), reason.into())), ..session(owner) });
    }
    let newer = Stored::Newer("second_factor_lost".into());
    sessions.push(Session { ended: Some((at(1), newer)), ..session(owner) });
    for session in sessions {
        insert(fresh, &session).await;
        assert_eq!(stored(fresh, &session).await, session);
    }
    assert_eq!(fresh.store.sessions().find(owner, SessionId::new(unique())).await.unwrap(), None);
}

/// No call MUST ever read or write a session of another account than the one it names.
pub async fn no_call_reads_or_writes_a_session_of_another_account(fresh: &Fresh) {
    let (owner, stranger) = (fresh.member().await, fresh.member().await);
    let session = session(owner);
    insert(fresh, &session).await;
    let sessions = fresh.store.sessions();
    for other in [stranger, UserId::new(unique())] {
        assert_eq!(sessions.find(other, session.id).await.unwrap(), None);
        let foreign = Rotation { owner: other, ..rotation(&session, 1) };
        assert_eq!(sessions.rotate(&foreign).await.unwrap(), None);
        assert!(!sessions.end(other, session.id, EndReason::SignedOut, at(1)).await.unwrap());
        assert_eq!(sessions.end_all(other, None, EndReason::SignedOut, at(1)).await.unwrap(), []);
    }
    assert_eq!(stored(fresh, &session).await, session);
}

/// An id that the account has already MUST be `Duplicate(Unique::Id)`; two accounts MAY share an id.
pub async fn an_id_is_taken_once_for_each_account(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let hers = session(ada);
    let his = Session { id: hers.id, ..session(bob) };
    insert(fresh, &hers).await;
    insert(fresh, &his).await;
    let again = fresh.store.sessions().insert(&Session { id: hers.id, ..session(ada) }).await;
    assert!(matches!(again, Err(StoreError::Duplicate(Unique::Id))), "{again:?}");
    assert!(fresh.store.sessions().end(bob, his.id, EndReason::SignedOut, at(1)).await.unwrap());
    assert!(fresh.store.sessions().rotate(&rotation(&hers, 1)).await.unwrap().is_some());
    assert_eq!(
        stored(fresh, &his).await,
        Session { ended: Some((at(1), EndReason::SignedOut.into())), ..his }
    );
}

/// An owner without an account MUST be `OwnerMissing`.
pub async fn a_session_needs_an_account(fresh: &Fresh) {
    let orphan = session(owner());
    let refused = fresh.store.sessions().insert(&orphan).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
    assert_eq!(fresh.store.sessions().find(orphan.owner, orphan.id).await.unwrap(), None);
}

/// Does what `Session::rotated` does, and answers the session as it is then.
pub async fn a_rotation_does_what_the_session_says(fresh: &Fresh) {
    let owner = fresh.member().await;
    let neighbour = session(owner);
    insert(fresh, &neighbour).await;
    let mut model = session(owner);
    insert(fresh, &model).await;
    for seconds in [1, 2, 70, 71] {
        let rotation = rotation(&model, seconds);
        model = model.rotated(&rotation).unwrap();
        let rotated = fresh.store.sessions().rotate(&rotation).await.unwrap();
        assert_eq!(rotated.as_ref(), Some(&model));
        assert_eq!(stored(fresh, &model).await, model);
    }
    assert_eq!(stored(fresh, &neighbour).await, neighbour);
}

/// It MUST change nothing and answer `None` unless `expected` is the current token of a session that has not ended.
pub async fn a_rotation_that_does_not_apply_changes_nothing(fresh: &Fresh) {
    let owner = fresh.member().await;
    let live = session(owner);
    let sessions = fresh.store.sessions();
    insert(fresh, &live).await;
    let good = rotation(&live, 1);
    for wrong in [
        Rotation { expected: TokenId::new(unique()), ..good.clone() },
        Rotation { expected: good.next, ..good.clone() },
        Rotation { session: SessionId::new(unique()), ..good.clone() },
    ] {
        assert_eq!(sessions.rotate(&wrong).await.unwrap(), None);
    }
    assert_eq!(stored(fresh, &live).await, live);

    let rotated = sessions.rotate(&good).await.unwrap().unwrap();
    // The predecessor is not current any more.
    assert_eq!(sessions.rotate(&good).await.unwrap(), None);
    assert_eq!(stored(fresh, &live).await, rotated);

    let ended = Session { ended: Some((at(1), EndReason::SignedOut.into())), ..session(owner) };
    insert(fresh, &ended).await;
    assert_eq!(sessions.rotate(&rotation(&ended, 2)).await.unwrap(), None);
    assert_eq!(stored(fresh, &ended).await, ended);
}

/// … that is neither ended nor expired at the rotation's time.
pub async fn a_rotation_checks_both_ends_to_the_microsecond(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (end, later) = (at(100), at(200));
    let just_before = end.minus(Duration::from_micros(1));
    for (idle_expires_at, absolute_expires_at) in [(end, later), (later, end), (end, end)] {
        let session = Session { idle_expires_at, absolute_expires_at, ..session(owner) };
        insert(fresh, &session).await;
        for over in [end, later, ends_of_time()[1]] {
            let late = Rotation { at: over, ..rotation(&session, 1) };
            assert_eq!(fresh.store.sessions().rotate(&late).await.unwrap(), None);
            assert_eq!(stored(fresh, &session).await, session);
        }
        let in_time = Rotation { at: just_before, ..rotation(&session, 1) };
        assert!(fresh.store.sessions().rotate(&in_time).await.unwrap().is_some());
    }
}

/// Of any number of callers at the same moment with the same `expected`, exactly one MUST succeed.
pub async fn one_of_many_rotations_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    let mut current = session(owner);
    insert(fresh, &current).await;
    for round in 1..=3 {
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let (store, rotation) = (fresh.store.clone(), rotation(&current, round));
                tokio::spawn(async move { store.sessions().rotate(&rotation).await.unwrap() })
            })
            .collect();
        let mut winners = Vec::new();
        for caller in callers {
            winners.extend(caller.await.unwrap());
        }
        assert_eq!(winners.len(), 1);
        let winner = winners.remove(0);
        assert_eq!((winner.generation, winner.previous), (current.generation + 1, Some(current.current)));
        assert_eq!(stored(fresh, &current).await, winner);
        current = winner;
    }
}

/// Ends a session that has not ended yet. False when there was nothing to end; an earlier end MUST stay.
pub async fn an_earlier_end_stays(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (session, neighbour) = (session(owner), session(owner));
    insert(fresh, &session).await;
    insert(fresh, &neighbour).await;
    let sessions = fresh.store.sessions();
    let time = micros(at(1).micros() + 1);
    assert!(sessions.end(owner, session.id, EndReason::Reuse, time).await.unwrap());
    let ended = Session { ended: Some((time, EndReason::Reuse.into())), ..session };
    assert_eq!(stored(fresh, &ended).await, ended);
    assert!(!sessions.end(owner, ended.id, EndReason::SignedOut, at(0)).await.unwrap());
    assert_eq!(stored(fresh, &ended).await, ended);
    assert!(!sessions.end(owner, SessionId::new(unique()), EndReason::Reuse, at(1)).await.unwrap());
    assert_eq!(stored(fresh, &neighbour).await, neighbour);
}

/// Of many callers that end the same session, exactly one MUST be told that it did.
pub async fn one_of_many_ends_succeeds(fresh: &Fresh) {
    let owner = fresh.member().await;
    let session = session(owner);
    insert(fresh, &session).await;
    let callers: Vec<_> = (1..=16)
        .map(|seconds| {
            let (store, id) = (fresh.store.clone(), session.id);
            tokio::spawn(async move {
                let ended = store.sessions().end(owner, id, EndReason::SignedOut, at(seconds)).await;
                (seconds, ended.unwrap())
            })
        })
        .collect();
    let mut winners = Vec::new();
    for caller in callers {
        let (seconds, ended) = caller.await.unwrap();
        winners.extend(ended.then_some(seconds));
    }
    assert_eq!(winners.len(), 1);
    let ended = stored(fresh, &session).await.ended;
    assert_eq!(ended, Some((at(winners[0]), EndReason::SignedOut.into())));
}

/// Whoever of an end and a rotation comes first, the session MUST have ended afterwards, and never come back.
pub async fn an_end_and_a_rotation_at_once_leave_it_ended(fresh: &Fresh) {
    let owner = fresh.member().await;
    for _ in 0..16 {
        let session = session(owner);
        insert(fresh, &session).await;
        let (store, next) = (fresh.store.clone(), rotation(&session, 1));
        let rotated = tokio::spawn(async move { store.sessions().rotate(&next).await.unwrap() });
        let (store, id) = (fresh.store.clone(), session.id);
        let ended =
            tokio::spawn(
                async move { store.sessions().end(owner, id, EndReason::Reuse, at(1)).await.unwrap() },
            );
        let (rotated, ended) = (rotated.await.unwrap(), ended.await.unwrap());
        assert!(ended);
        let expected = rotated.unwrap_or(session);
        let expected = Session { ended: Some((at(1), EndReason::Reuse.into())), ..expected };
        assert_eq!(stored(fresh, &expected).await, expected);
    }
}

/// Ends all sessions of the account that have not ended yet, `except` one; answers which.
pub async fn all_but_one_end_and_are_named(fresh: &Fresh) {
    let (owner, stranger) = (fresh.member().await, fresh.member().await);
    let kept = session(owner);
    let earlier = Session { ended: Some((at(1), EndReason::Reuse.into())), ..session(owner) };
    let expired = Session { idle_expires_at: at(1), ..session(owner) };
    let (first, second) = (session(owner), session(owner));
    let foreign = Session { id: first.id, ..session(stranger) };
    for session in [&kept, &earlier, &expired, &first, &second, &foreign] {
        insert(fresh, session).await;
    }
    let sessions = fresh.store.sessions();
    let set = |ids: Vec<SessionId>| {
        let unique: BTreeSet<SessionId> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "a session was named twice");
        unique
    };
    let ended = sessions.end_all(owner, Some(kept.id), EndReason::SignedOut, at(5)).await.unwrap();
    assert_eq!(set(ended), BTreeSet::from([expired.id, first.id, second.id]));
    for session in [&expired, &first, &second] {
        assert_eq!(stored(fresh, session).await.ended, Some((at(5), EndReason::SignedOut.into())));
    }
    for session in [&kept, &earlier, &foreign] {
        assert_eq!(stored(fresh, session).await, *session);
    }
    let ended = sessions.end_all(owner, None, EndReason::RoleChanged, at(6)).await.unwrap();
    assert_eq!(ended, [kept.id]);
    assert_eq!(stored(fresh, &kept).await.ended, Some((at(6), EndReason::RoleChanged.into())));
    assert_eq!(stored(fresh, &first).await.ended, Some((at(5), EndReason::SignedOut.into())));
    assert_eq!(sessions.end_all(owner, None, EndReason::SignedOut, at(7)).await.unwrap(), []);
}

/// The sessions of the account, live or not, in the order of their ids, which compare by their bytes.
pub async fn all_sessions_are_listed_by_id(fresh: &Fresh) {
    let (owner, stranger) = (fresh.member().await, fresh.member().await);
    let [live, ended, expired] = [
        session(owner),
        Session { ended: Some((at(1), EndReason::Reuse.into())), ..session(owner) },
        Session { idle_expires_at: at(0), absolute_expires_at: at(0), ..session(owner) },
    ];
    let numbered =
        |(id, like): (u128, &Session)| Session { id: SessionId::new(Uuid::from_u128(id)), ..like.clone() };
    let by_id = [
        (1, &live),
        (2, &ended),
        (1 << 8, &expired),
        (1 << 64, &live),
        (1 << 127, &ended),
        (u128::MAX, &live),
    ];
    let by_id = by_id.map(numbered);
    for n in [3, 0, 5, 1, 4, 2] {
        insert(fresh, &by_id[n]).await;
    }
    insert(fresh, &session(stranger)).await;
    let sessions = fresh.store.sessions();
    for limit in [0, 1, 3, 6, 100] {
        let expected = &by_id[..limit.min(by_id.len())];
        assert_eq!(sessions.list(owner, None, limit as u64).await.unwrap(), expected);
    }
    for (n, session) in by_id.iter().enumerate() {
        assert_eq!(sessions.list(owner, Some(session.id), 100).await.unwrap(), by_id[n + 1..]);
    }
    let between = SessionId::new(Uuid::from_u128(2));
    assert_eq!(sessions.list(owner, Some(between), 2).await.unwrap(), by_id[2..4]);
    assert_eq!(sessions.list(UserId::new(unique()), None, 100).await.unwrap(), []);
}

/// One that has ended or expired MUST NOT be among the live ones; the one used last MUST come first, ties by id, the
/// larger first.
pub async fn live_sessions_come_last_used_first(fresh: &Fresh) {
    let (owner, other) = (fresh.member().await, fresh.member().await);
    let used = |seconds| Session { last_used_at: at(seconds), ..session(owner) };
    let mut live = vec![used(3), used(7), used(3), used(5)];
    let over = [
        Session { ended: Some((at(1), EndReason::Banned.into())), ..used(9) },
        Session { idle_expires_at: at(100), ..used(9) },
        Session { absolute_expires_at: at(100), ..used(9) },
        session(other),
    ];
    for session in live.iter().chain(&over) {
        insert(fresh, session).await;
    }
    live.sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.id)));
    let sessions = fresh.store.sessions();
    assert_eq!(sessions.live(owner, at(100), 100).await.unwrap(), live);
    assert_eq!(sessions.live(owner, at(100), 2).await.unwrap(), live[..2]);
    assert_eq!(sessions.live(owner, at(99), u64::MAX).await.unwrap().len(), 6);
    assert_eq!(sessions.live(UserId::new(unique()), at(0), 9).await.unwrap(), []);
}

/// Of sessions used at the same time those with the larger id MUST stay; sessions that have ended or expired MUST neither
/// count nor change.
pub async fn only_the_sessions_used_last_are_kept(fresh: &Fresh) {
    let (owner, other) = (fresh.member().await, fresh.member().await);
    let used = |seconds| Session { last_used_at: at(seconds), ..session(owner) };
    let mut live = [used(3), used(7), used(3), used(5)];
    let untouched = [
        Session { ended: Some((at(1), EndReason::Banned.into())), ..used(9) },
        Session { idle_expires_at: at(100), ..used(9) },
        session(other),
    ];
    for session in live.iter().chain(&untouched) {
        insert(fresh, session).await;
    }
    live.sort_by_key(|session| std::cmp::Reverse((session.last_used_at, session.id)));
    let sessions = fresh.store.sessions();
    assert_eq!(sessions.end_surplus(owner, 4, at(100)).await.unwrap(), []);
    assert_eq!(sessions.end_surplus(owner, 3, at(100)).await.unwrap(), [live[3].id]);
    let ended: BTreeSet<_> = sessions.end_surplus(owner, 1, at(101)).await.unwrap().into_iter().collect();
    assert_eq!(ended, BTreeSet::from([live[1].id, live[2].id]));
    assert_eq!(stored(fresh, &live[1]).await.ended, Some((at(101), EndReason::Surplus.into())));
    assert_eq!(stored(fresh, &live[0]).await, live[0]);
    for session in &untouched {
        assert_eq!(stored(fresh, session).await, *session);
    }
}

/// All sessions that ended at `since` or later, a page at a time.
async fn walk_ended(fresh: &Fresh, since: Timestamp, limit: u64) -> Vec<EndedSession> {
    let mut walked: Vec<EndedSession> = Vec::new();
    loop {
        let page = fresh.store.sessions().ended(since, walked.last().copied(), limit).await.unwrap();
        assert!(page.len() as u64 <= limit, "a page of {} although {limit} were wanted", page.len());
        if page.is_empty() {
            return walked;
        }
        walked.extend(page);
    }
}

/// The sessions of all accounts that ended at `since` or later, by time, account and id; those that have not ended MUST NOT
/// be among them, whether or not they have expired.
pub async fn ended_sessions_of_all_accounts_come_in_order(fresh: &Fresh) {
    let owners = [fresh.member().await, fresh.member().await];
    let early = micros(at(1_000).micros() + 1);
    let [_, last] = ends_of_time();
    let mut expected = Vec::new();
    for owner in owners {
        let live = session(owner);
        let expired = Session { idle_expires_at: at(1), absolute_expires_at: at(1), ..session(owner) };
        insert(fresh, &live).await;
        insert(fresh, &expired).await;
        for time in [early, early, at(1_000), at(2_000), at(2_000), last] {
            let ended = Session { ended: Some((time, EndReason::Banned.into())), ..session(owner) };
            insert(fresh, &ended).await;
            expected.push(EndedSession { at: time, owner, id: ended.id });
        }
    }
    // Two accounts may share an id.
    let shared =
        Session { id: expected[0].id, ended: Some((early, EndReason::Reuse.into())), ..session(owners[1]) };
    insert(fresh, &shared).await;
    expected.push(EndedSession { at: early, owner: owners[1], id: shared.id });
    expected.sort_unstable();
    for since in [at(1_000), early, at(2_000), last] {
        let expected: Vec<_> = expected.iter().copied().filter(|ended| ended.at >= since).collect();
        for limit in [1, 2, 3, 1_000] {
            let walked = walk_ended(fresh, since, limit).await;
            assert!(walked.is_sorted_by(|one, next| one < next), "out of order, or one twice");
            // Sessions of other cases may lie in the same database.
            let own: Vec<_> = walked.into_iter().filter(|ended| owners.contains(&ended.owner)).collect();
            assert_eq!(own, expected, "since {since} by {limit}");
        }
    }
    assert_eq!(fresh.store.sessions().ended(at(1_000), None, 0).await.unwrap(), []);
}

/// It MUST see what was committed before the call, and nothing that is not committed.
pub async fn an_end_is_told_from_its_commit_on(fresh: &Fresh) {
    let owner = fresh.member().await;
    let sessions = [session(owner), session(owner), session(owner)];
    for session in &sessions {
        insert(fresh, session).await;
    }
    let told = async || {
        let walked = walk_ended(fresh, at(500), 1_000).await;
        walked.into_iter().filter(|ended| ended.owner == owner).map(|ended| ended.id).collect::<BTreeSet<_>>()
    };
    let [first, second, third] = sessions.map(|session| session.id);
    let work = fresh.store.begin().await.unwrap();
    assert!(work.sessions().end(owner, first, EndReason::SignedOut, at(501)).await.unwrap());
    assert_eq!(told().await, BTreeSet::new());
    work.commit().await.unwrap();
    assert_eq!(told().await, BTreeSet::from([first]));
    fresh.store.sessions().end_all(owner, Some(third), EndReason::Banned, at(500)).await.unwrap();
    assert_eq!(told().await, BTreeSet::from([first, second]));
    fresh.store.sessions().end_surplus(owner, 0, at(502)).await.unwrap();
    assert_eq!(told().await, BTreeSet::from([first, second, third]));
}
