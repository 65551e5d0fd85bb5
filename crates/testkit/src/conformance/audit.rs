//! The security history.

use std::{collections::BTreeSet, ops::Range};

use holdfast_application::{
    domain::{
        EventId, SessionId, Stored, Timestamp, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    ports::{DeletedAccount, EventPosition, TrailPosition},
};
use uuid::Uuid;

use super::Fresh;
use crate::{
    fixtures::{at, ends_of_time, event, micros},
    ids::unique,
};

async fn append(fresh: &Fresh, event: &AuthEvent) {
    fresh.store.audit().append(event).await.unwrap();
}

async fn latest(fresh: &Fresh, user: UserId, limit: u64) -> Vec<AuthEvent> {
    fresh.store.audit().latest(user, None, limit).await.unwrap()
}

async fn behind(fresh: &Fresh, position: EventPosition, user: UserId, limit: u64) -> Vec<AuthEvent> {
    fresh.store.audit().latest(user, Some(position), limit).await.unwrap()
}

/// Entries are added and never changed; the client is kept but for its device.
pub async fn every_field_but_the_device_comes_back_as_it_went_in(fresh: &Fresh) {
    let member = fresh.member().await;
    let mut newest_first = Vec::new();
    for (seconds, kind) in (1..).zip(EventKind::ALL) {
        let client = Client {
            user_agent: Some("𝄞".repeat(512)),
            ip_prefix: Some("192.0.2.0/24".into()),
            device: None,
        };
        let time = micros(at(seconds).micros() + 1);
        let full = AuthEvent { session: Some(SessionId::new(unique())), client, ..event(member, kind, time) };
        let plain = event(member, kind, at(seconds));
        for event in [plain, full] {
            append(fresh, &event).await;
            newest_first.insert(0, event);
        }
    }
    assert_eq!(latest(fresh, member, 100).await, newest_first);
    let named = Client { device: Some("telephone".into()), ..Client::default() };
    append(fresh, &AuthEvent { client: named, ..event(member, EventKind::SignedIn, at(99)) }).await;
    let found = latest(fresh, member, 1).await;
    assert_eq!((found[0].at, found[0].client.user_agent.as_ref()), (at(99), None));
}

/// The account need not exist any more, or ever have existed.
pub async fn the_account_need_not_exist(fresh: &Fresh) {
    let gone = event(UserId::new(unique()), EventKind::SignedOut, at(1));
    append(fresh, &gone).await;
    assert_eq!(latest(fresh, gone.user, 10).await, [gone]);
    // Nobody's entries may come from several cases; the last instant there is puts this one first.
    let nobody = event(AuthEvent::NOBODY, EventKind::SignInFailed, ends_of_time()[1]);
    append(fresh, &nobody).await;
    assert!(latest(fresh, AuthEvent::NOBODY, 100).await.contains(&nobody));
}

/// The newest entries, newest first, `limit` at most; ties of time MUST go by id, the larger first.
pub async fn the_newest_come_first_and_ties_go_by_id(fresh: &Fresh) {
    let member = fresh.member().await;
    let numbered = |(id, time)| AuthEvent {
        id: EventId::new(Uuid::from_u128(id)),
        ..event(member, EventKind::SignedIn, time)
    };
    let [first, last] = ends_of_time();
    let high = u128::MAX;
    let newest_first = [
        (4, last),
        (high, at(5)),
        (1 << 120, at(5)),
        (2, at(5)),
        (1, at(5)),
        (7, at(4)),
        (9, micros(-1)),
        (3, first),
    ]
    .map(numbered);
    for n in [3, 0, 7, 5, 1, 6, 2, 4] {
        append(fresh, &newest_first[n]).await;
    }
    for limit in [0, 1, 3, 8, 100] {
        let expected = &newest_first[..limit.min(newest_first.len())];
        assert_eq!(latest(fresh, member, limit as u64).await, expected);
    }
}

/// Behind a position MUST be exactly what is older, or as old with a smaller id, also when no entry is there.
pub async fn behind_a_position_is_what_is_older(fresh: &Fresh) {
    let (member, stranger) = (fresh.member().await, fresh.member().await);
    let numbered = |(id, time)| AuthEvent {
        id: EventId::new(Uuid::from_u128(id)),
        ..event(member, EventKind::SignedIn, time)
    };
    let one_later = micros(at(5).micros() + 1);
    let newest_first = [
        (3, one_later),
        (u128::MAX, at(5)),
        (1 << 120, at(5)),
        (2, at(5)),
        (9, at(4)),
        (1, ends_of_time()[0]),
    ]
    .map(numbered);
    for n in [3, 0, 5, 1, 2, 4] {
        append(fresh, &newest_first[n]).await;
        append(fresh, &AuthEvent { user: stranger, ..newest_first[n].clone() }).await;
    }
    for (n, event) in newest_first.iter().enumerate() {
        let rest = &newest_first[n + 1..];
        for limit in [0, 1, 2, 100] {
            let found = behind(fresh, EventPosition::behind(event), member, limit as u64).await;
            assert_eq!(found, &rest[..limit.min(rest.len())], "behind {n}");
        }
    }
    let place = |time, id| EventPosition { at: time, id: EventId::new(Uuid::from_u128(id)) };
    let [first, last] = ends_of_time();
    for (nowhere, rest) in [
        (place(last, 0), &newest_first[..]),
        (place(one_later, 0), &newest_first[1..]),
        (place(at(5), 1 << 121), &newest_first[2..]),
        (place(at(5), 0), &newest_first[4..]),
        (place(first, 1), &[]),
    ] {
        assert_eq!(behind(fresh, nowhere, member, 100).await, rest);
    }
}

/// A kind that only a newer version knows MUST come back by its name.
pub async fn a_kind_that_only_a_newer_version_knows_comes_back_by_its_name(fresh: &Fresh) {
    let member = fresh.member().await;
    let older = event(member, EventKind::SignedIn, at(1));
    let newer = AuthEvent {
        kind: Stored::Newer("passkey_added".into()),
        ..event(member, EventKind::SignedIn, at(2))
    };
    for event in [&older, &newer] {
        append(fresh, event).await;
    }
    assert_eq!(latest(fresh, member, 10).await, [newer, older]);
}

/// It MUST show entries of no other account.
pub async fn a_history_shows_its_own_account_alone(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let hers = event(ada, EventKind::SignedIn, at(1));
    // An id is unique together with its account.
    let his = AuthEvent { id: hers.id, ..event(bob, EventKind::SignInFailed, at(2)) };
    append(fresh, &hers).await;
    append(fresh, &his).await;
    assert_eq!(latest(fresh, ada, 10).await, [hers]);
    assert_eq!(latest(fresh, bob, 10).await, [his]);
    assert_eq!(latest(fresh, UserId::new(unique()), 10).await, []);
}

/// The accounts that were deleted at `since` or later, by time and account; entries of another kind MUST NOT count.
pub async fn deletions_of_all_accounts_come_in_order(fresh: &Fresh) {
    let users: BTreeSet<UserId> = (0..4).map(|_| UserId::new(unique())).collect();
    let early = micros(at(1_000).micros() + 1);
    let mut expected = Vec::new();
    for (user, time) in users.iter().zip([at(2_000), early, early, at(1_000)]) {
        append(fresh, &event(*user, EventKind::SignedOutEverywhere, time)).await;
        append(fresh, &event(*user, EventKind::AccountDeleted, time)).await;
        expected.push(DeletedAccount { at: time, user: *user });
    }
    expected.sort_unstable();
    for since in [at(1_000), early, at(2_000), micros(at(2_000).micros() + 1)] {
        let expected: Vec<_> = expected.iter().copied().filter(|deleted| deleted.at >= since).collect();
        for limit in [1, 2, 1_000] {
            let mut walked: Vec<DeletedAccount> = Vec::new();
            loop {
                let page = fresh.store.audit().deletions(since, walked.last().copied(), limit).await.unwrap();
                assert!(page.len() as u64 <= limit, "a page of {} although {limit} were wanted", page.len());
                if page.is_empty() {
                    break;
                }
                walked.extend(page);
            }
            assert!(walked.is_sorted_by(|one, next| one < next), "out of order, or one twice");
            // Entries of other cases may lie in the same database.
            walked.retain(|deleted| users.contains(&deleted.user));
            assert_eq!(walked, expected, "since {since} by {limit}");
        }
    }
}

/// The entries of all accounts from within those times, by time, id and account; behind a position exactly what lies behind it.
pub async fn the_history_of_all_accounts_is_told_once_and_in_order(fresh: &Fresh) {
    let users: BTreeSet<UserId> = (0..3).map(|_| UserId::new(unique())).collect();
    let (from, odd) = (at(5_000_000), micros(at(5_000_003).micros() + 1));
    let mut all = Vec::new();
    for user in &users {
        for (id, time) in [(u128::MAX, at(5_000_003)), (1 << 120, odd), (2, odd), (7, from)] {
            let kind = Stored::Newer("passkey_added".to_owned());
            let client = Client { ip_prefix: Some("192.0.2.0/24".into()), ..Client::default() };
            let (id, session) = (EventId::new(Uuid::from_u128(id)), Some(SessionId::new(unique())));
            all.push(AuthEvent { id, kind, session, client, ..event(*user, EventKind::SignedIn, time) });
        }
    }
    for event in all.iter().rev() {
        append(fresh, event).await;
    }
    all.sort_by_key(TrailPosition::of);
    let one_later = micros(odd.micros() + 1);
    for times in
        [from..one_later, from..odd, at(5_000_003)..at(6_000_000), odd..odd, one_later..at(6_000_000)]
    {
        let expected: Vec<_> = all.iter().filter(|event| times.contains(&event.at)).cloned().collect();
        for limit in [1, 2, 3, 1_000] {
            assert_eq!(walked(fresh, &times, &users, limit).await, expected, "{times:?} by {limit}");
        }
    }
    let nowhere =
        TrailPosition { at: at(5_000_003), id: EventId::new(Uuid::nil()), user: UserId::new(Uuid::nil()) };
    let found = fresh.store.audit().between(from..one_later, Some(nowhere), 1_000).await.unwrap();
    assert_eq!(of(&users, found), all[users.len()..], "behind a place where nothing is");
    let whole = [ends_of_time()[0]..ends_of_time()[1], from..from];
    let [everything, nothing] =
        whole.map(|times| async move { fresh.store.audit().between(times, None, 1).await.unwrap() });
    assert_eq!((everything.await.len(), nothing.await.len()), (1, 0));
}

/// What is told of these times, `limit` entries at once, without what other cases left in the same database.
async fn walked(
    fresh: &Fresh,
    times: &Range<Timestamp>,
    users: &BTreeSet<UserId>,
    limit: u64,
) -> Vec<AuthEvent> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let piece = fresh.store.audit().between(times.clone(), after, limit).await.unwrap();
        assert!(piece.len() as u64 <= limit, "{} although {limit} were wanted", piece.len());
        let Some(last) = piece.last() else { return of(users, all) };
        after = Some(TrailPosition::of(last));
        all.extend(piece);
        assert!(
            all.is_sorted_by(|one, next| TrailPosition::of(one) < TrailPosition::of(next)),
            "out of order, or twice"
        );
    }
}

fn of(users: &BTreeSet<UserId>, mut events: Vec<AuthEvent>) -> Vec<AuthEvent> {
    events.retain(|event| users.contains(&event.user));
    events
}
