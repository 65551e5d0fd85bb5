//! Removing rows that are over, the oldest first and so many at a time: the same statement for every table.

use holdfast_application::ports::StoreError;
use sea_orm::{
    ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, IntoCondition},
};

use super::{dialect, error::store_error};

/// Removes up to `limit` rows that are `over`, by the time when they ended, and answers how many there were. `key` is the
/// primary key of `E`.
pub(super) async fn sweep<E: EntityTrait>(
    call: &impl ConnectionTrait,
    key: [E::Column; 2],
    over: impl IntoCondition,
    ended: E::Column,
    limit: u64,
) -> Result<u64, StoreError> {
    let over = over.into_condition();
    let oldest = E::find()
        .select_only()
        .columns(key)
        .filter(over.clone())
        .order_by_asc(ended)
        .limit(dialect::count(limit));
    let key = Expr::tuple(key.map(Expr::col));
    let swept = E::delete_many()
        .filter(key.in_subquery(oldest.into_query()))
        // Again, because a row may have come back to life since the look: another clock may be behind.
        .filter(over)
        .exec(call)
        .await
        .map_err(store_error)?;
    Ok(swept.rows_affected)
}
