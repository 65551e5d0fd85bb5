//! Signing in.

use std::time::Duration;

use holdfast_application::{
    auth::{AuthError, SignIn},
    domain::{
        sessions::{AuthEvent, EndReason, EventKind},
        users::{Ban, Role},
    },
    ports::{Clock, Repositories as _},
    users::BanWish,
};
use holdfast_testkit::{
    PlainPasswords,
    fixtures::{PASSWORD, account, at},
};

use crate::world::{ADA, POLICY, World, sign_in};

#[tokio::test]
async fn the_right_password_begins_a_session_of_its_own() {
    let world = World::new();
    let first = world.sign_up(ADA).await;
    world.clock.advance(Duration::from_secs(9));
    let second = world.sign_in("ada@EXAMPLE.com", PASSWORD).await.unwrap();
    assert_eq!(second.user.id, first.user.id);
    assert_ne!(second.session, first.session);
    assert!(second.long_lived.is_none());
    assert_eq!(world.account(ADA).await.unwrap().user.last_sign_in_at, Some(world.clock.now()));
    assert_eq!(world.history(first.user.id).await, [EventKind::SignedIn, EventKind::SignedUp]);
    assert!(world.admits(&first.access.token).await);
    assert!(world.admits(&second.access.token).await);
}

#[tokio::test]
async fn a_long_lived_token_is_given_where_it_is_asked_for() {
    let world = World::new();
    world.sign_up(ADA).await;
    let wish = SignIn { long_lived: true, ..sign_in(ADA, PASSWORD) };
    let signed_in = world.services.auth.sign_in(wish).await.unwrap();
    let long_lived = signed_in.long_lived.unwrap();
    assert_eq!(long_lived.expires_at, world.clock.now().plus(POLICY.long_lived));
}

#[tokio::test]
async fn unknown_passwordless_and_wrong_look_the_same() {
    let world = World::new();
    let known = account().build();
    let passwordless = account().hash(None).build();
    world.insert(&known).await;
    world.insert(&passwordless).await;
    for (email, user) in [
        ("nobody@example.com", AuthEvent::NOBODY),
        (passwordless.user.email.as_str(), passwordless.user.id),
        (known.user.email.as_str(), known.user.id),
    ] {
        let refused = world.sign_in(email, "wrong horse").await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{email}: {refused:?}");
        assert_eq!(world.history(user).await, [EventKind::SignInFailed], "{email}");
        assert_eq!(world.unended(user).await, []);
    }
    assert_eq!(world.account(known.user.email.as_str()).await, Some(known));
}

#[tokio::test]
async fn any_text_may_be_tried_as_an_address() {
    let world = World::new();
    for email in ["", "\0", "%", "no address", &"x".repeat(10_000)] {
        let refused = world.sign_in(email, PASSWORD).await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_ban_and_inactivity_are_told_only_to_who_knows_the_password() {
    let world = World::new();
    let ban = Ban { at: at(0), reason: None, expires_at: None };
    let banned = account().banned(ban).build();
    let inactive = account().inactive().build();
    for account in [&banned, &inactive] {
        world.insert(account).await;
        let wrong = world.sign_in(account.user.email.as_str(), "wrong horse").await;
        assert!(matches!(wrong, Err(AuthError::InvalidCredentials)), "{wrong:?}");
    }
    let refused = world.sign_in(banned.user.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(AuthError::Banned)), "{refused:?}");
    let refused = world.sign_in(inactive.user.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(AuthError::Inactive)), "{refused:?}");
    for account in [banned, inactive] {
        let user = account.user.id;
        assert_eq!(world.history(user).await, [EventKind::SignInFailed; 2]);
        assert_eq!(world.unended(user).await, []);
        assert_eq!(world.account(account.user.email.as_str()).await, Some(account));
    }
}

#[tokio::test]
async fn a_ban_that_has_ended_keeps_nobody_out() {
    let world = World::new();
    let ban = Ban { at: at(0), reason: None, expires_at: Some(at(60)) };
    let account = account().banned(ban).build();
    world.insert(&account).await;
    let email = account.user.email.as_str();
    world.clock.set(at(59));
    assert!(matches!(world.sign_in(email, PASSWORD).await, Err(AuthError::Banned)));
    world.clock.set(at(60));
    assert!(world.sign_in(email, PASSWORD).await.is_ok());
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_at_sign_in_and_leaves_updated_at_alone() {
    let world = World::new();
    let before = account().hash(Some(PlainPasswords::outdated(PASSWORD))).build();
    world.insert(&before).await;
    let email = before.user.email.as_str();
    world.clock.set(at(5));
    assert!(world.sign_in(email, "wrong horse").await.is_err());
    assert_eq!(world.account(email).await.as_ref(), Some(&before));

    world.sign_in(email, PASSWORD).await.unwrap();
    let after = world.account(email).await.unwrap();
    assert_eq!(after.password_hash, Some(PlainPasswords::hashed(PASSWORD)));
    assert_eq!(after.user.updated_at, before.user.updated_at);
    world.sign_in(email, PASSWORD).await.unwrap();
    assert_eq!((world.passwords.hashes(), world.passwords.verifications()), (1, 3));
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_is_no_password_any_more() {
    let world = World::new();
    let old = PlainPasswords::outdated(PASSWORD);
    let account = account().hash(Some(old.clone())).build();
    world.insert(&account).await;
    let (rows, id) = (world.rows.clone(), account.user.id);
    // Calls: find_by_email, then begin.
    world.faults.before_nth(2, async move {
        let changed = PlainPasswords::hashed("changed meanwhile");
        assert!(rows.users().replace_hash(id, &old, &changed).await.unwrap());
    });
    let refused = world.sign_in(account.user.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    let stored = world.account(account.user.email.as_str()).await.unwrap().password_hash;
    assert_eq!(stored, Some(PlainPasswords::hashed("changed meanwhile")));
    assert_eq!(world.unended(id).await, []);
}

#[tokio::test]
async fn an_upgrade_that_somebody_else_was_faster_with_is_no_obstacle() {
    let world = World::new();
    let old = PlainPasswords::outdated(PASSWORD);
    let account = account().hash(Some(old.clone())).build();
    world.insert(&account).await;
    let (rows, id) = (world.rows.clone(), account.user.id);
    world.faults.before_nth(2, async move {
        assert!(rows.users().replace_hash(id, &old, &PlainPasswords::hashed(PASSWORD)).await.unwrap());
    });
    world.sign_in(account.user.email.as_str(), PASSWORD).await.unwrap();
    assert_eq!(world.passwords.verifications(), 2);
}

#[tokio::test]
async fn a_ban_that_comes_meanwhile_keeps_out() {
    let world = World::new();
    let admin = world.admin().await;
    let account = account().build();
    world.insert(&account).await;
    let (other, id) = (world.clone(), account.user.id);
    world.faults.before_nth(2, async move {
        let services = other.services_with(PlainPasswords::default());
        services.users.ban(admin, id, BanWish { reason: None, expires_at: None }).await.unwrap();
    });
    let refused = world.sign_in(account.user.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(AuthError::Banned)), "{refused:?}");
    assert_eq!(world.unended(id).await, []);
    assert_eq!(world.history(id).await, [EventKind::SignInFailed, EventKind::UserBanned]);
}

#[tokio::test]
async fn a_role_that_is_taken_meanwhile_is_not_in_the_token() {
    let world = World::new();
    let admin = world.admin().await;
    let account = account().role(Role::Admin).build();
    world.insert(&account).await;
    let (other, id) = (world.clone(), account.user.id);
    world.faults.before_nth(2, async move {
        let services = other.services_with(PlainPasswords::default());
        services.users.set_role(admin, id, Role::User).await.unwrap();
    });
    let signed_in = world.sign_in(account.user.email.as_str(), PASSWORD).await.unwrap();
    assert_eq!(signed_in.user.role, Role::User);
    assert_eq!(world.actor(&signed_in).await.role, Role::User);
}

#[tokio::test]
async fn an_account_that_vanishes_meanwhile_was_never_there() {
    let world = World::new();
    let account = account().build();
    world.insert(&account).await;
    let (rows, id) = (world.rows.clone(), account.user.id);
    world.faults.before_nth(2, async move { assert!(rows.users().delete(id).await.unwrap()) });
    let refused = world.sign_in(account.user.email.as_str(), PASSWORD).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
}

#[tokio::test]
async fn the_session_that_was_idle_the_longest_makes_room_for_the_501st() {
    let world = World::new();
    let mut sessions = vec![world.sign_up(ADA).await];
    for _ in 0..500 {
        world.clock.advance(Duration::from_secs(1));
        sessions.push(world.sign_in(ADA, PASSWORD).await.unwrap());
    }
    assert!(!world.admits(&sessions[0].access.token).await);
    assert!(world.admits(&sessions[1].access.token).await);
    assert!(world.admits(&sessions[500].access.token).await);
    assert_eq!(
        world.session(&sessions[0]).await.ended.map(|(_, reason)| reason),
        Some(EndReason::Surplus.into())
    );
    assert!(world.history(sessions[0].user.id).await.contains(&EventKind::SessionEvicted));
}
