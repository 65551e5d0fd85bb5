//! Second factors and their recovery codes in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, second_factors::TimeStep},
    ports::{Sealed, SecondFactor, SecondFactorRepository, StoreError, TokenHash},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::{
        recovery_codes,
        second_factors::{ActiveModel, Column, Entity, Model},
    },
    error::store_error,
    micros::Micros,
};

#[async_trait]
impl<C: Connections> SecondFactorRepository for SeaOrm<C> {
    async fn find(&self, owner: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let row = Entity::find_by_id(owner.uuid())
            .one(&self.named("second_factors.find"))
            .await
            .map_err(store_error)?;
        Ok(row.map(factor))
    }

    async fn enrol(&self, factor: &SecondFactor) -> Result<bool, StoreError> {
        let pending = OnConflict::column(Column::UserId)
            .update_columns([
                Column::KeyId,
                Column::Ciphertext,
                Column::CreatedAt,
                Column::ConfirmedAt,
                Column::LastStep,
            ])
            .action_and_where(Expr::col((Entity, Column::ConfirmedAt)).is_null())
            .to_owned();
        let stored = Entity::insert(row(factor)).on_conflict(pending);
        Ok(stored.exec_without_returning(&self.named("second_factors.enrol")).await.map_err(store_error)? > 0)
    }

    async fn confirm(
        &self,
        owner: UserId,
        created_at: Timestamp,
        step: TimeStep,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let confirmed = of(owner)
            .col_expr(Column::ConfirmedAt, Expr::value(Micros(at)))
            .col_expr(Column::LastStep, Expr::value(step.number()))
            .filter(Column::CreatedAt.eq(Micros(created_at)))
            .filter(Column::ConfirmedAt.is_null());
        self.applies(confirmed).await
    }

    async fn accept(&self, owner: UserId, created_at: Timestamp, step: TimeStep) -> Result<bool, StoreError> {
        let accepted = of(owner)
            .col_expr(Column::LastStep, Expr::value(step.number()))
            .filter(Column::CreatedAt.eq(Micros(created_at)))
            .filter(Column::ConfirmedAt.is_not_null())
            .filter(Column::LastStep.lt(step.number()));
        self.applies(accepted).await
    }

    async fn reseal(&self, owner: UserId, old: &Sealed, new: &Sealed) -> Result<bool, StoreError> {
        let resealed = of(owner)
            .col_expr(Column::KeyId, Expr::value(new.key_id.as_str()))
            .col_expr(Column::Ciphertext, Expr::value(new.ciphertext.clone()))
            .filter(Column::KeyId.eq(old.key_id.as_str()))
            .filter(Column::Ciphertext.eq(old.ciphertext.clone()));
        self.applies(resealed).await
    }

    async fn remove(&self, owner: UserId) -> Result<bool, StoreError> {
        let removed = Entity::delete_by_id(owner.uuid())
            .exec(&self.named("second_factors.remove"))
            .await
            .map_err(store_error)?;
        Ok(removed.rows_affected > 0)
    }

    async fn insert_recovery_codes(&self, owner: UserId, codes: &[TokenHash]) -> Result<(), StoreError> {
        let rows = codes.iter().map(|TokenHash(hash)| recovery_codes::ActiveModel {
            user_id: Set(owner.uuid()),
            code_hash: Set(hash.to_vec()),
        });
        let inserted = recovery_codes::Entity::insert_many(rows)
            .exec_without_returning(&self.named("second_factors.insert_recovery_codes"))
            .await;
        inserted.map(|_| ()).map_err(store_error)
    }

    async fn remove_recovery_codes(&self, owner: UserId) -> Result<(), StoreError> {
        let removed = recovery_codes::Entity::delete_many()
            .filter(recovery_codes::Column::UserId.eq(owner.uuid()))
            .exec(&self.named("second_factors.remove_recovery_codes"))
            .await;
        removed.map(|_| ()).map_err(store_error)
    }

    async fn redeem_recovery_code(&self, owner: UserId, code: TokenHash) -> Result<bool, StoreError> {
        let TokenHash(hash) = code;
        let key = (owner.uuid(), hash.to_vec());
        let redeemed = recovery_codes::Entity::delete_by_id(key)
            .exec(&self.named("second_factors.redeem_recovery_code"))
            .await;
        Ok(redeemed.map_err(store_error)?.rows_affected > 0)
    }

    async fn recovery_codes_left(&self, owner: UserId) -> Result<u64, StoreError> {
        let left = recovery_codes::Entity::find().filter(recovery_codes::Column::UserId.eq(owner.uuid()));
        left.count(&self.named("second_factors.recovery_codes_left")).await.map_err(store_error)
    }
}

impl<C: Connections> SeaOrm<C> {
    /// Whether a compare-and-set changed its row.
    async fn applies(&self, change: UpdateMany<Entity>) -> Result<bool, StoreError> {
        Ok(change.exec(&self.named("second_factors.applies")).await.map_err(store_error)?.rows_affected > 0)
    }
}

fn of(owner: UserId) -> UpdateMany<Entity> {
    Entity::update_many().filter(Column::UserId.eq(owner.uuid()))
}

fn row(factor: &SecondFactor) -> ActiveModel {
    let SecondFactor { owner, secret: Sealed { key_id, ciphertext }, created_at, confirmed_at, last_step } =
        factor;
    ActiveModel {
        user_id: Set(owner.uuid()),
        key_id: Set(key_id.clone()),
        ciphertext: Set(ciphertext.clone()),
        created_at: Set(Micros(*created_at)),
        confirmed_at: Set(confirmed_at.map(Micros)),
        last_step: Set(last_step.map(TimeStep::number)),
    }
}

fn factor(row: Model) -> SecondFactor {
    let Model { user_id, key_id, ciphertext, created_at: Micros(created_at), confirmed_at, last_step } = row;
    SecondFactor {
        owner: UserId::new(user_id),
        secret: Sealed { key_id, ciphertext },
        created_at,
        confirmed_at: confirmed_at.map(|Micros(at)| at),
        last_step: last_step.map(TimeStep::new),
    }
}
