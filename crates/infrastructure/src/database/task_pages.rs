//! Lists of tasks: which, in which order, from where. Each query names the owner and follows an index.

use std::collections::HashSet;

use holdfast_application::{
    domain::UserId,
    ports::{Direction, Position, SortBy, SortKey, Start, TaskFilter, TaskOrder, TaskQuery},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    Value,
    sea_query::{Asterisk, Expr, ExprTrait, Func, NullOrdering},
};

use super::{
    dialect,
    entities::tasks::{Column, Entity, Listed},
    micros::Micros,
};

/// One page of rows.
pub(super) async fn list(
    call: &impl ConnectionTrait,
    owner: UserId,
    query: &TaskQuery,
) -> Result<Vec<Listed>, DbErr> {
    let TaskQuery { filter, order, start, limit } = query;
    let mut rows: Vec<Listed> = Vec::new();
    for segment in segments(*order, start) {
        let Some(matching) = matching(call, owner, filter).filter(|_| (rows.len() as u64) < *limit) else {
            break;
        };
        // As many as the page holds: a task that has changed from one segment to the next meanwhile is found twice.
        let mut select = Entity::find()
            .select_only()
            .columns(Listed::COLUMNS)
            .filter(matching)
            .filter(segment)
            .limit(dialect::count(*limit));
        if let Start::Offset(offset) = start {
            select = select.offset(dialect::count(*offset));
        }
        let found = ordered(select, *order).into_model::<Listed>().all(call).await?;
        let seen: HashSet<_> = rows.iter().map(|row| row.id).collect();
        rows.extend(found.into_iter().filter(|row| !seen.contains(&row.id)));
    }
    rows.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
    Ok(rows)
}

/// How many rows there are on all pages.
pub(super) async fn count(
    call: &impl ConnectionTrait,
    owner: UserId,
    filter: &TaskFilter,
) -> Result<u64, DbErr> {
    let Some(matching) = matching(call, owner, filter) else {
        return Ok(0);
    };
    let select = Entity::find().select_only().expr(Func::count(Expr::col(Asterisk))).filter(matching);
    let counted: Option<i64> = select.into_tuple().one(call).await?;
    Ok(counted.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
}

/// The rows that the filter lets through; nothing when it can let none through.
fn matching(call: &impl ConnectionTrait, owner: UserId, filter: &TaskFilter) -> Option<Condition> {
    let TaskFilter { priority, completed, due_after, due_before, text } = filter;
    // No text contains U+0000, and PostgreSQL would refuse the question.
    if text.as_ref().is_some_and(|text| text.contains('\0')) {
        return None;
    }
    let contains =
        |text: &String| dialect::contains(call.get_database_backend(), (Entity, Column::SearchText), text);
    let condition = Condition::all()
        .add(Column::OwnerId.eq(owner.uuid()))
        .add_option(priority.map(|priority| Column::Priority.eq(priority.rank())))
        .add_option(completed.map(|completed| Column::IsCompleted.eq(completed)))
        .add_option(due_after.map(|at| Column::DueAt.gte(Micros(at))))
        .add_option(due_before.map(|at| Column::DueAt.lt(Micros(at))))
        .add_option(text.as_ref().filter(|text| !text.is_empty()).map(contains));
    Some(condition)
}

/// The places where the rest of the list lies, one behind the other. Tasks without a due time lie at one end of an order
/// by due time; on their own they are a range of the index, which `OR` would not be.
fn segments(order: TaskOrder, start: &Start) -> Vec<Condition> {
    let Position { key, id } = match start {
        Start::Offset(_) => return vec![Condition::all()],
        Start::After(position) => position,
    };
    let column = column(order.by);
    let behind = |left: Expr, right: Expr| match order.direction {
        Direction::Ascending => left.gt(right),
        Direction::Descending => left.lt(right),
    };
    let value: Value = match key {
        SortKey::Time(Some(at)) => Micros(*at).into(),
        SortKey::Rank(rank) => (*rank).into(),
        SortKey::Text(text) => text.as_str().into(),
        SortKey::Time(None) => {
            let null = Condition::all()
                .add(column.is_null())
                .add(behind(Column::Id.into_expr(), Expr::value(id.uuid())));
            return match order.direction {
                Direction::Ascending => vec![null],
                Direction::Descending => vec![null, Condition::all().add(column.is_not_null())],
            };
        }
    };
    let place = Expr::tuple([Expr::value(value), Expr::value(id.uuid())]);
    let ranked = behind(Expr::tuple([column.into_expr(), Column::Id.into_expr()]), place);
    let mut segments = vec![Condition::all().add(ranked)];
    if order.by == SortBy::Due && order.direction == Direction::Ascending {
        segments.push(Condition::all().add(column.is_null()));
    }
    segments
}

fn ordered(select: sea_orm::Select<Entity>, order: TaskOrder) -> sea_orm::Select<Entity> {
    // PostgreSQL's own places for nulls, spelled out because SQLite's are the opposite.
    let (direction, nulls) = match order.direction {
        Direction::Ascending => (Order::Asc, NullOrdering::Last),
        Direction::Descending => (Order::Desc, NullOrdering::First),
    };
    let column = column(order.by);
    let select = match order.by {
        SortBy::Due => select.order_by_with_nulls(column, direction.clone(), nulls),
        SortBy::CreatedAt | SortBy::UpdatedAt | SortBy::Priority | SortBy::Title => {
            select.order_by(column, direction.clone())
        }
    };
    select.order_by(Column::Id, direction)
}

const fn column(by: SortBy) -> Column {
    match by {
        SortBy::CreatedAt => Column::CreatedAt,
        SortBy::UpdatedAt => Column::UpdatedAt,
        SortBy::Due => Column::DueAt,
        SortBy::Priority => Column::Priority,
        SortBy::Title => Column::TitleSort,
    }
}
