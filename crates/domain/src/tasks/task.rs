//! A task and how it comes to be.

use crate::{
    TaskId, Timestamp, UserId,
    tasks::{Description, Priority, Title},
    text::fold,
};

/// Counts the writes of one task, from 1. Two reads with the same revision read the same task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(i64);

impl Revision {
    /// What a new task has.
    pub const FIRST: Self = Self(1);

    /// A revision that is stored or was handed out already.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The revision after one more write.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Everything a person says about a new task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDraft {
    /// What it is called.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// When it should be done.
    pub due: Option<Timestamp>,
    /// How pressing it is.
    pub priority: Priority,
    /// Whether it is done already.
    pub completed: bool,
}

/// A task of one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Unique together with `owner`.
    pub id: TaskId,
    /// The account that alone may see it; never changes.
    pub owner: UserId,
    /// What it is called.
    pub title: Title,
    /// More about it.
    pub description: Option<Description>,
    /// When it should be done.
    pub due: Option<Timestamp>,
    /// How pressing it is.
    pub priority: Priority,
    /// Whether it is done.
    pub completed: bool,
    /// Grows by one with every write.
    pub revision: Revision,
    /// Never changes.
    pub created_at: Timestamp,
    /// Moves with every write.
    pub updated_at: Timestamp,
}

impl Task {
    /// A new task of `owner`.
    pub fn create(id: TaskId, owner: UserId, draft: TaskDraft, now: Timestamp) -> Self {
        let TaskDraft { title, description, due, priority, completed } = draft;
        Self {
            id,
            owner,
            title,
            description,
            due,
            priority,
            completed,
            revision: Revision::FIRST,
            created_at: now,
            updated_at: now,
        }
    }

    /// What [`search_text`] makes of this task.
    pub fn search_text(&self) -> String {
        search_text(&self.title, self.description.as_ref())
    }
}

/// The text in which a search looks: title and description, folded, with a unit separator between them, so that a
/// search cannot match across the seam by accident.
pub fn search_text(title: &Title, description: Option<&Description>) -> String {
    let mut text = fold(title.as_str());
    if let Some(description) = description {
        text.push('\u{1f}');
        text.push_str(&fold(description.as_str()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_counted_from_one() {
        let counted = [Revision::FIRST, Revision::FIRST.next(), Revision::new(41).next()];
        assert_eq!(counted.map(Revision::number), [1, 2, 42]);
    }

    #[test]
    fn a_search_looks_into_both_texts_without_regard_to_case_and_not_across_them() {
        let title = Title::new("Buy MILK").unwrap();
        let description = Description::new("Two LITRES".to_owned()).unwrap();
        assert_eq!(search_text(&title, Some(&description)), "buy milk\u{1f}two litres");
        assert_eq!(search_text(&title, None), "buy milk");
        let at = Timestamp::from_seconds(0).unwrap();
        let (id, owner) = (TaskId::new(uuid::Uuid::max()), UserId::new(uuid::Uuid::max()));
        let draft = TaskDraft {
            title: title.clone(),
            description: Some(description.clone()),
            due: None,
            priority: Priority::UrgentImportant,
            completed: false,
        };
        let task = Task::create(id, owner, draft, at);
        assert_eq!(task.search_text(), search_text(&title, Some(&description)));
    }
}
