//! Administration while people are at work: what began before a ban, another role or a deletion never outlives it.

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{PASSWORD, Person, TestApp, on_both_databases};

on_both_databases!(
    no_sign_in_or_refresh_outlives_a_ban_that_it_raced,
    no_token_keeps_a_role_that_was_taken_meanwhile,
    of_two_administrators_who_demote_each_other_one_is_left,
    a_deletion_takes_along_what_is_being_made,
);

const ROUNDS: usize = 6;

async fn sign_in(app: &TestApp, email: &str) -> Option<Person> {
    let wish = json!({ "email": email, "password": PASSWORD });
    let answer = app.post("/api/v1/auth/login", &wish).await;
    assert!([200, 401, 403].contains(&answer.status), "{}", answer.text);
    (answer.status == 200).then(|| Person::from(&answer))
}

async fn refreshed(app: &TestApp, person: &Person) -> Option<String> {
    let answer = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": person.refresh })).await;
    assert!([200, 401].contains(&answer.status), "{}", answer.text);
    answer.body["data"]["access_token"].as_str().map(str::to_owned)
}

async fn no_sign_in_or_refresh_outlives_a_ban_that_it_raced(app: &TestApp) {
    let admin = app.admin("root").await;
    for round in 0..ROUNDS {
        let ada = app.person(&format!("ada{round}")).await;
        let path = format!("/api/v1/users/{}/ban", ada.user_id);
        let begun = join_all((0..4).map(|_| sign_in(app, &ada.email)));
        let body = json!({ "reason": "spam" });
        let ban = app.call(&admin, Method::POST, &path, Some(&body));
        let ((begun, refreshed), banned) = join(join(begun, refreshed(app, &ada)), ban).await;
        assert_eq!(banned.status, 200, "{}", banned.text);
        let tokens = begun.into_iter().flatten().map(|person| person.access).chain(refreshed);
        for token in tokens.chain([ada.access, ada.long_lived]) {
            assert!(!app.knows(&token).await, "a session outlived the ban");
        }
    }
}

async fn no_token_keeps_a_role_that_was_taken_meanwhile(app: &TestApp) {
    let admin = app.admin("root").await;
    for round in 0..ROUNDS {
        let other = app.admin(&format!("admin{round}")).await;
        let path = format!("/api/v1/users/{}/role", other.user_id);
        let begun = join_all((0..4).map(|_| sign_in(app, &other.email)));
        let body = json!({ "role": "user" });
        let (begun, demoted) = join(begun, app.call(&admin, Method::PUT, &path, Some(&body))).await;
        assert_eq!(demoted.status, 200, "{}", demoted.text);
        for person in begun.into_iter().flatten() {
            let told = app.call(&person, Method::GET, "/api/v1/users", None).await;
            assert!([401, 403].contains(&told.status), "an old role administrates: {}", told.text);
        }
    }
}

async fn of_two_administrators_who_demote_each_other_one_is_left(app: &TestApp) {
    for round in 0..ROUNDS {
        let (one, two) = (app.admin(&format!("one{round}")).await, app.admin(&format!("two{round}")).await);
        let body = json!({ "role": "user" });
        let demote = async |by: &Person, whom: &Person| {
            let path = format!("/api/v1/users/{}/role", whom.user_id);
            app.call(by, Method::PUT, &path, Some(&body)).await.status
        };
        let mut statuses = join_all([(&one, &two), (&two, &one)].map(|(by, whom)| demote(by, whom))).await;
        statuses.sort_unstable();
        // Who comes too late is no administrator any more, or has no session any more.
        assert!(statuses == [200, 401] || statuses == [200, 403], "{statuses:?}");
    }
}

async fn a_deletion_takes_along_what_is_being_made(app: &TestApp) {
    for round in 0..ROUNDS {
        let ada = app.person(&format!("ada{round}")).await;
        let task = json!({ "title": "t" });
        let making = join_all((0..6).map(|_| app.call(&ada, Method::POST, "/api/v1/tasks", Some(&task))));
        let signing_in = join_all((0..3).map(|_| sign_in(app, &ada.email)));
        let body = json!({ "password": PASSWORD });
        let leaving = app.call(&ada, Method::DELETE, "/api/v1/users/me", Some(&body));
        let ((made, begun), left) = join(join(making, signing_in), leaving).await;
        assert_eq!((left.status, &left.body["success"]), (200, &Value::Bool(true)), "{}", left.text);
        for answer in made {
            assert!([201, 401].contains(&answer.status), "{}", answer.text);
        }
        for person in begun.into_iter().flatten() {
            assert!(!app.knows(&person.access).await, "a session outlived its account");
        }
    }
}
