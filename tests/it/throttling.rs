//! Throttling by client address and by account, as somebody outside meets it. What waits here waits for minutes, so that no
//! machine is too slow for it.

use futures_util::future::join_all;
use holdfast_testkit::rows::{Cell, dump};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, PASSWORD, Person, TestApp, send};

const WRONG: &str = "wrong password";

/// Only the bucket by address is in the way.
const BY_ADDRESS: &[(&str, &str)] = &[("RATE_LIMIT", "on"), ("RATE_LIMIT_SIGN_IN_PER_MINUTE", "1")];
/// The same behind a proxy on this machine.
const BEHIND_A_PROXY: &[(&str, &str)] =
    &[BY_ADDRESS[0], BY_ADDRESS[1], ("TRUSTED_PROXIES", "127.0.0.0/8, ::1")];
/// Only what is counted for each account is in the way.
const BY_ACCOUNT: &[(&str, &str)] = &[
    ("RATE_LIMIT", "on"),
    ("RATE_LIMIT_SIGN_IN_BURST", "1000"),
    // Nobody is sent away because others are being looked at.
    ("HASH_CONCURRENCY", "32"),
    ("RATE_LIMIT_NETWORK_DELAY", "3600"),
    ("RATE_LIMIT_ACCOUNT_FAILURES", "20"),
    ("RATE_LIMIT_ACCOUNT_DELAY", "3600"),
    ("RATE_LIMIT_MAX_DELAY", "3600"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
];

macro_rules! by_account_on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                super::$name(&super::TestApp::on_sqlite(super::BY_ACCOUNT)).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = super::TestApp::on_postgres(super::BY_ACCOUNT).await {
                    super::$name(&app).await;
                }
            })+
        }
    };
}

by_account_on_both_databases!(
    instances_count_together_and_an_unknown_address_is_counted_alike,
    the_owner_gets_in_while_a_botnet_fails_from_three_hundred_networks,
    of_many_attempts_at_once_five_are_looked_at,
    of_many_right_passwords_at_once_none_is_throttled,
    a_step_that_a_password_confirms_waits_as_well,
);

async fn from(app: &TestApp, address: &str, path: &str, body: &Value) -> Answer {
    send(app.request(Method::POST, path).header("X-Forwarded-For", address).json(body)).await
}

async fn attempt(app: &TestApp, address: &str, email: &str, password: &str) -> Answer {
    from(app, address, "/api/v1/auth/login", &json!({ "email": email, "password": password })).await
}

/// An attempt as somebody who has not been tried before.
async fn anybody(app: &TestApp, address: &str) -> Answer {
    let email = format!("{}@example.com", address.replace(|c: char| !c.is_ascii_digit(), "."));
    attempt(app, address, &email.replace("..", "."), WRONG).await
}

async fn sign_up(app: &TestApp, address: &str, name: &str) -> Person {
    let wish = json!({ "email": format!("{name}@example.com"), "password": PASSWORD });
    let answer = from(app, address, "/api/v1/auth/signup", &wish).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    Person::from(&answer)
}

/// The name of the limit that an attempt ran into.
fn limit(refused: &Answer) -> &str {
    assert_eq!(refused.problem(429), "RATE_LIMITED");
    assert!(refused.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0));
    let told = format!(";r=0;t={}", refused.header("retry-after"));
    let name = refused.header("ratelimit").strip_suffix(told.as_str());
    let name = name.unwrap_or_else(|| panic!("{}", refused.header("ratelimit")));
    assert!(refused.header("ratelimit-policy").starts_with(name), "{}", refused.header("ratelimit-policy"));
    name.trim_matches('"')
}

#[tokio::test]
async fn after_a_burst_of_twenty_sign_ins_the_next_waits() {
    let app = TestApp::on_sqlite(BY_ADDRESS);
    for n in 0..20 {
        // Without a trusted proxy the header is anybody's claim and changes nothing.
        let answer = anybody(&app, &format!("203.0.113.{n}")).await;
        assert_eq!(answer.problem(401), "INVALID_CREDENTIALS", "{n}");
        assert_eq!(answer.header("ratelimit"), format!("\"sign-in\";r={};t=60", 19 - n));
        assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=20;w=1200");
    }
    assert_eq!(limit(&anybody(&app, "203.0.113.99").await), "sign-in");
    assert_eq!(app.get("/health").await.status, 200, "only the auth routes are throttled");
    let refresh = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": "x" })).await;
    assert_eq!(refresh.problem(401), "REFRESH_TOKEN_INVALID", "refreshing has a bucket of its own");
    assert!(refresh.header("ratelimit").starts_with("\"refresh\";r=59"));
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_its_own_bucket() {
    let app = TestApp::on_sqlite(BEHIND_A_PROXY);
    for n in 0..20 {
        // What stands left of the proxy's own entry was written by the client.
        assert_eq!(anybody(&app, &format!("198.51.100.{n}, 203.0.113.7")).await.status, 401, "{n}");
    }
    assert_eq!(limit(&anybody(&app, "198.51.100.77, 203.0.113.7").await), "sign-in");
    assert_eq!(limit(&anybody(&app, "198.51.100.78, [::ffff:203.0.113.7]:80, 127.0.0.1").await), "sign-in");
    assert_eq!(anybody(&app, "203.0.113.8").await.problem(401), "INVALID_CREDENTIALS");
}

async fn instances_count_together_and_an_unknown_address_is_counted_alike(app: &TestApp) {
    let ada = sign_up(app, "192.0.2.1", "ada").await;
    let other = app.beside();
    let mut answers = Vec::new();
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut told = Vec::new();
        for n in 0..8 {
            let instance = if n % 2 == 0 { app } else { &other };
            let spelled = if n % 3 == 0 { email.to_uppercase() } else { email.to_owned() };
            let answer = attempt(instance, &format!("203.0.113.{n}"), &spelled, WRONG).await;
            let quota = answer.header("ratelimit-policy").to_owned();
            told.push((answer.status, answer.body["error_code"].clone(), quota));
        }
        answers.push(told);
        for instance in [app, &other] {
            assert_eq!(limit(&attempt(instance, "203.0.113.9", email, PASSWORD).await), "network");
        }
    }
    assert_eq!(answers[0], answers[1]);
    let statuses: Vec<u16> = answers[0].iter().map(|(status, _, _)| *status).collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    assert_eq!(attempt(&other, "192.0.2.99", &ada.email, PASSWORD).await.status, 200, "home is not in it");
    let cells: Vec<Cell> = dump(&app.database_url()).await.into_iter().flatten().collect();
    let holds = |cell: &&Cell, text: &str| cell.value.as_ref().is_some_and(|value| value.contains(text));
    assert!(cells.iter().any(|cell| cell.table == "throttles" && holds(&cell, "203.0.113.0/24")));
    assert_eq!(
        cells.iter().find(|cell| holds(cell, "nobody")),
        None,
        "whom nobody knows is nowhere in clear"
    );
}

async fn the_owner_gets_in_while_a_botnet_fails_from_three_hundred_networks(app: &TestApp) {
    let ada = sign_up(app, "2001:db8:7::1", "ada").await;
    let bot = async |n: usize| {
        let address = format!("192.0.2.1, 198.{}.{}.1", 18 + n % 2, n / 2);
        attempt(app, &address, "ada@example.com", WRONG).await
    };
    for n in 0..20 {
        assert_eq!(bot(n).await.problem(401), "INVALID_CREDENTIALS", "{n}");
    }
    for wave in 2..30 {
        for answer in join_all((0..10).map(|n| bot(wave * 10 + n))).await {
            assert_eq!(limit(&answer), "account");
        }
    }
    let away = attempt(app, "203.0.113.1", &ada.email, PASSWORD).await;
    assert_eq!(limit(&away), "account", "from elsewhere the owner waits with all others");
    for path in ["/api/v1/auth/signin", "/api/v1/auth/login"] {
        let wish = json!({ "email": ada.email, "password": PASSWORD });
        let home = from(app, "2001:db8:7:ffff::2", path, &wish).await;
        assert_eq!(home.status, 200, "{}", home.text);
    }
}

async fn of_many_attempts_at_once_five_are_looked_at(app: &TestApp) {
    let ada = sign_up(app, "192.0.2.1", "ada").await;
    let other = app.beside();
    let attempts = (0..32).map(|n| {
        let instance = if n % 2 == 0 { app } else { &other };
        let email = &ada.email;
        async move { attempt(instance, &format!("203.0.113.{n}"), email, WRONG).await }
    });
    let mut looked_at = 0;
    for answer in join_all(attempts).await {
        match answer.status {
            401 => looked_at += 1,
            // On a slow machine the first five take longer than anybody waits for them.
            503 => assert_eq!(answer.problem(503), "SERVICE_UNAVAILABLE"),
            _ => assert_eq!(limit(&answer), "network"),
        }
    }
    assert_eq!(looked_at, 5);
    let events = app.call(&ada, Method::GET, "/api/v1/auth/events?limit=100", None).await;
    let kinds: Vec<&Value> =
        events.body["data"]["events"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    let count = |kind: &str| kinds.iter().filter(|it| **it == kind).count();
    assert_eq!((count("sign_in_failed"), count("sign_in_throttled")), (5, 1), "{kinds:?}");
}

async fn of_many_right_passwords_at_once_none_is_throttled(app: &TestApp) {
    let ada = sign_up(app, "192.0.2.1", "ada").await;
    let other = app.beside();
    let attempts = (0..20).map(|n| {
        let instance = if n % 2 == 0 { app } else { &other };
        let email = &ada.email;
        async move { attempt(instance, &format!("203.0.113.{n}"), email, PASSWORD).await }
    });
    for answer in join_all(attempts).await {
        match answer.status {
            200 => {}
            // Not in time, on a slow machine; nobody has failed.
            _ => assert_eq!(answer.problem(503), "SERVICE_UNAVAILABLE"),
        }
    }
    let last = attempt(app, "203.0.113.99", &ada.email, PASSWORD).await;
    assert_eq!(last.status, 200, "{}", last.text);
}

async fn a_step_that_a_password_confirms_waits_as_well(app: &TestApp) {
    let ada = sign_up(app, "192.0.2.1", "ada").await;
    let step = async |method: Method, path: &str, body: Value| {
        let request = app.request(method, path).header("X-Forwarded-For", "192.0.2.1");
        send(request.bearer_auth(&ada.access).json(&body)).await
    };
    let deletion = async |password: &str| {
        step(Method::DELETE, "/api/v1/users/me", json!({ "password": password })).await
    };
    for n in 0..5 {
        let answer = if n % 2 == 0 {
            deletion(WRONG).await
        } else {
            let change = json!({ "current_password": WRONG, "new_password": "an even longer passphrase" });
            step(Method::POST, "/api/v1/auth/password", change).await
        };
        assert_eq!(answer.problem(401), "INVALID_CREDENTIALS", "{n}");
    }
    assert_eq!(limit(&deletion(PASSWORD).await), "network");
    assert_eq!(limit(&attempt(app, "192.0.2.1", &ada.email, PASSWORD).await), "network");
    let elsewhere = Person::from(&attempt(app, "203.0.113.1", &ada.email, PASSWORD).await);
    let request = app.request(Method::DELETE, "/api/v1/users/me").header("X-Forwarded-For", "203.0.113.1");
    let gone = send(request.bearer_auth(&elsewhere.access).json(&json!({ "password": PASSWORD }))).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let counted = dump(&app.database_url()).await;
    let left: Vec<_> = counted.iter().filter(|row| row[0].table == "throttles").collect();
    assert!(left.is_empty(), "what is counted goes with the account: {left:?}");
}
