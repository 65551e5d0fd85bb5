//! Attacks on tokens, over HTTP: a table of forged ones, and of ways to send a good one that are none. Each is refused with
//! the same bytes, wherever it is sent, and leaves every row as it was.

// A private key is only read where nobody else may read it, which is said in the manner of Unix here.
#[cfg(unix)]
mod key_pairs;
mod personal;
mod table;

use std::collections::BTreeMap;

use holdfast_testkit::rows::{self, Cell};
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, HeaderValue},
};
use serde_json::json;

use crate::app::{Answer, PASSWORD, Person, TestApp, send};
use crate::forge::{BOTH_KINDS, Genuine, Members, now};
use personal::Personal;
use table::{Attack, Fault, Loot, attacks};

/// Where an access token is asked for: both surfaces, and what reads the account.
const CALLS: [&str; 3] = ["/api/v1/tasks", "/api/tasks", "/api/v1/auth/me"];
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
/// The longest lives that the server grants, in seconds: a day for the tokens of front ends that never refresh, 30 days.
const LONGEST_ACCESS: i64 = 86_400;
const LONGEST_REFRESH: i64 = 30 * 86_400;
/// After so many rows of the table, the rows of the database are read again.
const CHUNK: usize = 16;
/// How often a test waits for a second that has just begun.
const TRIES: usize = 200;

macro_rules! on_both_databases_under_attack {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                super::$name(&crate::app::TestApp::on_sqlite(&crate::forge::BOTH_KINDS)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = crate::app::TestApp::on_postgres(&crate::forge::BOTH_KINDS).await {
                    super::$name(&app).await;
                }
            })+
        }
    };
}

on_both_databases_under_attack!(
    no_forged_access_token_is_good_for_a_call,
    no_forged_refresh_token_is_exchanged,
    signing_out_with_a_forged_token_ends_nothing,
    a_good_token_sent_in_another_way_is_not_seen,
    times_hold_to_the_edges_of_the_leeway,
    a_token_of_a_megabyte_is_not_even_read,
);

/// The people whose tokens the forger has.
struct Scene {
    ada: Person,
    eve: Person,
    /// Ada's, from a session that she has signed out.
    ended: Person,
    /// Whose account is deleted.
    zoe: Person,
    personal: Personal,
}

impl Scene {
    async fn set(app: &TestApp) -> Self {
        let (ada, eve, zoe) = (app.person("ada").await, app.person("eve").await, app.person("zoe").await);
        let wish = json!({ "email": ada.email, "password": PASSWORD });
        let ended = Person::from(&app.post("/api/v1/auth/signin", &wish).await);
        let out = app.call(&ended, Method::POST, "/api/v1/auth/logout", None).await;
        assert_eq!(out.status, 200, "{}", out.text);
        let body = json!({ "password": PASSWORD });
        let gone = app.call(&zoe, Method::DELETE, "/api/v1/users/me", Some(&body)).await;
        assert_eq!(gone.status, 200, "{}", gone.text);
        let personal = Personal::of(app, &ada, &eve).await;
        Self { ada, eve, ended, zoe, personal }
    }

    fn access_attacks(&self) -> Vec<Attack> {
        let Self { ada, eve, ended, zoe, personal } = self;
        let [own, stranger, deleted, ended] =
            [ada, eve, zoe, ended].map(|person| Genuine::read(&person.access));
        let mut attacks = attacks(&Loot {
            own: &own,
            longest: LONGEST_ACCESS,
            stranger: &stranger,
            deleted: &deleted,
            ended: &ended,
            other_kinds: vec![&ada.refresh],
        });
        attacks.extend(personal.forged(&ada.access).into_iter().map(Attack::shown));
        attacks
    }

    fn refresh_attacks(&self) -> Vec<Attack> {
        let Self { ada, eve, ended, zoe, personal } = self;
        let [own, stranger, deleted, ended] =
            [ada, eve, zoe, ended].map(|person| Genuine::read(&person.refresh));
        let mut attacks = attacks(&Loot {
            own: &own,
            longest: LONGEST_REFRESH,
            stranger: &stranger,
            deleted: &deleted,
            ended: &ended,
            other_kinds: vec![&ada.access, &ada.long_lived, &personal.own],
        });
        attacks.extend(personal.forged(&ada.refresh).into_iter().map(Attack::shown));
        attacks
    }
}

/// What a refusal looks like, without what may differ from one to the next.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
}

fn refusal(answer: &Answer) -> Refusal {
    let id = answer.header("x-request-id").to_owned();
    assert!(!id.is_empty(), "{:?}", answer.headers);
    // Whether the connection stays open depends on whether a body was left unread.
    let varying = ["date", "x-request-id", "connection"];
    let headers = answer.headers.iter().filter(|(name, _)| !varying.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), sorted(value.to_str().unwrap())));
    Refusal { status: answer.status, headers: headers.collect(), text: answer.text.replace(&id, "…") }
}

/// Each worker thread has an order of its own in which it lists what browsers may read.
fn sorted(list: &str) -> String {
    let mut items: Vec<&str> = list.split(", ").collect();
    items.sort_unstable();
    items.join(", ")
}

/// The token as a header, where it can be one. Blanks around it would be taken off on the way.
fn bearer(token: &str) -> Option<HeaderValue> {
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).ok();
    value.filter(|_| token.trim_ascii() == token)
}

async fn call(app: &TestApp, path: &str, authorization: HeaderValue) -> Answer {
    send(app.request(Method::GET, path).header(AUTHORIZATION, authorization)).await
}

async fn refresh(app: &TestApp, token: &str) -> Answer {
    app.post(REFRESH, &json!({ "refresh_token": token })).await
}

/// The forger can make good tokens: whatever is refused is refused for the fault of its row.
async fn the_forge_works(app: &TestApp, ada: &Person) {
    let genuine = Genuine::read(&ada.access);
    let copy = genuine.claiming(&genuine.claims);
    for path in CALLS {
        let answer = call(app, path, bearer(&copy).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    let genuine = Genuine::read(&ada.refresh);
    let claims = genuine.claims.with("nbf", now() - 1);
    let answer = refresh(app, &genuine.claiming(&claims)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn no_forged_access_token_is_good_for_a_call(app: &TestApp) {
    no_forged_access_token_is_good(app, &["/api/v1/auth/me"]).await;
}

/// Where each request reads the row of its session, a token signed with the true key has to fit it, too.
#[tokio::test]
async fn strictly_no_mismatched_access_token_is_good_for_a_call() {
    let strict = [&BOTH_KINDS[..], &[("REVOCATION", "strict")]].concat();
    no_forged_access_token_is_good(&TestApp::on_sqlite(&strict), &CALLS).await;
}

/// `by_row` is where the row of the session is read.
async fn no_forged_access_token_is_good(app: &TestApp, by_row: &[&str]) {
    let scene = Scene::set(app).await;
    let rows = stored(app).await;
    let mut expected = BTreeMap::new();
    for path in CALLS {
        let answer = call(app, path, HeaderValue::from_static("Bearer x")).await;
        assert_eq!(answer.problem(401), "TOKEN_INVALID");
        assert!(answer.header("www-authenticate").contains("invalid_token"), "{:?}", answer.headers);
        expected.insert(path, refusal(&answer));
    }
    let attacks = scene.access_attacks();
    assert!(attacks.len() > 250, "{}", attacks.len());
    for chunk in attacks.chunks(CHUNK) {
        for Attack { name, token, fault } in chunk {
            let Some(authorization) = bearer(token) else { continue };
            for path in CALLS.iter().filter(|path| *fault != Fault::Mismatched || by_row.contains(path)) {
                let answer = call(app, path, authorization.clone()).await;
                assert_eq!(refusal(&answer), expected[path], "{name}: {path}");
            }
        }
        nothing_changed(app, &rows, chunk).await;
    }
    the_forge_works(app, &scene.ada).await;
}

async fn no_forged_refresh_token_is_exchanged(app: &TestApp) {
    let scene = Scene::set(app).await;
    let rows = stored(app).await;
    let answer = refresh(app, "x").await;
    assert_eq!(answer.problem(401), "REFRESH_TOKEN_INVALID");
    let expected = refusal(&answer);
    let attacks = scene.refresh_attacks();
    assert!(attacks.len() > 200, "{}", attacks.len());
    for chunk in attacks.chunks(CHUNK) {
        for Attack { name, token, fault: _ } in chunk {
            // U+0000 is refused in every text, before anybody asks what the text means.
            if token.contains('\0') {
                assert_eq!(refresh(app, token).await.problem(422), "VALIDATION_ERROR", "{name}");
                continue;
            }
            assert_eq!(refusal(&refresh(app, token).await), expected, "{name}");
        }
        nothing_changed(app, &rows, chunk).await;
    }
    the_forge_works(app, &scene.ada).await;
}

async fn signing_out_with_a_forged_token_ends_nothing(app: &TestApp) {
    let scene = Scene::set(app).await;
    let rows = stored(app).await;
    let (access, refresh) = (scene.access_attacks(), scene.refresh_attacks());
    for chunk in access.chunks(CHUNK) {
        for Attack { name, token, fault } in chunk {
            if let Some(authorization) = bearer(token).filter(|_| *fault != Fault::Over) {
                let request = app.request(Method::POST, LOGOUT).header(AUTHORIZATION, authorization);
                signed_out(name, request.json(&json!({ "scope": "global" }))).await;
            }
        }
        nothing_changed(app, &rows, chunk).await;
    }
    for chunk in refresh.chunks(CHUNK) {
        for Attack { name, token, fault } in chunk {
            if *fault != Fault::Over && !token.contains('\0') {
                let body = json!({ "scope": "global", "refresh_token": token });
                signed_out(name, app.request(Method::POST, LOGOUT).json(&body)).await;
            }
        }
        nothing_changed(app, &rows, chunk).await;
    }
    the_forge_works(app, &scene.ada).await;
}

/// All rows but those of links: mails about what happened before are written while others attack.
async fn stored(app: &TestApp) -> Vec<Vec<Cell>> {
    let rows = rows::dump(&app.database_url()).await.into_iter();
    rows.filter(|row| row.iter().all(|cell| cell.table != "one_time_tokens")).collect()
}

/// Signing out is never refused.
async fn signed_out(name: &str, request: RequestBuilder) {
    let answer = send(request).await;
    assert_eq!((answer.status, &answer.body["success"]), (200, &json!(true)), "{name}: {}", answer.text);
}

async fn nothing_changed(app: &TestApp, rows: &[Vec<Cell>], attacks: &[Attack]) {
    let names: Vec<&str> = attacks.iter().map(|attack| attack.name.as_str()).collect();
    assert_eq!(stored(app).await, rows, "one of these left something behind: {names:?}");
}

/// Ways to send a good access token that are none (RFC 6750 §2: the header alone is supported), and what they count as.
fn other_ways(
    app: &TestApp,
    good: &str,
    stranger: &str,
) -> Vec<(&'static str, RequestBuilder, &'static str)> {
    let get = |path: &str| app.request(Method::GET, path);
    let authorization = |value: &str| get(CALLS[0]).header(AUTHORIZATION, value);
    let form = format!("access_token={good}");
    let bearer = format!("Bearer {good}");
    vec![
        ("a query parameter", get(&format!("{}?access_token={good}", CALLS[0])), "TOKEN_MISSING"),
        ("another query parameter", get(&format!("{}?token={good}", CALLS[0])), "TOKEN_MISSING"),
        (
            "a cookie",
            get(CALLS[0]).header("Cookie", format!("token={good}; access_token={good}")),
            "TOKEN_MISSING",
        ),
        (
            "a cookie named like the header",
            get(CALLS[0]).header("Cookie", format!("Authorization={bearer}")),
            "TOKEN_MISSING",
        ),
        (
            "a form",
            get(CALLS[0]).header("Content-Type", "application/x-www-form-urlencoded").body(form),
            "TOKEN_MISSING",
        ),
        ("X-Authorization", get(CALLS[0]).header("X-Authorization", &bearer), "TOKEN_MISSING"),
        ("X-Access-Token", get(CALLS[0]).header("X-Access-Token", good), "TOKEN_MISSING"),
        ("Proxy-Authorization", get(CALLS[0]).header("Proxy-Authorization", &bearer), "TOKEN_MISSING"),
        ("no scheme", authorization(good), "TOKEN_MISSING"),
        ("an empty header", authorization(""), "TOKEN_MISSING"),
        ("the scheme Token", authorization(&format!("Token {good}")), "TOKEN_MISSING"),
        ("the scheme JWT", authorization(&format!("JWT {good}")), "TOKEN_MISSING"),
        ("the scheme Basic", authorization(&format!("Basic {good}")), "TOKEN_MISSING"),
        ("no blank", authorization(&format!("Bearer{good}")), "TOKEN_MISSING"),
        ("a colon", authorization(&format!("Bearer:{good}")), "TOKEN_MISSING"),
        ("an equals sign", authorization(&format!("Bearer={good}")), "TOKEN_MISSING"),
        ("a tab", authorization(&format!("Bearer\t{good}")), "TOKEN_MISSING"),
        ("the scheme alone", authorization("Bearer"), "TOKEN_INVALID"),
        ("the scheme twice", authorization(&format!("Bearer Bearer {good}")), "TOKEN_INVALID"),
        ("two tokens", authorization(&format!("{bearer} {stranger}")), "TOKEN_INVALID"),
        ("two in a list", authorization(&format!("{bearer}, Bearer {stranger}")), "TOKEN_INVALID"),
        ("a comma behind", authorization(&format!("{bearer},")), "TOKEN_INVALID"),
        ("quotes", authorization(&format!("Bearer \"{good}\"")), "TOKEN_INVALID"),
        ("a parameter", authorization(&format!("Bearer token={good}")), "TOKEN_INVALID"),
        (
            "two headers",
            authorization(&bearer).header(AUTHORIZATION, format!("Bearer {stranger}")),
            "TOKEN_INVALID",
        ),
        ("the same header twice", authorization(&bearer).header(AUTHORIZATION, &bearer), "TOKEN_INVALID"),
        ("two headers, one of them empty", authorization(&bearer).header(AUTHORIZATION, ""), "TOKEN_INVALID"),
        (
            "two headers, one of them Basic",
            authorization("Basic YTpi").header(AUTHORIZATION, &bearer),
            "TOKEN_INVALID",
        ),
    ]
}

async fn a_good_token_sent_in_another_way_is_not_seen(app: &TestApp) {
    let (ada, eve) = (app.person("ada").await, app.person("eve").await);
    let rows = stored(app).await;
    let missing = app.get(CALLS[0]).await;
    assert_eq!(missing.problem(401), "TOKEN_MISSING");
    assert!(!missing.header("www-authenticate").contains("error"), "RFC 6750 §3.1: no code without a token");
    let invalid = call(app, CALLS[0], HeaderValue::from_static("Bearer x")).await;
    let expected =
        BTreeMap::from([("TOKEN_MISSING", refusal(&missing)), ("TOKEN_INVALID", refusal(&invalid))]);
    for (name, request, code) in other_ways(app, &ada.access, &eve.access) {
        let answer = send(request).await;
        assert_eq!(refusal(&answer), expected[code], "{name}");
    }
    assert_eq!(stored(app).await, rows);
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let good = HeaderValue::from_str(&format!("{scheme} {}", ada.access)).unwrap();
        assert_eq!(call(app, CALLS[0], good).await.status, 200, "{scheme}");
    }
}

/// Asks once within one second of the forger's clock, so that the edge is where the token says it is.
async fn within_one_second(mut ask: impl AsyncFnMut(i64) -> bool) -> bool {
    for _ in 0..TRIES {
        let began = now();
        let good = ask(began).await;
        if now() == began {
            return good;
        }
    }
    panic!("no answer came within the second in which it was asked for");
}

/// A name, claims as of a second, and whether they are good in it.
type Edge = (&'static str, fn(&Members, i64) -> Members, bool);

async fn times_hold_to_the_edges_of_the_leeway(app: &TestApp) {
    let ada = app.person("ada").await;
    let genuine = Genuine::read(&ada.access);
    // An instant within the second `now` is up to a second later than the whole number.
    let edges: [Edge; 8] = [
        ("exp 29 s ago", |claims, now| claims.with("iat", now - 60).with("exp", now - 29), true),
        ("exp 31 s ago", |claims, now| claims.with("iat", now - 60).with("exp", now - 31), false),
        ("iat 30 s ahead", |claims, now| claims.with("iat", now + 30).with("exp", now + 90), true),
        ("iat 32 s ahead", |claims, now| claims.with("iat", now + 32).with("exp", now + 90), false),
        ("nbf 30 s ahead", |claims, now| claims.with("nbf", now + 30), true),
        ("nbf 32 s ahead", |claims, now| claims.with("nbf", now + 32), false),
        (
            "a life of just the longest",
            |claims, now| claims.with("iat", now).with("exp", now + LONGEST_ACCESS),
            true,
        ),
        (
            "a life two seconds longer",
            |claims, now| claims.with("iat", now).with("exp", now + LONGEST_ACCESS + 2),
            false,
        ),
    ];
    for (name, claims, expected) in edges {
        let good =
            within_one_second(async |now| app.knows(&genuine.claiming(&claims(&genuine.claims, now))).await);
        assert_eq!(good.await, expected, "{name}");
    }
}

async fn a_token_of_a_megabyte_is_not_even_read(app: &TestApp) {
    let ada = app.person("ada").await;
    let genuine = Genuine::read(&ada.access);
    let huge = genuine.claiming(&genuine.claims.with("email", format!("\"{}\"", "a".repeat(750_000))));
    assert!(huge.len() > 1_000_000);
    for path in CALLS {
        let request = app.request(Method::GET, path).header(AUTHORIZATION, bearer(&huge).unwrap());
        refused_unread(request, 431).await;
    }
    let body = json!({ "refresh_token": huge });
    refused_unread(app.request(Method::POST, REFRESH).json(&body), 413).await;
    assert!(app.knows(&ada.access).await);
}

/// The server answers before all of it is sent and hangs up; who is still sending may not get to read the answer.
async fn refused_unread(request: RequestBuilder, status: u16) {
    match request.send().await {
        Ok(response) => assert_eq!(response.status().as_u16(), status),
        Err(cut) => assert!(!cut.is_builder() && !cut.is_timeout(), "{cut:?}"),
    }
}
