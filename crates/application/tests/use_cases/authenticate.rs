//! Finding out who is calling, and the caller's own account.

use std::time::Duration;

use holdfast_application::{
    Actor,
    auth::AuthError,
    domain::{SessionId, UserId, users::Role},
    ports::{Repositories as _, StoreError},
};
use holdfast_testkit::{
    fixtures::{PASSWORD, account, at},
    ids::unique,
};

use crate::world::{ADA, World, forged};

#[tokio::test]
async fn an_access_token_names_its_account_session_and_role() {
    let world = World::new();
    let admin = account().role(Role::Admin).build();
    world.insert(&admin).await;
    let signed_in = world.sign_in(admin.user.email.as_str(), PASSWORD).await.unwrap();
    let actor = world.actor(&signed_in).await;
    assert_eq!(actor, Actor { user: admin.user.id, session: Some(signed_in.session), role: Role::Admin });
}

#[tokio::test]
async fn an_access_token_ends_after_its_time() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.clock.set(signed_in.access.expires_at.minus(Duration::from_secs(1)));
    assert!(world.admits(&signed_in.access.token).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!world.admits(&signed_in.access.token).await);
    assert!(world.admits(&signed_in.long_lived.unwrap().token).await);
}

#[tokio::test]
async fn anything_but_an_access_token_is_refused_without_asking_the_store() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let before = world.faults.calls();
    for token in ["", "garbage", &forged(&signed_in.access.token), &signed_in.refresh.token] {
        assert!(!world.admits(token).await, "{token}");
    }
    assert_eq!(world.faults.calls(), before);
}

#[tokio::test]
async fn a_store_that_is_gone_admits_nobody() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    let refused = world.services.auth.authenticate(&signed_in.access.token).await;
    assert!(matches!(refused, Err(AuthError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test]
async fn a_token_whose_session_the_store_does_not_know_is_refused() {
    let (world, elsewhere) = (World::new(), World::new());
    let signed_in = elsewhere.sign_up(ADA).await;
    assert!(!world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn the_profile_is_the_account_as_it_is_now() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    assert!(world.rows.users().set_role(actor.user, Role::Admin, at(1)).await.unwrap());
    let profile = world.services.auth.profile(actor).await.unwrap();
    assert_eq!((profile.email.as_str(), profile.role), (ADA, Role::Admin));
}

#[tokio::test]
async fn the_profile_of_an_account_that_is_gone_is_refused() {
    let (user, session) = (UserId::new(unique()), Some(SessionId::new(unique())));
    let refused = World::new().services.auth.profile(Actor { user, session, role: Role::User }).await;
    assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
}
