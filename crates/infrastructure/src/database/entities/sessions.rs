//! Rows of `sessions`.

use sea_orm::entity::prelude::*;

use crate::database::micros::Micros;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub current_jti: Uuid,
    pub previous_jti: Option<Uuid>,
    pub generation: i64,
    pub key_id: String,
    pub rotated_at: Micros,
    pub window_started_at: Micros,
    pub window_rotations: i32,
    pub created_at: Micros,
    pub last_used_at: Micros,
    pub idle_expires_at: Micros,
    pub absolute_expires_at: Micros,
    pub revoked_at: Option<Micros>,
    pub revoked_reason: Option<String>,
    pub user_agent: Option<String>,
    pub ip_prefix: Option<String>,
    pub device: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
