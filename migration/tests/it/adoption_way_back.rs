//! The way back: refused while it would lose something, and what is copied before it.

use migration::{Engine, MigrationError, Runner};

use crate::fastapi::{ANN, BCRYPT, ODD, Old, Shape, TWIN, on_every_form};
use crate::support::migration_count;

on_every_form!(
    down_is_refused_while_rows_are_newer_and_discards_them_when_told_to,
    a_sign_in_does_not_count_as_newer,
    what_is_newer_is_written_back_and_taken_over_again,
    with_the_old_tables_gone_there_is_no_way_back,
    an_address_that_the_old_tables_have_under_another_id_is_refused_by_name,
    only_passwords_that_were_set_here_are_told_as_unreadable,
);

async fn an_address_that_the_old_tables_have_under_another_id_is_refused_by_name(old: Old) {
    if !old.has_users() {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    work_here(&old).await;
    old.insert_person("55555555-5555-4555-8555-555555555555", "neu@x").await;
    let before = old.old_state().await;
    let error = runner.write_back().await.unwrap_err();
    assert!(matches!(error, MigrationError::AddressesTaken { .. }), "{error}");
    for part in
        ["neu@x: 00000005-0000-7000-8000-000000000000 here", "55555555-5555-4555-8555-555555555555 there"]
    {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(old.old_state().await, before);
    old.execute("UPDATE \"user\" SET email = 'free@x' WHERE email = 'neu@x'").await;
    runner.write_back().await.unwrap();
}

async fn only_passwords_that_were_set_here_are_told_as_unreadable(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.fixture
        .execute("UPDATE users SET name = 'ours', password_hash = NULL, updated_at = {at:9}")
        .await
        .unwrap();
    assert!(runner.write_back().await.unwrap().unreadable.is_empty());
}

/// A new, a changed and a deleted task and, where the old tables know accounts, a new, a changed and a deleted one.
async fn work_here(old: &Old) {
    let owner = if old.has_users() { ANN } else { crate::fastapi::ORPHAN };
    let owner = old.our_id(owner);
    old.fixture
        .execute(&format!(
            "INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, due_at, priority, is_completed, \
                 revision, created_at, updated_at) VALUES \
             ({owner}, {{id:6}}, 'Neu', 'Neu', NULL, 'neu', {{at:7}}, 1, TRUE, 1, {{at:1}}, {{at:2}}); \
             UPDATE tasks SET title = 'anders', title_sort = 'anders', due_at = NULL, revision = 2, \
                 updated_at = {{at:9}} WHERE title = 'Milch ÖL'; \
             DELETE FROM tasks WHERE title = ''"
        ))
        .await
        .unwrap();
    if !old.has_users() {
        return;
    }
    let [ann, twin, odd] = [ANN, TWIN, ODD].map(|id| old.our_id(id));
    old.fixture
        .execute(&format!(
            "INSERT INTO users (id, email, email_folded, email_claim, name, password_hash, role, is_active, email_verified, \
                 created_at, updated_at) VALUES \
             ({{id:5}}, 'neu@x', 'neu@x', 'neu@x', 'Neu', '$argon2id$v=19$x', 'user', TRUE, FALSE, {{at:1}}, {{at:2}}); \
             INSERT INTO tasks (owner_id, id, title, title_sort, search_text, priority, is_completed, revision, created_at, \
                 updated_at) VALUES ({{id:5}}, {{id:7}}, 'Ihres', 'Ihres', 'ihres', 0, FALSE, 1, {{at:1}}, {{at:1}}); \
             UPDATE users SET name = 'Anna', updated_at = {{at:9}} WHERE id = {ann}; \
             UPDATE users SET password_hash = '$argon2id$v=19$y' WHERE id = {odd}; \
             DELETE FROM tasks WHERE owner_id = {twin}; DELETE FROM linked_accounts WHERE user_id = {twin}; \
             DELETE FROM users WHERE id = {twin}"
        ))
        .await
        .unwrap();
}

async fn down_is_refused_while_rows_are_newer_and_discards_them_when_told_to(old: Old) {
    let before = old.old_state().await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    work_here(&old).await;
    let expected = if old.has_users() { (3, 5) } else { (0, 3) };
    let error = runner.down(None).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::NewerRows { users, tasks } if (users, tasks) == expected),
        "{error}"
    );
    for way_out in ["adopt --write-back", "down --discard-new"] {
        assert!(error.to_string().contains(way_out), "{error}");
    }
    assert!(runner.pending().await.unwrap().is_empty());
    assert_eq!(runner.down_discarding_newer(None).await.unwrap().len(), migration_count());
    assert_eq!(old.old_state().await, before);
    assert!(!old.fixture.tables().await.contains(&"users".to_owned()));
}

async fn a_sign_in_does_not_count_as_newer(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.fixture
        .execute("UPDATE users SET password_hash = '$argon2id$', last_sign_in_at = {at:9}")
        .await
        .unwrap();
    runner.adopt_changes().await.unwrap();
    let hashes = old.fixture.texts("SELECT password_hash FROM users").await;
    assert!(hashes.iter().all(|hash| hash == "$argon2id$"), "{hashes:?}");
    runner.down(None).await.unwrap();
}

async fn what_is_newer_is_written_back_and_taken_over_again(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    work_here(&old).await;
    let written = runner.write_back().await.unwrap();
    let tasks = if old.has_users() { (3, 2) } else { (2, 1) };
    assert_eq!((written.tasks, written.deleted_tasks), tasks, "{written}");
    let users = if old.has_users() { (2, 1) } else { (0, 0) };
    assert_eq!((written.users, written.deleted_users), users, "{written}");
    if old.has_users() {
        assert_eq!(written.unreadable, ["neu@x"]);
        let names =
            old.fixture.texts("SELECT name FROM \"user\" WHERE email IN ('neu@x', 'Ann@Exämple.org')").await;
        assert!(
            names.len() == 2 && names.contains(&"Anna".to_owned()) && names.contains(&"Neu".to_owned()),
            "{names:?}"
        );
        let hash = match old.shape {
            Shape::B => format!("SELECT password FROM account WHERE user_id = {}", old.id(ODD)),
            _ => format!("SELECT hashed_password FROM \"user\" WHERE id = {}", old.id(ODD)),
        };
        // The same password as before: the hash that the old backend can read stays.
        assert_eq!(old.fixture.texts(&hash).await, [BCRYPT]);
    }
    if old.fixture.engine() == Engine::Sqlite {
        let (due, id) = ("1970-01-01 00:00:07.000001", "00000006000070008000000000000000");
        let new =
            old.fixture.texts(&format!("SELECT due_datetime || priority FROM task WHERE id = '{id}'")).await;
        assert_eq!(new, [format!("{due}{}", old.priority(1).trim_matches('\''))]);
    }
    assert_eq!(runner.write_back().await.unwrap(), migration::WrittenBack::default());
    let state = async || {
        old.fixture
            .execute("UPDATE users SET password_hash = NULL; UPDATE tasks SET revision = 1")
            .await
            .unwrap();
        [old.fixture.checksum("users").await, old.fixture.checksum("tasks").await]
    };
    let after = old.old_state().await;
    runner.down(None).await.unwrap();
    assert_eq!(old.old_state().await, after);
    runner.up(None).await.unwrap();
    let again = state().await;
    runner.down_discarding_newer(None).await.unwrap();
    runner.up(None).await.unwrap();
    assert_eq!(state().await, again);
    let titles = old
        .fixture
        .texts("SELECT title FROM tasks WHERE title IN ('Neu', 'anders', '') ORDER BY title_sort")
        .await;
    assert_eq!(titles, ["Neu", "anders"]);
}

async fn with_the_old_tables_gone_there_is_no_way_back(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.execute("DROP TABLE task").await;
    assert!(matches!(runner.down(None).await, Err(MigrationError::NewerRows { .. })));
    for error in [runner.write_back().await.unwrap_err(), runner.adopt_changes().await.unwrap_err()] {
        assert!(
            matches!(error, MigrationError::OtherForm { .. } | MigrationError::NotAdoptable { .. }),
            "{error}"
        );
    }
    assert!(old.fixture.texts("SELECT title FROM tasks").await.len() >= 5);
}
