//! Passwords that change on one side or on both, while the hash here becomes another at the first sign-in.

use migration::{MigrationError, Runner, TakenOver};

use crate::fastapi::{ANN, BCRYPT, Old, SALTED, Shape, TWIN, UPGRADED, on_both_forms, on_every_form};
use crate::support::migration_count;

on_every_form!(the_digests_of_an_older_adoption_are_made_up_for, the_newest_tables_are_needed,);

on_both_forms!(
    a_password_changed_there_is_seen_after_a_sign_in_here,
    it_is_seen_where_the_profile_changed_here_as_well_and_the_profile_stays,
    a_password_that_was_set_here_stays_and_the_conflict_is_told,
    a_password_of_an_account_that_came_without_one_stays,
    whoever_works_here_keeps_a_password_that_is_gone_there,
    without_a_digest_the_hashes_alone_are_compared,
    a_hash_that_was_upgraded_there_ends_nothing,
);

/// Another password, by hand.
const RESET: &str = "$2b$12$abcdefghijklmnopqrstuuHKm/hXbwzVKsP0W9B7vTz8U2dYjW1uG";
/// What somebody set here.
const SET_HERE: &str = "$argon2id$v=19$another";

async fn a_password_changed_there_is_seen_after_a_sign_in_here(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    for password in [RESET, BCRYPT] {
        old.sign_in_with_password(ANN).await;
        assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
        assert_eq!(old.our_password(ANN).await, UPGRADED);
        old.set_old_password(ANN, password).await;
        let taken = runner.adopt_changes().await.unwrap();
        assert_eq!(taken, TakenOver { changed_users: 1, ..TakenOver::default() });
        assert_eq!(old.our_password(ANN).await, password);
        let ended = old.fixture.texts("SELECT coalesce(revoked_reason, 'alive') FROM sessions").await;
        assert_eq!(ended, ["password_changed"]);
        assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
    }
    let told = format!("SELECT kind FROM auth_events WHERE user_id = {}", old.our_id(ANN));
    assert_eq!(old.fixture.texts(&told).await, ["session_ended", "session_ended"]);
    // Nothing of this is newer than what is there.
    runner.down(None).await.unwrap();
}

async fn it_is_seen_where_the_profile_changed_here_as_well_and_the_profile_stays(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_in_with_password(ANN).await;
    let ann = old.our_id(ANN);
    old.fixture
        .execute(&format!("UPDATE users SET name = 'Änne', updated_at = {{at:9}} WHERE id = {ann}"))
        .await
        .unwrap();
    old.set_old_password(ANN, RESET).await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.changed_users, taken.conflicts), (1, 0), "{taken}");
    let row = format!("SELECT name || ' ' || password_hash FROM users WHERE id = {ann}");
    assert_eq!(old.fixture.texts(&row).await, [format!("Änne {RESET}")]);
    assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
    // The profile is still newer here, and the password is not.
    assert!(matches!(runner.down(None).await, Err(MigrationError::NewerRows { users: 1, .. })));
    assert!(runner.write_back().await.unwrap().unreadable.is_empty());
    assert_eq!(old.old_password(ANN).await, [RESET]);
}

async fn a_password_that_was_set_here_stays_and_the_conflict_is_told(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let (ann, twin) = (old.our_id(ANN), old.our_id(TWIN));
    old.fixture
        .execute(&format!(
            "UPDATE users SET name = 'Anna', password_hash = '{SET_HERE}', legacy_tokens_refused_at = {{at:9}}, \
                 updated_at = {{at:9}} WHERE id = {ann}; \
             UPDATE users SET password_hash = '{SET_HERE}', updated_at = {{at:9}} WHERE id = {twin}"
        ))
        .await
        .unwrap();
    assert_eq!(runner.adopt_changes().await.unwrap(), TakenOver::default());
    for id in [ANN, TWIN] {
        old.set_old_password(id, RESET).await;
    }
    for _ in 0..2 {
        let taken = runner.adopt_changes().await.unwrap();
        assert_eq!((taken.changed_users, taken.conflicts), (0, 2), "{taken}");
        assert_eq!(taken.kept_passwords, [ANN, TWIN]);
        assert!(taken.to_string().contains(&format!("the password of {TWIN} was changed on both sides")));
    }
    for id in [ANN, TWIN] {
        assert_eq!(old.our_password(id).await, SET_HERE);
    }
    let written = runner.write_back().await.unwrap();
    assert_eq!(written.unreadable.len(), 2, "{written}");
    for id in [ANN, TWIN] {
        assert_eq!(old.old_password(id).await, [SET_HERE]);
        old.sign_in_with_password(id).await;
        // The new one that the account needs there.
        old.set_old_password(id, RESET).await;
    }
    assert_eq!(runner.adopt_changes().await.unwrap().changed_users, 2);
    assert_eq!(old.our_password(ANN).await, RESET);
}

async fn a_password_of_an_account_that_came_without_one_stays(old: Old) {
    if old.shape != Shape::B {
        return;
    }
    let nameless = crate::fastapi::NAMELESS;
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let user = old.our_id(nameless);
    old.fixture
        .execute(&format!(
            "UPDATE users SET name = 'Neu', password_hash = '{SET_HERE}', updated_at = {{at:9}} WHERE id = {user}"
        ))
        .await
        .unwrap();
    let (id, at) = (old.id(nameless), old.time(crate::fastapi::SUMMER));
    old.execute(&format!(
        "INSERT INTO account (id, user_id, account_id, provider_id, password, created_at, updated_at) \
             VALUES ('late', {id}, {id}, 'credential', '{RESET}', {at}, {at})"
    ))
    .await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!(taken.kept_passwords, [nameless]);
    assert_eq!(old.our_password(nameless).await, SET_HERE);
}

async fn whoever_works_here_keeps_a_password_that_is_gone_there(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_in_with_password(ANN).await;
    let change =
        format!("UPDATE users SET name = 'Änne', updated_at = {{at:9}} WHERE id = {}", old.our_id(ANN));
    old.fixture.execute(&change).await.unwrap();
    let ann = old.id(ANN);
    // Of A the account, whose tasks stay; of B its password.
    let gone = match old.shape {
        Shape::B => format!("DELETE FROM account WHERE user_id = {ann} AND provider_id = 'credential'"),
        _ => format!("DELETE FROM \"user\" WHERE id = {ann}"),
    };
    old.execute(&gone).await;
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.changed_users, taken.conflicts), (0, 1), "{taken}");
    assert_eq!(old.our_password(ANN).await, UPGRADED);
}

async fn without_a_digest_the_hashes_alone_are_compared(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_in_with_password(ANN).await;
    old.fixture.execute("UPDATE adopted_users SET password_digest = NULL").await.unwrap();
    for id in [ANN, TWIN] {
        old.set_old_password(id, RESET).await;
    }
    assert_eq!(runner.adopt_changes().await.unwrap().changed_users, 1);
    assert_eq!((old.our_password(ANN).await, old.our_password(TWIN).await), (UPGRADED.into(), RESET.into()));
    // From then on there is one.
    old.set_old_password(ANN, BCRYPT).await;
    assert_eq!(runner.adopt_changes().await.unwrap().changed_users, 1);
    assert_eq!(old.our_password(ANN).await, BCRYPT);
}

async fn a_hash_that_was_upgraded_there_ends_nothing(old: Old) {
    if old.shape != Shape::B {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    assert_eq!(old.our_password(TWIN).await, SALTED);
    old.set_old_password(TWIN, RESET).await;
    assert_eq!(runner.adopt_changes().await.unwrap().changed_users, 1);
    let accepted = format!(
        "SELECT password_hash FROM users WHERE id = {} AND legacy_tokens_refused_at IS NULL",
        old.our_id(TWIN)
    );
    assert_eq!(old.fixture.texts(&accepted).await, [RESET]);
    assert!(old.fixture.texts("SELECT kind FROM auth_events").await.is_empty());
}

async fn the_digests_of_an_older_adoption_are_made_up_for(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let later = u32::try_from(migration_count() - 8).unwrap();
    let with_all = old.fixture.checksum("adopted_users").await;
    runner.down(Some(later)).await.unwrap();
    assert_eq!(runner.up(None).await.unwrap().len(), migration_count() - 8);
    assert_eq!(old.fixture.checksum("adopted_users").await, with_all);
    if !old.has_users() {
        return;
    }
    runner.down(Some(later)).await.unwrap();
    old.sign_in_with_password(ANN).await;
    runner.up(None).await.unwrap();
    let unknown = format!("SELECT {} FROM adopted_users WHERE password_digest IS NULL", old.hex("id"));
    assert_eq!(old.fixture.texts(&unknown).await, [ANN.replace('-', "")]);
}

async fn the_newest_tables_are_needed(old: Old) {
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    let later = u32::try_from(migration_count() - 8).unwrap();
    runner.down(Some(later)).await.unwrap();
    for error in [runner.adopt_changes().await.unwrap_err(), runner.write_back().await.unwrap_err()] {
        assert!(matches!(error, MigrationError::Pending { .. }), "{error}");
        assert!(
            error.to_string().contains("000009_digest_old_passwords") && error.to_string().contains("`up`")
        );
    }
}
