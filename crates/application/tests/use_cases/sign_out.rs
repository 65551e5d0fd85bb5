//! Signing out.

use std::time::Duration;

use holdfast_application::{
    auth::{Scope, SignOut, SignedIn},
    domain::sessions::EventKind,
};
use holdfast_testkit::fixtures::{LIFETIMES, PASSWORD};

use crate::world::{ADA, POLICY, World, client, forged};

fn with_bearer(signed_in: &SignedIn, scope: Scope) -> SignOut {
    let bearer = Some(signed_in.access.token.clone());
    SignOut { bearer, refresh_token: None, scope, client: client() }
}

fn with_refresh_token(signed_in: &SignedIn, scope: Scope) -> SignOut {
    let refresh_token = Some(signed_in.refresh.token.clone());
    SignOut { bearer: None, refresh_token, scope, client: client() }
}

/// Three sessions of Ada and one of Bob.
async fn sessions(world: &World) -> [SignedIn; 4] {
    let first = world.sign_up(ADA).await;
    let second = world.sign_in(ADA, PASSWORD).await.unwrap();
    let third = world.sign_in(ADA, PASSWORD).await.unwrap();
    [first, second, third, world.sign_up("bob@example.com").await]
}

/// Which of the sessions still work, by both of their tokens.
async fn alive(world: &World, sessions: &[SignedIn; 4]) -> [bool; 4] {
    let mut alive = [false; 4];
    for (alive, signed_in) in alive.iter_mut().zip(sessions) {
        *alive = world.admits(&signed_in.access.token).await;
        let refreshed = world.refresh(&signed_in.refresh.token).await;
        assert_eq!(refreshed.is_ok(), *alive, "one token works and the other does not");
    }
    alive
}

#[tokio::test]
async fn each_scope_ends_what_it_names_at_once() {
    for (scope, expected, kind) in [
        (Scope::Local, [false, true, true, true], EventKind::SignedOut),
        (Scope::Others, [true, false, false, true], EventKind::SignedOutEverywhere),
        (Scope::Global, [false, false, false, true], EventKind::SignedOutEverywhere),
    ] {
        for wish in [with_bearer, with_refresh_token] {
            let world = World::new();
            let sessions = sessions(&world).await;
            world.sign_out(wish(&sessions[0], scope)).await;
            assert_eq!(alive(&world, &sessions).await, expected, "{scope:?}");
            assert!(world.history(sessions[0].user.id).await.contains(&kind));
            assert_eq!(world.history(sessions[3].user.id).await, [EventKind::SignedUp]);
        }
    }
}

#[tokio::test]
async fn an_access_token_that_has_expired_still_signs_out() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.advance(POLICY.access + Duration::from_secs(1));
    world.sign_out(with_bearer(&signed_in, Scope::Local)).await;
    assert!(world.refresh(&signed_in.refresh.token).await.is_err());
    assert_eq!(world.unended(signed_in.user.id).await, []);
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_still_signs_out() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    world.sign_out(with_refresh_token(&signed_in, Scope::Local)).await;
    assert!(!world.admits(&pair.access.token).await);
    assert_eq!(
        world.history(signed_in.user.id).await,
        [EventKind::SignedOut, EventKind::SignedUp],
        "signing out is no reuse"
    );
}

#[tokio::test]
async fn a_refresh_token_that_has_expired_still_signs_out_its_living_session() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.set(signed_in.refresh.expires_at.minus(Duration::from_mins(1)));
    let pair = world.refresh(&signed_in.refresh.token).await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    world.sign_out(with_refresh_token(&signed_in, Scope::Local)).await;
    assert!(!world.admits(&pair.access.token).await);
}

#[tokio::test]
async fn a_bearer_that_is_no_token_leaves_the_refresh_token_to_name_the_session() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let bearer = Some(forged(&signed_in.access.token));
    world.sign_out(SignOut { bearer, ..with_refresh_token(&signed_in, Scope::Local) }).await;
    assert!(!world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn of_two_tokens_the_bearer_names_the_session() {
    let world = World::new();
    let sessions = sessions(&world).await;
    let refresh_token = Some(sessions[1].refresh.token.clone());
    world.sign_out(SignOut { refresh_token, ..with_bearer(&sessions[0], Scope::Local) }).await;
    assert_eq!(alive(&world, &sessions).await, [false, true, true, true]);
}

#[tokio::test]
async fn garbage_signs_nobody_out_and_is_no_error() {
    let world = World::new();
    let sessions = sessions(&world).await;
    let calls = world.faults.calls();
    for text in ["", "garbage", &forged(&sessions[0].access.token), &forged(&sessions[0].refresh.token)] {
        for scope in [Scope::Local, Scope::Others, Scope::Global] {
            let (bearer, refresh_token) = (Some(text.to_owned()), Some(text.to_owned()));
            world.sign_out(SignOut { bearer, refresh_token, scope, client: client() }).await;
        }
    }
    world.sign_out(SignOut::default()).await;
    assert_eq!(world.faults.calls(), calls);
    assert_eq!(alive(&world, &sessions).await, [true; 4]);
}

#[tokio::test]
async fn neither_kind_of_token_is_taken_for_the_other() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let wish = SignOut {
        bearer: Some(signed_in.refresh.token.clone()),
        refresh_token: Some(signed_in.access.token.clone()),
        ..SignOut::default()
    };
    world.sign_out(wish).await;
    assert!(world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn signing_out_twice_is_written_once() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    for scope in [Scope::Local, Scope::Local, Scope::Global, Scope::Others] {
        world.sign_out(with_bearer(&signed_in, scope)).await;
    }
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedOut, EventKind::SignedUp]);
}

#[tokio::test]
async fn a_session_that_is_over_signs_no_other_out() {
    let world = World::new();
    let first = world.sign_up(ADA).await;
    world.clock.advance(LIFETIMES.idle);
    let second = world.sign_in(ADA, PASSWORD).await.unwrap();
    world.sign_out(with_bearer(&first, Scope::Global)).await;
    world.sign_out(with_refresh_token(&first, Scope::Global)).await;
    assert!(world.admits(&second.access.token).await);
}

#[tokio::test]
async fn signing_the_others_out_without_others_is_written_nowhere() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.sign_out(with_bearer(&signed_in, Scope::Others)).await;
    assert!(world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedUp]);
}
