//! Changing one's password while signed in.

use std::time::Duration;

use async_trait::async_trait;
use holdfast_application::{
    Actor, Classify, ErrorKind,
    auth::{AuthError, ChangePassword, SignedIn},
    domain::{
        sessions::{AuthEvent, EndReason, EventKind},
        users::{Password, PasswordHash},
    },
    ports::{Passwords, PasswordsError, Repositories as _, Verification},
    users::BanWish,
};
use holdfast_testkit::{
    PlainPasswords, PlainTokens,
    fixtures::{PASSWORD, account, at},
};

use crate::world::{ADA, World, client, new_password};

const NEW: &str = "staple battery horse";

fn wish(current: &str, new: &str) -> ChangePassword {
    let email = holdfast_application::domain::users::Email::stored(ADA.to_owned());
    let current = Password::new(current.to_owned());
    ChangePassword { current, new: new_password(new, &email), code: None, client: client() }
}

async fn change(world: &World, actor: Actor) -> Result<SignedIn, AuthError> {
    world.services.auth.change_password(actor, wish(PASSWORD, NEW)).await
}

/// Ada with a session, and who she is in it.
async fn ada(world: &World) -> (SignedIn, Actor) {
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    (signed_in, actor)
}

async fn hash(world: &World) -> Option<PasswordHash> {
    world.account(ADA).await.unwrap().password_hash
}

#[tokio::test]
async fn every_token_there_was_ends_and_a_new_session_begins() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(86_400));
    let (here, actor) = ada(&world).await;
    let there = world.sign_in(ADA, PASSWORD).await.unwrap();
    let legacy = PlainTokens::legacy(actor.user, 0, at(3_600));
    let before = world.account(ADA).await.unwrap();
    let (hashes, verifications) = (world.passwords.hashes(), world.passwords.verifications());
    world.clock.set(at(5));

    let now = change(&world, actor).await.unwrap();
    assert_eq!(world.passwords.hashes() - hashes, 1);
    assert_eq!(world.passwords.verifications() - verifications, 1);
    for old in [&here, &there] {
        assert!(!world.admits(&old.access.token).await);
        assert_eq!(world.session(old).await.ended, Some((at(5), EndReason::PasswordChanged.into())));
        // At once, not after the interval in which a lost answer is given again.
        let refused = world.refresh(&old.refresh.token).await;
        assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
    }
    assert!(!world.admits(&here.long_lived.unwrap().token).await);
    assert!(!world.admits(&legacy).await);
    assert!(world.admits(&now.access.token).await);
    assert!(world.refresh(&now.refresh.token).await.is_ok());
    assert_eq!(world.unended(actor.user).await, [now.session]);
    assert!(now.long_lived.is_none());

    let after = world.account(ADA).await.unwrap();
    assert_eq!(after.password_hash, Some(PlainPasswords::hashed(NEW)));
    assert_eq!((after.user.updated_at, after.user.last_sign_in_at), (at(5), Some(at(5))));
    assert_eq!(after.user.created_at, before.user.created_at);
    assert_eq!(after.user, now.user);
    let history = world.history(actor.user).await;
    assert_eq!(history, [EventKind::PasswordChanged, EventKind::SignedIn, EventKind::SignedUp]);
    assert!(matches!(world.sign_in(ADA, PASSWORD).await, Err(AuthError::InvalidCredentials)));
    assert!(world.sign_in(ADA, NEW).await.is_ok());
}

#[tokio::test]
async fn a_token_of_the_fastapi_backend_changes_it_once_and_gets_a_session() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(86_400));
    let ada = account().email(ADA).hash(Some(PlainPasswords::outdated(PASSWORD))).build();
    world.insert(&ada).await;
    let session = world.sign_in(ADA, PASSWORD).await.unwrap();
    let legacy = PlainTokens::legacy(ada.user.id, 0, at(3_600));
    let actor = world.services.auth.authenticate(&legacy).await.unwrap();
    let now = change(&world, actor).await.unwrap();
    assert!(world.admits(&now.access.token).await);
    assert!(!world.admits(&legacy).await && !world.admits(&session.access.token).await);
    let again = world.services.auth.change_password(actor, wish(NEW, "yet another one")).await;
    assert!(matches!(again, Err(AuthError::TokenInvalid)), "{again:?}");
    assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(NEW)));
}

#[tokio::test]
async fn a_wrong_password_changes_nothing_and_is_written_down() {
    let world = World::new();
    let (signed_in, actor) = ada(&world).await;
    let hashes = world.passwords.hashes();
    let refused = world.services.auth.change_password(actor, wish("wrong horse", NEW)).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    assert_eq!((world.passwords.hashes() - hashes, world.passwords.verifications()), (0, 1));
    assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(PASSWORD)));
    assert!(world.admits(&signed_in.access.token).await);
    let events = world.rows.audit().latest(actor.user, None, 1).await.unwrap();
    let AuthEvent { kind, session, client: from, .. } = &events[0];
    assert_eq!((kind.known(), *session), (Some(EventKind::SignInFailed), actor.session));
    assert_eq!((&from.user_agent, &from.ip_prefix), (&client().user_agent, &client().ip_prefix));
}

#[tokio::test]
async fn an_account_without_a_password_gets_none() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(86_400));
    let linked = account().email(ADA).hash(None).build();
    world.insert(&linked).await;
    let token = PlainTokens::legacy(linked.user.id, 0, at(3_600));
    let actor = world.services.auth.authenticate(&token).await.unwrap();
    let refused = change(&world, actor).await;
    assert!(matches!(refused, Err(AuthError::NoPassword)), "{refused:?}");
    assert_eq!((world.passwords.hashes(), world.passwords.verifications()), (0, 0));
    assert_eq!(world.history(linked.user.id).await, []);
    assert_eq!(hash(&world).await, None);
}

// Calls of the store before anything is held: account, begin.

#[tokio::test]
async fn an_upgrade_of_the_hash_meanwhile_is_no_obstacle() {
    let world = World::new();
    let old = PlainPasswords::outdated(PASSWORD);
    let (_, actor) = ada(&world).await;
    world.rows.users().set_password(actor.user, &old, at(0)).await.unwrap();
    let rows = world.rows.clone();
    world.faults.before_nth(2, async move {
        let upgraded = PlainPasswords::hashed(PASSWORD);
        assert!(rows.users().replace_hash(actor.user, &old, &upgraded).await.unwrap());
    });
    change(&world, actor).await.unwrap();
    assert_eq!(world.passwords.verifications(), 2);
    assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(NEW)));
}

#[tokio::test]
async fn a_password_that_is_changed_meanwhile_is_no_password_any_more() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let rows = world.rows.clone();
    let other = PlainPasswords::hashed("changed meanwhile");
    world.faults.before_nth(2, {
        let other = other.clone();
        async move { assert!(rows.users().set_password(actor.user, &other, at(1)).await.unwrap()) }
    });
    let refused = change(&world, actor).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    assert_eq!(hash(&world).await, Some(other));
}

#[tokio::test]
async fn whoever_is_signed_out_meanwhile_changes_nothing() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let rows = world.rows.clone();
    world.faults.before_nth(2, async move {
        let session = actor.session.unwrap();
        assert!(rows.sessions().end(actor.user, session, EndReason::SignedOut, at(1)).await.unwrap());
    });
    let refused = change(&world, actor).await;
    assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
    assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(PASSWORD)));
    assert_eq!(world.unended(actor.user).await, []);
    assert_eq!(world.history(actor.user).await, [EventKind::SignedUp]);
}

#[tokio::test]
async fn a_ban_and_a_deletion_that_come_meanwhile_count() {
    for deleted in [false, true] {
        let world = World::new();
        let admin = world.admin().await;
        let (_, actor) = ada(&world).await;
        let other = world.clone();
        world.faults.before_nth(2, async move {
            if deleted {
                assert!(other.rows.users().delete(actor.user).await.unwrap());
            } else {
                let services = other.services_with(PlainPasswords::default());
                let ban = BanWish { reason: None, expires_at: None };
                services.users.ban(admin, actor.user, ban).await.unwrap();
            }
        });
        let refused = change(&world, actor).await;
        if deleted {
            assert!(matches!(refused, Err(AuthError::TokenInvalid)), "{refused:?}");
        } else {
            assert!(matches!(refused, Err(AuthError::Banned)), "{refused:?}");
            assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(PASSWORD)));
        }
        assert_eq!(world.unended(actor.user).await, []);
    }
}

/// Verifies, and has no room for another hash.
struct Full;

#[async_trait]
impl Passwords for Full {
    async fn hash(&self, _: &Password) -> Result<PasswordHash, PasswordsError> {
        Err(PasswordsError::Busy { retry_after: Duration::from_secs(2) })
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        PlainPasswords::default().verify(password, hash).await
    }
}

#[tokio::test]
async fn without_room_for_a_hash_nothing_changes() {
    let world = World::new();
    let (signed_in, actor) = ada(&world).await;
    let refused = world.services_with(Full).auth.change_password(actor, wish(PASSWORD, NEW)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable(Duration::from_secs(2)));
    assert_eq!(hash(&world).await, Some(PlainPasswords::hashed(PASSWORD)));
    assert!(world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn a_sign_in_goes_on_without_room_for_a_stronger_hash() {
    let world = World::new();
    let weak = account().email(ADA).hash(Some(PlainPasswords::outdated(PASSWORD))).build();
    world.insert(&weak).await;
    let wish = crate::world::sign_in(ADA, PASSWORD);
    let signed_in = world.services_with(Full).auth.sign_in(wish).await.unwrap();
    assert!(world.admits(&signed_in.access.token).await);
    assert_eq!(hash(&world).await, weak.password_hash, "the next sign-in makes it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_at_once_one_is_done() {
    for _ in 0..20 {
        let world = World::new();
        let (_, actor) = ada(&world).await;
        let tasks = ["the first of two", "the second of two"].map(|new| {
            let world = world.clone();
            tokio::spawn(async move { world.services.auth.change_password(actor, wish(PASSWORD, new)).await })
        });
        let mut done = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(signed_in) => done.push(signed_in.session),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}"),
            }
        }
        assert_eq!(done.len(), 1);
        assert_eq!(world.unended(actor.user).await, done);
    }
}
