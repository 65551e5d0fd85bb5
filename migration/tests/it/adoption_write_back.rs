//! What a write-back changes in the old tables, and what it leaves alone.

use migration::{Engine, Runner};

use crate::fastapi::{
    ANN, BCRYPT, NAMELESS, ODD, Old, SUMMER, Shape, TWIN, UPGRADED, on_both_forms, on_every_form,
};

on_every_form!(a_changed_task_keeps_the_spelling_of_all_else, two_thousand_changed_rows_are_written_back,);

on_both_forms!(
    a_new_name_changes_the_name_and_its_time_alone,
    what_changed_there_since_in_other_columns_is_replaced_and_the_rest_stays,
    a_password_that_was_set_here_replaces_every_one_that_is_there,
    old_tokens_that_were_refused_for_another_reason_are_no_sign_of_a_new_password,
    a_new_ban_has_nothing_of_a_lifted_one,
    accounts_exchange_their_addresses,
    an_account_that_is_gone_there_comes_back_for_the_tasks_that_it_got_here,
    an_account_that_waits_for_an_address_stays_as_it_is_there,
);

/// Spellings that no backend of ours would write.
async fn make_odd(old: &Old) {
    if old.fixture.engine() == Engine::Sqlite {
        old.execute(
            "UPDATE task SET created_at = '2024-02-29 23:59:59.5', due_datetime = '2024-02-29 23:59:59'",
        )
        .await;
        if old.has_users() {
            old.execute("UPDATE \"user\" SET created_at = '2024-02-29 23:59:59'").await;
        }
    }
    if old.shape == Shape::B {
        let at = old.time(SUMMER);
        old.execute(&format!(
            "UPDATE \"user\" SET role = 'moderator'; UPDATE \"user\" SET ban_expires = {at}, ban_reason = 'was lifted' \
                 WHERE NOT banned"
        ))
        .await;
    }
}

/// The columns of a table that are not what they were.
async fn changed(
    old: &Old,
    table: &str,
    before: &std::collections::BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let after = old.old_columns(table).await;
    assert_eq!(after.len(), before.len());
    after.into_iter().filter(|(name, values)| before[name] != *values).map(|(name, _)| name).collect()
}

async fn a_new_name_changes_the_name_and_its_time_alone(old: Old) {
    make_odd(&old).await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    // One of them has signed in before.
    old.sign_in_with_password(ANN).await;
    let users = old.old_columns("user").await;
    let others: Vec<String> =
        old.old_state().await.into_iter().filter(|line| !line.starts_with("user ")).collect();
    old.fixture.execute("UPDATE users SET name = 'Neu', updated_at = {at:9} WHERE is_active").await.unwrap();
    let written = runner.write_back().await.unwrap();
    assert!(written.users >= 3 && written.unreadable.is_empty(), "{written}");
    assert_eq!(changed(&old, "user", &users).await, ["name", "updated_at"]);
    let mut after = old.old_state().await;
    after.retain(|line| !line.starts_with("user "));
    assert_eq!(after, others);
    assert_eq!(old.our_password(ANN).await, UPGRADED);
    assert_eq!(runner.write_back().await.unwrap(), migration::WrittenBack::default());
    runner.down(None).await.unwrap();
}

async fn a_changed_task_keeps_the_spelling_of_all_else(old: Old) {
    make_odd(&old).await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let before = old.old_columns("task").await;
    old.fixture
        .execute("UPDATE tasks SET title = 'neu', title_sort = 'neu', revision = 2, updated_at = {at:9}")
        .await
        .unwrap();
    assert_eq!(runner.write_back().await.unwrap().tasks, before["id"].len() as u64);
    assert_eq!(changed(&old, "task", &before).await, ["title", "updated_at"]);
}

async fn what_changed_there_since_in_other_columns_is_replaced_and_the_rest_stays(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let ann = old.id(ANN);
    old.execute(&format!("UPDATE \"user\" SET name = 'theirs', email = 'theirs@x' WHERE id = {ann}")).await;
    old.fixture
        .execute(&format!(
            "UPDATE users SET name = 'ours', updated_at = {{at:9}} WHERE id = {}",
            old.our_id(ANN)
        ))
        .await
        .unwrap();
    runner.write_back().await.unwrap();
    let row = format!("SELECT name || ' ' || email FROM \"user\" WHERE id = {ann}");
    assert_eq!(old.fixture.texts(&row).await, ["ours Ann@Exämple.org"]);
}

async fn a_password_that_was_set_here_replaces_every_one_that_is_there(old: Old) {
    if old.shape == Shape::B {
        let (ann, at) = (old.id(ANN), old.time(SUMMER));
        old.execute(&format!(
            "INSERT INTO account (id, user_id, account_id, provider_id, password, created_at, updated_at) \
                 VALUES ('second', {ann}, 'second', 'credential', 'former', {at}, {at})"
        ))
        .await;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let created = match old.shape {
        Shape::B => old.old_columns("account").await.remove("created_at"),
        _ => None,
    };
    let (ann, odd) = (old.our_id(ANN), old.our_id(ODD));
    old.fixture
        .execute(&format!(
            "UPDATE users SET name = 'Neu', password_hash = '$argon2id$new', legacy_tokens_refused_at = {{at:9}}, \
                 updated_at = {{at:9}} WHERE id = {ann}; \
             UPDATE users SET name = 'Neu', updated_at = {{at:9}} WHERE id = {odd}"
        ))
        .await
        .unwrap();
    let written = runner.write_back().await.unwrap();
    assert_eq!(written.unreadable, ["Ann@Exämple.org"]);
    let passwords = old.old_password(ANN).await;
    assert!(!passwords.is_empty() && passwords.iter().all(|hash| hash == "$argon2id$new"), "{passwords:?}");
    assert_eq!(old.old_password(ODD).await, [BCRYPT]);
    if let Some(created) = created {
        assert_eq!(old.old_columns("account").await["created_at"], created);
    }
}

async fn old_tokens_that_were_refused_for_another_reason_are_no_sign_of_a_new_password(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    for id in [ANN, ODD] {
        old.sign_in_with_password(id).await;
        let user = old.our_id(id);
        // Whatever happened before the tokens were refused, somebody's history shows that it is kept from then on.
        old.fixture
            .execute(&format!(
                "UPDATE users SET name = 'Neu', legacy_tokens_refused_at = {{at:8}}, updated_at = {{at:9}} WHERE id = {user}; \
                 INSERT INTO auth_events (user_id, id, kind, at) VALUES ({user}, {{id:1}}, 'signed_in', {{at:7}}), \
                     ({user}, {{id:2}}, 'signed_out_everywhere', {{at:8}})"
            ))
            .await
            .unwrap();
    }
    let odd = old.our_id(ODD);
    let reset = format!(
        "INSERT INTO auth_events (user_id, id, kind, at) VALUES ({odd}, {{id:3}}, 'password_reset', {{at:9}})"
    );
    old.fixture.execute(&reset).await.unwrap();
    assert_eq!(runner.write_back().await.unwrap().unreadable.len(), 1);
    assert_eq!(old.old_password(ANN).await, [BCRYPT]);
    assert_eq!(old.old_password(ODD).await, [UPGRADED]);
}

async fn a_new_ban_has_nothing_of_a_lifted_one(old: Old) {
    make_odd(&old).await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let user = old.our_id(NAMELESS);
    old.fixture
        .execute(&format!("UPDATE users SET banned_at = {{at:8}}, updated_at = {{at:9}} WHERE id = {user}"))
        .await
        .unwrap();
    runner.write_back().await.unwrap();
    let kept_out = if old.shape == Shape::B {
        "banned AND ban_reason IS NULL AND ban_expires IS NULL"
    } else {
        "NOT is_active"
    };
    let row = format!("SELECT email FROM \"user\" WHERE id = {} AND {kept_out}", old.id(NAMELESS));
    assert_eq!(old.fixture.texts(&row).await.len(), 1);
}

async fn accounts_exchange_their_addresses(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let (twin, odd) = (old.our_id(TWIN), old.our_id(ODD));
    let before =
        old.fixture.texts(&format!("SELECT email FROM users WHERE id IN ({twin}, {odd}) ORDER BY id")).await;
    old.fixture
        .execute(&format!(
            "UPDATE users SET email_claim = NULL WHERE id IN ({twin}, {odd}); \
             UPDATE users SET email = '{}', email_folded = 'a', updated_at = {{at:9}} WHERE id = {twin}; \
             UPDATE users SET email = '{}', email_folded = 'b', updated_at = {{at:9}} WHERE id = {odd}",
            before[1], before[0]
        ))
        .await
        .unwrap();
    assert_eq!(runner.write_back().await.unwrap().users, 2);
    for (id, email) in [(TWIN, &before[1]), (ODD, &before[0])] {
        let row = format!("SELECT email FROM \"user\" WHERE id = {}", old.id(id));
        assert_eq!(&old.fixture.texts(&row).await[0], email);
    }
}

async fn an_account_that_is_gone_there_comes_back_for_the_tasks_that_it_got_here(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let odd = old.our_id(ODD);
    old.fixture
        .execute(&format!(
            "INSERT INTO tasks (owner_id, id, title, title_sort, search_text, priority, is_completed, revision, created_at, \
                 updated_at) VALUES ({odd}, {{id:7}}, 'hier', 'hier', 'hier', 0, FALSE, 1, {{at:1}}, {{at:1}})"
        ))
        .await
        .unwrap();
    let id = old.id(ODD);
    let account = if old.shape == Shape::B {
        format!("DELETE FROM account WHERE user_id = {id};")
    } else {
        String::new()
    };
    old.execute(&format!("{account} DELETE FROM \"user\" WHERE id = {id}")).await;
    runner.adopt_changes().await.unwrap();
    let written = runner.write_back().await.unwrap();
    assert_eq!((written.users, written.tasks), (1, 1), "{written}");
    let both = "SELECT u.email FROM \"user\" u JOIN task t ON t.user_id = u.id WHERE t.title = 'hier'";
    let email = if old.shape == Shape::B { "odd@x" } else { "" };
    assert_eq!(old.fixture.texts(both).await, [email]);
    assert_eq!(old.old_password(ODD).await, [BCRYPT]);
    runner.down(None).await.unwrap();
}

async fn an_account_that_waits_for_an_address_stays_as_it_is_there(old: Old) {
    const NEWCOMER: &str = "55555555-5555-4555-8555-555555555555";
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.fixture
        .execute(
            "INSERT INTO users (id, email, email_folded, email_claim, role, is_active, email_verified, created_at, \
                 updated_at) VALUES ({id:5}, 'neu@x', 'neu@x', 'neu@x', 'user', TRUE, FALSE, {at:1}, {at:2})",
        )
        .await
        .unwrap();
    old.insert_person(NEWCOMER, "neu@x").await;
    runner.adopt_changes().await.unwrap();
    let waiting = old.our_id(NEWCOMER);
    old.fixture
        .execute(&format!(
            "UPDATE users SET role = 'admin', updated_at = {{at:9}} WHERE id = {waiting}; \
             DELETE FROM users WHERE id = {{id:5}}"
        ))
        .await
        .unwrap();
    let before = old.old_state().await;
    runner.write_back().await.unwrap();
    assert_eq!(old.old_state().await, before);
    let placeholders = runner.adoption().await.unwrap().unwrap().placeholders;
    assert!(placeholders.contains(&NEWCOMER.to_owned()), "{placeholders:?}");
    runner.down(None).await.unwrap();
}

/// Many, so that a plan that reads a whole table for each of them would take minutes.
async fn two_thousand_changed_rows_are_written_back(old: Old) {
    crate::adoption_large::fill(&old, 2_000, 2_000).await;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.fixture
        .execute(
            "UPDATE users SET name = 'neu', updated_at = {at:9} WHERE is_active; \
             UPDATE tasks SET description = NULL, revision = 2, updated_at = {at:9}",
        )
        .await
        .unwrap();
    let tasks = old.fixture.texts("SELECT title FROM tasks").await.len() as u64;
    let written = runner.write_back().await.unwrap();
    assert_eq!(written.tasks, tasks);
    assert!(written.users >= if old.has_users() { 2_000 } else { 0 }, "{written}");
    // The accounts that were made up for the oldest form cannot be written anywhere, and did not change.
    runner.down(None).await.unwrap();
}
