//! What the operator does to accounts at the command line: the same use cases, and without an account of their own.

use holdfast_application::{
    domain::{
        UserId,
        sessions::{EndReason, EventKind},
        users::{Account, Email, NewPassword, Password, Role},
    },
    ports::{Repositories as _, UserPosition},
    users::{BanWish, Caller, SetPasswordError, UserError, UserSearch, UserState},
};
use holdfast_testkit::{fixtures::account, ids::unique};

use crate::world::{ADA, World, client};

const FOREVER: BanWish = BanWish { reason: None, expires_at: None };

fn new_password() -> NewPassword {
    let email = Email::new(ADA.to_owned()).unwrap();
    NewPassword::new(Password::new("quite another staple".to_owned()), &email).unwrap()
}

#[tokio::test]
async fn the_operator_needs_no_account_and_ends_sessions_as_an_administrator_does() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let (users, id) = (&world.services.users, signed_in.user.id);
    assert_eq!(users.sessions(Caller::Operator, id).await.unwrap().len(), 1);
    users.ban(Caller::Operator, id, FOREVER).await.unwrap();
    assert!(!world.admits(&signed_in.access.token).await);
    assert_eq!(users.unban(Caller::Operator, id).await.unwrap().ban, None);
    users.set_role(Caller::Operator, id, Role::Admin).await.unwrap();
    assert_eq!(users.end_sessions(Caller::Operator, id, &client()).await.unwrap(), 0);
    let events =
        [EventKind::RoleChanged, EventKind::UserUnbanned, EventKind::UserBanned, EventKind::SignedUp];
    assert_eq!(world.history(id).await, events);
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new();
    let one = world.admin().await.user;
    let users = &world.services.users;
    for refused in [
        users.ban(Caller::Operator, one, FOREVER).await,
        users.set_role(Caller::Operator, one, Role::User).await,
    ] {
        assert!(matches!(refused, Err(UserError::LastAdministrator)), "{refused:?}");
    }
    assert!(users.set_role(Caller::Operator, one, Role::Admin).await.is_ok());
    // One who is banned administrates nothing.
    let two = world.admin().await.user;
    users.ban(Caller::Operator, two, FOREVER).await.unwrap();
    assert!(matches!(
        users.set_role(Caller::Operator, one, Role::User).await,
        Err(UserError::LastAdministrator)
    ));
    users.set_role(Caller::Operator, two, Role::User).await.unwrap();
    users.set_role(Caller::Operator, two, Role::Admin).await.unwrap();
    users.unban(Caller::Operator, two).await.unwrap();
    users.set_role(Caller::Operator, one, Role::User).await.unwrap();
}

#[tokio::test]
async fn a_password_that_the_operator_sets_ends_whatever_was_given_out() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let (users, id) = (&world.services.users, signed_in.user.id);
    assert_eq!(users.set_password(id, &new_password()).await.unwrap(), 1);
    assert!(!world.admits(&signed_in.access.token).await);
    let [session] = world.rows.sessions().list(id, None, 9).await.unwrap().try_into().unwrap();
    assert_eq!(session.ended.map(|(_, reason)| reason), Some(EndReason::PasswordChanged.into()));
    assert_eq!(world.history(id).await, [EventKind::PasswordReset, EventKind::SignedUp]);
    assert!(!world.account(ADA).await.unwrap().user.email_verified);
    let missing = users.set_password(UserId::new(unique()), &new_password()).await;
    assert!(matches!(missing, Err(SetPasswordError::Missing)), "{missing:?}");
}

#[tokio::test]
async fn a_placeholder_gets_no_password() {
    let world = World::new();
    let mut orphan = account().hash(None).build();
    orphan.user.active = false;
    orphan.user.email = Email::stored(format!("orphan-{}@placeholder.invalid", orphan.user.id));
    world.rows.users().insert(&orphan).await.unwrap();
    let refused = world.services.users.set_password(orphan.user.id, &new_password()).await;
    assert!(matches!(refused, Err(SetPasswordError::Placeholder)), "{refused:?}");
}

#[tokio::test]
async fn accounts_are_found_by_their_address_their_id_and_their_state() {
    let world = World::new();
    let ada = world.sign_up(ADA).await.user;
    let mut off: Account = account().build();
    off.user.active = false;
    world.rows.users().insert(&off).await.unwrap();
    let users = &world.services.users;
    assert_eq!(users.find_by_email(&ADA.to_uppercase()).await.unwrap().id, ada.id);
    assert_eq!(users.find_by_id(off.user.id).await.unwrap(), off.user);
    for missing in
        [users.find_by_email("nobody@example.com").await, users.find_by_id(UserId::new(unique())).await]
    {
        assert!(matches!(missing, Err(UserError::NotFound)), "{missing:?}");
    }
    let found = async |state| {
        let search = UserSearch { state, ..UserSearch::default() };
        let found = users.search(&search, None, 9).await.unwrap();
        found.iter().map(|user| (user.id, users.state(user))).collect::<Vec<_>>()
    };
    assert_eq!(found(Some(UserState::Active)).await, [(ada.id, UserState::Active)]);
    assert_eq!(found(Some(UserState::Inactive)).await, [(off.user.id, UserState::Inactive)]);
    users.ban(Caller::Operator, off.user.id, FOREVER).await.unwrap();
    assert_eq!(found(Some(UserState::Banned)).await, [(off.user.id, UserState::Banned)]);
    assert_eq!(found(Some(UserState::Inactive)).await, []);
    assert_eq!(found(None).await.len(), 2);
    let all = users.search(&UserSearch::default(), None, 1).await.unwrap();
    let rest = users.search(&UserSearch::default(), all.last().map(UserPosition::behind), 9).await.unwrap();
    assert_eq!((all.len(), rest.len()), (1, 1));
    let search = UserSearch { email_prefix: Some(ADA[..2].to_uppercase()), ..UserSearch::default() };
    assert_eq!(users.search(&search, None, 9).await.unwrap().first().map(|user| user.id), Some(ada.id));
}
