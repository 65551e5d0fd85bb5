//! Housekeeping: who does it, in what pieces, and what happens when it fails. What is over, and what is not, is a case of the
//! conformance kit.

use std::time::Duration;

use holdfast_application::{
    domain::{
        UserId,
        sessions::{AuthEvent, EventKind},
    },
    housekeeping::{BATCH, Kind, LEASE},
    ports::{Repositories as _, StoreError},
};
use holdfast_testkit::fixtures::{at, event, session};

use crate::world::{ADA, World};

const YEAR: u64 = 365 * 24 * 3_600;

/// Entries of the history of nobody, all of them over a year before `at(YEAR)`.
async fn old_events(world: &World, entries: u64) {
    for _ in 0..entries {
        world.rows.audit().append(&event(AuthEvent::NOBODY, EventKind::SignInFailed, at(0))).await.unwrap();
    }
}

async fn left(world: &World, user: UserId) -> usize {
    world.rows.audit().latest(user, None, u64::MAX).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn fifty_thousand_rows_go_in_batches_of_a_thousand() {
    let world = World::new();
    old_events(&world, 50_000).await;
    world.clock.set(at(YEAR));
    let before = world.faults.calls();
    let house = world.housekeeping();
    assert_eq!(house.run().await.of(Kind::History), 50_000);
    // The lease is taken before each batch, the last of which finds nothing.
    let batches = 50_000 / usize::try_from(BATCH).unwrap() + 1;
    let others = Kind::ALL.len() - 1;
    assert_eq!(world.faults.calls() - before, 2 * (batches + others));
    assert_eq!((left(&world, AuthEvent::NOBODY).await, house.removed().of(Kind::History)), (0, 50_000));
}

#[tokio::test]
async fn one_instance_does_it_and_when_it_dies_another_one_goes_on() {
    let world = World::new();
    let [one, other] = [world.housekeeping(), world.housekeeping()];
    world.clock.set(at(YEAR));
    old_events(&world, 3).await;
    assert_eq!(one.run().await.total(), 3);
    old_events(&world, 2).await;
    assert_eq!((other.run().await.total(), left(&world, AuthEvent::NOBODY).await), (0, 2));
    assert_eq!(one.run().await.total(), 2, "who has the lease goes on with it");
    old_events(&world, 1).await;
    world.clock.advance(LEASE.saturating_sub(Duration::from_micros(1)));
    assert_eq!(other.run().await.total(), 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(other.run().await.total(), 1, "the first one was heard of for too long no more");
    old_events(&world, 1).await;
    assert_eq!(one.run().await.total(), 0);
    assert_eq!((one.removed().total(), other.removed().total()), (5, 1));
}

#[tokio::test]
async fn an_instance_that_stops_leaves_it_to_the_next_one_at_once() {
    let world = World::new();
    let [one, next] = [world.housekeeping(), world.housekeeping()];
    world.clock.set(at(YEAR));
    one.run().await;
    old_events(&world, 2).await;
    next.give_back().await;
    assert_eq!(next.run().await.total(), 0, "what is another's cannot be given back");
    one.give_back().await;
    assert_eq!(next.run().await.total(), 2);
    old_events(&world, 1).await;
    one.give_back().await;
    assert_eq!((one.run().await.total(), next.run().await.total()), (0, 1), "it is the next one's by now");
}

#[tokio::test]
async fn a_lease_that_cannot_be_given_back_is_over_some_day() {
    let world = World::new();
    let [one, next] = [world.housekeeping(), world.housekeeping()];
    world.clock.set(at(YEAR));
    one.run().await;
    old_events(&world, 1).await;
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    one.give_back().await;
    assert_eq!(next.run().await.total(), 0);
    world.clock.advance(LEASE);
    assert_eq!(next.run().await.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_lost_its_lease_stops() {
    let world = World::new();
    old_events(&world, 3 * BATCH).await;
    world.clock.set(at(YEAR));
    let [one, other] = [world.housekeeping(), world.housekeeping()];
    // The lease and the batch of each kind before the history, the lease and the first batch of the history.
    let taken = 2 * (Kind::ALL.len() - 1) + 2;
    let (clock, rows) = (world.clock.clone(), world.rows.clone());
    world.faults.before_nth(taken + 1, async move {
        clock.advance(LEASE);
        let now = at(YEAR).plus(LEASE);
        let somebody = holdfast_testkit::ids::unique();
        assert!(rows.leases().take("housekeeping", somebody, now, now.plus(LEASE)).await.unwrap());
    });
    assert_eq!(one.run().await.of(Kind::History), BATCH);
    assert_eq!(other.run().await.total(), 0);
}

#[tokio::test]
async fn what_fails_is_left_to_the_next_round_and_stops_nothing_else() {
    let calls = {
        let world = World::new();
        world.housekeeping().run().await;
        world.faults.calls()
    };
    for n in 1..=calls {
        let world = World::new();
        old_events(&world, 1).await;
        let ada = world.sign_up(ADA).await;
        world.clock.set(at(YEAR));
        let house = world.housekeeping();
        world.faults.fail_nth(n, StoreError::Unavailable("gone".into()));
        let first = house.run().await;
        assert!(!world.faults.is_armed(), "call {n}");
        let second = house.run().await;
        for kind in [Kind::History, Kind::Sessions, Kind::Attempts] {
            let rows = if kind == Kind::History { 2 } else { 1 };
            assert_eq!(first.of(kind) + second.of(kind), rows, "call {n}: {}", kind.name());
        }
        assert_eq!(world.rows.sessions().find(ada.user.id, ada.session).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_ended_session_is_kept_until_no_token_of_it_can_be_good_anywhere() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let session = world.session(&signed_in).await;
    world
        .services
        .users
        .end_sessions(world.actor(&signed_in).await, signed_in.user.id, &session.client)
        .await
        .unwrap();
    let house = world.housekeeping();
    let last = session.absolute_expires_at.plus(Duration::from_hours(1));
    for (now, removed) in [(session.idle_expires_at, 0), (last.minus(Duration::from_micros(1)), 0), (last, 1)]
    {
        world.clock.set(now);
        // An instance that starts learns of the end as long as a token could live.
        let beside = world.beside();
        beside.services.auth.learn_revocations().await.unwrap();
        assert!(!beside.admits(&signed_in.access.token).await);
        assert_eq!(house.run().await.of(Kind::Sessions), removed, "{now}");
    }
}

#[tokio::test]
async fn a_session_that_is_refreshed_outlives_every_round() {
    let world = World::new();
    let mut refresh = world.sign_up(ADA).await.refresh.token;
    let house = world.housekeeping();
    let other = session(world.account(ADA).await.unwrap().user.id);
    world.rows.sessions().insert(&other).await.unwrap();
    for day in 1..30 {
        world.clock.set(at(day * 24 * 3_600));
        house.run().await;
        refresh = world.refresh(&refresh).await.unwrap().refresh.token;
    }
    assert_eq!(
        world.rows.sessions().list(other.owner, None, 9).await.unwrap().len(),
        1,
        "that nobody refreshed"
    );
}
