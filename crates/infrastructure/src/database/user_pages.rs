//! Lists of accounts, for their administration: the queries that name no owner.

use holdfast_application::ports::{UserFilter, UserPosition, UserQuery};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Asterisk, Expr, Func},
};

use super::{
    dialect,
    entities::users::{Column, Entity, Model},
    micros::Micros,
};

/// One page of rows, the newest first.
pub(super) async fn list(call: &impl ConnectionTrait, query: UserQuery) -> Result<Vec<Model>, DbErr> {
    let UserQuery { filter, behind, offset, limit } = query;
    Entity::find()
        .filter(matching(call.get_database_backend(), filter).add_option(behind.map(behind_place)))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(dialect::count(limit))
        .offset(dialect::count(offset))
        .all(call)
        .await
}

/// How many rows there are on all pages.
pub(super) async fn count(call: &impl ConnectionTrait, filter: UserFilter) -> Result<u64, DbErr> {
    let counted = Func::count(Expr::col(Asterisk));
    let select =
        Entity::find().select_only().expr(counted).filter(matching(call.get_database_backend(), filter));
    let counted: Option<i64> = select.into_tuple().one(call).await?;
    Ok(counted.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// The first condition is the one that an index serves.
fn behind_place(UserPosition { created_at, id }: UserPosition) -> Condition {
    let earlier = Column::CreatedAt.lt(Micros(created_at));
    let tie = Condition::any().add(earlier).add(Column::Id.lt(id.uuid()));
    Condition::all().add(Column::CreatedAt.lte(Micros(created_at))).add(tie)
}

fn matching(backend: DbBackend, filter: UserFilter) -> Condition {
    let UserFilter { role, banned, active, email_prefix, at } = filter;
    let ended = Column::BanExpiresAt.lte(Micros(at));
    let banned = banned.map(|banned| {
        if banned {
            let lasts =
                Condition::any().add(Column::BanExpiresAt.is_null()).add(Column::BanExpiresAt.gt(Micros(at)));
            Condition::all().add(Column::BannedAt.is_not_null()).add(lasts)
        } else {
            Condition::any().add(Column::BannedAt.is_null()).add(ended)
        }
    });
    Condition::all()
        .add_option(role.map(|role| Column::Role.eq(role.name())))
        .add_option(active.map(|active| Column::IsActive.eq(active)))
        .add_option(email_prefix.map(|text| dialect::begins(backend, Column::EmailFolded, &text)))
        .add_option(banned)
}
