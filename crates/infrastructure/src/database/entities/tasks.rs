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

/// A row as far as a task is made of it: without the two columns that only sort and search, which would double what
/// travels. Its columns are read by their place, which spares a look-up by name for each value.
pub struct Listed {
    pub owner_id: Uuid,
    pub id: Uuid,
    pub title: String,
    pub description: Option<String>,
    pub due_at: Option<Micros>,
    pub priority: i16,
    pub is_completed: bool,
    pub revision: i64,
    pub created_at: Micros,
    pub updated_at: Micros,
}

impl Listed {
    /// The columns in the order in which they are read.
    pub const COLUMNS: [Column; 10] = [
        Column::OwnerId,
        Column::Id,
        Column::Title,
        Column::Description,
        Column::DueAt,
        Column::Priority,
        Column::IsCompleted,
        Column::Revision,
        Column::CreatedAt,
        Column::UpdatedAt,
    ];
}

impl FromQueryResult for Listed {
    fn from_query_result(row: &QueryResult, _: &str) -> Result<Self, DbErr> {
        Ok(Self {
            owner_id: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            title: row.try_get_by_index(2)?,
            description: row.try_get_by_index(3)?,
            due_at: row.try_get_by_index(4)?,
            priority: row.try_get_by_index(5)?,
            is_completed: row.try_get_by_index(6)?,
            revision: row.try_get_by_index(7)?,
            created_at: row.try_get_by_index(8)?,
            updated_at: row.try_get_by_index(9)?,
        })
    }
}

impl ActiveModelBehavior for ActiveModel {}
