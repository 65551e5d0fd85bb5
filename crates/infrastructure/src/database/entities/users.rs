//! Rows of `users`.

use sea_orm::entity::prelude::*;

use crate::database::micros::Micros;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_folded: String,
    pub email_claim: Option<String>,
    pub name: Option<String>,
    pub password_hash: Option<String>,
    pub role: String,
    pub is_active: bool,
    pub email_verified: bool,
    pub image: Option<String>,
    pub banned_at: Option<Micros>,
    pub ban_reason: Option<String>,
    pub ban_expires_at: Option<Micros>,
    pub created_at: Micros,
    pub updated_at: Micros,
    pub last_sign_in_at: Option<Micros>,
    pub legacy_tokens_refused_at: Option<Micros>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
