//! Leases in the database: one row each, taken by one statement, so that they hold through poolers, too.

use async_trait::async_trait;
use holdfast_application::{
    domain::Timestamp,
    ports::{LeaseRepository, StoreError},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::leases::{ActiveModel, Column, Entity},
    error::store_error,
    micros::Micros,
};

#[async_trait]
impl<C: Connections> LeaseRepository for SeaOrm<C> {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let held = |column| Expr::col((Entity, column));
        let latest = until.plus(until.since(at));
        let free = held(Column::Holder)
            .eq(holder)
            .or(held(Column::ExpiresAt).lte(Micros(at)))
            .or(held(Column::ExpiresAt).gt(Micros(latest)));
        let taken_over = OnConflict::column(Column::Name)
            .update_columns([Column::Holder, Column::ExpiresAt])
            .action_and_where(free)
            .to_owned();
        let lease =
            ActiveModel { name: Set(name.to_owned()), holder: Set(holder), expires_at: Set(Micros(until)) };
        let taken = Entity::insert(lease)
            .on_conflict(taken_over)
            .exec_without_returning(&self.named("leases.take"))
            .await;
        Ok(taken.map_err(store_error)? > 0)
    }

    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), StoreError> {
        let theirs = Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder));
        theirs.exec(&self.named("leases.give_back")).await.map_err(store_error)?;
        Ok(())
    }
}
