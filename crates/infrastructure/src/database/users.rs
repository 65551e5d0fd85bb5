//! Accounts in the database.

use async_trait::async_trait;
use holdfast_application::{
    Patch,
    domain::{
        Timestamp, UserId,
        text::fold,
        users::{Account, Ban, BanReason, Email, Image, LinkedAccount, Name, PasswordHash, Role, User},
    },
    ports::{ProfileChanges, StoreError, UserFilter, UserQuery, UserRepository},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany, Value, sea_query::Expr,
};

use super::{
    SeaOrm,
    connections::Connections,
    dialect,
    entities::{
        linked_accounts,
        users::{ActiveModel, Column, Entity, Model},
    },
    error::{corrupt, store_error},
    micros::Micros,
    user_pages,
};

#[async_trait]
impl<C: Connections> UserRepository for SeaOrm<C> {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row = Entity::find_by_id(id.uuid()).one(&self.named("users.find")).await.map_err(store_error)?;
        row.map(user).transpose()
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let row = Entity::find_by_id(id.uuid())
            .one(&self.named("users.find_account"))
            .await
            .map_err(store_error)?;
        row.map(account).transpose()
    }

    async fn lock(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let locked = dialect::held(Entity::find_by_id(id.uuid()));
        locked.one(&self.named("users.lock")).await.map_err(store_error)?.map(account).transpose()
    }

    async fn lock_admins(&self) -> Result<Vec<User>, StoreError> {
        let admins = Entity::find().filter(Column::Role.eq(Role::Admin.name()));
        // Always in the same order, so that two who hold them never wait for each other.
        let rows = dialect::held(admins.order_by_asc(Column::Id)).all(&self.named("users.lock_admins")).await;
        rows.map_err(store_error)?.into_iter().map(user).collect()
    }

    async fn list(&self, query: UserQuery) -> Result<Vec<User>, StoreError> {
        let rows = user_pages::list(&self.named("users.list"), query).await.map_err(store_error)?;
        rows.into_iter().map(user).collect()
    }

    async fn count(&self, filter: UserFilter) -> Result<u64, StoreError> {
        user_pages::count(&self.named("users.count"), filter).await.map_err(store_error)
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
            .all(&self.named("users.find_by_email"))
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
            .exec_without_returning(&self.named("users.insert"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn record_sign_in(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        change(
            &self.named("users.record_sign_in"),
            one(id).col_expr(Column::LastSignInAt, Expr::value(Micros(at))),
        )
        .await
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
        change(&self.named("users.replace_hash"), replaced).await
    }

    async fn set_password(&self, id: UserId, hash: &PasswordHash, at: Timestamp) -> Result<bool, StoreError> {
        let set = one(id)
            .col_expr(Column::PasswordHash, Expr::value(hash.expose()))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.named("users.set_password"), set).await
    }

    async fn claim_placeholder(
        &self,
        id: UserId,
        email: &Email,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let claimed = one(id)
            .col_expr(Column::Email, Expr::value(email.as_str()))
            .col_expr(Column::EmailFolded, Expr::value(email.folded()))
            .col_expr(Column::EmailClaim, Expr::value(email.folded()))
            .col_expr(Column::PasswordHash, Expr::value(hash.expose()))
            .col_expr(Column::IsActive, Expr::value(true))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)))
            .filter(Column::IsActive.eq(false))
            .filter(Column::PasswordHash.is_null());
        change(&self.named("users.claim_placeholder"), claimed).await
    }

    async fn verify_email(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let verified = one(id)
            .col_expr(Column::EmailVerified, Expr::value(true))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.named("users.verify_email"), verified).await
    }

    async fn change_email(
        &self,
        id: UserId,
        email: &Email,
        verified: bool,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = one(id)
            .col_expr(Column::Email, Expr::value(email.as_str()))
            .col_expr(Column::EmailFolded, Expr::value(email.folded()))
            .col_expr(Column::EmailClaim, Expr::value(email.folded()))
            .col_expr(Column::EmailVerified, Expr::value(verified))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.named("users.change_email"), changed).await
    }

    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        let promoted = one(id)
            .col_expr(Column::Role, Expr::value(role.name()))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.named("users.set_role"), promoted).await
    }

    async fn update(
        &self,
        id: UserId,
        changes: &ProfileChanges,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let ProfileChanges { name, image } = changes;
        let mut update = one(id).col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        let texts = [(Column::Name, text(name, Name::as_str)), (Column::Image, text(image, Image::as_str))];
        for (column, value) in texts {
            if let Some(value) = value {
                update = update.col_expr(column, Expr::value(value));
            }
        }
        let rows = update.exec_with_returning(&self.named("users.update")).await.map_err(store_error)?;
        rows.into_iter().next().map(user).transpose()
    }

    async fn set_ban(&self, id: UserId, ban: Option<&Ban>, at: Timestamp) -> Result<bool, StoreError> {
        let (banned_at, reason, expires_at) = ban_columns(ban);
        let set = one(id)
            .col_expr(Column::BannedAt, Expr::value(banned_at))
            .col_expr(Column::BanReason, Expr::value(reason))
            .col_expr(Column::BanExpiresAt, Expr::value(expires_at))
            .col_expr(Column::UpdatedAt, Expr::value(Micros(at)));
        change(&self.named("users.set_ban"), set).await
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        // Foreign keys take along what belongs to it.
        let done =
            Entity::delete_by_id(id.uuid()).exec(&self.named("users.delete")).await.map_err(store_error)?;
        Ok(done.rows_affected > 0)
    }

    async fn linked_accounts(&self, id: UserId) -> Result<Vec<LinkedAccount>, StoreError> {
        let rows = linked_accounts::Entity::find()
            .filter(linked_accounts::Column::UserId.eq(id.uuid()))
            .order_by_asc(linked_accounts::Column::CreatedAt)
            .order_by_asc(linked_accounts::Column::Id)
            .all(&self.named("users.linked_accounts"))
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(link).collect())
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

/// The new content of a column, if it changes.
fn text<T>(patch: &Patch<T>, text: impl Fn(&T) -> &str) -> Option<Value> {
    match patch {
        Patch::Keep => None,
        Patch::Clear => Some(None::<String>.into()),
        Patch::Set(value) => Some(text(value).into()),
    }
}

fn ban_columns(ban: Option<&Ban>) -> (Option<Micros>, Option<String>, Option<Micros>) {
    match ban {
        None => (None, None, None),
        Some(Ban { at, reason, expires_at }) => {
            let reason = reason.as_ref().map(|reason| reason.as_str().to_owned());
            (Some(Micros(*at)), reason, expires_at.map(Micros))
        }
    }
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
    let (banned_at, ban_reason, ban_expires_at) = ban_columns(ban.as_ref());
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
        image: Set(image.as_ref().map(|image| image.as_str().to_owned())),
        banned_at: Set(banned_at),
        ban_reason: Set(ban_reason),
        ban_expires_at: Set(ban_expires_at),
        created_at: Set(Micros(*created_at)),
        updated_at: Set(Micros(*updated_at)),
        last_sign_in_at: Set(last_sign_in_at.map(Micros)),
        legacy_tokens_refused_at: Set(None),
    }
}

fn user(row: Model) -> Result<User, StoreError> {
    account(row).map(|account| account.user)
}

pub(super) fn account(row: Model) -> Result<Account, StoreError> {
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
        legacy_tokens_refused_at: _,
    } = row;
    let ban = banned_at.map(|Micros(at)| Ban {
        at,
        reason: ban_reason.map(BanReason::stored),
        expires_at: ban_expires_at.map(|Micros(at)| at),
    });
    let user = User {
        id: UserId::new(id),
        email: Email::stored(email),
        name: name.map(Name::stored),
        role: role.parse().map_err(|_| corrupt("users.role"))?,
        active: is_active,
        email_verified,
        image: image.map(Image::stored),
        ban,
        created_at,
        updated_at,
        last_sign_in_at: last_sign_in_at.map(|Micros(at)| at),
    };
    Ok(Account { user, password_hash: password_hash.map(PasswordHash::new) })
}

fn link(row: linked_accounts::Model) -> LinkedAccount {
    let linked_accounts::Model {
        user_id: _,
        id,
        provider_id,
        account_id,
        created_at: Micros(created_at),
        updated_at: Micros(updated_at),
    } = row;
    LinkedAccount { id, provider_id, account_id, created_at, updated_at }
}
