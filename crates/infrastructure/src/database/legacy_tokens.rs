//! What became of tokens that the FastAPI backend issued, in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, users::User},
    ports::{LegacyTokenRepository, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, TryInsertResult,
    sea_query::{Expr, ExprTrait},
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::{denied_tokens, users},
    error::store_error,
    micros::Micros,
    sweep::sweep,
    users::account,
};

#[async_trait]
impl<C: Connections> LegacyTokenRepository for SeaOrm<C> {
    async fn bearer(&self, user: UserId, token: TokenHash) -> Result<Option<User>, StoreError> {
        let denials = denied_tokens::Entity::find()
            .select_only()
            .column(denied_tokens::Column::UserId)
            .filter(denied_tokens::Column::UserId.eq(user.uuid()))
            .filter(denied_tokens::Column::TokenHash.eq(token.0.to_vec()));
        let row = users::Entity::find_by_id(user.uuid())
            .filter(users::Column::LegacyTokensRefusedAt.is_null())
            .filter(Expr::exists(denials.into_query()).not())
            .one(&self.named("legacy_tokens.bearer"))
            .await
            .map_err(store_error)?;
        row.map(|row| account(row).map(|account| account.user)).transpose()
    }

    async fn deny(&self, user: UserId, token: TokenHash, until: Timestamp) -> Result<bool, StoreError> {
        let denial = denied_tokens::ActiveModel {
            user_id: Set(user.uuid()),
            token_hash: Set(token.0.to_vec()),
            expires_at: Set(Micros(until)),
        };
        let inserted = denied_tokens::Entity::insert(denial)
            .on_conflict_do_nothing()
            .exec_without_returning(&self.named("legacy_tokens.deny"))
            .await
            .map_err(store_error)?;
        Ok(matches!(inserted, TryInsertResult::Inserted(rows) if rows > 0))
    }

    async fn refuse_all(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let refused = users::Entity::update_many()
            .col_expr(users::Column::LegacyTokensRefusedAt, Expr::value(Micros(at)))
            .filter(users::Column::Id.eq(user.uuid()))
            .filter(users::Column::LegacyTokensRefusedAt.is_null())
            .exec(&self.named("legacy_tokens.refuse_all"))
            .await
            .map_err(store_error)?;
        Ok(refused.rows_affected > 0)
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        use denied_tokens::{Column, Entity};

        let over = Column::ExpiresAt.lte(Micros(until));
        sweep::<Entity>(
            &self.named("legacy_tokens.sweep"),
            [Column::UserId, Column::TokenHash],
            over,
            Column::ExpiresAt,
            limit,
        )
        .await
    }
}
