//! Failed attempts at passwords in the database. The statements that count are `attempts`'.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        Timestamp,
        throttle::{Counter, Counters, Limits, Network, Principal},
    },
    ports::{StoreError, ThrottleRepository},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, StatementBuilder,
    sea_query::{Expr, ExprTrait, OnConflict},
};

use super::{
    SeaOrm,
    attempts::{Attempt, EVERYWHERE},
    connections::Connections,
    entities::throttles::{ActiveModel, Column, Entity, Model},
    error::{corrupt, store_error},
    sweep::sweep,
};

#[async_trait]
impl<C: Connections> ThrottleRepository for SeaOrm<C> {
    async fn count(
        &self,
        principal: Principal,
        network: &Network,
        limits: &Limits,
        at: Timestamp,
    ) -> Result<Counters, StoreError> {
        let attempt = Attempt { principal, network, limits, at };
        let call = self.named("throttle.count");
        match call.get_database_backend() {
            DbBackend::Postgres => counted(&call, &attempt.both()).await,
            _ => in_turn(&call, &attempt).await,
        }
    }

    async fn find(&self, principal: Principal, network: &Network) -> Result<Counters, StoreError> {
        let rows = Entity::find()
            .filter(Column::Principal.eq(principal.uuid()))
            .filter(Column::Network.is_in([network.as_str(), EVERYWHERE]))
            .all(&self.named("throttle.find"))
            .await
            .map_err(store_error)?;
        counters(rows)
    }

    async fn fail(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
    ) -> Result<(), StoreError> {
        let Counters { network: here, account } = counted;
        for (network, attempt) in [(network.as_str(), here), (EVERYWHERE, account)] {
            let Some(attempt) = attempt else { continue };
            Entity::update_many()
                .col_expr(Column::Pending, Expr::col(Column::Pending).sub(1_i64))
                .filter(Column::Principal.eq(principal.uuid()))
                .filter(Column::Network.eq(network))
                .filter(Column::Since.eq(attempt.since.micros()))
                .filter(Column::Pending.gt(0_i64))
                .exec(&self.named("throttle.fail"))
                .await
                .map_err(store_error)?;
        }
        Ok(())
    }

    async fn give_back(
        &self,
        principal: Principal,
        network: &Network,
        counted: &Counters,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Counters { network: here, account } = counted;
        for (network, counter) in [(network.as_str(), here), (EVERYWHERE, account)] {
            let Some(Counter { blocked_until, since, .. }) = counter else { continue };
            let last = Column::BlockedUntil.eq(blocked_until.micros());
            let unblocked = Expr::case(last, at.micros()).finally(Expr::col(Column::BlockedUntil));
            let ended =
                Expr::case(Column::Pending.gt(0_i64), Expr::col(Column::Pending).sub(1_i64)).finally(0_i64);
            Entity::update_many()
                .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1_i64))
                .col_expr(Column::BlockedUntil, unblocked.into())
                .col_expr(Column::Pending, ended.into())
                .filter(Column::Principal.eq(principal.uuid()))
                .filter(Column::Network.eq(network))
                .filter(Column::Since.eq(since.micros()))
                .filter(Column::Failures.gt(0_i64))
                .exec(&self.named("throttle.give_back"))
                .await
                .map_err(store_error)?;
        }
        Ok(())
    }

    async fn clear(&self, principal: Principal, network: &Network, at: Timestamp) -> Result<(), StoreError> {
        let replaced = OnConflict::columns([Column::Principal, Column::Network])
            .update_columns([
                Column::Failures,
                Column::Since,
                Column::BlockedUntil,
                Column::SucceededAt,
                Column::ExpiresAt,
                Column::Pending,
                Column::PendingUntil,
            ])
            .to_owned();
        Entity::insert(row(principal, network, &Counter::cleared(at)))
            .on_conflict(replaced)
            .exec_without_returning(&self.named("throttle.clear"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn forget(&self, principal: Principal) -> Result<(), StoreError> {
        let call = self.named("throttle.forget");
        let of_principal = || Entity::delete_many().filter(Column::Principal.eq(principal.uuid()));
        // In the order in which attempts are counted, so that neither waits for the other's second row.
        let networks = of_principal().filter(Column::Network.ne(EVERYWHERE));
        networks.exec(&call).await.map_err(store_error)?;
        of_principal().exec(&call).await.map(|_| ()).map_err(store_error)
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let over = Column::ExpiresAt.lte(at.micros());
        sweep::<Entity>(
            &self.named("throttle.sweep"),
            [Column::Principal, Column::Network],
            over,
            Column::ExpiresAt,
            limit,
        )
        .await
    }
}

/// One statement after the other, where a round trip costs next to nothing.
async fn in_turn(call: &impl ConnectionTrait, attempt: &Attempt<'_>) -> Result<Counters, StoreError> {
    let here = counted(call, &attempt.here()).await?;
    if here.network.is_none() || here.is_known(attempt.at) {
        return Ok(here);
    }
    let Counters { account, network: _ } = counted(call, &attempt.everywhere()).await?;
    Ok(Counters { account, ..here })
}

async fn counted(
    call: &impl ConnectionTrait,
    statement: &impl StatementBuilder,
) -> Result<Counters, StoreError> {
    let statement = call.get_database_backend().build(statement);
    counters(Entity::find().from_raw_sql(statement).all(call).await.map_err(store_error)?)
}

fn row(principal: Principal, network: &Network, counter: &Counter) -> ActiveModel {
    let Counter { failures, since, blocked_until, succeeded_at, pending, pending_until } = counter;
    ActiveModel {
        principal: Set(principal.uuid()),
        network: Set(network.as_str().to_owned()),
        failures: Set(i64::from(*failures)),
        since: Set(since.micros()),
        blocked_until: Set(blocked_until.micros()),
        succeeded_at: Set(succeeded_at.map(Timestamp::micros)),
        expires_at: Set(counter.expires_at().micros()),
        pending: Set(i64::from(*pending)),
        pending_until: Set(pending_until.micros()),
    }
}

fn counters(rows: Vec<Model>) -> Result<Counters, StoreError> {
    let mut found = Counters::default();
    for row in rows {
        let place = if row.network == EVERYWHERE { &mut found.account } else { &mut found.network };
        *place = Some(counter(&row)?);
    }
    Ok(found)
}

fn counter(row: &Model) -> Result<Counter, StoreError> {
    let Model {
        principal: _,
        network: _,
        failures,
        since,
        blocked_until,
        succeeded_at,
        expires_at: _,
        pending,
        pending_until,
    } = *row;
    let time = |micros, column| Timestamp::from_micros(micros).map_err(|_| corrupt(column));
    Ok(Counter {
        failures: u32::try_from(failures).map_err(|_| corrupt("throttles.failures"))?,
        since: time(since, "throttles.since")?,
        blocked_until: time(blocked_until, "throttles.blocked_until")?,
        succeeded_at: succeeded_at.map(|at| time(at, "throttles.succeeded_at")).transpose()?,
        pending: u32::try_from(pending).map_err(|_| corrupt("throttles.pending"))?,
        pending_until: time(pending_until, "throttles.pending_until")?,
    })
}
