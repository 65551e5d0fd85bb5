//! Accounts in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp, UserId,
        text::fold,
        users::{Account, Ban, Email, Name, PasswordHash, Role, User},
    },
    ports::{StoreError, UserRepository},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany, sea_query::Expr,
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::users::{ActiveModel, Column, Entity, Model},
    error::{corrupt, store_error},
    micros::Micros,
};

#[async_trait]
impl<C: Connections> UserRepository for SeaOrm<C> {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = Entity::find_by_id(id.uuid()).one(&self.call()).await.map_err(store_error)?;
        row.map(|row| account(row).map(|account| account.user)).transpose()
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        // No stored address contains U+0000, and PostgreSQL would refuse the question.
        if email.contains('\0') {
            return Ok(None);
        }
        let exact_first: Expr = Expr::case(Column::Email.eq(email), 0).finally(1).into();
        let rows = Entity::find()
            .filter(Column::EmailFolded.eq(fold(email)))
            .order_by_asc(exact_first)
            .limit(2)
            .all(&self.call())
            .await
            .map_err(store_error)?;
        let mut rows = rows.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => account(row).map(Some),
            (Some(row), Some(_)) if row.email == email => account(row).map(Some),
            (_, _) => Ok(None),
        }
    }

    async fn insert(&self, account: &Account) -> Result<(), StoreError> {
        Entity::insert(row(account))
            .exec_without_returning(&self.call())
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn record_sign_in(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        change(&self.call(), one(id).col_expr(Column::LastSignInAt, Expr::value(Micros(at)))).await
    }

    async fn replace_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        let replaced = one(id)
            .col_expr(Column::PasswordHash, Expr::value(new.expose()))
            .filter(Column::PasswordHash.eq(old.expose()));
        change(&self.call(), replaced).await
    }

    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        let promoted = one(id)
            .col_expr(Column::Role, Expr::value(role.name()))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.call(), promoted).await
    }
}

/// Whether the account was there to change.
async fn change(call: &impl ConnectionTrait, update: UpdateMany<Entity>) -> Result<bool, StoreError> {
    let done = update.exec(call).await.map_err(store_error)?;
    Ok(done.rows_affected > 0)
}

fn one(id: UserId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::Id.eq(id.uuid()))
}

fn row(account: &Account) -> ActiveModel {
    let Account { user, password_hash } = account;
    let User {
        id,
        email,
        name,
        role,
        active,
        email_verified,
        image,
        ban,
        created_at,
        updated_at,
        last_sign_in_at,
    } = user;
    let (banned_at, ban_reason, ban_expires_at) = match ban {
        None => (None, None, None),
        Some(Ban { at, reason, expires_at }) => (Some(Micros(*at)), reason.clone(), expires_at.map(Micros)),
    };
    ActiveModel {
        id: Set(id.uuid()),
        email: Set(email.as_str().to_owned()),
        email_folded: Set(email.folded()),
        email_claim: Set(Some(email.folded())),
        name: Set(name.as_ref().map(|name| name.as_str().to_owned())),
        password_hash: Set(password_hash.as_ref().map(|hash| hash.expose().to_owned())),
        role: Set(role.name().to_owned()),
        is_active: Set(*active),
        email_verified: Set(*email_verified),
        image: Set(image.clone()),
        banned_at: Set(banned_at),
        ban_reason: Set(ban_reason),
        ban_expires_at: Set(ban_expires_at),
        created_at: Set(Micros(*created_at)),
        updated_at: Set(Micros(*updated_at)),
        last_sign_in_at: Set(last_sign_in_at.map(Micros)),
    }
}

fn account(row: Model) -> Result<Account, StoreError> {
    let Model {
        id,
        email,
        email_folded: _,
        email_claim: _,
        name,
        password_hash,
        role,
        is_active,
        email_verified,
        image,
        banned_at,
        ban_reason,
        ban_expires_at,
        created_at: Micros(created_at),
        updated_at: Micros(updated_at),
        last_sign_in_at,
    } = row;
    let ban = banned_at.map(|Micros(at)| Ban {
        at,
        reason: ban_reason,
        expires_at: ban_expires_at.map(|Micros(at)| at),
    });
    let user = User {
        id: UserId::new(id),
        email: Email::stored(email),
        name: name.map(Name::stored),
        role: role.parse().map_err(|_| corrupt("users.role"))?,
        active: is_active,
        email_verified,
        image,
        ban,
        created_at,
        updated_at,
        last_sign_in_at: last_sign_in_at.map(|Micros(at)| at),
    };
    Ok(Account { user, password_hash: password_hash.map(PasswordHash::new) })
}
