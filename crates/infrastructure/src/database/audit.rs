//! The security history in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        EventId, SessionId, UserId,
        sessions::{AuthEvent, Client, EventKind},
    },
    ports::{AuditRepository, StoreError},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{
    SeaOrm,
    connections::Connections,
    dialect,
    entities::auth_events::{ActiveModel, Column, Entity, Model},
    error::{corrupt, store_error},
    micros::Micros,
};

#[async_trait]
impl<C: Connections> AuditRepository for SeaOrm<C> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        Entity::insert(row(event)).exec_without_returning(&self.call()).await.map(|_| ()).map_err(store_error)
    }

    async fn latest(&self, user: UserId, limit: u64) -> Result<Vec<AuthEvent>, StoreError> {
        let rows = Entity::find()
            .filter(Column::UserId.eq(user.uuid()))
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(dialect::count(limit))
            .all(&self.call())
            .await
            .map_err(store_error)?;
        rows.into_iter().map(event).collect()
    }
}

fn row(event: &AuthEvent) -> ActiveModel {
    // The device is not kept here; see `AuthEvent::client`.
    let AuthEvent { id, user, kind, at, session, client: Client { user_agent, ip_prefix, device: _ } } =
        event;
    ActiveModel {
        user_id: Set(user.uuid()),
        id: Set(id.uuid()),
        kind: Set(kind.name().to_owned()),
        at: Set(Micros(*at)),
        session_id: Set(session.map(SessionId::uuid)),
        ip_prefix: Set(ip_prefix.clone()),
        user_agent: Set(user_agent.clone()),
    }
}

fn event(row: Model) -> Result<AuthEvent, StoreError> {
    let Model { user_id, id, kind, at: Micros(at), session_id, ip_prefix, user_agent } = row;
    Ok(AuthEvent {
        id: EventId::new(id),
        user: UserId::new(user_id),
        kind: EventKind::from_name(&kind).ok_or_else(|| corrupt("auth_events.kind"))?,
        at,
        session: session_id.map(SessionId::new),
        client: Client { user_agent, ip_prefix, device: None },
    })
}
