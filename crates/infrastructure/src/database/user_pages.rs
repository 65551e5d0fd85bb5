//! Lists of accounts, for their administration: the queries that name no owner.

use holdfast_application::ports::{UserFilter, UserQuery};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Asterisk, Expr, Func},
};

use super::{
    dialect,
    entities::users::{Column, Entity, Model},
    micros::Micros,
};

/// One page of rows, the newest first.
pub(super) async fn list(call: &impl ConnectionTrait, query: UserQuery) -> Result<Vec<Model>, DbErr> {
    let UserQuery { filter, offset, limit } = query;
    Entity::find()
        .filter(matching(filter))
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
    let select = Entity::find().select_only().expr(counted).filter(matching(filter));
    let counted: Option<i64> = select.into_tuple().one(call).await?;
    Ok(counted.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

fn matching(filter: UserFilter) -> Condition {
    let UserFilter { role, banned, at } = filter;
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
    Condition::all().add_option(role.map(|role| Column::Role.eq(role.name()))).add_option(banned)
}
