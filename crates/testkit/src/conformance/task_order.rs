//! The order of lists.

use holdfast_application::{
    domain::{
        TaskId, UserId,
        tasks::{Priority, Task},
    },
    ports::{Direction, SortBy, TaskFilter, TaskOrder},
};
use uuid::Uuid;

use super::{
    Fresh,
    reference::{ORDERS, all_of, expected},
};
use crate::fixtures::{at, ends_of_time, micros, task};

async fn insert(fresh: &Fresh, tasks: &[Task]) {
    for task in tasks {
        fresh.store.tasks().insert(task).await.unwrap();
    }
}

async fn listed(fresh: &Fresh, owner: UserId, by: SortBy, direction: Direction) -> Vec<Task> {
    let query = all_of(&TaskFilter::default(), TaskOrder { by, direction });
    fresh.store.tasks().list(owner, &query).await.unwrap()
}

/// `tasks` stand in ascending order; the store agrees in both directions.
async fn sorts(fresh: &Fresh, owner: UserId, by: SortBy, mut tasks: Vec<Task>) {
    // Not in order: neither that of insertion nor its reverse shall be right by accident.
    let middle = tasks.len() / 2;
    insert(fresh, &tasks[middle..]).await;
    insert(fresh, &tasks[..middle]).await;
    assert_eq!(listed(fresh, owner, by, Direction::Ascending).await, tasks);
    tasks.reverse();
    assert_eq!(listed(fresh, owner, by, Direction::Descending).await, tasks);
}

fn id(n: u128) -> TaskId {
    TaskId::new(Uuid::from_u128(n))
}

/// The order MUST be total: by the key, ties by id, both in the query's direction.
pub async fn every_order_is_total_and_as_computed_by_hand(fresh: &Fresh) {
    let owner = fresh.member().await;
    let dues = [None, Some(at(5)), Some(at(9)), None];
    let mut tasks = Vec::new();
    for n in 0_u8..48 {
        let steps = u64::from(n);
        tasks.push(
            task(owner)
                .title(["b", "a", "B", "ä", ""][usize::from(n % 5)])
                .due(dues[usize::from(n / 3 % 4)])
                .priority(Priority::ALL[usize::from(n / 2 % 4)])
                .created_at(at(steps % 7))
                .updated_at(at(20 - steps % 6))
                .build(),
        );
    }
    insert(fresh, &tasks).await;
    for order in ORDERS {
        let expected = expected(&tasks, &TaskFilter::default(), order);
        assert_eq!(listed(fresh, owner, order.by, order.direction).await, expected, "{order:?}");
    }
}

/// An absent due time MUST sort behind all others ascending and before them descending.
pub async fn an_absent_due_time_is_later_than_all_others(fresh: &Fresh) {
    let owner = fresh.member().await;
    let [first, last] = ends_of_time();
    let dues =
        [Some(first), Some(micros(-1)), Some(micros(0)), Some(at(0)), Some(at(0)), Some(last), None, None];
    let due = |(n, due)| task(owner).id(id(n)).due(due).build();
    sorts(fresh, owner, SortBy::Due, (0..).zip(dues).map(due).collect()).await;
}

/// Titles MUST sort by code point.
pub async fn titles_sort_by_code_point(fresh: &Fresh) {
    let owner = fresh.member().await;
    // U+FF61 stands before U+1D11E by code point, and behind it in UTF-16.
    let texts = [
        "",
        "\t",
        " ",
        " a",
        "!",
        "0",
        "10",
        "9",
        "A",
        "B",
        "Z",
        "_",
        "a",
        "a\u{1}",
        "a ",
        "aa",
        "b",
        "e\u{301}",
        "z",
        "Ä",
        "ß",
        "ä",
        "é",
        "Σ",
        "ς",
        "σ",
        "ﬀ",
        "｡",
        "\u{ffff}",
        "𝄞",
        "\u{10ffff}",
    ];
    let titled = |(n, title)| task(owner).id(id(n)).title(title).build();
    let ids = (0..texts.len() as u128).rev();
    sorts(fresh, owner, SortBy::Title, ids.zip(texts).map(titled).collect()).await;
}

/// Titles MUST sort by `Title::sort_key`, the first 255 code points; ties by id.
pub async fn titles_sort_by_their_first_255_code_points_and_then_by_id(fresh: &Fresh) {
    let owner = fresh.member().await;
    let (shared, shorter) = ("\u{1f600}".repeat(255), "\u{1f600}".repeat(254));
    let ends = ["", "zz", "aa", "z".repeat(2_700).as_str(), ""].map(str::to_owned);
    let mut tasks = vec![task(owner).id(id(99)).title(&shorter).build()];
    let titled = |(n, end)| task(owner).id(id(n)).title(&format!("{shared}{end}")).build();
    tasks.extend((0..).zip(ends).map(titled));
    sorts(fresh, owner, SortBy::Title, tasks).await;
}

/// Priorities MUST sort by rank.
pub async fn priorities_sort_by_rank(fresh: &Fresh) {
    let owner = fresh.member().await;
    let ranked = |(n, priority)| task(owner).id(id(n)).priority(priority).build();
    sorts(fresh, owner, SortBy::Priority, (0..4).rev().zip(Priority::ALL).map(ranked).collect()).await;
}

/// Ids MUST compare by their bytes, unsigned and from the left.
pub async fn ids_compare_by_their_bytes(fresh: &Fresh) {
    let owner = fresh.member().await;
    let bytes = [0, 1, 0xff, 1 << 64, 1 << 95, 1 << 120, 0x7f << 120, 0x80 << 120, u128::MAX];
    let tasks = bytes.map(|n| task(owner).id(id(n)).build()).to_vec();
    sorts(fresh, owner, SortBy::CreatedAt, tasks).await;
}
