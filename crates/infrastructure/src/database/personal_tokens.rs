//! Personal access tokens in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        PersonalTokenId, Timestamp, UserId,
        personal_tokens::{PersonalToken, TokenName, TokenScopes},
    },
    ports::{PersonalTokenBearer, PersonalTokenRepository, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr,
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::{
        personal_tokens::{ActiveModel, Column, Entity, Model},
        users,
    },
    error::{corrupt, store_error},
    micros::Micros,
    sweep::sweep,
    users::account,
};

#[async_trait]
impl<C: Connections> PersonalTokenRepository for SeaOrm<C> {
    async fn insert(&self, token: &PersonalToken, hash: TokenHash) -> Result<(), StoreError> {
        let inserted = Entity::insert(row(token, hash))
            .exec_without_returning(&self.named("personal_tokens.insert"))
            .await;
        inserted.map(|_| ()).map_err(store_error)
    }

    async fn bearer(
        &self,
        owner: UserId,
        id: PersonalTokenId,
    ) -> Result<Option<PersonalTokenBearer>, StoreError> {
        let found = Entity::find_by_id((owner.uuid(), id.uuid()))
            .find_also_related(users::Entity)
            .one(&self.named("personal_tokens.bearer"))
            .await
            .map_err(store_error)?;
        let Some((row, Some(user))) = found else { return Ok(None) };
        let (token, hash) = token(row)?;
        Ok(Some(PersonalTokenBearer { token, hash, user: account(user)?.user }))
    }

    async fn list(&self, owner: UserId) -> Result<Vec<PersonalToken>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(owner.uuid()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(&self.named("personal_tokens.list"))
            .await
            .map_err(store_error)?;
        rows.into_iter().map(|row| token(row).map(|(token, _)| token)).collect()
    }

    async fn record_use(
        &self,
        owner: UserId,
        id: PersonalTokenId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let earlier = Condition::all()
            .add(Column::LastUsedAt.lte(Micros(unless_after)))
            .add(Column::LastUsedAt.lt(Micros(at)));
        let recorded = Entity::update_many()
            .col_expr(Column::LastUsedAt, Expr::value(Micros(at)))
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(Column::Id.eq(id.uuid()))
            .filter(Condition::any().add(Column::LastUsedAt.is_null()).add(earlier))
            .exec(&self.named("personal_tokens.record_use"))
            .await
            .map_err(store_error)?;
        Ok(recorded.rows_affected > 0)
    }

    async fn delete(&self, owner: UserId, id: PersonalTokenId) -> Result<bool, StoreError> {
        let deleted =
            Entity::delete_by_id((owner.uuid(), id.uuid())).exec(&self.named("personal_tokens.delete")).await;
        Ok(deleted.map_err(store_error)?.rows_affected > 0)
    }

    async fn delete_all(&self, owner: UserId) -> Result<u64, StoreError> {
        let of_owner = Entity::delete_many().filter(Column::UserId.eq(owner.uuid()));
        Ok(of_owner.exec(&self.named("personal_tokens.delete_all")).await.map_err(store_error)?.rows_affected)
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let over = Column::ExpiresAt.lte(Micros(at));
        sweep::<Entity>(
            &self.named("personal_tokens.sweep"),
            [Column::UserId, Column::Id],
            over,
            Column::ExpiresAt,
            limit,
        )
        .await
    }
}

fn row(token: &PersonalToken, TokenHash(hash): TokenHash) -> ActiveModel {
    let PersonalToken { owner, id, name, scopes, created_at, expires_at, last_used_at } = token;
    ActiveModel {
        user_id: Set(owner.uuid()),
        id: Set(id.uuid()),
        name: Set(name.as_str().to_owned()),
        scopes: Set(scopes.to_string()),
        token_hash: Set(hash.to_vec()),
        created_at: Set(Micros(*created_at)),
        expires_at: Set(Micros(*expires_at)),
        last_used_at: Set(last_used_at.map(Micros)),
    }
}

fn token(row: Model) -> Result<(PersonalToken, TokenHash), StoreError> {
    let Model {
        user_id,
        id,
        name,
        scopes,
        token_hash,
        created_at: Micros(created_at),
        expires_at: Micros(expires_at),
        last_used_at,
    } = row;
    let hash = token_hash.try_into().map_err(|_| corrupt("personal_tokens.token_hash"))?;
    let token = PersonalToken {
        owner: UserId::new(user_id),
        id: PersonalTokenId::new(id),
        name: TokenName::stored(name),
        scopes: TokenScopes::stored(&scopes),
        created_at,
        expires_at,
        last_used_at: last_used_at.map(|Micros(at)| at),
    };
    Ok((token, TokenHash(hash)))
}
