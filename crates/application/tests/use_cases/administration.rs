//! What administrators may do, what owners may, and what nobody may.

use std::time::Duration;

use holdfast_application::{
    Actor, Patch,
    domain::{
        SessionId, UserId,
        sessions::{EndReason, EventKind},
        users::{Ban, BanReason, Name, Role},
    },
    ports::{ProfileChanges, Repositories as _},
    users::{BanWish, ListUsers, UserError},
};
use holdfast_testkit::{
    fixtures::{PASSWORD, account, at, owner},
    ids::unique,
};

use crate::world::{ADA, World, client};

const EVERYBODY: ListUsers = ListUsers { role: None, banned: None, page: 1, per_page: 10 };

fn wish() -> BanWish {
    BanWish { reason: Some(BanReason::stored("spam".into())), expires_at: Some(at(600)) }
}

fn is_forbidden<T: std::fmt::Debug>(answer: &Result<T, UserError>) -> bool {
    matches!(answer, Err(UserError::Forbidden))
}

/// Calls everything that needs the role, and tells whether all of it was forbidden.
async fn may_do_nothing(world: &World, actor: Actor, id: UserId) -> bool {
    let users = &world.services.users;
    let session = SessionId::new(unique());
    [
        is_forbidden(&users.show(actor, id).await),
        is_forbidden(&users.update(actor, id, &ProfileChanges::default()).await),
        is_forbidden(&users.set_role(actor, id, Role::Admin).await),
        is_forbidden(&users.ban(actor, id, wish()).await),
        is_forbidden(&users.unban(actor, id).await),
        is_forbidden(&users.sessions(actor, id).await),
        is_forbidden(&users.end_sessions(actor, id, &client()).await),
        is_forbidden(&users.end_session(actor, id, session, &client()).await),
        is_forbidden(&users.linked_accounts(actor, id).await),
        is_forbidden(&users.list(actor, EVERYBODY).await),
        matches!(users.nobody(actor).await, UserError::Forbidden),
    ]
    .iter()
    .all(|forbidden| *forbidden)
}

#[tokio::test]
async fn a_plain_account_may_do_nothing_to_others_whether_or_not_they_exist() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let other = account().build();
    world.insert(&other).await;
    assert!(may_do_nothing(&world, actor, other.user.id).await);
    assert!(may_do_nothing(&world, actor, owner()).await);
    assert_eq!(world.account(other.user.email.as_str()).await, Some(other));
}

#[tokio::test]
async fn a_role_that_only_the_token_has_administrates_nothing() {
    let world = World::new();
    let other = account().build();
    world.insert(&other).await;
    let admin = world.admin().await;
    assert!(world.rows.users().set_role(admin.user, Role::User, at(1)).await.unwrap());
    assert_eq!(admin.role, Role::Admin);
    assert!(may_do_nothing(&world, admin, other.user.id).await);
}

#[tokio::test]
async fn a_banned_administrator_administrates_nothing() {
    let world = World::new();
    let other = account().build();
    world.insert(&other).await;
    let admin = world.admin().await;
    let ban = Ban { at: at(0), reason: None, expires_at: None };
    assert!(world.rows.users().set_ban(admin.user, Some(&ban), at(1)).await.unwrap());
    assert!(may_do_nothing(&world, admin, other.user.id).await);
}

#[tokio::test]
async fn an_administrator_is_told_who_does_not_exist() {
    let world = World::new();
    let admin = world.admin().await;
    let (users, id) = (&world.services.users, owner());
    let missing =
        |answer: Option<UserError>| assert!(matches!(answer, Some(UserError::NotFound)), "{answer:?}");
    missing(users.show(admin, id).await.err());
    missing(users.update(admin, id, &ProfileChanges::default()).await.err());
    missing(users.set_role(admin, id, Role::User).await.err());
    missing(users.ban(admin, id, wish()).await.err());
    missing(users.unban(admin, id).await.err());
    missing(users.sessions(admin, id).await.err());
    missing(users.end_sessions(admin, id, &client()).await.err());
    missing(users.linked_accounts(admin, id).await.err());
    missing(Some(users.nobody(admin).await));
}

#[tokio::test]
async fn a_ban_ends_all_sessions_and_holds_until_its_end() {
    let world = World::new();
    let admin = world.admin().await;
    let signed_in = world.sign_up(ADA).await;
    let (users, id) = (&world.services.users, signed_in.user.id);
    world.clock.set(at(5));
    let banned = users.ban(admin, id, wish()).await.unwrap();
    assert_eq!(world.account(ADA).await.unwrap().user, banned);
    assert_eq!((banned.updated_at, banned.ban.unwrap().at), (at(5), at(5)));
    assert!(!world.admits(&signed_in.access.token).await);
    assert!(world.refresh(&signed_in.refresh.token).await.is_err());
    assert_eq!(world.session(&signed_in).await.ended, Some((at(5), EndReason::Banned.into())));
    assert!(world.sign_in(ADA, PASSWORD).await.is_err());
    world.clock.set(at(600));
    assert!(world.sign_in(ADA, PASSWORD).await.is_ok());
    let history = world.history(id).await;
    assert_eq!(history[1..], [EventKind::SignInFailed, EventKind::UserBanned, EventKind::SignedUp]);
}

#[tokio::test]
async fn a_ban_may_not_end_before_it_begins() {
    let world = World::new();
    let admin = world.admin().await;
    let signed_in = world.sign_up(ADA).await;
    let over = BanWish { reason: None, expires_at: Some(at(0)) };
    let refused = world.services.users.ban(admin, signed_in.user.id, over).await;
    assert!(matches!(refused, Err(UserError::BanEndsTooEarly(_))), "{refused:?}");
    assert!(world.admits(&signed_in.access.token).await);
}

#[tokio::test]
async fn a_ban_is_lifted_once() {
    let world = World::new();
    let admin = world.admin().await;
    let signed_in = world.sign_up(ADA).await;
    let (users, id) = (&world.services.users, signed_in.user.id);
    users.ban(admin, id, wish()).await.unwrap();
    assert_eq!(users.unban(admin, id).await.unwrap().ban, None);
    assert_eq!(users.unban(admin, id).await.unwrap().ban, None);
    assert!(world.sign_in(ADA, PASSWORD).await.is_ok());
    assert!(!world.admits(&signed_in.access.token).await, "what has ended stays so");
    let history = world.history(id).await;
    assert_eq!(history.iter().filter(|kind| **kind == EventKind::UserUnbanned).count(), 1);
}

#[tokio::test]
async fn another_role_ends_all_sessions_and_the_same_role_none() {
    let world = World::new();
    let admin = world.admin().await;
    let signed_in = world.sign_up(ADA).await;
    let (users, id) = (&world.services.users, signed_in.user.id);
    users.set_role(admin, id, Role::User).await.unwrap();
    assert!(world.admits(&signed_in.access.token).await);
    let promoted = users.set_role(admin, id, Role::Admin).await.unwrap();
    assert_eq!(world.account(ADA).await.unwrap().user, promoted);
    assert!(!world.admits(&signed_in.access.token).await);
    assert_eq!(world.history(id).await, [EventKind::RoleChanged, EventKind::SignedUp]);
}

#[tokio::test]
async fn an_administrator_does_not_shut_themselves_out() {
    let world = World::new();
    let admin = world.admin().await;
    let users = &world.services.users;
    let banned = users.ban(admin, admin.user, wish()).await;
    assert!(matches!(banned, Err(UserError::OwnAccount)), "{banned:?}");
    let demoted = users.set_role(admin, admin.user, Role::User).await;
    assert!(matches!(demoted, Err(UserError::OwnAccount)), "{demoted:?}");
    assert!(users.set_role(admin, admin.user, Role::Admin).await.is_ok());
    assert_eq!(world.unended(admin.user).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_administrators_who_demote_each_other_one_is_left() {
    for _ in 0..20 {
        let world = World::new();
        let (one, two) = (world.admin().await, world.admin().await);
        let tasks = [(one, two), (two, one)].map(|(by, whom)| {
            let world = world.clone();
            tokio::spawn(async move { world.services.users.set_role(by, whom.user, Role::User).await })
        });
        let mut done = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => done += 1,
                Err(error) => assert!(matches!(error, UserError::Forbidden), "{error:?}"),
            }
        }
        assert_eq!(done, 1);
    }
}

#[tokio::test]
async fn owners_change_what_is_theirs_to_decide() {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    let changes =
        ProfileChanges { name: Patch::Set(Name::new("Countess".into()).unwrap()), image: Patch::Keep };
    world.clock.set(at(3));
    let updated = world.services.users.update(actor, actor.user, &changes).await.unwrap();
    assert_eq!((updated.name.as_ref().map(Name::as_str), updated.updated_at), (Some("Countess"), at(3)));
    assert_eq!(world.services.users.show(actor, actor.user).await.unwrap(), updated);
    assert_eq!(world.services.users.linked_accounts(actor, actor.user).await.unwrap(), []);
}

#[tokio::test]
async fn owners_see_and_end_their_sessions() {
    let world = World::new();
    let first = world.sign_up(ADA).await;
    world.clock.advance(Duration::from_secs(1));
    let second = world.sign_in(ADA, PASSWORD).await.unwrap();
    let actor = world.actor(&first).await;
    let (users, id) = (&world.services.users, actor.user);
    let seen = users.sessions(actor, id).await.unwrap();
    assert_eq!(seen.iter().map(|session| session.id).collect::<Vec<_>>(), [second.session, first.session]);
    users.end_session(actor, id, second.session, &client()).await.unwrap();
    let again = users.end_session(actor, id, second.session, &client()).await;
    assert!(matches!(again, Err(UserError::SessionNotFound)), "{again:?}");
    assert!(!world.admits(&second.access.token).await);
    assert_eq!(users.sessions(actor, id).await.unwrap().len(), 1);
    assert_eq!(users.end_sessions(actor, id, &client()).await.unwrap(), 1);
    assert_eq!(world.history(id).await[..2], [EventKind::SignedOutEverywhere, EventKind::SignedOut]);
    assert_eq!(world.session(&first).await.ended.unwrap().1, EndReason::SignedOut.into());
}

#[tokio::test]
async fn administrators_see_and_end_sessions_of_others() {
    let world = World::new();
    let admin = world.admin().await;
    let (first, second) = (world.sign_up(ADA).await, world.sign_in(ADA, PASSWORD).await.unwrap());
    let (users, id) = (&world.services.users, first.user.id);
    assert_eq!(users.sessions(admin, id).await.unwrap().len(), 2);
    users.end_session(admin, id, first.session, &client()).await.unwrap();
    assert_eq!(users.end_sessions(admin, id, &client()).await.unwrap(), 1);
    assert_eq!(world.session(&second).await.ended.unwrap().1, EndReason::Administrator.into());
    let events = world.rows.audit().latest(id, None, 2).await.unwrap();
    for event in &events {
        assert_eq!(event.kind, EventKind::SessionEnded.into());
        assert_eq!(event.client, holdfast_application::domain::sessions::Client::default());
    }
    assert_eq!((events[0].session, events[1].session), (None, Some(first.session)));
}

#[tokio::test]
async fn accounts_are_listed_a_page_at_a_time() {
    let world = World::new();
    let admin = world.admin().await;
    for n in 1..=4 {
        let mut account = account().build();
        account.user.created_at = at(n);
        world.insert(&account).await;
    }
    let users = &world.services.users;
    let page = |page| users.list(admin, ListUsers { per_page: 2, page, ..EVERYBODY });
    let (first, last) = (page(1).await.unwrap(), page(3).await.unwrap());
    assert_eq!((first.total, first.users.len(), last.users.len()), (5, 2, 1));
    assert_eq!(first.users[0].created_at, at(4));
    assert_eq!(last.users[0].id, admin.user);
    assert_eq!(page(u64::MAX).await.unwrap().users, []);
    let admins = users.list(admin, ListUsers { role: Some(Role::Admin), ..EVERYBODY }).await.unwrap();
    assert_eq!((admins.total, admins.users[0].id), (1, admin.user));
}
