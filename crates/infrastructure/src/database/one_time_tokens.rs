//! What proves links in mails, in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        OneTimeTokenId, Timestamp, UserId,
        users::{Email, LinkPurpose},
    },
    ports::{OneTimeToken, OneTimeTokenRepository, PendingLink, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
    sea_query::Expr,
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::one_time_tokens::{ActiveModel, Column, Entity, Model},
    error::{corrupt, store_error},
    micros::Micros,
    sweep::sweep,
};

#[async_trait]
impl<C: Connections> OneTimeTokenRepository for SeaOrm<C> {
    async fn insert(&self, token: &OneTimeToken) -> Result<(), StoreError> {
        Entity::insert(row(token))
            .exec_without_returning(&self.named("one_time_tokens.insert"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn issued(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let times = Entity::find()
            .select_only()
            .column(Column::CreatedAt)
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(Column::Purpose.eq(purpose.name()))
            .filter(Column::CreatedAt.gte(Micros(since)))
            .order_by_asc(Column::CreatedAt)
            .into_tuple::<Micros>()
            .all(&self.named("one_time_tokens.issued"))
            .await
            .map_err(store_error)?;
        Ok(times.into_iter().map(|Micros(at)| at).collect())
    }

    async fn pending(&self, owner: UserId, at: Timestamp) -> Result<Vec<PendingLink>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ExpiresAt.gt(Micros(at)))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .all(&self.named("one_time_tokens.pending"))
            .await
            .map_err(store_error)?;
        rows.into_iter().map(|row| token(row).map(pending_link)).collect()
    }

    async fn find(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let found = Entity::find()
            .filter(good(owner, purpose, hash, at))
            .one(&self.named("one_time_tokens.find"))
            .await;
        found.map_err(store_error)?.map(token).transpose()
    }

    async fn redeem(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let rows = Entity::update_many()
            .col_expr(Column::UsedAt, Expr::value(Micros(at)))
            .filter(good(owner, purpose, hash, at))
            .exec_with_returning(&self.named("one_time_tokens.redeem"))
            .await
            .map_err(store_error)?;
        rows.into_iter().next().map(token).transpose()
    }

    async fn supersede(&self, owner: UserId, purpose: LinkPurpose, at: Timestamp) -> Result<(), StoreError> {
        used_up(owner, at)
            .filter(Column::Purpose.eq(purpose.name()))
            .exec(&self.named("one_time_tokens.supersede"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn revoke_all(&self, owner: UserId, at: Timestamp) -> Result<(), StoreError> {
        used_up(owner, at)
            .exec(&self.named("one_time_tokens.revoke_all"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn forget(&self, owner: UserId, until: Timestamp) -> Result<(), StoreError> {
        Entity::delete_many()
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(Column::ExpiresAt.lte(Micros(until)))
            .exec(&self.named("one_time_tokens.forget"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let over = Column::ExpiresAt.lte(Micros(until));
        sweep::<Entity>(
            &self.named("one_time_tokens.sweep"),
            [Column::UserId, Column::Id],
            over,
            Column::ExpiresAt,
            limit,
        )
        .await
    }
}

/// Uses up what is not used yet.
fn used_up(owner: UserId, at: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(Micros(at)))
        .filter(Column::UserId.eq(owner.uuid()))
        .filter(Column::UsedAt.is_null())
}

/// Of its account and purpose, neither used nor over.
fn good(owner: UserId, purpose: LinkPurpose, hash: TokenHash, at: Timestamp) -> Condition {
    Condition::all()
        .add(Column::UserId.eq(owner.uuid()))
        .add(Column::Purpose.eq(purpose.name()))
        .add(Column::TokenHash.eq(hash.0.to_vec()))
        .add(Column::UsedAt.is_null())
        .add(Column::ExpiresAt.gt(Micros(at)))
}

fn row(token: &OneTimeToken) -> ActiveModel {
    let OneTimeToken { owner, id, purpose, hash, email, created_at, expires_at } = token;
    ActiveModel {
        user_id: Set(owner.uuid()),
        id: Set(id.uuid()),
        purpose: Set(purpose.name().to_owned()),
        token_hash: Set(hash.0.to_vec()),
        email: Set(email.as_ref().map(|email| email.as_str().to_owned())),
        created_at: Set(Micros(*created_at)),
        expires_at: Set(Micros(*expires_at)),
        used_at: Set(None),
    }
}

fn token(row: Model) -> Result<OneTimeToken, StoreError> {
    let Model {
        user_id,
        id,
        purpose,
        token_hash,
        email,
        created_at: Micros(created_at),
        expires_at: Micros(expires_at),
        used_at: _,
    } = row;
    Ok(OneTimeToken {
        owner: UserId::new(user_id),
        id: OneTimeTokenId::new(id),
        purpose: LinkPurpose::from_name(&purpose).ok_or_else(|| corrupt("one_time_tokens.purpose"))?,
        hash: TokenHash(token_hash.try_into().map_err(|_| corrupt("one_time_tokens.token_hash"))?),
        email: email.map(Email::stored),
        created_at,
        expires_at,
    })
}

fn pending_link(token: OneTimeToken) -> PendingLink {
    let OneTimeToken { owner: _, id: _, purpose, hash: _, email, created_at, expires_at } = token;
    PendingLink { purpose, email, created_at, expires_at }
}
