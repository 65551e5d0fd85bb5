//! Tasks: what a person has to do. How tasks are found and stored is not decided here.

mod priority;
mod task;
mod title;

pub use priority::{InvalidPriority, Priority};
pub use task::{Revision, Task, TaskDraft, search_text};
pub use title::{DESCRIPTION_LIMIT, Description, TITLE_LIMIT, Title};
