//! A task as the canonical surface writes it.

use holdfast_application::domain::{
    TaskId, Timestamp, UserId,
    tasks::{Task, Title},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    common::values::{shown, zoned, zoned_option},
    v1::openapi::priority_schema,
};

/// A task. All members are always there.
#[derive(Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody {
    /// Never changes.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: TaskId,
    /// The account that owns it.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    #[schema(example = "Water the plants")]
    title: String,
    description: Option<String>,
    #[serde(serialize_with = "zoned_option")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T10:00:00Z")]
    due_datetime: Option<Timestamp>,
    #[schema(schema_with = priority_schema)]
    priority: &'static str,
    is_completed: bool,
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Moves with every write.
    #[serde(serialize_with = "zoned")]
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        let Task {
            id,
            owner,
            title,
            description,
            due,
            priority,
            completed,
            revision: _,
            created_at,
            updated_at,
        } = task;
        Self {
            id,
            user_id: owner,
            title: Title::into_string(title),
            description: description.map(holdfast_application::domain::tasks::Description::into_string),
            due_datetime: due,
            priority: priority.name(),
            is_completed: completed,
            created_at,
            updated_at,
        }
    }
}
