//! What is taken over later, while the old backend goes on writing and after it has stopped.

use migration::{Runner, TakenOver};

use crate::fastapi::{ANN, LAST, NAMELESS, ORPHAN, Old, SUMMER, TWIN, on_every_form};

on_every_form!(
    without_a_change_a_delta_takes_nothing_over,
    new_changed_and_deleted_rows_of_the_old_backend_are_taken_over,
    rows_that_changed_here_stay_and_are_counted_when_they_changed_there_too,
    a_delta_to_the_end_equals_an_adoption_at_the_end,
);

async fn without_a_change_a_delta_takes_nothing_over(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let mut before = Vec::new();
    for table in ["users", "tasks", "linked_accounts", "adopted_users", "adopted_tasks"] {
        before.push(old.fixture.checksum(table).await);
    }
    assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
    for (table, before) in
        ["users", "tasks", "linked_accounts", "adopted_users", "adopted_tasks"].iter().zip(before)
    {
        assert_eq!(old.fixture.checksum(table).await, before, "{table}");
    }
}

/// New task, changed task, deleted task, and, where there are accounts, a new, a renamed and a deleted one; the orphan's
/// account comes back.
async fn go_on_writing(old: &Old) {
    let owner = if old.has_users() { ANN } else { ORPHAN };
    let new = (
        "b0000000-0000-4000-8000-000000000001",
        owner,
        "'Später'",
        "NULL",
        Some(LAST),
        1,
        true,
        SUMMER,
        SUMMER,
    );
    old.insert_task(new).await;
    let at = old.time(LAST);
    old.execute(&format!(
        "UPDATE task SET title = 'MILCH', description = '', updated_at = {at} WHERE title = 'Milch ÖL'"
    ))
    .await;
    old.execute("DELETE FROM task WHERE title = 'last'").await;
    if !old.has_users() {
        return;
    }
    let (nameless, ann) = (old.id(NAMELESS), old.id(ANN));
    old.execute(&format!(
        "UPDATE \"user\" SET name = 'Änn', email = 'new@x', updated_at = {at} WHERE id = {ann}"
    ))
    .await;
    if old.shape == crate::fastapi::Shape::B {
        old.execute(&format!("DELETE FROM account WHERE user_id = {nameless}")).await;
    }
    old.execute(&format!("DELETE FROM \"user\" WHERE id = {nameless}")).await;
    let orphan = old.id(ORPHAN);
    let columns = if old.shape == crate::fastapi::Shape::B {
        format!(
            "(id, email, email_verified, role, banned, created_at, updated_at) VALUES ({orphan}, 'found@x', FALSE, 'user', FALSE, {at}, {at})"
        )
    } else {
        format!(
            "(id, email, is_active, hashed_password, created_at, updated_at) VALUES ({orphan}, 'found@x', TRUE, 'h', {at}, {at})"
        )
    };
    old.execute(&format!("INSERT INTO \"user\" {columns}")).await;
}

async fn new_changed_and_deleted_rows_of_the_old_backend_are_taken_over(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    go_on_writing(&old).await;
    let first = runner.adopted_at().await.unwrap();
    let taken = runner.adopt_changes().await.unwrap();
    assert!(runner.adopted_at().await.unwrap() >= first);
    assert_eq!(
        (taken.new_tasks, taken.changed_tasks, taken.gone_tasks, taken.conflicts),
        (1, 1, 1, 0),
        "{taken}"
    );
    let (new, changed, gone) = match (old.has_users(), old.lets_orphans_in()) {
        (true, true) => (0, 2, 1),
        (true, false) => (1, 1, 1),
        // The placeholder of an owner whose last task is gone goes as well.
        (false, _) => (0, 0, 1),
    };
    assert_eq!((taken.new_users, taken.changed_users, taken.gone_users), (new, changed, gone), "{taken}");
    let milk = old
        .fixture
        .texts("SELECT title || '|' || description || '|' || search_text || '|' || revision FROM tasks WHERE title_sort = 'MILCH'")
        .await;
    assert_eq!(milk, ["MILCH||milch\u{1f}|2"]);
    if old.has_users() {
        let claims = old.fixture.texts("SELECT coalesce(email_claim, 'NULL') FROM users ORDER BY id").await;
        // The twin inherits the address that its elder gave up.
        assert_eq!(&claims[..2], ["new@x", "ann@exämple.org"]);
        assert_eq!(claims.last().unwrap(), "found@x");
        let waiting = runner.adoption().await.unwrap().unwrap().placeholders;
        assert!(!waiting.contains(&ORPHAN.to_owned()), "{waiting:?}");
    }
    assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
}

async fn rows_that_changed_here_stay_and_are_counted_when_they_changed_there_too(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let ours = |title: &str| {
        format!(
            "UPDATE tasks SET title = 'ours', title_sort = 'ours', revision = 2, updated_at = {{at:9}} WHERE title = '{title}'"
        )
    };
    for title in ["Milch ÖL", "last"] {
        old.fixture.execute(&ours(title)).await.unwrap();
    }
    old.fixture.execute("DELETE FROM tasks WHERE title = ''").await.unwrap();
    let at = old.time(SUMMER);
    old.execute("DELETE FROM task WHERE title = 'last'").await;
    old.execute(&format!("UPDATE task SET title = 'theirs', updated_at = {at} WHERE title = ''")).await;
    let twin = old.our_id(TWIN);
    if old.has_users() {
        old.fixture
            .execute(&format!(
                "UPDATE users SET name = 'ours', updated_at = {{at:9}} WHERE id = {}; DELETE FROM tasks WHERE owner_id = {twin}; \
                     DELETE FROM users WHERE id = {twin}",
                old.our_id(ANN)
            ))
            .await
            .unwrap();
        let last = old.time(crate::fastapi::BEFORE_1970);
        old.execute(&format!("UPDATE \"user\" SET name = 'theirs', updated_at = {last}")).await;
    }
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!(taken.conflicts, if old.has_users() { 4 } else { 2 }, "{taken}");
    assert_eq!(old.fixture.texts("SELECT title FROM tasks WHERE title = 'ours'").await.len(), 2);
    assert!(old.fixture.texts("SELECT title FROM tasks WHERE title = 'theirs'").await.is_empty());
    if old.has_users() {
        let names =
            old.fixture.texts("SELECT name FROM users WHERE name IN ('ours', 'theirs') ORDER BY id").await;
        assert_eq!(names, ["ours", "theirs", "theirs"]);
    }
}

async fn a_delta_to_the_end_equals_an_adoption_at_the_end(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    go_on_writing(&old).await;
    runner.adopt_changes().await.unwrap();
    // A revision counts what happened here, and the twin has the address that was free when it was taken over.
    let state = async || {
        old.fixture.execute("UPDATE tasks SET revision = 1").await.unwrap();
        [
            old.fixture.checksum("users").await,
            old.fixture.checksum("tasks").await,
            old.fixture.checksum("linked_accounts").await,
        ]
    };
    let by_delta = state().await;
    runner.down_discarding_newer(None).await.unwrap();
    runner.up(None).await.unwrap();
    assert_eq!(state().await, by_delta);
}
