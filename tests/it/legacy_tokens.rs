//! Tokens that the FastAPI backend issued, over HTTP: made here with its secret, as both of its forms made them.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::app::{Answer, PASSWORD, Person, TestApp, send};

/// Short, as the field has it; our own secret is another one.
const SECRET: &str = "field-secret";
const ACCEPTING: [(&str, &str); 2] =
    [("BETTER_AUTH_SECRET", SECRET), ("LEGACY_TOKENS_UNTIL", "9999-12-31T23:59:59Z")];
/// Without a secret of our own, the FastAPI backend's signs both kinds.
const STRONG: &str = "shared-0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e";
const SHARED: [(&str, &str); 3] =
    [("JWT_SECRET", ""), ("BETTER_AUTH_SECRET", STRONG), ("LEGACY_TOKENS_UNTIL", "9999-12-31T23:59:59Z")];
/// What accepts none.
const REFUSING: [&[(&str, &str)]; 4] = [
    &[("BETTER_AUTH_SECRET", SECRET), ("LEGACY_TOKENS_UNTIL", "2020-01-01T00:00:00Z")],
    // Never adopted, so that no date follows from that.
    &[("BETTER_AUTH_SECRET", SECRET)],
    &[("BETTER_AUTH_SECRET", "changeme"), ("LEGACY_TOKENS_UNTIL", "9999-12-31T23:59:59Z")],
    &[],
];

/// The FastAPI backend's SQLite file in its first form, with one account: the hash is bcrypt's of [`PASSWORD`].
const FIELD_ID: &str = "0190c42e7f3a7cc19b6a0123456789ab";
const FIELD_TABLES: &str = r#"
CREATE TABLE "user" (email VARCHAR NOT NULL, name VARCHAR(100), is_active BOOLEAN NOT NULL, id CHAR(32) NOT NULL,
    hashed_password VARCHAR NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE UNIQUE INDEX ix_user_email ON "user" (email);
CREATE TABLE task (title VARCHAR(255) NOT NULL, description VARCHAR, due_datetime DATETIME,
    priority VARCHAR(24) NOT NULL, is_completed BOOLEAN NOT NULL, id CHAR(32) NOT NULL, user_id CHAR(32) NOT NULL,
    created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_task_user_id ON task (user_id);
INSERT INTO "user" VALUES ('ada@example.com', 'Ada', 1, '0190c42e7f3a7cc19b6a0123456789ab',
    '$2b$04$eG86VsbcJ6HpVNBU2.PoROQS9oQrqp7AOAtraCAjyvRYinepswN4m',
    '2026-01-02 03:04:05.000006', '2026-01-02 03:04:05.000006');
INSERT INTO task VALUES ('From before', NULL, NULL, 'URGENT_IMPORTANT', 0, 'ffffffffffffffffffffffffffffffff',
    '0190c42e7f3a7cc19b6a0123456789ab', '2026-01-02 03:04:05.000006', '2026-01-02 03:04:05.000006');
"#;

macro_rules! on_both_databases_accepting {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                super::$name(&crate::app::TestApp::on_sqlite(&super::ACCEPTING)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = crate::app::TestApp::on_postgres(&super::ACCEPTING).await {
                    super::$name(&app).await;
                }
            })+
        }
    };
}

on_both_databases_accepting!(
    tokens_of_both_forms_work_on_both_surfaces,
    tokens_that_the_field_never_issued_are_all_refused_alike,
    the_role_in_a_token_gives_nothing,
    no_such_token_refreshes,
    signing_out_ends_the_token_it_is_done_with,
    signing_out_everywhere_ends_all_of_them,
    another_role_ends_all_of_them,
    another_password_ends_all_of_them_and_begins_a_session,
);

fn sign(secret: &str, header: &Value, claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

#[expect(clippy::disallowed_methods, reason = "the issuer is played here, and has a clock of its own")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn first_form(person: &Person) -> Value {
    json!({ "user_id": person.user_id, "email": person.email, "name": "Ada", "exp": now() + 3_600 })
}

/// Its ids had no hyphens.
fn second_form(person: &Person) -> Value {
    let id = person.user_id.replace('-', "");
    let email = &person.email;
    json!({ "sub": id, "user_id": id, "email": email, "role": "user", "iat": now(), "exp": now() + 3_600 })
}

fn with(claims: Value, member: &str, value: Value) -> Value {
    let mut claims = claims;
    claims[member] = value;
    claims
}

fn without(claims: Value, member: &str) -> Value {
    let mut claims = claims;
    claims.as_object_mut().unwrap().remove(member);
    claims
}

fn tokens(person: &Person) -> [String; 2] {
    [first_form(person), second_form(person)].map(|claims| sign(SECRET, &header(), &claims))
}

async fn call(app: &TestApp, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = app.request(method, path).bearer_auth(token);
    send(if let Some(body) = body { request.json(&body) } else { request }).await
}

async fn tokens_of_both_forms_work_on_both_surfaces(app: &TestApp) {
    let ada = app.person("ada").await;
    for (count, token) in tokens(&ada).iter().enumerate() {
        let body = json!({ "title": "Written with it", "priority": "urgent_important" });
        let created = call(app, token, Method::POST, "/api/tasks", Some(body)).await;
        assert_eq!(created.status, 201, "{}", created.text);
        assert_eq!(created.body["data"]["user_id"], ada.user_id.as_str(), "{}", created.text);
        for path in ["/api/tasks", "/api/v1/tasks"] {
            let listed = call(app, token, Method::GET, path, None).await;
            assert_eq!(listed.status, 200, "{path}: {}", listed.text);
            assert_eq!(listed.body["data"]["total_count"], count + 1, "{path}: {}", listed.text);
        }
        let me = call(app, token, Method::GET, "/api/v1/auth/me", None).await;
        assert_eq!((me.status, &me.body["email"]), (200, &json!(ada.email)), "{}", me.text);
    }
}

async fn tokens_that_the_field_never_issued_are_all_refused_alike(app: &TestApp) {
    let ada = app.person("ada").await;
    let (first, second) = (first_form(&ada), second_form(&ada));
    let stranger = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
    let signed = |claims: Value| sign(SECRET, &header(), &claims);
    let mut bad = vec![
        ("no exp", signed(without(first.clone(), "exp"))),
        ("no exp in the second form", signed(without(second.clone(), "exp"))),
        ("exp over", signed(with(first.clone(), "exp", json!(now() - 1)))),
        ("exp as text", signed(with(first.clone(), "exp", json!((now() + 60).to_string())))),
        ("exp null", signed(with(first.clone(), "exp", Value::Null))),
        ("user_id a number", signed(with(first.clone(), "user_id", json!(1)))),
        ("name a number", signed(with(first.clone(), "name", json!(1)))),
        ("email null", signed(with(first.clone(), "email", Value::Null))),
        ("aud", signed(with(first.clone(), "aud", json!("holdfast")))),
        ("an unknown account", signed(with(first.clone(), "user_id", json!(stranger)))),
        ("two accounts", signed(with(second.clone(), "sub", json!(stranger)))),
        ("another secret", sign("another-secret", &header(), &first)),
        ("no secret", sign("", &header(), &first)),
    ];
    for (name, member, value) in
        [("a kid", "kid", "k1"), ("our typ", "typ", "at+jwt"), ("no algorithm", "alg", "none")]
    {
        bad.push((name, sign(SECRET, &with(header(), member, json!(value)), &first)));
    }
    for (name, token) in bad {
        for path in ["/api/tasks", "/api/v1/tasks", "/api/v1/auth/me"] {
            let refused = call(app, &token, Method::GET, path, None).await;
            assert_eq!(refused.problem(401), "TOKEN_INVALID", "{name}: {path}");
            assert!(refused.header("www-authenticate").starts_with("Bearer"), "{name}: {path}");
        }
    }
}

async fn the_role_in_a_token_gives_nothing(app: &TestApp) {
    let ada = app.person("ada").await;
    let token = sign(SECRET, &header(), &with(second_form(&ada), "role", json!("admin")));
    let me = call(app, &token, Method::GET, "/api/v1/auth/me", None).await;
    assert_eq!((me.status, &me.body["role"]), (200, &json!("user")), "{}", me.text);
}

async fn no_such_token_refreshes(app: &TestApp) {
    let ada = app.person("ada").await;
    for token in tokens(&ada) {
        let answer = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await;
        assert_eq!(answer.problem(401), "REFRESH_TOKEN_INVALID");
    }
}

async fn sign_out(app: &TestApp, token: &str, body: Option<Value>) {
    let answer = call(app, token, Method::POST, "/api/v1/auth/signout", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn signing_out_ends_the_token_it_is_done_with(app: &TestApp) {
    let ada = app.person("ada").await;
    let [first, second] = tokens(&ada);
    sign_out(app, &first, None).await;
    assert!(!app.knows(&first).await);
    assert!(app.knows(&second).await && app.knows(&ada.access).await);
    sign_out(app, &first, Some(json!({ "scope": "global" }))).await;
    assert!(app.knows(&second).await && app.knows(&ada.access).await, "a denied token ends nothing");
    sign_out(app, &second, None).await;
    assert!(!app.knows(&second).await);
}

async fn signing_out_everywhere_ends_all_of_them(app: &TestApp) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let [first, second] = tokens(&ada);
    sign_out(app, &ada.access, Some(json!({ "scope": "others" }))).await;
    assert!(!app.knows(&first).await && !app.knows(&second).await && app.knows(&ada.access).await);
    let wish = json!({ "email": ada.email, "password": PASSWORD });
    let again = Person::from(&app.post("/api/v1/auth/signin", &wish).await);
    assert!(app.knows(&again.access).await && !app.knows(&first).await, "a sign-in gives nothing back");

    let [of_bob, _] = tokens(&bob);
    sign_out(app, &of_bob, Some(json!({ "scope": "global" }))).await;
    assert!(!app.knows(&of_bob).await && !app.knows(&bob.access).await && !app.knows(&bob.long_lived).await);
    assert!(app.knows(&again.access).await);
}

async fn another_role_ends_all_of_them(app: &TestApp) {
    let (admin, ada) = (app.admin("root").await, app.person("ada").await);
    let [first, second] = tokens(&ada);
    assert!(app.knows(&first).await);
    let path = format!("/api/v1/users/{}/role", ada.user_id);
    let promoted = app.call(&admin, Method::PUT, &path, Some(&json!({ "role": "admin" }))).await;
    assert_eq!(promoted.status, 200, "{}", promoted.text);
    assert!(!app.knows(&first).await && !app.knows(&second).await && !app.knows(&ada.access).await);
}

#[tokio::test]
async fn without_a_secret_or_a_date_that_lies_ahead_none_is_accepted() {
    for variables in REFUSING {
        let app = TestApp::on_sqlite(variables);
        let ada = app.person("ada").await;
        for claims in [first_form(&ada), second_form(&ada)] {
            for secret in [SECRET, "changeme", ""] {
                assert!(!app.knows(&sign(secret, &header(), &claims)).await, "{variables:?}");
            }
        }
        assert!(app.knows(&ada.access).await);
    }
}

async fn another_password_ends_all_of_them_and_begins_a_session(app: &TestApp) {
    let ada = app.person("ada").await;
    let [first, second] = tokens(&ada);
    let wish = json!({ "current_password": PASSWORD, "new_password": format!("{PASSWORD} 2") });
    let changed = call(app, &first, Method::POST, "/api/v1/auth/password", Some(wish)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(app.knows(&Person::from(&changed).access).await);
    for token in [&first, &second, &ada.access, &ada.long_lived] {
        assert!(!app.knows(token).await);
    }
}

#[tokio::test]
async fn one_secret_for_both_purposes_keeps_the_kinds_apart() {
    let app = TestApp::on_sqlite(&SHARED);
    let ada = app.person("ada").await;
    assert!(
        app.knows(&ada.access).await && app.knows(&ada.long_lived).await && !app.knows(&ada.refresh).await
    );
    for claims in [first_form(&ada), second_form(&ada)] {
        assert!(app.knows(&sign(STRONG, &header(), &claims)).await);
        assert!(!app.knows(&sign(STRONG, &with(header(), "typ", json!("at+jwt")), &claims)).await);
    }
}

#[tokio::test]
async fn after_an_adoption_the_tokens_and_passwords_of_the_field_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let run = async |sql: &'static str| {
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    run(FIELD_TABLES).await;
    let url = format!("sqlite://{}", file.display());
    let start = || TestApp::on_sqlite(&[("DATABASE_URL", &url), ("BETTER_AUTH_SECRET", SECRET)]);
    let claims =
        json!({ "user_id": FIELD_ID, "email": "ada@example.com", "name": "Ada", "exp": now() + 3_600 });
    let token = sign(SECRET, &header(), &claims);

    let app = start();
    let listed = call(&app, &token, Method::GET, "/api/tasks", None).await;
    assert_eq!(listed.body["data"]["tasks"][0]["title"], "From before", "{}", listed.text);
    // Once with the hash of the field, once with the one that replaced it.
    for _ in 0..2 {
        let wish = json!({ "email": "ada@example.com", "password": PASSWORD });
        let signed_in = app.post("/api/v1/auth/signin", &wish).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        assert!(app.knows(&Person::from(&signed_in).access).await);
    }
    assert!(app.knows(&token).await, "signing in ends no token");
    drop(app);

    // A day and an hour later.
    run("UPDATE adoptions SET adopted_at = adopted_at - 25 * 3600 * 1000000").await;
    let app = start();
    assert!(!app.knows(&token).await);
}
