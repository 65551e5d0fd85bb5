//! The bodies and the query of the frozen surface (contract, Part II §1). How single values are read is told in
//! [`super::values`].

use holdfast_application::{
    Patch,
    domain::{
        TaskId, Timestamp, UserId,
        tasks::{Description, Priority, Task, TaskDraft, Title},
    },
    ports::{Direction, SortBy, TaskChanges, TaskFilter, TaskOrder},
    tasks::{ListTasks, PageStart},
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::values::{
    boolean, description, direction, direction_schema, priority, priority_schema, sort_by, sort_by_schema,
    timestamp, title,
};
use crate::common::{
    fields::{Fields, FromFields},
    limits,
    values::{self, naive, naive_option, shown},
};

/// A task. All members are always there.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyTask {
    title: String,
    description: Option<String>,
    /// UTC without a zone.
    #[serde(serialize_with = "naive_option")]
    #[schema(value_type = Option<String>, example = "2026-03-01T10:00:00")]
    due_datetime: Option<Timestamp>,
    #[schema(schema_with = priority_schema)]
    priority: &'static str,
    is_completed: bool,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    id: TaskId,
    #[serde(serialize_with = "shown")]
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    #[serde(serialize_with = "naive")]
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[serde(serialize_with = "naive")]
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

impl From<Task> for LegacyTask {
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
            title: title.into_string(),
            description: description.map(Description::into_string),
            due_datetime: due,
            priority: priority.name(),
            is_completed: completed,
            id,
            user_id: owner,
            created_at,
            updated_at,
        }
    }
}

/// One page.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyTaskList {
    pub(crate) tasks: Vec<LegacyTask>,
    pub(crate) total_count: u64,
    pub(crate) limit: u64,
    pub(crate) offset: u64,
}

/// The envelope of every success.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyAnswer<T> {
    success: bool,
    data: T,
}

impl<T> LegacyAnswer<T> {
    pub(crate) fn new(data: T) -> Self {
        Self { success: true, data }
    }
}

/// A new task.
#[derive(ToSchema)]
pub(crate) struct LegacyTaskCreate {
    /// Kept as it is, blank and padded too.
    #[schema(value_type = String, max_length = 255)]
    title: Title,
    #[schema(value_type = Option<String>)]
    description: Option<Description>,
    #[schema(value_type = Option<String>)]
    due_datetime: Option<Timestamp>,
    #[schema(schema_with = priority_schema, required = false)]
    priority: Priority,
    #[schema(value_type = Option<bool>, default = false)]
    is_completed: bool,
}

impl FromFields for LegacyTaskCreate {
    fn take(fields: &mut Fields) -> Option<Self> {
        fields.blank_is_null("due_datetime");
        let title = fields.required("title", title);
        let description = fields.optional("description", description);
        let due_datetime = fields.optional("due_datetime", timestamp);
        let priority = fields.non_null("priority", priority);
        let is_completed = fields.optional("is_completed", boolean);
        Some(Self {
            title: title?,
            description: description?,
            due_datetime: due_datetime?,
            priority: priority?.unwrap_or(Priority::NotUrgentNotImportant),
            is_completed: is_completed?.unwrap_or(false),
        })
    }
}

impl From<LegacyTaskCreate> for TaskDraft {
    fn from(task: LegacyTaskCreate) -> Self {
        let LegacyTaskCreate { title, description, due_datetime, priority, is_completed } = task;
        Self { title, description, due: due_datetime, priority, completed: is_completed }
    }
}

/// What changes about a task. With title, priority and completion all there it is the whole task, and a description or
/// due date that is left out is cleared; else what is left out stays (contract, decision 3).
#[derive(ToSchema)]
pub(crate) struct LegacyTaskUpdate {
    #[schema(value_type = String, required = false, max_length = 255)]
    title: Option<Title>,
    #[schema(value_type = Option<String>)]
    description: Patch<Description>,
    #[schema(value_type = Option<String>)]
    due_datetime: Patch<Timestamp>,
    #[schema(schema_with = priority_schema, required = false)]
    priority: Option<Priority>,
    #[schema(value_type = bool, required = false)]
    is_completed: Option<bool>,
}

impl FromFields for LegacyTaskUpdate {
    fn take(fields: &mut Fields) -> Option<Self> {
        fields.blank_is_null("due_datetime");
        let whole = ["title", "priority", "is_completed"].iter().all(|name| fields.has(name));
        let title = fields.non_null("title", title);
        let description = fields.patch("description", description);
        let due_datetime = fields.patch("due_datetime", timestamp);
        let priority = fields.non_null("priority", priority);
        let is_completed = fields.non_null("is_completed", boolean);
        Some(Self {
            title: title?,
            description: cleared(description?, whole),
            due_datetime: cleared(due_datetime?, whole),
            priority: priority?,
            is_completed: is_completed?,
        })
    }
}

fn cleared<T>(patch: Patch<T>, whole: bool) -> Patch<T> {
    match patch {
        Patch::Keep if whole => Patch::Clear,
        other => other,
    }
}

impl From<LegacyTaskUpdate> for TaskChanges {
    fn from(update: LegacyTaskUpdate) -> Self {
        let LegacyTaskUpdate { title, description, due_datetime, priority, is_completed } = update;
        Self { title, description, due: due_datetime, priority, completed: is_completed }
    }
}

/// Whether a task is done.
#[derive(ToSchema)]
pub(crate) struct LegacyTaskComplete {
    pub(crate) completed: bool,
}

impl FromFields for LegacyTaskComplete {
    fn take(fields: &mut Fields) -> Option<Self> {
        Some(Self { completed: fields.required("completed", boolean)? })
    }
}

/// Which tasks, in which order, and which page of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LegacyListQuery {
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    pub(crate) limit: u64,
    #[param(minimum = 0, default = 0, required = false)]
    pub(crate) offset: u64,
    #[param(schema_with = priority_schema, required = false)]
    priority: Option<Priority>,
    completed: Option<bool>,
    #[param(schema_with = sort_by_schema, required = false)]
    sort_by: SortBy,
    #[param(schema_with = direction_schema, required = false)]
    sort_order: Direction,
}

impl FromFields for LegacyListQuery {
    fn take(fields: &mut Fields) -> Option<Self> {
        let limit = fields.non_null("limit", |value| values::query_number(value, 1..=limits::PAGE));
        let offset = fields.non_null("offset", |value| values::query_number(value, 0..=u64::MAX));
        let priority = fields.non_null("priority", priority);
        let completed = fields.non_null("completed", values::query_boolean);
        let sort_by = fields.non_null("sort_by", sort_by);
        let sort_order = fields.non_null("sort_order", direction);
        Some(Self {
            limit: limit?.unwrap_or(limits::DEFAULT_PAGE),
            offset: offset?.unwrap_or(0).min(i64::MAX.unsigned_abs()),
            priority: priority?,
            completed: completed?,
            sort_by: sort_by?.unwrap_or(SortBy::CreatedAt),
            sort_order: sort_order?.unwrap_or(Direction::Descending),
        })
    }
}

impl From<LegacyListQuery> for ListTasks {
    fn from(query: LegacyListQuery) -> Self {
        let LegacyListQuery { limit, offset, priority, completed, sort_by, sort_order } = query;
        Self {
            filter: TaskFilter { priority, completed, ..TaskFilter::default() },
            order: TaskOrder { by: sort_by, direction: sort_order },
            start: PageStart::Offset(offset),
            limit,
        }
    }
}
