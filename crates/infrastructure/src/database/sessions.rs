//! Sessions in the database.

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        SessionId, Stored, Timestamp, TokenId, UserId,
        sessions::{Client, EndReason, Rotation, Session},
    },
    ports::{EndedSession, SessionRepository, StoreError},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    UpdateMany,
    prelude::Uuid,
    sea_query::{Expr, ExprTrait},
};

use super::{
    SeaOrm,
    connections::Connections,
    dialect,
    entities::sessions::{ActiveModel, Column, Entity, Model},
    error::{corrupt, store_error},
    micros::Micros,
    sweep::sweep,
};

#[async_trait]
impl<C: Connections> SessionRepository for SeaOrm<C> {
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
        let row = Entity::find_by_id((owner.uuid(), id.uuid()))
            .one(&self.named("sessions.find"))
            .await
            .map_err(store_error)?;
        row.map(session).transpose()
    }

    async fn list(
        &self,
        owner: UserId,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        let behind = Condition::all().add_option(after.map(|id| Column::Id.gt(id.uuid())));
        let listed = Entity::find()
            .filter(Column::UserId.eq(owner.uuid()))
            .filter(behind)
            .order_by_asc(Column::Id)
            .limit(dialect::count(limit));
        listed
            .all(&self.named("sessions.list"))
            .await
            .map_err(store_error)?
            .into_iter()
            .map(session)
            .collect()
    }

    async fn live(&self, owner: UserId, at: Timestamp, limit: u64) -> Result<Vec<Session>, StoreError> {
        let rows = live(owner, at)
            .limit(dialect::count(limit))
            .all(&self.named("sessions.live"))
            .await
            .map_err(store_error)?;
        rows.into_iter().map(session).collect()
    }

    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        Entity::insert(row(session))
            .exec_without_returning(&self.named("sessions.insert"))
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Option<Session>, StoreError> {
        let rows = rotated(rotation)
            .exec_with_returning(&self.named("sessions.rotate"))
            .await
            .map_err(store_error)?;
        rows.into_iter().next().map(session).transpose()
    }

    async fn end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let ended = ended(owner, reason, at).filter(Column::Id.eq(id.uuid()));
        Ok(ended.exec(&self.named("sessions.end")).await.map_err(store_error)?.rows_affected > 0)
    }

    async fn end_all(
        &self,
        owner: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let others = Condition::all().add_option(except.map(|id| Column::Id.ne(id.uuid())));
        let ended = ended(owner, reason, at).filter(others);
        let rows = ended.exec_with_returning(&self.named("sessions.end_all")).await.map_err(store_error)?;
        Ok(rows.into_iter().map(|row| SessionId::new(row.id)).collect())
    }

    async fn end_surplus(
        &self,
        owner: UserId,
        keep: u64,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let surplus = live(owner, at).select_only().column(Column::Id);
        // SQLite knows no offset without a limit.
        let surplus = surplus.offset(dialect::count(keep)).limit(dialect::count(u64::MAX));
        let ended = ended(owner, EndReason::Surplus, at).filter(Column::Id.in_subquery(surplus.into_query()));
        let rows =
            ended.exec_with_returning(&self.named("sessions.end_surplus")).await.map_err(store_error)?;
        Ok(rows.into_iter().map(|row| SessionId::new(row.id)).collect())
    }

    async fn ended(
        &self,
        since: Timestamp,
        after: Option<EndedSession>,
        limit: u64,
    ) -> Result<Vec<EndedSession>, StoreError> {
        // No more than the index holds: whole rows would be read from everywhere.
        let rows = Entity::find()
            .select_only()
            .columns([Column::RevokedAt, Column::UserId, Column::Id])
            .filter(Column::RevokedAt.gte(Micros(since)))
            .filter(Condition::all().add_option(after.map(behind)))
            .order_by_asc(Column::RevokedAt)
            .order_by_asc(Column::UserId)
            .order_by_asc(Column::Id)
            .limit(dialect::count(limit))
            .into_tuple::<(Micros, Uuid, Uuid)>()
            .all(&self.named("sessions.ended"))
            .await
            .map_err(store_error)?;
        let ended =
            |(Micros(at), owner, id)| EndedSession { at, owner: UserId::new(owner), id: SessionId::new(id) };
        Ok(rows.into_iter().map(ended).collect())
    }

    /// Two statements, each of which finds its rows in an index: those whose latest end is past, and those that were not
    /// refreshed in time. What the first one removed stays removed when the second one fails.
    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let (call, key) = (self.named("sessions.sweep"), [Column::UserId, Column::Id]);
        let past = Column::AbsoluteExpiresAt.lte(Micros(until));
        let idle = Column::RevokedAt.is_null().and(Column::IdleExpiresAt.lte(Micros(until)));
        let swept = sweep::<Entity>(&call, key, past, Column::AbsoluteExpiresAt, limit).await?;
        Ok(swept + sweep::<Entity>(&call, key, idle, Column::IdleExpiresAt, limit - swept).await?)
    }
}

/// As one comparison of triples, which both engines find in the index.
fn behind(EndedSession { at, owner, id }: EndedSession) -> Expr {
    let place = Expr::tuple([Expr::value(Micros(at)), Expr::value(owner.uuid()), Expr::value(id.uuid())]);
    let columns = [Column::RevokedAt.into_expr(), Column::UserId.into_expr(), Column::Id.into_expr()];
    Expr::tuple(columns).gt(place)
}

/// What has neither ended nor expired, the one used last first.
fn live(owner: UserId, at: Timestamp) -> Select<Entity> {
    Entity::find()
        .filter(Column::UserId.eq(owner.uuid()))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::IdleExpiresAt.gt(Micros(at)))
        .filter(Column::AbsoluteExpiresAt.gt(Micros(at)))
        .order_by_desc(Column::LastUsedAt)
        .order_by_desc(Column::Id)
}

/// What `Session::rotated` does, with its comparison.
fn rotated(rotation: &Rotation) -> UpdateMany<Entity> {
    let Rotation {
        owner,
        session,
        expected,
        next,
        key_id,
        at,
        idle_expires_at,
        window_started_at,
        window_rotations,
    } = rotation;
    Entity::update_many()
        .col_expr(Column::CurrentJti, Expr::value(next.uuid()))
        .col_expr(Column::PreviousJti, Expr::value(expected.uuid()))
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1_i64))
        .col_expr(Column::KeyId, Expr::value(key_id.as_str()))
        .col_expr(Column::RotatedAt, Expr::value(Micros(*at)))
        .col_expr(Column::LastUsedAt, Expr::value(Micros(*at)))
        .col_expr(Column::IdleExpiresAt, Expr::value(Micros(*idle_expires_at)))
        .col_expr(Column::WindowStartedAt, Expr::value(Micros(*window_started_at)))
        .col_expr(Column::WindowRotations, Expr::value(*window_rotations))
        .filter(Column::UserId.eq(owner.uuid()))
        .filter(Column::Id.eq(session.uuid()))
        .filter(Column::CurrentJti.eq(expected.uuid()))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::IdleExpiresAt.gt(Micros(*at)))
        .filter(Column::AbsoluteExpiresAt.gt(Micros(*at)))
}

/// Ends what has not ended yet.
fn ended(owner: UserId, reason: EndReason, at: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(Micros(at)))
        .col_expr(Column::RevokedReason, Expr::value(reason.name()))
        .filter(Column::UserId.eq(owner.uuid()))
        .filter(Column::RevokedAt.is_null())
}

fn row(session: &Session) -> ActiveModel {
    let Session {
        id,
        owner,
        current,
        previous,
        generation,
        key_id,
        rotated_at,
        window_started_at,
        window_rotations,
        created_at,
        last_used_at,
        idle_expires_at,
        absolute_expires_at,
        ended,
        client: Client { user_agent, ip_prefix, device },
    } = session;
    ActiveModel {
        user_id: Set(owner.uuid()),
        id: Set(id.uuid()),
        current_jti: Set(current.uuid()),
        previous_jti: Set(previous.map(TokenId::uuid)),
        generation: Set(*generation),
        key_id: Set(key_id.clone()),
        rotated_at: Set(Micros(*rotated_at)),
        window_started_at: Set(Micros(*window_started_at)),
        window_rotations: Set(*window_rotations),
        created_at: Set(Micros(*created_at)),
        last_used_at: Set(Micros(*last_used_at)),
        idle_expires_at: Set(Micros(*idle_expires_at)),
        absolute_expires_at: Set(Micros(*absolute_expires_at)),
        revoked_at: Set(ended.as_ref().map(|(at, _)| Micros(*at))),
        revoked_reason: Set(ended.as_ref().map(|(_, reason)| reason.name(EndReason::name).to_owned())),
        user_agent: Set(user_agent.clone()),
        ip_prefix: Set(ip_prefix.clone()),
        device: Set(device.clone()),
    }
}

fn session(row: Model) -> Result<Session, StoreError> {
    let Model {
        user_id,
        id,
        current_jti,
        previous_jti,
        generation,
        key_id,
        rotated_at: Micros(rotated_at),
        window_started_at: Micros(window_started_at),
        window_rotations,
        created_at: Micros(created_at),
        last_used_at: Micros(last_used_at),
        idle_expires_at: Micros(idle_expires_at),
        absolute_expires_at: Micros(absolute_expires_at),
        revoked_at,
        revoked_reason,
        user_agent,
        ip_prefix,
        device,
    } = row;
    let ended = match (revoked_at, revoked_reason) {
        (None, _) => None,
        (Some(_), None) => return Err(corrupt("sessions.revoked_reason")),
        (Some(Micros(at)), Some(reason)) => Some((at, Stored::read(reason, EndReason::from_name))),
    };
    Ok(Session {
        id: SessionId::new(id),
        owner: UserId::new(user_id),
        current: TokenId::new(current_jti),
        previous: previous_jti.map(TokenId::new),
        generation,
        key_id,
        rotated_at,
        window_started_at,
        window_rotations,
        created_at,
        last_used_at,
        idle_expires_at,
        absolute_expires_at,
        ended,
        client: Client { user_agent, ip_prefix, device },
    })
}
