//! The history of an account, a page at a time.

use std::time::Duration;

use holdfast_application::{
    Actor, Classify, ErrorKind,
    domain::{
        EventId, Stored, UserId,
        sessions::{AuthEvent, EventKind},
    },
    ports::Repositories as _,
    users::{EventPage, UserError},
};
use holdfast_testkit::fixtures::{PASSWORD, account, at, event, owner};
use uuid::Uuid;

use crate::world::{ADA, World};

/// Ada with so many entries besides that of her sign-up, newest first, three at a time.
async fn ada_with(world: &World, count: u64) -> (Actor, Vec<AuthEvent>) {
    let ada = world.actor(&world.sign_up(ADA).await).await;
    for n in 1..=count {
        let id = EventId::new(Uuid::from_u128(u128::from(n)));
        let event = AuthEvent { id, ..event(ada.user, EventKind::SignedIn, at(1 + n / 3)) };
        world.rows.audit().append(&event).await.unwrap();
    }
    (ada, world.rows.audit().latest(ada.user, None, 1_000).await.unwrap())
}

async fn page(world: &World, actor: Actor, of: UserId, cursor: Option<&str>) -> Result<EventPage, UserError> {
    world.services.users.events(actor, of, cursor, 5).await
}

#[tokio::test]
async fn cursors_lead_through_all_pages() {
    for count in [0, 3, 4, 5, 9, 13] {
        let world = World::new();
        let (ada, all) = ada_with(&world, count).await;
        let mut walked = Vec::new();
        let mut next = page(&world, ada, ada.user, None).await.unwrap();
        loop {
            assert!(next.events.len() <= 5);
            walked.extend(next.events);
            let Some(cursor) = next.next_cursor else { break };
            assert!(walked.len() < all.len(), "a cursor leads nowhere");
            next = page(&world, ada, ada.user, Some(&cursor)).await.unwrap();
        }
        assert_eq!(walked, all);
    }
}

#[tokio::test]
async fn a_cursor_leads_into_no_other_history() {
    let world = World::new();
    let (ada, _) = ada_with(&world, 9).await;
    let admin = world.admin().await;
    let cursor = page(&world, ada, ada.user, None).await.unwrap().next_cursor.unwrap();
    // Whoever may read the history may go on where somebody else began.
    assert_eq!(page(&world, admin, ada.user, Some(&cursor)).await.unwrap().events.len(), 5);
    for (whose, text) in [(admin.user, cursor.as_str()), (admin.user, ""), (admin.user, "x")] {
        let refused = page(&world, admin, whose, Some(text)).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Malformed, "INVALID_CURSOR"), "{text}");
    }
}

#[tokio::test]
async fn owners_and_administrators_read_it_and_nobody_else() {
    let world = World::new();
    let (ada, all) = ada_with(&world, 2).await;
    let admin = world.admin().await;
    let bob = account().build();
    world.insert(&bob).await;
    let bob = world.sign_in(bob.user.email.as_str(), PASSWORD).await.unwrap();
    let bob = world.actor(&bob).await;
    assert_eq!(page(&world, admin, ada.user, None).await.unwrap().events, all);
    for whose in [ada.user, admin.user, owner()] {
        let refused = page(&world, bob, whose, None).await;
        assert!(matches!(refused, Err(UserError::Forbidden)), "{refused:?}");
    }
    let missing = page(&world, admin, owner(), None).await;
    assert!(matches!(missing, Err(UserError::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn entries_name_the_session_that_they_are_about() {
    let world = World::new();
    let first = world.sign_up(ADA).await;
    world.clock.advance(Duration::from_secs(1));
    let second = world.sign_in(ADA, PASSWORD).await.unwrap();
    let [first_id, second_id] = [world.session(&first).await.id, world.session(&second).await.id];
    let entries = world.rows.audit().latest(first.user.id, None, 10).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.kind.known().unwrap(), entry.session)).collect();
    assert_eq!(told, [(EventKind::SignedIn, Some(second_id)), (EventKind::SignedUp, Some(first_id))]);
}

#[tokio::test]
async fn a_history_outlives_its_account() {
    let world = World::new();
    let (ada, all) = ada_with(&world, 2).await;
    let admin = world.admin().await;
    world.rows.users().delete(ada.user).await.unwrap();
    assert_eq!(page(&world, admin, ada.user, None).await.unwrap().events, all);
}

#[tokio::test]
async fn what_only_a_newer_version_knows_is_shown_by_its_name() {
    let world = World::new();
    let (ada, _) = ada_with(&world, 0).await;
    let kind = Stored::Newer("passkey_added".to_owned());
    let newer = AuthEvent { kind, ..event(ada.user, EventKind::SignedIn, at(9)) };
    world.rows.audit().append(&newer).await.unwrap();
    let shown = page(&world, ada, ada.user, None).await.unwrap().events;
    assert_eq!(shown[0].kind.name(EventKind::name), "passkey_added");
    assert_eq!(shown[1].kind.name(EventKind::name), "signed_up");
}
