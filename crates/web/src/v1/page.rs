//! The list query of the canonical surface (contract, "List query of v1") and the page that answers it.

use holdfast_application::{
    domain::text::{self, TextFault},
    ports::{Direction, SortBy, TaskFilter, TaskOrder},
    tasks::{ListTasks, PageStart},
};
use utoipa::IntoParams;

use super::{
    json::{priority, timestamp},
    openapi::{direction_schema, priority_schema, sort_by_schema},
};
use crate::common::{
    fields::{Fields, Flaw, FromFields},
    json::Json,
    limits, values,
};

/// Which tasks, in which order, and which page of them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TaskListQuery {
    /// How many tasks at most.
    #[param(minimum = 1, maximum = 100, default = 50, required = false)]
    pub(crate) limit: u64,
    /// How many tasks to skip. Not together with `cursor`.
    #[param(minimum = 0, default = 0, required = false)]
    pub(crate) offset: u64,
    /// `next_cursor` of the page before, with the same filter and order.
    cursor: Option<String>,
    /// Exactly this priority.
    #[param(schema_with = priority_schema, required = false)]
    priority: Option<holdfast_application::domain::tasks::Priority>,
    /// Done or not done; also understood as `is_completed`.
    completed: Option<bool>,
    /// Due at this point in time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    due_after: Option<holdfast_application::domain::Timestamp>,
    /// Due before this point in time.
    #[param(value_type = Option<String>, format = DateTime)]
    due_before: Option<holdfast_application::domain::Timestamp>,
    /// A text in the title or the description, without regard to case.
    #[param(max_length = 255)]
    q: Option<String>,
    /// What the list is sorted by; ties by id.
    #[param(schema_with = sort_by_schema, required = false)]
    sort_by: SortBy,
    /// In which direction.
    #[param(schema_with = direction_schema, required = false)]
    sort_order: Direction,
}

impl FromFields for TaskListQuery {
    fn take(fields: &mut Fields) -> Option<Self> {
        let limit = fields.non_null("limit", |value| values::query_number(value, 1..=limits::PAGE));
        if fields.has("cursor") && fields.has("offset") {
            fields.note::<()>("cursor", Flaw::invalid("cannot be used together with offset"));
        }
        let offset = fields.non_null("offset", |value| values::query_number(value, 0..=u64::MAX));
        let cursor = fields.non_null("cursor", values::text);
        let priority = fields.non_null("priority", priority);
        let completed = fields.non_null("completed", values::query_boolean);
        let is_completed = fields.non_null("is_completed", values::query_boolean);
        let due_after = fields.non_null("due_after", timestamp);
        let due_before = fields.non_null("due_before", timestamp);
        let q = fields.non_null("q", search);
        let sort_by = fields.non_null("sort_by", sort_by);
        let sort_order = fields.non_null("sort_order", direction);
        Some(Self {
            limit: limit?.unwrap_or(limits::DEFAULT_PAGE),
            offset: offset?.unwrap_or(0).min(i64::MAX.unsigned_abs()),
            cursor: cursor?,
            priority: priority?,
            completed: completed?.or(is_completed?),
            due_after: due_after?,
            due_before: due_before?,
            q: q?.flatten(),
            sort_by: sort_by?.unwrap_or(SortBy::CreatedAt),
            sort_order: sort_order?.unwrap_or(Direction::Descending),
        })
    }
}

impl From<TaskListQuery> for ListTasks {
    fn from(query: TaskListQuery) -> Self {
        let TaskListQuery {
            limit,
            offset,
            cursor,
            priority,
            completed,
            due_after,
            due_before,
            q,
            sort_by,
            sort_order,
        } = query;
        Self {
            filter: TaskFilter { priority, completed, due_after, due_before, text: q },
            order: TaskOrder { by: sort_by, direction: sort_order },
            start: cursor.map_or(PageStart::Offset(offset), PageStart::Cursor),
            limit,
        }
    }
}

/// A search is folded like the texts that it looks in; an empty one is none.
fn search(value: Json) -> Result<Option<String>, Flaw> {
    let raw = values::text(value)?;
    if raw.chars().nth(limits::SEARCH).is_some() {
        return Err(TextFault::TooLong { limit: limits::SEARCH }.into());
    }
    Ok((!raw.is_empty()).then(|| text::fold(&raw)))
}

fn sort_by(value: Json) -> Result<SortBy, Flaw> {
    match values::text(value)?.as_str() {
        "created_at" => Ok(SortBy::CreatedAt),
        "updated_at" => Ok(SortBy::UpdatedAt),
        "due_datetime" => Ok(SortBy::Due),
        "priority" => Ok(SortBy::Priority),
        "title" => Ok(SortBy::Title),
        _ => Err(Flaw::invalid("must be created_at, updated_at, due_datetime, priority or title")),
    }
}

fn direction(value: Json) -> Result<Direction, Flaw> {
    match values::text(value)?.as_str() {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(Flaw::invalid("must be asc or desc")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ListTasks, Vec<String>> {
        let query = TaskListQuery::read(Fields::of_query(query).unwrap());
        query
            .map(ListTasks::from)
            .map_err(|fault| fault.fields().iter().map(|one| one.field.clone()).collect())
    }

    #[test]
    fn nothing_said_is_the_newest_fifty() {
        let list = read("sortBy=title&unknown=1").unwrap();
        assert_eq!((list.limit, list.start), (50, PageStart::Offset(0)));
        assert_eq!(list.order, TaskOrder { by: SortBy::CreatedAt, direction: Direction::Descending });
        assert_eq!(list.filter, TaskFilter::default());
    }

    #[test]
    fn every_fault_is_named() {
        let query = "limit=0&offset=-1&cursor=x&priority=high&completed=maybe&due_after=now&q=%00&sort_by=id&sort_order=ASC";
        let all =
            ["limit", "cursor", "offset", "priority", "completed", "due_after", "q", "sort_by", "sort_order"];
        let mut found = read(query).unwrap_err();
        found.sort();
        let mut expected = all.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_of_two_wins_and_huge_offsets_are_clamped() {
        let list = read("limit=0&limit=7&offset=99999999999999999999&is_completed=YES&q=%C3%84b").unwrap();
        assert_eq!((list.limit, list.start), (7, PageStart::Offset(i64::MAX.unsigned_abs())));
        assert_eq!(list.filter.completed, Some(true));
        assert_eq!(list.filter.text.as_deref(), Some("äb"));
        assert_eq!(read("q=").unwrap().filter.text, None);
        assert_eq!(read(&format!("q={}", "a".repeat(256))), Err(vec!["q".to_owned()]));
    }
}
