//! What demo accounts and tasks hold. All of it follows from the seed and a number, whichever order it is asked in.

use std::time::Duration;

use holdfast_application::domain::{
    TaskId, Timestamp, UserId,
    tasks::{Description, Priority, Task, TaskDraft, Title},
    users::{Email, Name, Role, User},
};

use super::draw::Draw;

const FIRST_NAMES: [&str; 16] = [
    "Ada",
    "Alan",
    "Barbara",
    "Edsger",
    "Frances",
    "Grace",
    "Hedy",
    "John",
    "Joan",
    "Katherine",
    "Ken",
    "Leslie",
    "Margaret",
    "Niklaus",
    "Radia",
    "Tony",
];
const LAST_NAMES: [&str; 16] = [
    "Allen", "Clarke", "Dijkstra", "Hamilton", "Hoare", "Hopper", "Johnson", "Lamarr", "Lamport", "Liskov",
    "Lovelace", "McCarthy", "Perlman", "Thompson", "Turing", "Wirth",
];
const VERBS: [&str; 12] = [
    "Answer", "Book", "Call", "Check", "Draft", "File", "Plan", "Repair", "Review", "Send", "Sort", "Update",
];
const OBJECTS: [&str; 16] = [
    "the accounts",
    "the backup",
    "the bicycle",
    "the budget",
    "the contract",
    "the dentist",
    "the flights",
    "the garden",
    "the invoice",
    "the landlord",
    "the newsletter",
    "the photos",
    "the release notes",
    "the report",
    "the slides",
    "the tax return",
];
const REMARKS: [&str; 4] = [
    "As agreed on the phone.",
    "Ask first whether it is still wanted.",
    "The papers are in the second drawer.",
    "Not before the end of the month.",
];
/// 2025-01-01T00:00:00Z: everything was made in the year after it.
const START: i64 = 1_735_689_600;
const DAYS: u32 = 365;
const DAY: Duration = Duration::from_hours(24);

/// Demo data of one seed.
#[derive(Clone, Copy)]
pub(super) struct Demo {
    seed: u64,
}

impl Demo {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The address of the account with this number, from 1.
    pub(super) fn email(self, n: u32) -> String {
        let Self { seed } = self;
        format!("demo-{seed}-{n}@example.com")
    }

    /// The account with this number.
    pub(super) fn user(self, n: u32) -> User {
        let mut draw = Draw::of(&[self.seed, n.into()]);
        let id = UserId::new(draw.uuid());
        let name = draw.one_of(&FIRST_NAMES).zip(draw.one_of(&LAST_NAMES));
        let name = name.map(|(first, last)| Name::stored(format!("{first} {last}")));
        let created = start().plus(DAY * draw.below(DAYS));
        User::register(id, Email::stored(self.email(n)), name, Role::User, created)
    }

    /// The task with this number of the account with that one: it was made after the account, and some have a due time, a
    /// description, or are done.
    pub(super) fn task(self, owner: &User, n: u32, task: u32) -> Task {
        let mut draw = Draw::of(&[self.seed, n.into(), task.into()]);
        let id = TaskId::new(draw.uuid());
        let words = draw.one_of(&VERBS).zip(draw.one_of(&OBJECTS)).unwrap_or(("Do", "it"));
        let created = owner.created_at.plus(Duration::from_secs(draw.below(86_400 * 28).into()));
        let draft = TaskDraft {
            title: Title::stored(format!("{} {}", words.0, words.1)),
            description: (draw.below(3) == 0)
                .then(|| draw.one_of(&REMARKS))
                .flatten()
                .map(|text| Description::stored(text.to_owned())),
            due: (draw.below(2) == 0).then(|| created.plus(DAY * draw.below(60))),
            priority: draw.one_of(&Priority::ALL).unwrap_or(Priority::NotUrgentNotImportant),
            completed: draw.below(4) == 0,
        };
        Task::create(id, owner.id, draft, created)
    }
}

#[expect(clippy::expect_used, reason = "a constant within the years 1 to 9999")]
fn start() -> Timestamp {
    Timestamp::from_seconds(START).expect("a time in 2025")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_rows_and_another_seed_others() {
        let (one, two) = (Demo::new(1), Demo::new(2));
        assert_eq!(one.user(3), Demo::new(1).user(3));
        let user = one.user(3);
        assert_eq!(one.task(&user, 3, 5), Demo::new(1).task(&user, 3, 5));
        assert_ne!(one.user(3).id, two.user(3).id);
        assert_ne!(one.user(3).email, two.user(3).email);
    }

    #[test]
    fn rows_differ_in_all_that_a_list_is_filtered_and_sorted_by() {
        let demo = Demo::new(1);
        let user = demo.user(1);
        let tasks: Vec<Task> = (1..=500).map(|n| demo.task(&user, 1, n)).collect();
        assert_eq!(tasks.iter().map(|task| task.id).collect::<BTreeSet<_>>().len(), 500);
        assert_eq!(tasks.iter().map(|task| task.priority).collect::<BTreeSet<_>>().len(), 4);
        assert!(tasks.iter().map(|task| task.title.as_str()).collect::<BTreeSet<_>>().len() > 100);
        for wanted in [
            |task: &Task| task.completed,
            |task: &Task| task.due.is_some(),
            |task: &Task| task.description.is_some(),
        ] {
            let share = tasks.iter().filter(|task| wanted(task)).count();
            assert!((50..450).contains(&share), "{share}");
        }
        assert!(tasks.iter().all(|task| task.created_at >= user.created_at && task.owner == user.id));
    }
}
