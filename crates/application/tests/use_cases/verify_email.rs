//! Showing that mail to the account's address is read.

use std::time::Duration;

use holdfast_application::{
    Classify, ErrorKind,
    auth::AuthError,
    domain::sessions::EventKind,
    mail::{LINK_WINDOW, LINKS_PER_WINDOW},
    ports::Mail,
};
use holdfast_testkit::{fixtures::at, mail::token_in};

use crate::world::{ADA, World, client};

async fn verify(world: &World, token: &str) -> Result<(), AuthError> {
    world.services.auth.verify_email(token, &client()).await
}

async fn verified(world: &World) -> bool {
    world.account(ADA).await.unwrap().user.email_verified
}

async fn only_mail(world: &World) -> Mail {
    let mut mails = world.post().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    mails.remove(0)
}

#[tokio::test]
async fn the_link_that_comes_after_sign_up_verifies_once() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let mail = only_mail(&world).await;
    assert_eq!((mail.to.as_str(), mail.subject), (ADA, "Confirm your e-mail address"));
    assert!(mail.text.contains("\nhttps://app.example/verify-email?token="), "{}", mail.text);
    assert!(!verified(&world).await);
    world.clock.set(at(5));
    verify(&world, &token_in(&mail.text)).await.unwrap();
    let user = world.account(ADA).await.unwrap().user;
    assert!(user.email_verified && user.updated_at == at(5));
    assert_eq!(world.history(user.id).await, [EventKind::EmailVerified, EventKind::SignedUp]);
    assert!(world.admits(&signed_in.access.token).await, "nobody is signed out");
    let again = verify(&world, &token_in(&mail.text)).await;
    assert!(matches!(again, Err(AuthError::LinkInvalid)), "{again:?}");
}

#[tokio::test]
async fn a_link_is_good_for_a_day() {
    let world = World::new();
    world.sign_up(ADA).await;
    let token = token_in(&only_mail(&world).await.text);
    world.clock.set(at(86_400));
    assert!(matches!(verify(&world, &token).await, Err(AuthError::LinkInvalid)));
    world.clock.set(at(86_399));
    verify(&world, &token).await.unwrap();
}

#[tokio::test]
async fn another_link_can_be_asked_for_until_the_address_is_verified() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let first = token_in(&only_mail(&world).await.text);
    world.services.auth.request_verification(actor).await.unwrap();
    let second = token_in(&only_mail(&world).await.text);
    assert!(matches!(verify(&world, &first).await, Err(AuthError::LinkInvalid)));
    verify(&world, &second).await.unwrap();
    world.services.auth.request_verification(actor).await.unwrap();
    assert_eq!(world.post().await, []);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_when_to_ask_again() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.post().await;
    for _ in 1..LINKS_PER_WINDOW {
        world.services.auth.request_verification(actor).await.unwrap();
    }
    world.clock.set(at(600));
    let refused = world.services.auth.request_verification(actor).await.unwrap_err();
    assert_eq!(refused.code(), "RATE_LIMITED");
    let ErrorKind::Throttled(exceeded) = refused.kind() else { unreachable!("{refused:?}") };
    assert_eq!(exceeded.retry_after + Duration::from_mins(10), LINK_WINDOW);
    world.outbox.take();
    world.clock.advance(exceeded.retry_after + Duration::from_micros(1));
    world.services.auth.request_verification(actor).await.unwrap();
    assert_eq!(world.post().await.len(), 1);
}

#[tokio::test]
async fn no_room_for_the_mail_is_told_to_who_asks_for_it() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.outbox.take();
    world.outbox.set_full(true);
    let calls = world.faults.calls();
    let refused = world.services.auth.request_verification(actor).await;
    assert!(matches!(refused, Err(AuthError::OutboxFull(_))), "{refused:?}");
    assert_eq!(world.faults.calls(), calls, "before anything is changed");
}
