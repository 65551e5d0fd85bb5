//! Giving a placeholder account to somebody.

use holdfast_application::{
    domain::{
        UserId,
        sessions::EventKind,
        users::{Email, NewPassword},
    },
    ports::Repositories as _,
    users::ClaimError,
};
use holdfast_testkit::{
    fixtures::{PASSWORD, account, at},
    ids::unique,
};

use crate::world::{ADA, World, new_password};

const EVE: &str = "eve@example.com";

fn email(text: &str) -> Email {
    Email::new(text.to_owned()).unwrap()
}

fn password() -> NewPassword {
    new_password(PASSWORD, &email(EVE))
}

async fn placeholder(world: &World) -> UserId {
    let mut placeholder = account().hash(None).inactive().build();
    placeholder.user.email = Email::stored(format!("orphan-{}@placeholder.invalid", placeholder.user.id));
    world.insert(&placeholder).await;
    placeholder.user.id
}

#[tokio::test]
async fn whoever_gets_a_placeholder_signs_in_with_the_new_address() {
    let world = World::new();
    let id = placeholder(&world).await;
    world.clock.set(at(7));
    world.services.users.claim(id, &email(EVE), &password()).await.unwrap();
    let account = world.account(EVE).await.unwrap();
    assert!(!account.user.email_verified);
    assert_eq!((account.user.id, account.user.active, account.user.updated_at), (id, true, at(7)));
    assert_eq!(world.history(id).await, [EventKind::SignedUp]);
    assert_eq!(world.actor(&world.sign_in(EVE, PASSWORD).await.unwrap()).await.user, id);
    let again = world.services.users.claim(id, &email("mallory@example.com"), &password()).await;
    assert!(matches!(again, Err(ClaimError::NoPlaceholder)), "{again:?}");
}

#[tokio::test]
async fn an_account_whose_address_nobody_can_type_gets_another_and_ends_what_was_begun_without() {
    let world = World::new();
    let mut adopted = account().build();
    adopted.user.email = Email::stored("e\0ve@x".to_owned());
    world.insert(&adopted).await;
    let id = adopted.user.id;
    world.clock.set(at(7));
    world.services.users.claim(id, &email(EVE), &password()).await.unwrap();
    let found = world.account(EVE).await.unwrap();
    assert!(!found.user.email_verified, "nobody has seen that mail to the new address is read");
    assert_eq!((found.user.id, &found.user.name, found.user.updated_at), (id, &adopted.user.name, at(7)));
    // Both happened at once.
    let history = world.history(id).await;
    assert!(history.contains(&EventKind::EmailChanged) && history.contains(&EventKind::PasswordReset));
    assert_eq!(history.len(), 2);
    assert!(!world.rows.legacy_tokens().refuse_all(id, at(8)).await.unwrap());
    assert_eq!(world.actor(&world.sign_in(EVE, PASSWORD).await.unwrap()).await.user, id);
    let again = world.services.users.claim(id, &email("mallory@example.com"), &password()).await;
    assert!(matches!(again, Err(ClaimError::NoPlaceholder)), "{again:?}");
}

#[tokio::test]
async fn tokens_that_named_an_owner_without_an_account_end_when_somebody_gets_it() {
    let world = World::new();
    let id = placeholder(&world).await;
    world.services.users.claim(id, &email(EVE), &password()).await.unwrap();
    assert!(!world.rows.legacy_tokens().refuse_all(id, at(8)).await.unwrap());
}

#[tokio::test]
async fn an_account_that_belongs_to_somebody_cannot_be_claimed() {
    let world = World::new();
    let signed_up = world.actor(&world.sign_up(ADA).await).await.user;
    let (linked, deactivated) = (account().hash(None).build(), account().hash(None).inactive().build());
    world.insert(&linked).await;
    world.insert(&deactivated).await;
    for id in [signed_up, linked.user.id, deactivated.user.id] {
        let refused = world.services.users.claim(id, &email(EVE), &password()).await;
        assert!(matches!(refused, Err(ClaimError::NoPlaceholder)), "{refused:?}");
    }
    let missing = world.services.users.claim(UserId::new(unique()), &email(EVE), &password()).await;
    assert!(matches!(missing, Err(ClaimError::Missing)), "{missing:?}");
    assert_eq!(world.account(EVE).await, None);
}

#[tokio::test]
async fn an_address_that_is_taken_leaves_the_placeholder_as_it_was() {
    let world = World::new();
    world.sign_up(ADA).await;
    let id = placeholder(&world).await;
    let before = world.rows.users().find_account(id).await.unwrap();
    let refused = world.services.users.claim(id, &email(&ADA.to_uppercase()), &password()).await;
    assert!(matches!(refused, Err(ClaimError::EmailTaken)), "{refused:?}");
    assert_eq!(world.rows.users().find_account(id).await.unwrap(), before);
    assert_eq!(world.history(id).await, []);
}
