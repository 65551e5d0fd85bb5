//! Rows of `tasks`.

use sea_orm::{FromQueryResult, QueryResult, entity::prelude::*};

use crate::database::micros::Micros;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tasks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub title: String,
    pub title_sort: String,
    pub description: Option<String>,
    pub search_text: String,
    pub due_at: Option<Micros>,
    pub priority: i16,
    pub is_completed: bool,
    pub revision: i64,
    pub created_at: Micros,
    pub updated_at: Micros,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

/// A row whose columns are read by their place in the table's list, which spares a lookup by name for each value.
pub struct Listed(pub Model);

impl FromQueryResult for Listed {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        Ok(Self(Model {
            owner_id: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            title: row.try_get_by_index(2)?,
            title_sort: row.try_get_by_index(3)?,
            description: row.try_get_by_index(4)?,
            search_text: row.try_get_by_index(5)?,
            due_at: row.try_get_by_index(6)?,
            priority: row.try_get_by_index(7)?,
            is_completed: row.try_get_by_index(8)?,
            revision: row.try_get_by_index(9)?,
            created_at: row.try_get_by_index(10)?,
            updated_at: row.try_get_by_index(11)?,
        }))
    }
}

impl ActiveModelBehavior for ActiveModel {}
