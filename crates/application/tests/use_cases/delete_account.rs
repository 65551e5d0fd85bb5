//! Deleting one's own account.

use holdfast_application::{
    domain::{
        sessions::EventKind,
        users::{Password, Role},
    },
    ports::{Repositories as _, TaskFilter},
    users::UserError,
};
use holdfast_testkit::fixtures::{PASSWORD, account, task};

use crate::world::{ADA, World, client};

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

#[tokio::test]
async fn everything_goes_but_the_history() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    world.rows.tasks().insert(&task(actor.user).build()).await.unwrap();
    world.services.users.delete_account(actor, &password(PASSWORD), None, &client()).await.unwrap();
    assert_eq!(world.account(ADA).await, None);
    assert_eq!(world.rows.tasks().count(actor.user, &TaskFilter::default()).await.unwrap(), 0);
    assert!(!world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(actor.user).await, [EventKind::AccountDeleted, EventKind::SignedUp]);
    assert!(world.sign_in(ADA, PASSWORD).await.is_err());
    let again = world.services.users.delete_account(actor, &password(PASSWORD), None, &client()).await;
    assert!(matches!(again, Err(UserError::AccountGone)), "{again:?}");
}

#[tokio::test]
async fn a_wrong_password_deletes_nothing_and_is_written_down() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let refused = world.services.users.delete_account(actor, &password("wrong horse"), None, &client()).await;
    assert!(matches!(refused, Err(UserError::PasswordWrong)), "{refused:?}");
    assert!(world.account(ADA).await.is_some());
    assert_eq!(world.history(actor.user).await, [EventKind::SignInFailed, EventKind::SignedUp]);
    assert_eq!(world.unended(actor.user).await.len(), 1);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new();
    let admin = world.admin().await;
    let inactive = account().role(Role::Admin).inactive().build();
    world.insert(&inactive).await;
    let users = &world.services.users;
    let refused = users.delete_account(admin, &password(PASSWORD), None, &client()).await;
    assert!(matches!(refused, Err(UserError::LastAdministrator)), "{refused:?}");
    let other = world.admin().await;
    users.delete_account(admin, &password(PASSWORD), None, &client()).await.unwrap();
    let refused = users.delete_account(other, &password(PASSWORD), None, &client()).await;
    assert!(matches!(refused, Err(UserError::LastAdministrator)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_administrators_who_leave_at_once_one_stays() {
    for _ in 0..20 {
        let world = World::new();
        let tasks = [world.admin().await, world.admin().await].map(|admin| {
            let world = world.clone();
            tokio::spawn(async move {
                world.services.users.delete_account(admin, &password(PASSWORD), None, &client()).await
            })
        });
        let mut gone = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => gone += 1,
                Err(error) => assert!(matches!(error, UserError::LastAdministrator), "{error:?}"),
            }
        }
        assert_eq!(gone, 1);
    }
}
