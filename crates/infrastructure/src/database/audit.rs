//! The security history in the database.

use std::ops::Range;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        EventId, SessionId, Stored, Timestamp, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    ports::{AuditRepository, DeletedAccount, EventPosition, StoreError, TrailPosition},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};

use super::{
    SeaOrm,
    connections::Connections,
    dialect,
    entities::auth_events::{ActiveModel, Column, Entity, Model},
    error::store_error,
    micros::Micros,
    sweep::sweep,
};

#[async_trait]
impl<C: Connections> AuditRepository for SeaOrm<C> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        Entity::insert(row(event))
            .exec_without_returning(&self.named("audit.append"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn latest(
        &self,
        user: UserId,
        behind: Option<EventPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(user.uuid()))
            .filter(Condition::all().add_option(behind.map(older)))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(dialect::count(limit))
            .all(&self.named("audit.latest"))
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(event).collect())
    }

    async fn between(
        &self,
        times: Range<Timestamp>,
        after: Option<TrailPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        let rows = Entity::find()
            .filter(Column::At.gte(Micros(times.start)))
            .filter(Column::At.lt(Micros(times.end)))
            .filter(Condition::all().add_option(after.map(behind)))
            .order_by_asc(Column::At)
            .order_by_asc(Column::Id)
            .order_by_asc(Column::UserId)
            .limit(dialect::count(limit))
            .all(&self.named("audit.between"))
            .await
            .map_err(store_error)?;
        Ok(rows.into_iter().map(event).collect())
    }

    async fn deletions(
        &self,
        since: Timestamp,
        after: Option<DeletedAccount>,
        limit: u64,
    ) -> Result<Vec<DeletedAccount>, StoreError> {
        // The kind is written out: an index of these entries alone serves no query that leaves it open.
        let deletion = Expr::Constant(EventKind::AccountDeleted.name().into());
        let rows = Entity::find()
            .select_only()
            .columns([Column::At, Column::UserId])
            .filter(Column::Kind.into_expr().eq(deletion))
            .filter(Column::At.gte(Micros(since)))
            .filter(Condition::all().add_option(after.map(later)))
            .order_by_asc(Column::At)
            .order_by_asc(Column::UserId)
            .limit(dialect::count(limit))
            .into_tuple::<(Micros, Uuid)>()
            .all(&self.named("audit.deletions"))
            .await
            .map_err(store_error)?;
        Ok(rows
            .into_iter()
            .map(|(Micros(at), user)| DeletedAccount { at, user: UserId::new(user) })
            .collect())
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let over = Column::At.lte(Micros(until));
        sweep::<Entity>(&self.named("audit.sweep"), [Column::UserId, Column::Id], over, Column::At, limit)
            .await
    }
}

/// As one comparison of pairs, which both engines find in the index.
fn older(EventPosition { at, id }: EventPosition) -> Expr {
    let place = Expr::tuple([Expr::value(Micros(at)), Expr::value(id.uuid())]);
    Expr::tuple([Column::At.into_expr(), Column::Id.into_expr()]).lt(place)
}

fn later(DeletedAccount { at, user }: DeletedAccount) -> Expr {
    let place = Expr::tuple([Expr::value(Micros(at)), Expr::value(user.uuid())]);
    Expr::tuple([Column::At.into_expr(), Column::UserId.into_expr()]).gt(place)
}

/// The index has the time and the id; the account decides between the few that have the same of both.
fn behind(TrailPosition { at, id, user }: TrailPosition) -> Expr {
    let place = [Expr::value(Micros(at)), Expr::value(id.uuid()), Expr::value(user.uuid())];
    let columns = [Column::At.into_expr(), Column::Id.into_expr(), Column::UserId.into_expr()];
    Expr::tuple(columns).gt(Expr::tuple(place))
}

fn row(event: &AuthEvent) -> ActiveModel {
    // The device is not kept here; see `AuthEvent::client`.
    let AuthEvent { id, user, kind, at, session, client: Client { user_agent, ip_prefix, device: _ } } =
        event;
    ActiveModel {
        user_id: Set(user.uuid()),
        id: Set(id.uuid()),
        kind: Set(kind.name(EventKind::name).to_owned()),
        at: Set(Micros(*at)),
        session_id: Set(session.map(SessionId::uuid)),
        ip_prefix: Set(ip_prefix.clone()),
        user_agent: Set(user_agent.clone()),
    }
}

fn event(row: Model) -> AuthEvent {
    let Model { user_id, id, kind, at: Micros(at), session_id, ip_prefix, user_agent } = row;
    AuthEvent {
        id: EventId::new(id),
        user: UserId::new(user_id),
        kind: Stored::read(kind, EventKind::from_name),
        at,
        session: session_id.map(SessionId::new),
        client: Client { user_agent, ip_prefix, device: None },
    }
}
