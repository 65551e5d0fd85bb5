//! What is taken over later, of accounts that people already use here.

use migration::Runner;

use crate::fastapi::{ANN, NAMELESS, ODD, Old, SUMMER, Shape, on_every_form};

on_every_form!(
    a_ban_a_deactivation_and_another_role_end_the_sessions_here,
    an_address_that_is_taken_here_is_never_given_twice,
    an_account_that_only_signed_in_goes_when_it_is_gone_there,
);

const NEWCOMER: &str = "55555555-5555-4555-8555-555555555555";

impl Old {
    /// A session that is alive.
    async fn sign_in(&self, id: &str) {
        let user = self.our_id(id);
        self.fixture
            .execute(&format!(
                "INSERT INTO sessions (user_id, id, current_jti, generation, key_id, rotated_at, window_started_at, \
                     window_rotations, created_at, last_used_at, idle_expires_at, absolute_expires_at) VALUES \
                 ({user}, {{id:3}}, {{id:4}}, 1, 'k', {{at:1}}, {{at:1}}, 0, {{at:1}}, {{at:1}}, {{at:8}}, {{at:9}}); \
                 UPDATE users SET last_sign_in_at = {{at:9}} WHERE id = {user}"
            ))
            .await
            .unwrap();
    }

    async fn sign_up(&self, number: u8, email: &str) {
        self.fixture
            .execute(&format!(
                "INSERT INTO users (id, email, email_folded, email_claim, password_hash, role, is_active, email_verified, \
                     created_at, updated_at) VALUES ({{id:{number}}}, '{email}', '{email}', '{email}', '$argon2id$', 'user', \
                     TRUE, FALSE, {{at:1}}, {{at:2}})"
            ))
            .await
            .unwrap();
    }
}

async fn a_ban_a_deactivation_and_another_role_end_the_sessions_here(old: Old) {
    if !old.has_users() {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_in(ANN).await;
    old.sign_in(NAMELESS).await;
    let (ann, nameless, at) = (old.id(ANN), old.id(NAMELESS), old.time(SUMMER));
    let expected = if old.shape == Shape::B {
        old.execute(&format!(
            "UPDATE \"user\" SET role = 'user', updated_at = {at} WHERE id = {ann}; \
             UPDATE \"user\" SET banned = TRUE, updated_at = {at} WHERE id = {nameless}"
        ))
        .await;
        [("role_changed", "role_changed", "refused"), ("banned", "user_banned", "refused")].to_vec()
    } else {
        old.execute(&format!(
            "UPDATE \"user\" SET is_active = FALSE, updated_at = {at} WHERE id = {nameless}; \
             UPDATE \"user\" SET name = 'other' WHERE id = {ann}"
        ))
        .await;
        [("alive", "none", "accepted"), ("administrator", "session_ended", "refused")].to_vec()
    };
    runner.adopt_changes().await.unwrap();
    let found = old
        .fixture
        .texts(
            "SELECT coalesce(s.revoked_reason, 'alive') || ' ' || coalesce(e.kind, 'none') || ' ' \
                 || CASE WHEN o.legacy_tokens_refused_at IS NULL THEN 'accepted' ELSE 'refused' END \
             FROM users o JOIN sessions s ON s.user_id = o.id LEFT JOIN auth_events e ON e.user_id = o.id \
             WHERE coalesce(e.at, s.revoked_at, o.created_at) IS NOT NULL ORDER BY o.id",
        )
        .await;
    let expected: Vec<String> =
        expected.iter().map(|(reason, kind, tokens)| format!("{reason} {kind} {tokens}")).collect();
    assert_eq!(found, expected);
    let ids = old.fixture.texts(&format!("SELECT {} FROM auth_events", old.hex("id"))).await;
    assert!(
        ids.iter().all(|id| id.len() == 32 && &id[12..13] == "7" && "89ab".contains(&id[16..17])),
        "{ids:?}"
    );
    runner.adopt_changes().await.unwrap();
    assert_eq!(old.fixture.texts("SELECT kind FROM auth_events").await.len(), ids.len());
}

async fn an_address_that_is_taken_here_is_never_given_twice(old: Old) {
    if !old.has_users() {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_up(5, "neu@x").await;
    old.sign_up(6, "two@x").await;
    old.insert_person(NEWCOMER, "neu@x").await;
    let new =
        ("b0000000-0000-4000-8000-000000000001", NEWCOMER, "'Später'", "NULL", None, 1, true, SUMMER, SUMMER);
    old.insert_task(new).await;
    let (ann, at) = (old.id(ANN), old.time(SUMMER));
    old.execute(&format!(
        "UPDATE \"user\" SET name = 'A', email = 'two@x', updated_at = {at} WHERE id = {ann}"
    ))
    .await;
    let pairs = [
        format!("neu@x: 00000005-0000-7000-8000-000000000000 here, {NEWCOMER} there"),
        format!("two@x: 00000006-0000-7000-8000-000000000000 here, {ANN} there"),
    ];
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.new_users, taken.changed_users, taken.conflicts), (1, 1, 2), "{taken}");
    assert_eq!(taken.same_address, pairs);
    for pair in &pairs {
        assert!(taken.to_string().contains(pair), "{taken}");
    }
    let emails = old
        .fixture
        .texts("SELECT email || coalesce(name, '') FROM users WHERE email IN ('neu@x', 'two@x', 'Ann@Exämple.org') ORDER BY email_folded")
        .await;
    assert_eq!(emails, ["Ann@Exämple.orgA", "neu@x", "two@x"]);
    let waiting = runner.adoption().await.unwrap().unwrap().placeholders;
    assert!(waiting.contains(&NEWCOMER.to_owned()), "{waiting:?}");
    let tasks = format!("SELECT title FROM tasks WHERE owner_id = {}", old.our_id(NEWCOMER));
    assert_eq!(old.fixture.texts(&tasks).await, ["Später"]);
    let again = runner.adopt_changes().await.unwrap();
    assert_eq!((again.new_users, again.changed_users, again.conflicts), (0, 0, 0), "{again}");
    assert_eq!((again.same_address, again.standing_addresses), (Vec::new(), pairs.to_vec()));
    old.fixture.execute("DELETE FROM users WHERE email = 'neu@x'").await.unwrap();
    assert_eq!(runner.adopt_changes().await.unwrap().changed_users, 1);
    let found = format!("SELECT email FROM users WHERE id = {}", old.our_id(NEWCOMER));
    assert_eq!(old.fixture.texts(&found).await, ["neu@x"]);
}

async fn an_account_that_only_signed_in_goes_when_it_is_gone_there(old: Old) {
    if !old.has_users() {
        return;
    }
    let runner = Runner::new(&old.fixture.url);
    runner.up(None).await.unwrap();
    old.sign_in(NAMELESS).await;
    let change =
        format!("UPDATE users SET name = 'ours', updated_at = {{at:9}} WHERE id = {}", old.our_id(ODD));
    old.fixture.execute(&change).await.unwrap();
    for id in [NAMELESS, ODD].map(|id| old.id(id)) {
        let links = if old.shape == Shape::B {
            format!("DELETE FROM account WHERE user_id = {id};")
        } else {
            String::new()
        };
        old.execute(&format!(
            "DELETE FROM task WHERE user_id = {id}; {links} DELETE FROM \"user\" WHERE id = {id}"
        ))
        .await;
    }
    let taken = runner.adopt_changes().await.unwrap();
    assert_eq!((taken.gone_users, taken.conflicts), (1, 1), "{taken}");
    let left = |id: &str| format!("SELECT role FROM users WHERE id = {}", old.our_id(id));
    assert!(old.fixture.texts(&left(NAMELESS)).await.is_empty());
    assert_eq!(old.fixture.texts(&left(ODD)).await.len(), 1);
    assert!(old.fixture.texts("SELECT key_id FROM sessions").await.is_empty());
    // Running instances are told: nothing else is left of the session.
    runner.adopt_changes().await.unwrap();
    let told = format!("SELECT kind FROM auth_events WHERE user_id = {}", old.our_id(NAMELESS));
    assert_eq!(old.fixture.texts(&told).await, ["account_deleted"]);
}
