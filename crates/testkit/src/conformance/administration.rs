//! Accounts as their administration and their owners change them.

use std::{collections::BTreeSet, time::Duration};

use holdfast_application::{
    Patch,
    domain::{
        UserId,
        sessions::EventKind,
        users::{Account, Ban, BanReason, Email, Image, LinkedAccount, Name, Role, User},
    },
    ports::{ProfileChanges, TaskFilter, UserFilter, UserPosition, UserQuery},
};

use super::Fresh;
use crate::{
    fixtures::{account, at, ends_of_time, event, micros, session, task},
    ids::unique,
};

/// Long enough that whoever does not wait would be done.
const MOMENT: Duration = Duration::from_millis(150);

async fn insert(fresh: &Fresh, account: Account) -> User {
    fresh.store.users().insert(&account).await.unwrap();
    account.user
}

fn ban(seconds: u64) -> Ban {
    Ban { at: at(0), reason: None, expires_at: Some(at(seconds)) }
}

fn everybody() -> UserFilter {
    UserFilter { role: None, banned: None, active: None, email_prefix: None, at: at(0) }
}

/// The ids of `users` in the order of the list, whatever else is in it.
async fn listed(fresh: &Fresh, filter: UserFilter, users: &[User]) -> Vec<UserId> {
    let query = UserQuery { filter: filter.clone(), behind: None, offset: 0, limit: u64::MAX };
    let all = fresh.store.users().list(query).await.unwrap();
    assert_eq!(fresh.store.users().count(filter).await.unwrap(), all.len() as u64);
    let own: BTreeSet<UserId> = users.iter().map(|user| user.id).collect();
    all.iter().map(|user| user.id).filter(|id| own.contains(id)).collect()
}

/// An account is found by its id with its credential.
pub async fn an_account_comes_with_its_credential(fresh: &Fresh) {
    for account in [account().build(), account().hash(None).build()] {
        fresh.store.users().insert(&account).await.unwrap();
        assert_eq!(fresh.store.users().find_account(account.user.id).await.unwrap(), Some(account));
    }
    assert_eq!(fresh.store.users().find_account(UserId::new(unique())).await.unwrap(), None);
}

/// Until the unit of work ends, no other MUST be able to hold the account; it MUST answer the account as it is then.
pub async fn a_held_account_keeps_others_waiting(fresh: &Fresh) {
    let ada = insert(fresh, account().build()).await;
    let work = fresh.store.begin().await.unwrap();
    assert_eq!(work.users().lock(ada.id).await.unwrap().map(|account| account.user), Some(ada.clone()));
    let (store, id) = (fresh.store.clone(), ada.id);
    let other = tokio::spawn(async move {
        let work = store.begin().await.unwrap();
        work.users().lock(id).await.unwrap().unwrap().user.role
    });
    tokio::time::sleep(MOMENT).await;
    assert!(!other.is_finished(), "two units of work hold one account");
    work.users().set_role(ada.id, Role::Admin, at(1)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(other.await.unwrap(), Role::Admin);
    let work = fresh.store.begin().await.unwrap();
    assert_eq!(work.users().lock(UserId::new(unique())).await.unwrap(), None);
}

/// … nor to change or delete it.
pub async fn a_held_account_is_neither_changed_nor_deleted(fresh: &Fresh) {
    let ada = insert(fresh, account().build()).await;
    let work = fresh.store.begin().await.unwrap();
    work.users().lock(ada.id).await.unwrap().unwrap();
    let (store, id) = (fresh.store.clone(), ada.id);
    let other = tokio::spawn(async move {
        let work = store.begin().await.unwrap();
        work.users().set_ban(id, Some(&ban(9)), at(2)).await.unwrap();
        work.users().delete(id).await.unwrap();
        work.commit().await.unwrap();
    });
    tokio::time::sleep(MOMENT).await;
    assert!(!other.is_finished(), "a held account was changed");
    work.users().record_sign_in(ada.id, at(1)).await.unwrap();
    work.commit().await.unwrap();
    other.await.unwrap();
    assert_eq!(fresh.store.users().find(ada.id).await.unwrap(), None);
}

/// All accounts with the role `admin`, each held: of two who would leave one, only one does.
pub async fn held_administrators_cannot_both_go(fresh: &Fresh) {
    let ada = insert(fresh, account().role(Role::Admin).build()).await;
    let bob = insert(fresh, account().role(Role::Admin).build()).await;
    let plain = insert(fresh, account().build()).await;
    let work = fresh.store.begin().await.unwrap();
    let held: BTreeSet<UserId> =
        work.users().lock_admins().await.unwrap().into_iter().map(|user| user.id).collect();
    assert!(held.contains(&ada.id) && held.contains(&bob.id) && !held.contains(&plain.id));
    let (store, id) = (fresh.store.clone(), ada.id);
    let other = tokio::spawn(async move {
        let work = store.begin().await.unwrap();
        work.users().lock_admins().await.unwrap().iter().any(|admin| admin.id == id)
    });
    tokio::time::sleep(MOMENT).await;
    assert!(!other.is_finished(), "two units of work hold the administrators");
    work.users().set_role(ada.id, Role::User, at(1)).await.unwrap();
    work.commit().await.unwrap();
    assert!(!other.await.unwrap(), "whoever waited was told of an administrator of before");
}

/// The order MUST be total: by time of creation, ties by id, both descending.
pub async fn the_newest_accounts_come_first(fresh: &Fresh) {
    let mut users = Vec::new();
    for created in [at(5), ends_of_time()[0], at(5), micros(-1), at(5), ends_of_time()[1], at(6)] {
        let mut account = account().build();
        account.user.created_at = created;
        users.push(insert(fresh, account).await);
    }
    users.sort_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
    let expected: Vec<UserId> = users.iter().map(|user| user.id).collect();
    assert_eq!(listed(fresh, everybody(), &users).await, expected);
    let page = |offset, limit| {
        fresh.store.users().list(UserQuery { filter: everybody(), behind: None, offset, limit })
    };
    let all = page(0, u64::MAX).await.unwrap();
    assert_eq!(page(1, 2).await.unwrap(), all[1..3]);
    assert_eq!(page(u64::MAX, 5).await.unwrap(), []);
    assert_eq!(page(0, 0).await.unwrap(), []);
}

/// A ban that has ended at the filter's time MUST NOT count.
pub async fn accounts_are_filtered_by_role_and_by_bans_that_hold(fresh: &Fresh) {
    let forever = Ban { at: at(0), reason: None, expires_at: None };
    let users = [
        insert(fresh, account().build()).await,
        insert(fresh, account().role(Role::Admin).build()).await,
        insert(fresh, account().banned(ban(10)).build()).await,
        insert(fresh, account().role(Role::Admin).banned(forever).build()).await,
    ];
    for (role, banned, seconds, expected) in [
        (None, None, 0, vec![0, 1, 2, 3]),
        (Some(Role::Admin), None, 0, vec![1, 3]),
        (Some(Role::User), None, 0, vec![0, 2]),
        (None, Some(true), 9, vec![2, 3]),
        (None, Some(true), 10, vec![3]),
        (None, Some(false), 9, vec![0, 1]),
        (None, Some(false), 10, vec![0, 1, 2]),
        (Some(Role::User), Some(true), 9, vec![2]),
    ] {
        let filter = UserFilter { role, banned, at: at(seconds), ..everybody() };
        let found: BTreeSet<UserId> = listed(fresh, filter.clone(), &users).await.into_iter().collect();
        let expected: BTreeSet<UserId> = expected.into_iter().map(|n: usize| users[n].id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// `email_prefix` MUST be taken literally.
pub async fn accounts_are_filtered_by_their_state_and_by_how_their_address_begins(fresh: &Fresh) {
    let mark = unique().simple().to_string();
    let mut users = Vec::new();
    for (local, active) in [("a_1", true), ("a_2", false), ("aX1", true), ("ÄB", true), ("b%", true)] {
        let email = Email::new(format!("{mark}{local}@example.com")).unwrap();
        let mut account = account().build();
        (account.user.email, account.user.active) = (email, active);
        users.push(insert(fresh, account).await);
    }
    for (prefix, active, expected) in [
        ("", None, vec![0, 1, 2, 3, 4]),
        ("", Some(false), vec![1]),
        ("a", Some(true), vec![0, 2]),
        ("a_", None, vec![0, 1]),
        ("äb@ex", None, vec![3]),
        ("b%", None, vec![4]),
        ("%", None, vec![]),
        ("a\\_", None, vec![]),
        ("example", None, vec![]),
    ] {
        let email_prefix = Some(format!("{mark}{prefix}"));
        let filter = UserFilter { email_prefix, active, ..everybody() };
        let found: BTreeSet<UserId> = listed(fresh, filter, &users).await.into_iter().collect();
        let expected: BTreeSet<UserId> = expected.into_iter().map(|n: usize| users[n].id).collect();
        assert_eq!(found, expected, "{prefix} {active:?}");
    }
}

/// Pages that follow each other by place MUST show every account that is there throughout exactly once.
pub async fn accounts_come_and_go_while_their_list_is_read(fresh: &Fresh) {
    let mark = unique().simple().to_string();
    let named = |n: usize, created| {
        let mut account = account().build();
        account.user.email = Email::new(format!("{mark}{n}@example.com")).unwrap();
        account.user.created_at = created;
        account
    };
    let mut users = Vec::new();
    for (n, created) in [at(1), at(3), at(3), at(3), at(5)].into_iter().enumerate() {
        users.push(insert(fresh, named(n, created)).await);
    }
    users.sort_by_key(|user| std::cmp::Reverse((user.created_at, user.id)));
    let filter = UserFilter { email_prefix: Some(mark.clone()), ..everybody() };
    let page = |behind, limit| {
        fresh.store.users().list(UserQuery { filter: filter.clone(), behind, offset: 0, limit })
    };
    let mut seen = page(None, 2).await.unwrap();
    insert(fresh, named(9, at(7))).await;
    fresh.store.users().delete(seen[1].id).await.unwrap();
    for _ in 0..2 {
        let place = seen.last().map(UserPosition::behind);
        seen.extend(page(place, 2).await.unwrap());
    }
    assert_eq!(seen, users);
    assert_eq!(page(seen.last().map(UserPosition::behind), 2).await.unwrap(), []);
}

/// Changes the profile, and answers the account as it is then.
pub async fn a_profile_is_kept_cleared_and_set(fresh: &Fresh) {
    let mut ada = insert(fresh, account().name("Ada").build()).await;
    let bob = insert(fresh, account().build()).await;
    let (name, image) = (Name::stored("Ἀδα".into()), Image::stored("https://example.com/a".into()));
    for (n, changes) in [
        ProfileChanges { name: Patch::Keep, image: Patch::Set(image.clone()) },
        ProfileChanges { name: Patch::Set(name.clone()), image: Patch::Keep },
        ProfileChanges { name: Patch::Clear, image: Patch::Clear },
        ProfileChanges { name: Patch::Set(Name::stored(String::new())), image: Patch::Set(image) },
        ProfileChanges::default(),
    ]
    .into_iter()
    .enumerate()
    {
        changes.name.clone().apply(&mut ada.name);
        changes.image.clone().apply(&mut ada.image);
        ada.updated_at = at(n as u64 + 1);
        let updated = fresh.store.users().update(ada.id, &changes, ada.updated_at).await.unwrap();
        assert_eq!(updated.as_ref(), Some(&ada));
        assert_eq!(fresh.store.users().find(ada.id).await.unwrap().as_ref(), Some(&ada));
    }
    assert_eq!(fresh.store.users().find(bob.id).await.unwrap(), Some(bob));
    let nobody = UserId::new(unique());
    assert_eq!(fresh.store.users().update(nobody, &ProfileChanges::default(), at(1)).await.unwrap(), None);
}

/// Sets the ban, or lifts it. False when there is no such account.
pub async fn a_ban_is_set_replaced_and_lifted(fresh: &Fresh) {
    let mut ada = insert(fresh, account().build()).await;
    let bob = insert(fresh, account().build()).await;
    let reason = Some(BanReason::stored("späm".into()));
    let bans = [
        Some(Ban { at: micros(7), reason, expires_at: Some(ends_of_time()[1]) }),
        Some(Ban { at: at(2), reason: None, expires_at: None }),
        None,
    ];
    for (n, ban) in bans.into_iter().enumerate() {
        ada.updated_at = at(n as u64 + 1);
        assert!(fresh.store.users().set_ban(ada.id, ban.as_ref(), ada.updated_at).await.unwrap());
        ada.ban = ban;
        assert_eq!(fresh.store.users().find(ada.id).await.unwrap().as_ref(), Some(&ada));
    }
    assert_eq!(fresh.store.users().find(bob.id).await.unwrap(), Some(bob));
    assert!(!fresh.store.users().set_ban(UserId::new(unique()), None, at(1)).await.unwrap());
}

/// Tasks, sessions and links MUST go with the account; its history MUST stay.
pub async fn a_deleted_account_takes_its_rows_along(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let mut sessions = Vec::new();
    for owner in [ada, bob] {
        fresh.store.tasks().insert(&task(owner).build()).await.unwrap();
        sessions.push(session(owner));
        fresh.store.sessions().insert(&sessions[sessions.len() - 1]).await.unwrap();
        fresh.store.audit().append(&event(owner, EventKind::AccountDeleted, at(1))).await.unwrap();
        if let Some(adopt) = &fresh.adopt {
            adopt.link(owner, &link("1", 0)).await.unwrap();
        }
    }
    assert!(fresh.store.users().delete(ada).await.unwrap());
    assert!(!fresh.store.users().delete(ada).await.unwrap());
    let links = usize::from(fresh.adopt.is_some());
    for (owner, session, rows) in [(ada, &sessions[0], 0), (bob, &sessions[1], 1)] {
        assert_eq!(fresh.store.users().find(owner).await.unwrap().is_some(), rows == 1);
        assert_eq!(fresh.store.tasks().count(owner, &TaskFilter::default()).await.unwrap(), rows);
        assert_eq!(fresh.store.sessions().find(owner, session.id).await.unwrap().is_some(), rows == 1);
        let linked = fresh.store.users().linked_accounts(owner).await.unwrap().len();
        assert_eq!(linked, if rows == 1 { links } else { 0 });
        assert_eq!(fresh.store.audit().latest(owner, None, 9).await.unwrap().len(), 1);
    }
}

/// An address is free again once its account is gone.
pub async fn the_address_of_a_deleted_account_is_free(fresh: &Fresh) {
    let ada = account().build();
    fresh.store.users().insert(&ada).await.unwrap();
    fresh.store.users().delete(ada.user.id).await.unwrap();
    let again = account().email(ada.user.email.as_str()).build();
    fresh.store.users().insert(&again).await.unwrap();
    let found = fresh.store.users().find_by_email(ada.user.email.as_str()).await.unwrap();
    assert_eq!(found, Some(again));
}

fn link(id: &str, seconds: u64) -> LinkedAccount {
    LinkedAccount {
        id: id.to_owned(),
        provider_id: "gïthub".into(),
        account_id: format!("#{id}"),
        created_at: micros(at(seconds).micros() + 1),
        updated_at: at(seconds),
    }
}

/// The links of the account, the oldest first, ties by id, as they came.
pub async fn links_come_back_as_they_went_in(fresh: &Fresh) {
    let Some(adopt) = &fresh.adopt else { return };
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let links = [link("b", 1), link("a", 2), link("c", 2)];
    for n in [2, 0, 1] {
        adopt.link(ada, &links[n]).await.unwrap();
    }
    adopt.link(bob, &links[0]).await.unwrap();
    assert_eq!(fresh.store.users().linked_accounts(ada).await.unwrap(), links);
    assert_eq!(fresh.store.users().linked_accounts(bob).await.unwrap(), links[..1]);
    assert_eq!(fresh.store.users().linked_accounts(UserId::new(unique())).await.unwrap(), []);
}
