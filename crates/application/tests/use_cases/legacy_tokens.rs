//! Tokens that the FastAPI backend issued: who they name, and what ends them.

use std::time::Duration;

use holdfast_application::{
    Actor,
    auth::{AuthError, Scope, SignOut},
    domain::{
        Timestamp, UserId,
        sessions::EventKind,
        users::{Account, Ban, Role},
    },
    ports::{Repositories as _, StoreError},
};
use holdfast_testkit::{
    PlainTokens,
    fixtures::{PASSWORD, account, at, owner},
};

use crate::world::{ADA, World, client, forged};

/// When tokens of the field end here, and until when they are accepted.
const END: u64 = 3_600;
const UNTIL: u64 = 86_400;

fn end() -> Timestamp {
    at(END)
}

fn accepting() -> World {
    let world = World::new();
    world.tokens.accept_legacy_until(at(UNTIL));
    world
}

/// Ada, adopted, and two of her tokens.
async fn ada(world: &World) -> (Account, [String; 2]) {
    let ada = account().email(ADA).build();
    world.insert(&ada).await;
    let tokens = [0, 1].map(|nth| PlainTokens::legacy(ada.user.id, nth, end()));
    (ada, tokens)
}

fn wish(token: &str, scope: Scope) -> SignOut {
    SignOut { bearer: Some(token.to_owned()), refresh_token: None, scope, client: client() }
}

#[tokio::test]
async fn a_token_names_its_account_without_a_session_and_with_the_role_of_the_account() {
    let world = accepting();
    let (ada, [token, _]) = ada(&world).await;
    let actor = |role| Actor { user: ada.user.id, session: None, role };
    assert_eq!(world.services.auth.authenticate(&token).await.unwrap(), actor(Role::User));
    world.rows.users().set_role(ada.user.id, Role::Admin, at(1)).await.unwrap();
    assert_eq!(world.services.auth.authenticate(&token).await.unwrap(), actor(Role::Admin));
    let profile = world.services.auth.profile(actor(Role::Admin)).await.unwrap();
    assert_eq!(profile.email.as_str(), ADA);
}

#[tokio::test]
async fn a_token_counts_until_its_end_and_until_the_date() {
    let world = accepting();
    let (ada, [token, _]) = ada(&world).await;
    let long = PlainTokens::legacy(ada.user.id, 2, at(UNTIL + 1_000));
    world.clock.set(at(END - 1));
    assert!(world.admits(&token).await);
    world.clock.set(at(END));
    assert!(!world.admits(&token).await);
    world.clock.set(at(UNTIL - 1));
    assert!(world.admits(&long).await);
    world.clock.set(at(UNTIL));
    assert!(!world.admits(&long).await);
}

#[tokio::test]
async fn where_none_are_accepted_the_store_is_not_asked() {
    let world = World::new();
    let (_, [token, _]) = ada(&world).await;
    let before = world.faults.calls();
    assert!(!world.admits(&token).await);
    world.tokens.accept_legacy_until(at(UNTIL));
    assert!(!world.admits(&forged(&token)).await);
    world.sign_out(wish(&forged(&token), Scope::Global)).await;
    assert_eq!(world.faults.calls(), before);
    assert!(world.admits(&token).await);
}

#[tokio::test]
async fn an_unknown_account_is_refused() {
    let world = accepting();
    assert!(!world.admits(&PlainTokens::legacy(owner(), 0, end())).await);
    assert!(!world.admits(&PlainTokens::legacy(UserId::new(uuid::Uuid::nil()), 0, end())).await);
}

#[tokio::test]
async fn a_banned_or_inactive_account_is_refused_while_it_is() {
    let world = accepting();
    let inactive = account().inactive().build();
    let banned = account().banned(Ban { at: at(0), reason: None, expires_at: Some(at(60)) }).build();
    for account in [&inactive, &banned] {
        world.insert(account).await;
        assert!(!world.admits(&PlainTokens::legacy(account.user.id, 0, end())).await);
    }
    world.clock.set(at(60));
    assert!(world.admits(&PlainTokens::legacy(banned.user.id, 0, end())).await);
    assert!(!world.admits(&PlainTokens::legacy(inactive.user.id, 0, end())).await);
}

#[tokio::test]
async fn a_store_that_is_gone_admits_nobody() {
    let world = accepting();
    let (_, [token, _]) = ada(&world).await;
    world.faults.fail_next(StoreError::Unavailable("gone".into()));
    let refused = world.services.auth.authenticate(&token).await;
    assert!(matches!(refused, Err(AuthError::Store(StoreError::Unavailable(_)))), "{refused:?}");
}

#[tokio::test]
async fn no_such_token_is_good_for_a_refresh() {
    let world = accepting();
    let (_, [token, _]) = ada(&world).await;
    let refused = world.refresh(&token).await;
    assert!(matches!(refused, Err(AuthError::RefreshTokenInvalid)), "{refused:?}");
    world.sign_out(SignOut { refresh_token: Some(token.clone()), ..SignOut::default() }).await;
    assert!(world.admits(&token).await, "it names nothing where a refresh token is asked for");
}

#[tokio::test]
async fn signing_out_with_it_denies_this_token_alone() {
    let world = accepting();
    let (ada, [first, second]) = ada(&world).await;
    let signed_in = world.sign_in(ADA, PASSWORD).await.unwrap();
    for _ in 0..2 {
        world.sign_out(wish(&first, Scope::Local)).await;
        assert!(!world.admits(&first).await);
    }
    assert!(world.admits(&second).await && world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(ada.user.id).await, [EventKind::SignedOut, EventKind::SignedIn]);
    // A token that is denied ends nothing any more.
    world.sign_out(wish(&first, Scope::Global)).await;
    assert!(world.admits(&second).await && world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn signing_out_everywhere_refuses_all_tokens_of_the_account_for_ever() {
    for scope in [Scope::Others, Scope::Global] {
        for by_session in [false, true] {
            let world = accepting();
            let (ada, [first, second]) = ada(&world).await;
            let bob = account().build();
            world.insert(&bob).await;
            let here = world.sign_in(ADA, PASSWORD).await.unwrap();
            let there = world.sign_in(ADA, PASSWORD).await.unwrap();
            let token = if by_session { &here.access.token } else { &first };
            world.sign_out(wish(token, scope)).await;
            assert!(!world.admits(&first).await && !world.admits(&second).await);
            let stays = by_session && scope == Scope::Others;
            assert_eq!(world.admits(&here.access.token).await, stays, "{scope:?}");
            assert!(!world.admits(&there.access.token).await, "{scope:?}");
            assert!(world.admits(&PlainTokens::legacy(bob.user.id, 0, end())).await);
            let history = world.history(ada.user.id).await;
            assert_eq!(history.iter().filter(|kind| **kind == EventKind::SignedOutEverywhere).count(), 1);
            assert_eq!(world.unended(ada.user.id).await.len(), usize::from(stays));

            let again = world.sign_in(ADA, PASSWORD).await.unwrap();
            assert!(world.admits(&again.access.token).await);
            assert!(!world.admits(&first).await, "a sign-in gives nothing back");
        }
    }
}

#[tokio::test]
async fn signing_out_everywhere_with_the_only_token_there_is_is_written() {
    let world = accepting();
    let (ada, [first, second]) = ada(&world).await;
    world.sign_out(wish(&first, Scope::Global)).await;
    world.sign_out(wish(&second, Scope::Global)).await;
    assert_eq!(world.history(ada.user.id).await, [EventKind::SignedOutEverywhere]);
}

#[tokio::test]
async fn a_token_that_is_over_or_of_a_banned_account_ends_nothing() {
    let world = accepting();
    let (_, [token, _]) = ada(&world).await;
    let banned = account().banned(Ban { at: at(0), reason: None, expires_at: Some(at(60)) }).build();
    world.insert(&banned).await;
    world.sign_out(wish(&PlainTokens::legacy(banned.user.id, 0, end()), Scope::Global)).await;
    assert_eq!(world.history(banned.user.id).await, []);
    world.clock.set(end().plus(Duration::from_secs(1)));
    let signed_in = world.sign_in(ADA, PASSWORD).await.unwrap();
    world.sign_out(wish(&token, Scope::Global)).await;
    assert!(world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn a_token_whose_account_vanishes_meanwhile_is_signed_out_without_an_error() {
    let world = accepting();
    let (ada, [token, _]) = ada(&world).await;
    let (rows, id) = (world.rows.clone(), ada.user.id);
    // bearer, begin
    world.faults.before_nth(2, async move {
        assert!(rows.users().delete(id).await.unwrap());
    });
    world.sign_out(wish(&token, Scope::Local)).await;
    assert_eq!(world.history(id).await, []);
}
