//! Rows of `throttles`. Times are microseconds on both engines.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "throttles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub principal: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub network: String,
    pub failures: i64,
    pub since: i64,
    pub blocked_until: i64,
    pub succeeded_at: Option<i64>,
    pub expires_at: i64,
    pub pending: i64,
    pub pending_until: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
