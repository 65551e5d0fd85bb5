//! Tasks come back as they went in, and to their owner alone.

use holdfast_application::{
    domain::{
        TaskId, UserId,
        tasks::{Priority, Task},
    },
    ports::{Deleted, StoreError, TaskChanges, TaskFilter, Unique, Updated},
};

use super::{Fresh, reference::everything};
use crate::{
    fixtures::{at, ends_of_time, epoch, micros, owner, task},
    ids::unique,
};

async fn comes_back(fresh: &Fresh, task: &Task) {
    fresh.store.tasks().insert(task).await.unwrap();
    let found = fresh.store.tasks().find(task.owner, task.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(task));
    let listed = fresh.store.tasks().list(task.owner, &everything()).await.unwrap();
    assert!(listed.contains(task), "the list shows it otherwise");
}

/// Every field MUST come back as it went in.
pub async fn every_field_comes_back_as_it_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    comes_back(fresh, &task(owner).build()).await;
    let full = task(owner)
        .title("Répondre à Åsa")
        .description("demain")
        .due(Some(at(7)))
        .priority(Priority::UrgentImportant)
        .completed(true)
        .revision(41)
        .created_at(at(1))
        .updated_at(at(2));
    comes_back(fresh, &full.build()).await;
    assert_eq!(fresh.store.tasks().find(owner, TaskId::new(unique())).await.unwrap(), None);
}

/// Texts of any Unicode but U+0000 MUST come back as they went in.
pub async fn texts_of_any_unicode_come_back_as_they_went_in(fresh: &Fresh) {
    let owner = fresh.member().await;
    for text in [
        " padded\t\r\n ",
        "quotes ' \" ` and a -- comment; $1 ? :name",
        "back\\slash \\u0000 \\x00 %_",
        "composed é and decomposed e\u{301}",
        "ΟΔΟΣ οδος ß ẞ İ ı ﬁ",
        "𝄞 👩‍👩‍👧‍👦 🇨🇭 \u{10ffff}",
        "\u{1}\u{7f}\u{85}\u{1f}\u{feff}\u{fffd}\u{ffff}\u{200b}\u{202e}",
        "עברית العربية 日本語 ไทย",
    ] {
        comes_back(fresh, &task(owner).title(text).description(text).build()).await;
    }
}

/// Absent and empty MUST be told apart.
pub async fn absent_and_empty_are_told_apart(fresh: &Fresh) {
    let owner = fresh.member().await;
    comes_back(fresh, &task(owner).title("").build()).await;
    comes_back(fresh, &task(owner).title("").description("").build()).await;
    comes_back(fresh, &task(owner).title(" ").description(" ").build()).await;
}

/// Texts MUST come back whole: at today's limits, and beyond them where they are stored already.
pub async fn texts_at_and_over_their_limits_come_back(fresh: &Fresh) {
    let owner = fresh.member().await;
    let widest = "\u{1f600}";
    comes_back(fresh, &task(owner).title(&widest.repeat(255)).build()).await;
    comes_back(fresh, &task(owner).title(&widest.repeat(300)).build()).await;
    comes_back(fresh, &task(owner).title(&"x".repeat(20_000)).build()).await;
    comes_back(fresh, &task(owner).description(&widest.repeat(5_000)).build()).await;
    comes_back(fresh, &task(owner).description(&"0123456789abcdef".repeat(65_536)).build()).await;
}

/// Times MUST come back to the microsecond in the years 1 to 9999.
pub async fn times_keep_their_microseconds_from_year_1_to_9999(fresh: &Fresh) {
    let owner = fresh.member().await;
    let [first, last] = ends_of_time();
    for time in [first, last, micros(-1), micros(0), micros(1), micros(-62_000_000_000_000_001), epoch()] {
        comes_back(fresh, &task(owner).due(Some(time)).created_at(time).updated_at(time).build()).await;
    }
    for fraction in [1, 10, 999, 1_000, 123_456, 500_000, 999_999] {
        let time = micros(epoch().micros() + fraction);
        comes_back(fresh, &task(owner).due(Some(time)).created_at(time).updated_at(time).build()).await;
    }
}

/// Every priority, both states and any revision MUST come back.
pub async fn numbers_and_names_come_back(fresh: &Fresh) {
    let owner = fresh.member().await;
    for priority in Priority::ALL {
        for completed in [false, true] {
            comes_back(fresh, &task(owner).priority(priority).completed(completed).build()).await;
        }
    }
    for revision in [1, i64::from(i32::MAX) + 1, i64::MAX] {
        comes_back(fresh, &task(owner).revision(revision).build()).await;
    }
}

/// No call MUST ever read or write a row of another owner than the one it names, and it MUST answer for somebody
/// else's task as for a missing one.
pub async fn no_call_reads_or_writes_a_row_of_another_owner(fresh: &Fresh) {
    let (owner, stranger) = (fresh.member().await, fresh.member().await);
    let secret = task(owner).title("secret").due(Some(at(1))).build();
    fresh.store.tasks().insert(&secret).await.unwrap();
    let tasks = fresh.store.tasks();
    let changes = TaskChanges { completed: Some(true), ..TaskChanges::default() };
    for other in [stranger, UserId::new(unique())] {
        assert_eq!(tasks.find(other, secret.id).await.unwrap(), None);
        assert_eq!(tasks.list(other, &everything()).await.unwrap(), []);
        let text = TaskFilter { text: Some("secret".into()), ..TaskFilter::default() };
        for filter in [TaskFilter::default(), text] {
            assert_eq!(tasks.count(other, &filter).await.unwrap(), 0);
        }
        for expected in [None, Some(secret.revision)] {
            let update = tasks.update(other, secret.id, &changes, expected, at(9)).await.unwrap();
            assert_eq!(update, Updated::Missing);
            assert_eq!(tasks.delete(other, secret.id, expected).await.unwrap(), Deleted::Missing);
        }
    }
    assert_eq!(tasks.find(owner, secret.id).await.unwrap(), Some(secret));
}

/// An id that the owner has already MUST be `Duplicate(Unique::Id)`; two owners MAY share an id.
pub async fn an_id_is_taken_once_for_each_owner(fresh: &Fresh) {
    let (ada, bob) = (fresh.member().await, fresh.member().await);
    let tasks = fresh.store.tasks();
    let hers = task(ada).title("hers").build();
    let his = task(bob).id(hers.id).title("his").build();
    tasks.insert(&hers).await.unwrap();
    tasks.insert(&his).await.unwrap();
    let again = tasks.insert(&task(ada).id(hers.id).title("again").build()).await;
    assert!(matches!(again, Err(StoreError::Duplicate(Unique::Id))), "{again:?}");

    let changes = TaskChanges { completed: Some(true), ..TaskChanges::default() };
    let updated = tasks.update(bob, his.id, &changes, None, at(9)).await.unwrap();
    assert!(matches!(updated, Updated::Done(Task { owner, completed: true, .. }) if owner == bob));
    assert_eq!(tasks.find(ada, hers.id).await.unwrap().as_ref(), Some(&hers));
    assert_eq!(tasks.delete(bob, his.id, None).await.unwrap(), Deleted::Done);
    assert_eq!(tasks.find(ada, hers.id).await.unwrap(), Some(hers));
    assert_eq!(tasks.find(bob, his.id).await.unwrap(), None);
}

/// An owner without an account MUST be `OwnerMissing`.
pub async fn a_task_needs_an_account(fresh: &Fresh) {
    let orphan = task(owner()).build();
    let refused = fresh.store.tasks().insert(&orphan).await;
    assert!(matches!(refused, Err(StoreError::OwnerMissing)), "{refused:?}");
    assert_eq!(fresh.store.tasks().find(orphan.owner, orphan.id).await.unwrap(), None);
}
