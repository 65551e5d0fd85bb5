//! How the frozen surface reads and writes tasks: the lenient inputs of the FastAPI backend (contract, Part II §1) and
//! points in time without a zone.

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

use crate::common::{
    datetime,
    fields::{Fields, Flaw, FromFields},
    json::Json,
    limits,
    values::{self, naive, naive_option, shown, text},
};

/// From here on a number counts milliseconds, not seconds: the year 2603 in seconds.
const MILLISECONDS_FROM: i64 = 20_000_000_000;

/// A task. All members are always there.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyTask {
    title: String,
    description: Option<String>,
    /// UTC without a zone.
    #[serde(serialize_with = "naive_option")]
    #[schema(value_type = Option<String>, example = "2026-03-01T10:00:00")]
    due_datetime: Option<Timestamp>,
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
    #[schema(value_type = String, default = "not_urgent_not_important", required = false)]
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
    #[schema(value_type = String, required = false)]
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
    #[param(value_type = Option<String>)]
    priority: Option<Priority>,
    completed: Option<bool>,
    /// `created_at`, `updated_at`, `due_datetime`, `priority` or `title`.
    #[param(value_type = String, default = "created_at", required = false)]
    sort_by: SortBy,
    /// `asc` or `desc`.
    #[param(value_type = String, default = "desc", required = false)]
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

fn title(value: Json) -> Result<Title, Flaw> {
    Ok(Title::verbatim(text(value)?)?)
}

fn description(value: Json) -> Result<Description, Flaw> {
    Ok(Description::verbatim(text(value)?)?)
}

fn priority(value: Json) -> Result<Priority, Flaw> {
    Ok(text(value)?.parse::<Priority>()?)
}

fn sort_by(value: Json) -> Result<SortBy, Flaw> {
    match text(value)?.as_str() {
        "created_at" => Ok(SortBy::CreatedAt),
        "updated_at" => Ok(SortBy::UpdatedAt),
        "due_datetime" => Ok(SortBy::Due),
        "priority" => Ok(SortBy::Priority),
        "title" => Ok(SortBy::Title),
        _ => Err(Flaw::invalid("must be created_at, updated_at, due_datetime, priority or title")),
    }
}

fn direction(value: Json) -> Result<Direction, Flaw> {
    match text(value)?.as_str() {
        "asc" => Ok(Direction::Ascending),
        "desc" => Ok(Direction::Descending),
        _ => Err(Flaw::invalid("must be asc or desc")),
    }
}

fn boolean(value: Json) -> Result<bool, Flaw> {
    let read = match value {
        Json::Bool(value) => Some(value),
        Json::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Json::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Json::Number(_) => None,
        Json::Text(text) => values::lenient_boolean(&text),
        other @ (Json::Null | Json::List | Json::Object) => {
            return Err(Flaw::wrong_type("a boolean", &other));
        }
    };
    read.ok_or_else(|| Flaw::invalid("must be true or false"))
}

fn timestamp(value: Json) -> Result<Timestamp, Flaw> {
    let read = match value {
        Json::Text(text) => unix_text(&text).or_else(|| datetime::parse(&canonical(&text)?)),
        Json::Number(number) => unix_text(&number.to_string()),
        other @ (Json::Null | Json::Bool(_) | Json::List | Json::Object) => {
            return Err(Flaw::wrong_type("a date-time", &other));
        }
    };
    read.ok_or_else(|| Flaw::invalid("must be a date-time such as 2026-03-01T10:00:00, in the years 1 to 9999"))
}

/// Unix seconds or milliseconds, with or without a fraction.
fn unix_text(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    if !digits(unsigned) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let unit: i64 = if number.abs() > MILLISECONDS_FROM { 1_000 } else { 1_000_000 };
    let padded = format!("{fraction:0<6}");
    let part = padded.get(..6)?.parse::<i64>().ok()? * unit / 1_000_000;
    let part = if whole.starts_with('-') { -part } else { part };
    Timestamp::from_micros(number.checked_mul(unit)?.checked_add(part)?).ok()
}

/// The forms that only this surface reads, as those that every surface reads: a date alone is its midnight, an offset
/// may lack its colon.
fn canonical(text: &str) -> Option<String> {
    if datetime::date(text).is_some() {
        return Some(format!("{text}T00:00"));
    }
    let (rest, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let bare = offset.starts_with(['+', '-']) && offset[1..].bytes().all(|byte| byte.is_ascii_digit());
    Some(if bare { format!("{rest}{}:{}", &offset[..3], &offset[3..]) } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &Json) -> Option<String> {
        timestamp(value.clone()).ok().map(|at| at.to_string())
    }

    fn read_text(text: &str) -> Option<String> {
        read(&Json::Text(text.to_owned()))
    }

    #[test]
    fn every_form_that_the_front_ends_send_is_understood() {
        for (text, expected) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T10:00", "2026-03-01T10:00:00Z"),
            ("2026-03-01 10:00:00.1234567", "2026-03-01T10:00:00.123456Z"),
            ("2026-03-01T10:00:00+0200", "2026-03-01T08:00:00Z"),
            ("2026-03-01T10:00-0530", "2026-03-01T15:30:00Z"),
            ("2026-03-01t10:00:00z", "2026-03-01T10:00:00Z"),
            ("1767225600", "2026-01-01T00:00:00Z"),
            ("1767225600000", "2026-01-01T00:00:00Z"),
            ("1767225600.5", "2026-01-01T00:00:00.500000Z"),
            ("-1.5", "1969-12-31T23:59:58.500000Z"),
        ] {
            assert_eq!(read_text(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(read(&Json::Number(1_767_225_600.into())).as_deref(), Some("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn what_the_backend_refused_is_refused() {
        for text in [
            "",
            "2026-03-01T10",
            "20260301T100000",
            "2026-03-01T24:00:00",
            "2026-03-01T23:59:60",
            "now",
            "+",
            "2026-03-01T10:00:00+02",
            "99999999999999999999",
            "1e9",
        ] {
            assert_eq!(read_text(text), None, "{text}");
        }
        assert_eq!(read(&Json::Bool(true)), None);
    }

    #[test]
    fn booleans_come_as_words_and_numbers() {
        for (value, expected) in [
            (Json::Number(1.into()), Some(true)),
            (Json::Number(0.into()), Some(false)),
            (Json::Number(2.into()), None),
            (Json::Text("Off".into()), Some(false)),
            (Json::Text(String::new()), None),
            (Json::List, None),
        ] {
            assert_eq!(boolean(value.clone()).ok(), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = read_text(&text);
        }

        #[test]
        fn no_number_makes_the_reader_panic(text in "[+-]?[0-9]{0,25}[.]?[0-9]{0,25}") {
            let _ = read_text(&text);
        }
    }
}
