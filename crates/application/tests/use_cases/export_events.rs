//! Administrators take the history of all accounts along.

use std::{ops::Range, time::Duration};

use holdfast_application::{
    Actor,
    domain::{
        EventId, Timestamp, UserId,
        sessions::{AuthEvent, EventKind},
        users::{Ban, Role},
    },
    ports::{Repositories as _, StoreError},
    users::{Caller, EventExport, UserError},
};
use holdfast_testkit::fixtures::{at, event, owner};
use uuid::Uuid;

use crate::world::{ADA, World};

/// What an export tells, and in pieces of how many entries.
async fn told(mut export: EventExport) -> (Vec<AuthEvent>, Vec<usize>) {
    let (mut all, mut pieces) = (Vec::new(), Vec::new());
    while let Some(events) = export.next().await.unwrap() {
        pieces.push(events.len());
        all.extend(events);
    }
    assert!(export.next().await.unwrap().is_none());
    (all, pieces)
}

async fn export(world: &World, actor: Actor, times: Range<Timestamp>) -> Vec<AuthEvent> {
    let export = world.services.users.export_events(actor, Some(times.start), Some(times.end)).await;
    told(export.unwrap()).await.0
}

/// An administrator, and so many entries of as many accounts besides theirs, a second apart.
async fn with_entries(count: u64) -> (World, Actor, Vec<AuthEvent>) {
    let world = World::new();
    let admin = world.admin().await;
    for n in 0..count {
        let event = event(owner(), EventKind::SignedIn, at(10 + n));
        world.rows.audit().append(&event).await.unwrap();
    }
    world.clock.set(at(10_000));
    let mut all = world.rows.audit().between(at(0)..at(10_000), None, 10_000).await.unwrap();
    all.sort_by_key(|event| (event.at, event.id));
    assert!(all.len() as u64 >= count);
    (world, admin, all)
}

#[tokio::test]
async fn every_entry_of_every_account_is_told_once_the_oldest_first_five_hundred_at_a_time() {
    for count in [0, 1, 499, 500, 501, 1_200] {
        let (world, admin, all) = with_entries(count).await;
        let export = world.services.users.export_events(admin, None, None).await.unwrap();
        let (events, pieces) = told(export).await;
        assert_eq!(events, all);
        let (last, full) = pieces.split_last().map_or((0, &[][..]), |(last, full)| (*last, full));
        assert!(full.iter().all(|piece| *piece == 500) && last <= 500, "{pieces:?}");
    }
}

#[tokio::test]
async fn times_that_meet_tell_each_entry_once_and_none_from_the_future() {
    let (world, admin, all) = with_entries(30).await;
    let cut = [at(0), at(10), at(25), at(40), at(10_000)];
    let mut parts = Vec::new();
    for times in cut.windows(2) {
        parts.extend(export(&world, admin, times[0]..times[1]).await);
    }
    assert_eq!(parts, all);
    assert_eq!(export(&world, admin, at(40)..at(10)).await, []);
    let ahead = event(owner(), EventKind::SignedIn, at(10_000));
    world.rows.audit().append(&ahead).await.unwrap();
    assert_eq!(export(&world, admin, at(0)..at(20_000)).await, all, "it ends now, however late it may");
}

#[tokio::test]
async fn what_is_written_meanwhile_does_not_keep_it_from_ending() {
    let (world, admin, all) = with_entries(1_000).await;
    let mut export = world.services.users.export_events(admin, None, None).await.unwrap();
    let mut events = Vec::new();
    while let Some(piece) = export.next().await.unwrap() {
        events.extend(piece);
        world.clock.advance(Duration::from_mins(1));
        let later = event(owner(), EventKind::SignedIn, at(10_000));
        world.rows.audit().append(&later).await.unwrap();
        assert!(events.len() <= all.len(), "no end");
    }
    assert_eq!(events, all);
}

#[tokio::test]
async fn entries_with_the_same_time_and_id_in_several_accounts_are_all_told() {
    let (world, admin, _) = with_entries(0).await;
    let id = EventId::new(Uuid::from_u128(7));
    let mut twins: Vec<_> =
        (0..600).map(|_| AuthEvent { id, ..event(owner(), EventKind::SignedIn, at(50)) }).collect();
    for twin in &twins {
        world.rows.audit().append(twin).await.unwrap();
    }
    twins.sort_by_key(|twin| twin.user);
    assert_eq!(export(&world, admin, at(50)..at(51)).await, twins);
}

#[tokio::test]
async fn administrators_and_the_operator_take_it_and_nobody_else() {
    let (world, admin, all) = with_entries(2).await;
    let of_operator = world.services.users.export_events(Caller::Operator, None, None).await.unwrap();
    assert_eq!(told(of_operator).await.0, all);
    let ada = world.actor(&world.sign_up(ADA).await).await;
    let refused = world.services.users.export_events(ada, None, None).await;
    assert!(matches!(refused, Err(UserError::Forbidden)));
    let gone = world.services.users.export_events(Actor { user: owner(), ..admin }, None, None).await;
    assert!(matches!(gone, Err(UserError::AccountGone)));
}

#[tokio::test]
async fn whoever_is_no_administrator_any_more_gets_no_further_piece() {
    let demote =
        async |world: &World, id: UserId| world.rows.users().set_role(id, Role::User, at(0)).await.unwrap();
    let ban = async |world: &World, id: UserId| {
        let ban = Ban { at: at(0), reason: None, expires_at: None };
        world.rows.users().set_ban(id, Some(&ban), at(0)).await.unwrap()
    };
    for way in 0..2 {
        let (world, admin, _) = with_entries(600).await;
        let mut export = world.services.users.export_events(admin, None, None).await.unwrap();
        assert_eq!(export.next().await.unwrap().unwrap().len(), 500);
        assert!(if way == 0 { demote(&world, admin.user).await } else { ban(&world, admin.user).await });
        assert!(matches!(export.next().await, Err(UserError::Forbidden)));
    }
}

#[tokio::test]
async fn a_piece_that_could_not_be_read_is_asked_for_again() {
    let (world, admin, all) = with_entries(600).await;
    let mut export = world.services.users.export_events(admin, None, None).await.unwrap();
    let mut events = export.next().await.unwrap().unwrap();
    for _ in 0..2 {
        world.faults.fail_next(StoreError::Unavailable("gone".into()));
        assert!(matches!(export.next().await, Err(UserError::Store(StoreError::Unavailable(_)))));
    }
    events.extend(told(export).await.0);
    assert_eq!(events, all);
}
