//! Refreshing, one caller at a time.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, SignedIn},
    domain::{
        sessions::{EndReason, EventKind, ROTATIONS_PER_WINDOW, TooManyRotations},
        users::Ban,
    },
    ports::{Clock, Expiry, RefreshClaims, Repositories as _, Tokens},
};
use holdfast_testkit::fixtures::{LIFETIMES, account, at, session};

use crate::world::{ADA, POLICY, World, forged};

const DAY: Duration = Duration::from_hours(24);

fn is_refused<T>(answer: &Result<T, AuthError>) -> bool {
    matches!(answer, Err(AuthError::RefreshTokenInvalid))
}

/// The session has ended for reuse, with one entry in the history, and none of its tokens is good.
async fn ended_for_reuse(world: &World, signed_in: &SignedIn, successor: &str) {
    let ended = world.session(signed_in).await.ended;
    assert_eq!(ended, Some((world.clock.now(), EndReason::Reuse.into())));
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::RefreshTokenReuse, EventKind::SignedUp]);
    assert!(is_refused(&world.refresh(successor).await));
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    assert!(!world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(signed_in.user.id).await.len(), 2);
}

#[tokio::test]
async fn the_current_token_gets_a_new_pair() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.advance(DAY);
    assert!(!world.admits(&signed_in.access.token).await);
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    assert!(world.admits(&pair.access.token).await);
    assert_ne!(pair.refresh.token, signed_in.refresh.token);
    assert_eq!(pair.at, world.clock.now());
    assert_eq!(pair.access.expires_at, world.clock.now().plus(POLICY.access));
    assert_eq!(pair.refresh.expires_at, world.clock.now().plus(LIFETIMES.idle));
    assert_eq!(world.session(&signed_in).await.generation, 2);
    assert!(world.refresh(&pair.refresh.token).await.is_ok());
    assert_eq!(world.session(&signed_in).await.generation, 3);
}

#[tokio::test]
async fn the_predecessor_gets_the_same_successor_for_the_interval() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let first = world.refresh(&signed_in.refresh.token).await.unwrap();
    for seconds in [0, 1, 29, 30] {
        world.clock.set(at(seconds));
        let again = world.refresh(&signed_in.refresh.token).await.unwrap();
        assert_eq!(again.refresh, first.refresh, "after {seconds} s");
        assert!(world.admits(&again.access.token).await);
    }
    assert_eq!(world.session(&signed_in).await.generation, 2);
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
}

#[tokio::test]
async fn the_predecessor_ends_the_session_after_the_interval() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let first = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(LIFETIMES.reuse + Duration::from_micros(1));
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    ended_for_reuse(&world, &signed_in, &first.refresh.token).await;
}

#[tokio::test]
async fn a_token_two_generations_old_ends_the_session_at_once() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let first = world.refresh(&signed_in.refresh.token).await.unwrap();
    let second = world.refresh(&first.refresh.token).await.unwrap();
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    ended_for_reuse(&world, &signed_in, &second.refresh.token).await;
}

#[tokio::test]
async fn a_token_that_was_replaced_ends_the_session_past_its_own_end_as_well() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.advance(6 * DAY);
    let thief = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(6 * DAY);
    let over = world.tokens.verify_refresh(&signed_in.refresh.token, world.clock.now(), Expiry::Enforced);
    assert!(over.is_err() && world.session(&signed_in).await.ended.is_none());
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    ended_for_reuse(&world, &signed_in, &thief.refresh.token).await;
}

#[tokio::test]
async fn without_an_interval_the_predecessor_ends_the_session_at_once() {
    let world = World::with_reuse(Duration::ZERO);
    let signed_in = world.sign_up(ADA).await;
    let first = world.refresh(&signed_in.refresh.token).await.unwrap();
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    ended_for_reuse(&world, &signed_in, &first.refresh.token).await;
}

#[tokio::test]
async fn reuse_ends_its_own_session_alone() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let other = world.sign_in(ADA, holdfast_testkit::fixtures::PASSWORD).await.unwrap();
    let stranger = world.sign_up("bob@example.com").await;
    world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(Duration::from_secs(31));
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
    assert!(world.admits(&other.access.token).await);
    assert!(world.admits(&stranger.access.token).await);
}

#[tokio::test]
async fn an_unused_session_ends_after_its_idle_time() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.set(signed_in.refresh.expires_at.minus(Duration::from_secs(1)));
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(LIFETIMES.idle);
    assert!(is_refused(&world.refresh(&pair.refresh.token).await));
    // Being late is no reuse.
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
    assert_eq!(world.session(&signed_in).await.ended, None);
}

#[tokio::test]
async fn a_busy_session_ends_after_its_absolute_time() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let end = world.session(&signed_in).await.absolute_expires_at;
    let mut token = signed_in.refresh.token.clone();
    for _ in 0..5 {
        world.clock.advance(DAY * 5);
        token = world.refresh(&token).await.unwrap().refresh.token;
    }
    world.clock.set(end.minus(Duration::from_mins(1)));
    let last = world.refresh(&token).await.unwrap();
    assert_eq!((last.refresh.expires_at, last.access.expires_at), (end, end));
    world.clock.set(end);
    assert!(is_refused(&world.refresh(&last.refresh.token).await));
    assert!(!world.admits(&last.access.token).await);
}

#[tokio::test]
async fn the_eleventh_rotation_of_a_minute_waits_and_the_same_successor_does_not_count() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let mut token = signed_in.refresh.token.clone();
    for _ in 0..ROTATIONS_PER_WINDOW {
        let next = world.refresh(&token).await.unwrap().refresh.token;
        assert_eq!(world.refresh(&token).await.unwrap().refresh.token, next);
        token = next;
    }
    world.clock.set(at(20));
    let refused = world.refresh(&token).await;
    let wait = Duration::from_secs(40);
    let expected = TooManyRotations { retry_after: wait };
    assert!(matches!(&refused, Err(AuthError::TooManyRefreshes(waits)) if *waits == expected), "{refused:?}");
    world.clock.advance(wait);
    assert!(world.refresh(&token).await.is_ok());
}

#[tokio::test]
async fn a_change_of_keys_neither_ends_a_session_nor_changes_the_same_successor() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let first = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.tokens.rotate_key("k2");
    let again = world.refresh(&signed_in.refresh.token).await.unwrap();
    assert_eq!(again.refresh, first.refresh);
    world.refresh(&first.refresh.token).await.unwrap();
    assert_eq!(world.session(&signed_in).await.key_id, "k2");
}

#[tokio::test]
async fn a_forged_token_changes_no_state() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let replaced = signed_in.refresh.token.clone();
    world.refresh(&replaced).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    let (session, calls) = (world.session(&signed_in).await, world.faults.calls());
    for token in [
        "",
        "garbage",
        &forged(&replaced),
        &signed_in.access.token,
        &signed_in.long_lived.as_ref().unwrap().token,
    ] {
        assert!(is_refused(&world.refresh(token).await), "{token}");
    }
    assert_eq!(world.faults.calls(), calls);
    assert_eq!(world.session(&signed_in).await, session);
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
}

#[tokio::test]
async fn a_token_of_an_unknown_session_is_refused() {
    let (world, elsewhere) = (World::new(), World::new());
    let signed_in = elsewhere.sign_up(ADA).await;
    assert!(is_refused(&world.refresh(&signed_in.refresh.token).await));
}

#[tokio::test]
async fn an_account_that_may_not_be_used_gets_no_new_pair() {
    let ban = Ban { at: at(0), reason: None, expires_at: None };
    for account in [account().banned(ban).build(), account().inactive().build()] {
        let world = World::new();
        world.insert(&account).await;
        let session = session(account.user.id);
        world.rows.sessions().insert(&session).await.unwrap();
        let claims = RefreshClaims {
            user: session.owner,
            session: session.id,
            id: session.current,
            issued_at: session.rotated_at,
            expires_at: session.idle_expires_at,
        };
        let token = world.tokens.sign_refresh(&claims, "k1").unwrap();
        assert!(world.tokens.verify_refresh(&token, at(0), Expiry::Enforced).is_ok());
        assert!(is_refused(&world.refresh(&token).await));
    }
}
