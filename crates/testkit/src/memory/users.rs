//! Accounts in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp, UserId,
        text::fold,
        users::{Account, PasswordHash, Role, User},
    },
    ports::{StoreError, UserRepository},
};

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> UserRepository for Rows<A> {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.0.read(|tables| tables.users.get(&id).map(|row| row.account.user.clone()))
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

    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        let set = |tables: &mut Tables| {
            let Some(row) = tables.users.get_mut(&id) else { return Ok(false) };
            row.account.user.role = role;
            row.account.user.updated_at = at;
            Ok(true)
        };
        self.0.write(set).await
    }
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
