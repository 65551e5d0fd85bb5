//! Accounts in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp, UserId,
        text::fold,
        users::{Account, Ban, Email, LinkedAccount, PasswordHash, Role, User},
    },
    ports::{ProfileChanges, StoreError, Unique, UserFilter, UserQuery, UserRepository},
};

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> UserRepository for Rows<A> {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.0.read(|tables| tables.users.get(&id).map(|row| row.account.user.clone()))
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.0.read(|tables| tables.users.get(&id).map(|row| row.account.clone()))
    }

    // A unit of work is the only writer there is, so that whatever it reads is held.
    async fn lock(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.find_account(id).await
    }

    async fn lock_admins(&self) -> Result<Vec<User>, StoreError> {
        self.0.read(|tables| {
            let users = tables.users.values().map(|row| &row.account.user);
            users.filter(|user| user.role == Role::Admin).cloned().collect()
        })
    }

    async fn list(&self, query: UserQuery) -> Result<Vec<User>, StoreError> {
        let UserQuery { filter, behind, offset, limit } = query;
        let [offset, limit] = [offset, limit].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        self.0.read(|tables| {
            let mut users: Vec<&User> = matching(tables, &filter).collect();
            users.retain(|user| {
                behind.is_none_or(|place| (user.created_at, user.id) < (place.created_at, place.id))
            });
            users.sort_by_key(|user| Reverse((user.created_at, user.id)));
            users.into_iter().skip(offset).take(limit).cloned().collect()
        })
    }

    async fn count(&self, filter: UserFilter) -> Result<u64, StoreError> {
        self.0.read(|tables| matching(tables, &filter).count() as u64)
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        self.0.read(|tables| find_by_email(tables, email).cloned())
    }

    async fn insert(&self, account: &Account) -> Result<(), StoreError> {
        self.0.write(|tables| tables.insert_account(account, true)).await
    }

    async fn record_sign_in(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let record = |tables: &mut Tables| {
            let row = tables.users.get_mut(&id);
            Ok(row.map(|row| row.account.user.last_sign_in_at = Some(at)).is_some())
        };
        self.0.write(record).await
    }

    async fn replace_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replace = |tables: &mut Tables| {
            let hash = tables.users.get_mut(&id).map(|row| &mut row.account.password_hash);
            let current = hash.filter(|hash| hash.as_ref() == Some(old));
            Ok(current.map(|hash| *hash = Some(new.clone())).is_some())
        };
        self.0.write(replace).await
    }

    async fn set_password(&self, id: UserId, hash: &PasswordHash, at: Timestamp) -> Result<bool, StoreError> {
        let set = |tables: &mut Tables| {
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            row.account.password_hash = Some(hash.clone());
            row.account.user.updated_at = at;
            Ok(true)
        };
        self.0.write(set).await
    }

    async fn claim_placeholder(
        &self,
        id: UserId,
        email: &Email,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let claim = |tables: &mut Tables| {
            let taken = is_taken(tables, id, email);
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            if row.account.user.active || row.account.password_hash.is_some() {
                return Ok(false);
            }
            if taken {
                return Err(StoreError::Duplicate(Unique::Email));
            }
            row.claims = true;
            row.account.password_hash = Some(hash.clone());
            let user = &mut row.account.user;
            user.email = email.clone();
            user.active = true;
            user.updated_at = at;
            Ok(true)
        };
        self.0.write(claim).await
    }

    async fn verify_email(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let verify = |tables: &mut Tables| {
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            row.account.user.email_verified = true;
            row.account.user.updated_at = at;
            Ok(true)
        };
        self.0.write(verify).await
    }

    async fn change_email(
        &self,
        id: UserId,
        email: &Email,
        verified: bool,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let change = |tables: &mut Tables| {
            let taken = is_taken(tables, id, email);
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            if taken {
                return Err(StoreError::Duplicate(Unique::Email));
            }
            row.claims = true;
            let user = &mut row.account.user;
            user.email = email.clone();
            user.email_verified = verified;
            user.updated_at = at;
            Ok(true)
        };
        self.0.write(change).await
    }

    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        let set = |tables: &mut Tables| {
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            row.account.user.role = role;
            row.account.user.updated_at = at;
            Ok(true)
        };
        self.0.write(set).await
    }

    async fn update(
        &self,
        id: UserId,
        changes: &ProfileChanges,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let update = |tables: &mut Tables| {
            let ProfileChanges { name, image } = changes.clone();
            Ok(tables.users.get_mut(&id).map(|row| {
                let user = &mut row.account.user;
                name.apply(&mut user.name);
                image.apply(&mut user.image);
                user.updated_at = at;
                user.clone()
            }))
        };
        self.0.write(update).await
    }

    async fn set_ban(&self, id: UserId, ban: Option<&Ban>, at: Timestamp) -> Result<bool, StoreError> {
        let set = |tables: &mut Tables| {
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            row.account.user.ban = ban.cloned();
            row.account.user.updated_at = at;
            Ok(true)
        };
        self.0.write(set).await
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.0.write(|tables| Ok(tables.delete_account(id))).await
    }

    async fn linked_accounts(&self, id: UserId) -> Result<Vec<LinkedAccount>, StoreError> {
        self.0.read(|tables| {
            let own = tables.links.iter().filter(|((owner, _), _)| *owner == id);
            let mut links: Vec<LinkedAccount> = own.map(|(_, link)| link.clone()).collect();
            links.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
            links
        })
    }
}

fn matching<'a>(tables: &'a Tables, filter: &'a UserFilter) -> impl Iterator<Item = &'a User> {
    let UserFilter { role, banned, active, email_prefix, at } = filter;
    tables.users.values().map(|row| &row.account.user).filter(move |user| {
        role.is_none_or(|role| user.role == role)
            && banned.is_none_or(|banned| user.ban_at(*at).is_some() == banned)
            && active.is_none_or(|active| user.active == active)
            && email_prefix.as_ref().is_none_or(|prefix| user.email.folded().starts_with(prefix))
    })
}

/// Whether another account owns the address.
fn is_taken(tables: &Tables, id: UserId, email: &Email) -> bool {
    let folded = email.folded();
    let mut others = tables.users.iter().filter(|(other, _)| **other != id);
    others.any(|(_, row)| row.claims && row.account.user.email.folded() == folded)
}

fn find_by_email<'a>(tables: &'a Tables, email: &str) -> Option<&'a Account> {
    let folded = fold(email);
    let alike: Vec<&Account> = tables
        .users
        .values()
        .map(|row| &row.account)
        .filter(|account| account.user.email.folded() == folded)
        .collect();
    let exact = alike.iter().find(|account| account.user.email.as_str() == email);
    match (exact, alike.as_slice()) {
        (Some(account), _) | (None, [account]) => Some(account),
        (None, _) => None,
    }
}
