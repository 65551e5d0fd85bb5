//! Giving an account another address.

use holdfast_application::{
    Actor,
    auth::{AuthError, ChangeEmail, ResetPassword, SignedIn},
    domain::{
        sessions::{EndReason, EventKind},
        users::{Account, Ban, Email, LinkPurpose, Password, User},
    },
    ports::{Mail, Repositories as _},
};
use holdfast_testkit::{
    PlainPasswords, PlainTokens,
    fixtures::{PASSWORD, account, at},
    mail::token_in,
};

use crate::world::{ADA, World, client};

const NEW: &str = "Lovelace@example.org";

fn wish(email: &str, password: &str) -> ChangeEmail {
    let email = Email::new(email.to_owned()).unwrap();
    ChangeEmail { email, password: Password::new(password.to_owned()), code: None, client: client() }
}

async fn ask(world: &World, actor: Actor, email: &str) -> Result<(), AuthError> {
    world.services.auth.request_email_change(actor, wish(email, PASSWORD)).await
}

async fn confirm(world: &World, token: &str, caller: Option<Actor>) -> Result<(), AuthError> {
    world.services.auth.confirm_email_change(token, caller, &client()).await
}

/// Ada with a session, and who she is in it; no mail waits.
async fn ada(world: &World) -> (SignedIn, Actor) {
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    world.outbox.take();
    (signed_in, actor)
}

/// Asks for the new address; the link that goes there.
async fn link(world: &World, actor: Actor) -> String {
    ask(world, actor, NEW).await.unwrap();
    token_in(&world.post().await[0].text)
}

fn told(mails: &[Mail]) -> Vec<(&str, &str, bool)> {
    mails.iter().map(|mail| (mail.to.as_str(), mail.subject, mail.text.contains("?token="))).collect()
}

#[tokio::test]
async fn the_new_address_gets_a_link_the_old_one_word_of_it_and_nothing_changes_yet() {
    let world = World::new();
    let (signed_in, actor) = ada(&world).await;
    let before = world.account(ADA).await;
    let verifications = world.passwords.verifications();
    ask(&world, actor, NEW).await.unwrap();
    assert_eq!(world.passwords.verifications() - verifications, 1);
    let mails = world.post().await;
    let expected = [
        (NEW, "Confirm your new e-mail address", true),
        (ADA, "Another e-mail address was asked for", false),
    ];
    assert_eq!(told(&mails), expected);
    assert!(mails[0].text.contains("\nhttps://app.example/confirm-email?token="), "{}", mails[0].text);
    assert_eq!(world.account(ADA).await, before);
    assert!(world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(actor.user).await, [EventKind::SignedUp]);
}

#[tokio::test]
async fn a_wrong_password_asks_for_nothing_and_is_written_down() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let verifications = world.passwords.verifications();
    let refused = world.services.auth.request_email_change(actor, wish(NEW, "wrong horse")).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    assert_eq!(world.passwords.verifications() - verifications, 1);
    assert_eq!(world.post().await, []);
    assert_eq!(world.history(actor.user).await, [EventKind::SignInFailed, EventKind::SignedUp]);
}

#[tokio::test]
async fn the_link_changes_the_address_and_ends_all_sessions_but_its_holders() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(86_400));
    let (here, actor) = ada(&world).await;
    let there = world.sign_in(ADA, PASSWORD).await.unwrap();
    let legacy = PlainTokens::legacy(actor.user, 0, at(3_600));
    let token = link(&world, actor).await;
    world.clock.set(at(5));
    confirm(&world, &token, Some(actor)).await.unwrap();

    let after = world.account(NEW).await.unwrap();
    let user = User {
        email: Email::stored(NEW.to_owned()),
        email_verified: true,
        updated_at: at(5),
        last_sign_in_at: Some(at(0)),
        ..here.user
    };
    assert_eq!(after, Account { user, password_hash: Some(PlainPasswords::hashed(PASSWORD)) });
    assert_eq!(world.account(ADA).await, None);
    assert!(world.admits(&here.access.token).await);
    assert!(!world.admits(&there.access.token).await && !world.admits(&legacy).await);
    assert_eq!(world.session(&there).await.ended, Some((at(5), EndReason::EmailChanged.into())));
    assert_eq!(world.history(actor.user).await[0], EventKind::EmailChanged);
    assert_eq!(told(&world.post().await), [(ADA, "Your e-mail address was changed", false)]);
    world.sign_in(NEW, PASSWORD).await.unwrap();
    assert!(world.sign_in(ADA, PASSWORD).await.is_err());
    assert!(matches!(confirm(&world, &token, Some(actor)).await, Err(AuthError::LinkInvalid)));
    world.sign_up(ADA).await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_to_the_account_keeps_no_session() {
    for stranger in [false, true] {
        let world = World::new();
        let (here, actor) = ada(&world).await;
        let caller =
            if stranger { Some(world.actor(&world.sign_up("bob@example.com").await).await) } else { None };
        world.outbox.take();
        let token = link(&world, actor).await;
        confirm(&world, &token, caller).await.unwrap();
        assert!(!world.admits(&here.access.token).await);
        assert_eq!(world.unended(actor.user).await, []);
        if let Some(bob) = caller {
            assert_eq!(
                world.unended(bob.user).await.len(),
                1,
                "the caller's own account has nothing to do with it"
            );
        }
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_to_its_owner_alone() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    world.insert(&account().email(&NEW.to_uppercase()).build()).await;
    ask(&world, actor, NEW).await.unwrap();
    let mails = world.post().await;
    assert_eq!(mails.len(), 2, "as where nobody has it");
    let before = world.account(ADA).await;
    let refused = confirm(&world, &token_in(&mails[0].text), Some(actor)).await;
    assert!(matches!(refused, Err(AuthError::EmailExists)), "{refused:?}");
    assert_eq!(world.account(ADA).await, before);
    assert_eq!(world.post().await, []);
    // One's own address in another spelling is nobody else's.
    ask(&world, actor, &ADA.to_uppercase()).await.unwrap();
    confirm(&world, &token_in(&world.post().await[0].text), Some(actor)).await.unwrap();
    assert_eq!(world.account(ADA).await.unwrap().user.email.as_str(), ADA.to_uppercase());
}

#[tokio::test]
async fn a_link_is_good_for_a_day_for_its_purpose_and_while_the_account_may_be_used() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let token = link(&world, actor).await;
    let as_reset = ResetPassword {
        token: token.clone(),
        password: Password::new("staple battery horse".to_owned()),
        client: client(),
    };
    let auth = &world.services.auth;
    assert!(matches!(auth.reset_password(as_reset).await, Err(AuthError::LinkInvalid)));
    assert!(matches!(auth.verify_email(&token, &client()).await, Err(AuthError::LinkInvalid)));
    let ban = Ban { at: at(0), reason: None, expires_at: Some(at(60)) };
    world.rows.users().set_ban(actor.user, Some(&ban), at(0)).await.unwrap();
    assert!(matches!(confirm(&world, &token, None).await, Err(AuthError::LinkInvalid)));
    world.clock.set(at(86_400));
    assert!(matches!(confirm(&world, &token, None).await, Err(AuthError::LinkInvalid)));
    world.clock.set(at(86_399));
    confirm(&world, &token, None).await.unwrap();
}

#[tokio::test]
async fn a_reset_takes_a_link_to_another_address_away() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    // Somebody else knows the password and wants the account to be theirs.
    let theirs = link(&world, actor).await;
    world.services.auth.forgot_password(ADA.to_owned()).unwrap();
    let token = token_in(&world.post().await[0].text);
    let password = Password::new("staple battery horse".to_owned());
    world.services.auth.reset_password(ResetPassword { token, password, client: client() }).await.unwrap();
    assert!(matches!(confirm(&world, &theirs, None).await, Err(AuthError::LinkInvalid)));
}

#[tokio::test]
async fn a_password_that_changes_meanwhile_leaves_no_link() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let calls = world.faults.calls();
    ask(&world, actor, NEW).await.unwrap();
    // From the hold on, nobody else can: lock, second factor, times of earlier links, old links, earlier ones, link, commit.
    let unheld = world.faults.calls() - calls - 7;
    world.post().await;
    for n in 1..=unheld {
        let (rows, user) = (world.rows.clone(), actor.user);
        rows.users().set_password(user, &PlainPasswords::hashed(PASSWORD), at(0)).await.unwrap();
        world.faults.before_nth(n, async move {
            rows.users().set_password(user, &PlainPasswords::hashed("another one"), at(0)).await.unwrap();
        });
        let refused = ask(&world, actor, NEW).await;
        assert!(
            matches!(refused, Err(AuthError::TokenInvalid | AuthError::InvalidCredentials)),
            "call {n}: {refused:?}"
        );
        assert_eq!(world.post().await, []);
    }
}

#[tokio::test]
async fn an_account_without_a_password_cannot_confirm_the_wish() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    let passwordless = account().hash(None).build();
    world.insert(&passwordless).await;
    let refused = ask(&world, Actor { user: passwordless.user.id, ..actor }, NEW).await;
    assert!(matches!(refused, Err(AuthError::NoPassword)), "{refused:?}");
    assert_eq!(world.post().await, []);
}

#[tokio::test]
async fn only_so_many_links_are_sent_to_other_people() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    for n in 0..5 {
        ask(&world, actor, &format!("person{n}@example.org")).await.unwrap();
    }
    let refused = ask(&world, actor, "one-more@example.org").await;
    assert!(matches!(refused, Err(AuthError::Link(_))), "{refused:?}");
    assert_eq!(world.post().await.len(), 10);
}

#[tokio::test]
async fn without_room_for_both_letters_nothing_is_asked_for() {
    let world = World::new();
    let (_, actor) = ada(&world).await;
    for room in [0, 1] {
        world.outbox.set_room(room);
        let refused = ask(&world, actor, NEW).await;
        assert!(matches!(refused, Err(AuthError::OutboxFull(_))), "{room}: {refused:?}");
        assert_eq!(world.outbox.take(), []);
        let issued = world.rows.one_time_tokens().issued(actor.user, LinkPurpose::ChangeEmail, at(0)).await;
        assert_eq!(issued.unwrap(), []);
    }
    world.outbox.set_room(2);
    ask(&world, actor, NEW).await.unwrap();
    assert_eq!(world.post().await.len(), 2);
}
