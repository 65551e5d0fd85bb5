//! A second factor, from its enrolment to its removal, as the person with the app meets it.

use std::time::Duration;

use futures_util::future::join_all;
use holdfast_testkit::Authenticator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send},
    forge::now,
};

on_both_databases!(it_is_enrolled_asked_for_and_removed, of_twenty_sign_ins_with_one_code_one_succeeds,);

const PLACE: &str = "/api/v1/auth/second-factor";

/// An app, and the period of the last code that it gave away.
struct App {
    shows: Authenticator,
    last: i64,
}

impl App {
    fn new(secret: &str) -> Self {
        Self { shows: Authenticator::new(secret), last: 0 }
    }

    /// A code that was not used yet and stays good for half a minute at least.
    async fn code(&mut self) -> String {
        let wanted = now().div_euclid(30).max(self.last + 1);
        while now().div_euclid(30) + 1 < wanted {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.last = wanted;
        self.shows.code(wanted * 30)
    }

    /// Six digits that are good at no time soon.
    fn wrong(&self) -> String {
        let good: Vec<String> = (-4..=40).map(|apart| self.shows.code(now() + apart * 30)).collect();
        (0..1_000).map(|n| format!("{n:06}")).find(|code| !good.contains(code)).unwrap()
    }
}

async fn from(app: &TestApp, address: &str, person: &Person, code: Option<&str>) -> Answer {
    let wish = json!({ "email": person.email, "password": PASSWORD, "code": code });
    let request = app.request(Method::POST, "/api/v1/auth/login").header("X-Forwarded-For", address);
    send(request.json(&wish)).await
}

async fn sign_in(app: &TestApp, person: &Person, code: Option<&str>) -> Answer {
    from(app, "192.0.2.1", person, code).await
}

async fn enrol(app: &TestApp, person: &Person) -> (App, Vec<String>) {
    let post = async |path: &str, body: Value| {
        let request = app.request(Method::POST, path).header("X-Forwarded-For", "192.0.2.1");
        let answer = send(request.bearer_auth(&person.access).json(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["data"].clone()
    };
    let enrolment = post(PLACE, json!({ "password": PASSWORD })).await;
    let mut shows = App::new(enrolment["secret"].as_str().unwrap());
    let code = shows.code().await;
    let told = post(&format!("{PLACE}/confirm"), json!({ "code": code })).await;
    let codes = told["recovery_codes"].as_array().unwrap();
    (shows, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn it_is_enrolled_asked_for_and_removed(app: &TestApp) {
    let ada = app.person("ada").await;
    let (mut shows, codes) = enrol(app, &ada).await;
    assert_eq!(sign_in(app, &ada, None).await.problem(401), "SECOND_FACTOR_REQUIRED");
    assert_eq!(sign_in(app, &ada, Some(&shows.wrong())).await.problem(401), "SECOND_FACTOR_REQUIRED");
    let code = shows.code().await;
    let signed_in = sign_in(app, &ada, Some(&code)).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let ada = Person::from(&signed_in);
    assert_eq!(sign_in(app, &ada, Some(&code)).await.problem(401), "SECOND_FACTOR_REQUIRED");
    let recovered = sign_in(app, &ada, Some(&codes[0])).await;
    assert_eq!(recovered.status, 200, "{}", recovered.text);
    assert_eq!(sign_in(app, &ada, Some(&codes[0])).await.problem(401), "SECOND_FACTOR_REQUIRED");
    let state = app.call(&ada, Method::GET, PLACE, None).await;
    assert_eq!(state.body["data"]["recovery_codes_left"], 9, "{}", state.text);
    let other = app.beside();
    let removal = json!({ "password": PASSWORD, "code": codes[1] });
    let removed = other.call(&ada, Method::DELETE, PLACE, Some(&removal)).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(sign_in(app, &ada, None).await.status, 200);
    let events =
        app.call(&ada, Method::GET, "/api/v1/auth/events", None).await.body["data"]["events"].clone();
    let kinds: Vec<&str> = events.as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let expected = [
        "signed_in",
        "second_factor_removed",
        "recovery_code_used",
        "second_factor_failed",
        "signed_in",
        "recovery_code_used",
        "second_factor_failed",
        "signed_in",
        "second_factor_failed",
        "second_factor_enrolled",
        "signed_up",
    ];
    assert_eq!(kinds, expected);
}

async fn of_twenty_sign_ins_with_one_code_one_succeeds(app: &TestApp) {
    let ada = app.person("ada").await;
    let (mut shows, codes) = enrol(app, &ada).await;
    let other = app.beside();
    let code = shows.code().await;
    for code in [&code, &codes[0]] {
        let mut begun = 0;
        let mut asked = 0;
        // Whoever is sent away because too much is hashed at once comes again.
        let attempts = (0..20).map(|n| {
            let (instance, ada) = (if n % 2 == 0 { app } else { &other }, &ada);
            async move {
                loop {
                    let answer = sign_in(instance, ada, Some(code)).await;
                    if answer.status != 503 {
                        return answer;
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        });
        for answer in join_all(attempts).await {
            match answer.status {
                200 => begun += 1,
                _ => asked += usize::from(answer.problem(401) == "SECOND_FACTOR_REQUIRED"),
            }
        }
        assert_eq!((begun, asked), (1, 19));
    }
}

/// Only what is counted for each account is in the way.
const THROTTLED: &[(&str, &str)] = &[
    ("RATE_LIMIT", "on"),
    ("RATE_LIMIT_SIGN_IN_BURST", "1000"),
    ("RATE_LIMIT_NETWORK_DELAY", "3600"),
    ("RATE_LIMIT_ACCOUNT_DELAY", "3600"),
    ("RATE_LIMIT_MAX_DELAY", "3600"),
    ("HASH_CONCURRENCY", "8"),
    ("TRUSTED_PROXIES", "127.0.0.1"),
];

async fn guesses_are_slowed_down_and_the_owner_at_home_is_not(app: &TestApp) {
    let wish = json!({ "email": "ada@example.com", "password": PASSWORD });
    let request = app.request(Method::POST, "/api/v1/auth/signup").header("X-Forwarded-For", "192.0.2.1");
    let ada = Person::from(&send(request.json(&wish)).await);
    let (mut shows, _) = enrol(app, &ada).await;
    let wrong = shows.wrong();
    for n in 0..10 {
        let answer = from(app, &format!("198.18.{n}.1"), &ada, Some(&wrong)).await;
        assert_eq!(answer.problem(401), "SECOND_FACTOR_REQUIRED", "{n}");
    }
    for n in 10..13 {
        let answer = from(app, &format!("198.18.{n}.1"), &ada, Some(&wrong)).await;
        assert_eq!(answer.problem(429), "RATE_LIMITED", "{n}");
    }
    let home = sign_in(app, &ada, Some(&shows.code().await)).await;
    assert_eq!(home.status, 200, "{}", home.text);
    let deleted = json!({ "password": PASSWORD });
    let refused = app.call(&ada, Method::DELETE, "/api/v1/users/me", Some(&deleted)).await;
    assert_eq!(refused.problem(401), "SECOND_FACTOR_REQUIRED");
}

#[tokio::test]
async fn guesses_are_slowed_down_on_sqlite() {
    guesses_are_slowed_down_and_the_owner_at_home_is_not(&TestApp::on_sqlite(THROTTLED)).await;
}

#[tokio::test]
async fn guesses_are_slowed_down_on_postgres() {
    if let Some(app) = TestApp::on_postgres(THROTTLED).await {
        guesses_are_slowed_down_and_the_owner_at_home_is_not(&app).await;
    }
}
