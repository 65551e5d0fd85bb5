//! Making an administrator.

use holdfast_application::{
    domain::{
        sessions::{EndReason, EventKind},
        users::{Email, NewPassword, Role},
    },
    ports::Repositories as _,
    users::{AdminMade, CreateAdminError},
};
use holdfast_testkit::fixtures::{PASSWORD, at};

use crate::world::{ADA, World, new_password};

const ROOT: &str = "root@example.com";

fn email(text: &str) -> Email {
    Email::new(text.to_owned()).unwrap()
}

fn password() -> NewPassword {
    new_password(PASSWORD, &email(ROOT))
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_made_with_the_role() {
    let world = World::new();
    let made = world.services.users.create_admin(email(ROOT), Some(&password())).await.unwrap();
    let account = world.account(ROOT).await.unwrap();
    assert_eq!(made, AdminMade::Created(account.user.id));
    assert_eq!((account.user.role, account.user.last_sign_in_at), (Role::Admin, None));
    assert_eq!(world.history(account.user.id).await, [EventKind::SignedUp]);
    assert_eq!(world.unended(account.user.id).await, []);
    let signed_in = world.sign_in(ROOT, PASSWORD).await.unwrap();
    assert_eq!(world.actor(&signed_in).await.role, Role::Admin);
}

#[tokio::test]
async fn without_a_password_no_account_is_made() {
    let world = World::new();
    let refused = world.services.users.create_admin(email(ROOT), None).await;
    assert!(matches!(refused, Err(CreateAdminError::PasswordMissing)), "{refused:?}");
    assert_eq!(world.account(ROOT).await, None);
}

#[tokio::test]
async fn an_account_that_exists_is_promoted_keeps_its_password_and_signs_in_anew() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let before = world.account(ADA).await.unwrap();
    world.clock.set(at(7));
    let other = new_password("another password", &email(ADA));
    let made = world.services.users.create_admin(email("ada@example.com"), Some(&other)).await.unwrap();
    assert_eq!(made, AdminMade::Promoted(before.user.id));
    let after = world.account(ADA).await.unwrap();
    assert_eq!((after.user.role, after.user.updated_at), (Role::Admin, at(7)));
    assert_eq!(after.password_hash, before.password_hash);
    assert!(!world.admits(&signed_in.access.token).await);
    assert_eq!(world.session(&signed_in).await.ended, Some((at(7), EndReason::RoleChanged.into())));
    assert_eq!(world.history(after.user.id).await, [EventKind::RoleChanged, EventKind::SignedUp]);
}

#[tokio::test]
async fn an_account_that_vanishes_meanwhile_is_not_told_to_be_promoted() {
    let world = World::new();
    let user = world.sign_up(ADA).await.user.id;
    let rows = world.rows.clone();
    // account, begin
    world.faults.before_nth(2, async move { assert!(rows.users().delete(user).await.unwrap()) });
    let refused = world.services.users.create_admin(email(ADA), None).await;
    assert!(matches!(refused, Err(CreateAdminError::Vanished)), "{refused:?}");
    assert_eq!(world.history(user).await, [EventKind::SignedUp]);
}

#[tokio::test]
async fn an_administrator_stays_as_it_is() {
    let world = World::new();
    world.services.users.create_admin(email(ROOT), Some(&password())).await.unwrap();
    let signed_in = world.sign_in(ROOT, PASSWORD).await.unwrap();
    let made = world.services.users.create_admin(email(ROOT), None).await.unwrap();
    assert_eq!(made, AdminMade::Unchanged(signed_in.user.id));
    assert!(world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(signed_in.user.id).await, [EventKind::SignedIn, EventKind::SignedUp]);
}
