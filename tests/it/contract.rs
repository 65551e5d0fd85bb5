//! How the contract's tables are written and run: one row a promise, request → status, members, headers. The rows are in
//! `contract_a` and `contract_b`; this file knows nothing about either surface.
//!
//! A table runs against a server of the test's own, or against any server at all:
//! `CONTRACT_BASE_URL=http://localhost:8000 cargo test -p acceptance --test it contract_replay -- --nocapture`.

use std::collections::BTreeMap;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::app::TestApp;

/// Good enough for both published forms of the FastAPI backend and for us.
const PASSWORD: &str = "Zx9-correct-horse-battery";

/// Makes of every section a test on each database, and a list of them for other servers.
macro_rules! contract {
    ($($section:ident),+ $(,)?) => {
        /// Every section, each for two accounts of its own.
        pub(crate) fn sections() -> Vec<Vec<$crate::contract::Row>> {
            vec![$($section()),+]
        }

        mod sqlite {
            $(#[tokio::test] async fn $section() {
                $crate::contract::run(&$crate::app::TestApp::on_sqlite(&[]), super::$section()).await;
            })+
        }

        mod postgres {
            $(#[tokio::test] async fn $section() {
                if let Some(app) = $crate::app::TestApp::on_postgres(&[]).await {
                    $crate::contract::run(&app, super::$section()).await;
                }
            })+
        }
    };
}
pub(crate) use contract;

/// What a value must look like where the row cannot know it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// `YYYY-MM-DDThh:mm:ss`, six fraction digits or none, no zone.
    Naive,
    /// The same with `Z`.
    Zoned,
    /// Lower case with hyphens.
    Uuid,
    /// Any text that is not empty.
    Text,
    /// A list without entries.
    EmptyList,
}

/// Who asks.
#[derive(Debug, Clone)]
enum Caller {
    Ada,
    Bob,
    Admin,
    Nobody,
    /// With this `Authorization` header.
    Header(&'static str),
}

#[derive(Debug, Clone)]
enum Body {
    Nothing,
    Json(Value),
    /// Bytes with a media type, or without.
    Raw(Option<&'static str>, &'static [u8]),
}

#[derive(Debug, Clone)]
enum Check {
    Is(&'static str, Value),
    Looks(&'static str, Form),
    Members(&'static str, &'static str),
    Has(&'static str, &'static str),
    Header(&'static str, &'static str),
    NoHeader(&'static str),
    EmptyBody,
    Titles(&'static str),
}

/// One promise.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    promise: &'static str,
    method: Method,
    path: &'static str,
    caller: Caller,
    body: Body,
    headers: Vec<(&'static str, &'static str)>,
    status: u16,
    checks: Vec<Check>,
    save: Option<(&'static str, &'static str)>,
    decision: Option<&'static str>,
}

/// A row: what is promised, and the request line. Ada asks, unless the row says otherwise.
pub(crate) fn row(promise: &'static str, request: &'static str) -> Row {
    let (method, path) = request.split_once(' ').unwrap();
    Row {
        promise,
        method: method.parse().unwrap(),
        path,
        caller: Caller::Ada,
        body: Body::Nothing,
        headers: Vec::new(),
        status: 200,
        checks: Vec::new(),
        save: None,
        decision: None,
    }
}

impl Row {
    /// Somebody else with an account asks.
    pub(crate) fn by_bob(mut self) -> Self {
        self.caller = Caller::Bob;
        self
    }

    /// An administrator asks.
    pub(crate) fn by_admin(mut self) -> Self {
        self.caller = Caller::Admin;
        self
    }

    /// Somebody without a token asks.
    pub(crate) fn by_nobody(mut self) -> Self {
        self.caller = Caller::Nobody;
        self
    }

    /// Somebody with this `Authorization` header asks; `{token}` stands for Ada's token.
    pub(crate) fn with_authorization(mut self, header: &'static str) -> Self {
        self.caller = Caller::Header(header);
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    pub(crate) fn raw(mut self, media_type: Option<&'static str>, body: &'static [u8]) -> Self {
        self.body = Body::Raw(media_type, body);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status of the answer; 200 when nothing is said.
    pub(crate) fn gives(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The member at this JSON pointer has this value.
    pub(crate) fn is(self, pointer: &'static str, value: impl Into<Value>) -> Self {
        self.check(Check::Is(pointer, value.into()))
    }

    pub(crate) fn looks(self, pointer: &'static str, form: Form) -> Self {
        self.check(Check::Looks(pointer, form))
    }

    /// Exactly these members, separated by spaces.
    pub(crate) fn members(self, pointer: &'static str, names: &'static str) -> Self {
        self.check(Check::Members(pointer, names))
    }

    /// At least these members.
    pub(crate) fn has(self, pointer: &'static str, names: &'static str) -> Self {
        self.check(Check::Has(pointer, names))
    }

    /// The header is there and contains this text, without regard to case.
    pub(crate) fn tells(self, name: &'static str, part: &'static str) -> Self {
        self.check(Check::Header(name, part))
    }

    pub(crate) fn lacks(self, name: &'static str) -> Self {
        self.check(Check::NoHeader(name))
    }

    pub(crate) fn empty(self) -> Self {
        self.check(Check::EmptyBody)
    }

    /// The titles of the listed tasks, separated by commas.
    pub(crate) fn titles(self, titles: &'static str) -> Self {
        self.check(Check::Titles(titles))
    }

    /// Keeps a member of the answer for later rows, which write it in braces.
    pub(crate) fn saves(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.save = Some((name, pointer));
        self
    }

    /// The originals answer otherwise; `docs/compatibility.md` says why we do this.
    pub(crate) fn decided(mut self, why: &'static str) -> Self {
        self.decision = Some(why);
        self
    }

    fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

/// A server, two people on it, and what earlier rows kept.
struct Run<'a> {
    client: &'a reqwest::Client,
    base: &'a str,
    known: BTreeMap<String, String>,
    bobs_token: String,
    admins_token: Option<String>,
}

/// Runs the rows in order with two new accounts, and tells every row that is not kept.
pub(crate) async fn run(app: &TestApp, rows: Vec<Row>) {
    let admin = if needs_administrator(&rows) { Some(app.admin("root").await.long_lived) } else { None };
    let broken = replay(&app.client, &app.base, admin, rows).await;
    assert!(broken.is_empty(), "{} promises are broken:\n{}", broken.len(), broken.join("\n"));
}

fn needs_administrator(rows: &[Row]) -> bool {
    rows.iter().any(|row| matches!(row.caller, Caller::Admin))
}

async fn replay(
    client: &reqwest::Client,
    base: &str,
    admins_token: Option<String>,
    rows: Vec<Row>,
) -> Vec<String> {
    let mut run = Run { client, base, known: BTreeMap::new(), bobs_token: String::new(), admins_token };
    let (ada, bob) = (run.sign_up("Ada").await, run.sign_up("bob").await);
    run.bobs_token = bob["token"].as_str().unwrap().to_owned();
    run.known.insert("password".to_owned(), PASSWORD.to_owned());
    run.known.insert("bob".to_owned(), bob["user_id"].as_str().unwrap().to_owned());
    for (name, member) in [("me", "user_id"), ("token", "token")] {
        run.known.insert(name.to_owned(), ada[member].as_str().unwrap().to_owned());
    }
    let mut broken = Vec::new();
    for row in rows {
        if let Err(found) = run.keeps(&row).await {
            let note = row.decision.map_or(String::new(), |why| format!(" [decided: {why}]"));
            broken.push(format!("  {} {} — {}{note}\n      {found}", row.method, row.path, row.promise));
        }
    }
    broken
}

impl Run<'_> {
    async fn sign_up(&mut self, name: &str) -> Value {
        // No two runs against one server may meet.
        let tag = format!("{:?}", std::thread::current().id()).replace(|c: char| !c.is_ascii_digit(), "");
        let email = format!("{name}.{}.{tag}.{}@example.com", std::process::id(), unique());
        self.known.insert(format!("{}_email", name.to_lowercase()), email.clone());
        let body = json!({ "email": email, "password": PASSWORD, "name": name });
        let request = self.client.post(format!("{}/api/v1/auth/signup", self.base)).json(&body);
        let answer: Value = patiently(&request).await.unwrap().json().await.unwrap();
        assert!(answer["data"]["token"].is_string(), "the table needs an account: {answer}");
        answer["data"].clone()
    }

    async fn keeps(&mut self, row: &Row) -> Result<(), String> {
        let url = format!("{}{}", self.base, self.filled(row.path));
        let mut request = self.client.request(row.method.clone(), url);
        request = match &row.caller {
            Caller::Ada => request.bearer_auth(&self.known["token"]),
            Caller::Bob => request.bearer_auth(&self.bobs_token),
            Caller::Admin => request.bearer_auth(self.admins_token.as_deref().unwrap_or_default()),
            Caller::Nobody => request,
            Caller::Header(value) => request.header("authorization", self.filled(value)),
        };
        request = match &row.body {
            Body::Nothing => request,
            Body::Json(body) => {
                request.header("content-type", "application/json").body(self.filled(&body.to_string()))
            }
            Body::Raw(None, bytes) => request.body(*bytes),
            Body::Raw(Some(media_type), bytes) => request.header("content-type", *media_type).body(*bytes),
        };
        for (name, value) in &row.headers {
            request = request.header(*name, *value);
        }
        let response = patiently(&request).await.map_err(|error| error.to_string())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status != row.status {
            return Err(format!("promised {}, answered {status}: {}", row.status, cut(&text)));
        }
        if status >= 400 && body["detail"].as_str().is_none_or(str::is_empty) {
            return Err(format!("`detail` must be a text: {text}"));
        }
        for check in &row.checks {
            self.holds(check, &headers, &body, &text).map_err(|fault| format!("{fault}: {}", cut(&text)))?;
        }
        if let Some((name, pointer)) = row.save {
            let value = body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            self.known.insert(name.to_owned(), value.to_owned());
        }
        Ok(())
    }

    /// The text with what is known in the place of its name in braces.
    fn filled(&self, text: &str) -> String {
        self.known
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    fn holds(&self, check: &Check, headers: &HeaderMap, body: &Value, text: &str) -> Result<(), String> {
        let at = |pointer: &str| body.pointer(pointer).ok_or_else(|| format!("there is no {pointer:?}"));
        let told =
            |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().to_lowercase());
        let kept = |kept: bool, promise: String| if kept { Ok(()) } else { Err(promise) };
        match check {
            Check::Is(pointer, value) => {
                let value: Value = serde_json::from_str(&self.filled(&value.to_string())).unwrap();
                kept(at(pointer)? == &value, format!("{pointer} must be {value}"))
            }
            Check::Looks(pointer, form) => {
                kept(form.fits(at(pointer)?), format!("{pointer} must be {form:?}"))
            }
            Check::Members(pointer, names) => {
                kept(names_of(at(pointer)?) == sorted(names), format!("{pointer:?} must have {names}"))
            }
            Check::Has(pointer, names) => {
                let found = names_of(at(pointer)?);
                kept(
                    sorted(names).iter().all(|name| found.contains(name)),
                    format!("{pointer:?} must have {names}"),
                )
            }
            Check::Header(name, part) => {
                let part = self.filled(part).to_lowercase();
                kept(
                    told(name).is_some_and(|value| value.contains(&part)),
                    format!("{name} must tell {part}: {headers:?}"),
                )
            }
            Check::NoHeader(name) => kept(told(name).is_none(), format!("{name} must not be there")),
            Check::EmptyBody => kept(text.is_empty(), "the body must be empty".to_owned()),
            Check::Titles(titles) => {
                let tasks = at("/data/tasks")?.as_array().cloned().unwrap_or_default();
                let found: Vec<&str> = tasks.iter().filter_map(|task| task["title"].as_str()).collect();
                kept(found.join(",") == *titles, format!("the titles must be {titles}"))
            }
        }
    }
}

/// A server with its throttles on is asked again when it says so.
async fn patiently(request: &reqwest::RequestBuilder) -> reqwest::Result<reqwest::Response> {
    loop {
        let response = request.try_clone().expect("bodies are in memory").send().await?;
        if response.status() != 429 {
            return Ok(response);
        }
        let wait = response.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
        tokio::time::sleep(std::time::Duration::from_secs(wait.unwrap_or(1))).await;
    }
}

impl Form {
    fn fits(self, value: &Value) -> bool {
        let text = value.as_str().unwrap_or_default();
        match self {
            Self::EmptyList => value.as_array().is_some_and(Vec::is_empty),
            Self::Text => !text.is_empty(),
            Self::Uuid => is_like(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
            Self::Naive => {
                is_like(text, "0000-00-00T00:00:00") || is_like(text, "0000-00-00T00:00:00.000000")
            }
            Self::Zoned => {
                is_like(text, "0000-00-00T00:00:00Z") || is_like(text, "0000-00-00T00:00:00.000000Z")
            }
        }
    }
}

/// `0` stands for a digit, `x` for a hexadecimal one in lower case.
fn is_like(text: &str, pattern: &str) -> bool {
    let fits = |(found, wanted): (char, char)| match wanted {
        '0' => found.is_ascii_digit(),
        'x' => found.is_ascii_digit() || ('a'..='f').contains(&found),
        other => found == other,
    };
    text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits)
}

/// The beginning of an answer, which tells enough and holds no token.
fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

fn names_of(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        value.as_object().map(|members| members.keys().map(String::as_str).collect()).unwrap_or_default();
    names.sort_unstable();
    names
}

fn sorted(names: &str) -> Vec<&str> {
    let mut names: Vec<&str> = names.split_whitespace().collect();
    names.sort_unstable();
    names
}

fn unique() -> u128 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    #[expect(clippy::disallowed_methods, reason = "names accounts on a server that outlives the test")]
    let now = std::time::SystemTime::now();
    let nanos = now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    nanos * 1_000 + u128::from(DRAWN.fetch_add(1, Ordering::Relaxed))
}

/// Runs both tables against the server that `CONTRACT_BASE_URL` names, and prints every row that it does not keep. Rows
/// marked as decided are expected to differ on the FastAPI backend.
#[tokio::test]
async fn contract_replay() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator names the server, and there are no settings here"
    )]
    let Ok(base) = std::env::var("CONTRACT_BASE_URL") else {
        println!("skipped: CONTRACT_BASE_URL names no server");
        return;
    };
    #[expect(clippy::disallowed_methods, reason = "likewise")]
    let surface = std::env::var("CONTRACT_SURFACE").unwrap_or_default();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    let admin = administrator(&client, &base).await;
    let mut broken = Vec::new();
    for (name, sections) in [("a", crate::contract_a::sections()), ("b", crate::contract_b::sections())] {
        if surface.is_empty() || surface == name {
            for rows in sections {
                if admin.is_none() && needs_administrator(&rows) {
                    println!("skipped: {} rows need an administrator", rows.len());
                    continue;
                }
                broken.extend(replay(&client, base.trim_end_matches('/'), admin.clone(), rows).await);
            }
        }
    }
    assert!(broken.is_empty(), "{} promises are broken:\n{}", broken.len(), broken.join("\n"));
}

/// The token of the administrator that `CONTRACT_ADMIN_EMAIL` and `CONTRACT_ADMIN_PASSWORD` name.
async fn administrator(client: &reqwest::Client, base: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the operator names the account, and there are no settings here"
    )]
    let [email, password] =
        ["CONTRACT_ADMIN_EMAIL", "CONTRACT_ADMIN_PASSWORD"].map(|name| std::env::var(name).ok());
    let body = json!({ "email": email?, "password": password? });
    let answer: Value = patiently(&client.post(format!("{base}/api/v1/auth/signin")).json(&body))
        .await
        .ok()?
        .json()
        .await
        .ok()?;
    answer["data"]["token"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_promise_that_is_not_kept_is_told() {
    let app = TestApp::on_sqlite(&[]);
    let kept = row("kept", "GET /health").is("/status", "healthy").tells("content-type", "json");
    let broken = [
        row("status", "GET /health").gives(201),
        row("value", "GET /health").is("/status", "ill"),
        row("member", "GET /health").is("/state", "healthy"),
        row("members", "GET /health").members("", "status more"),
        row("at least", "GET /health").has("", "more"),
        row("form", "GET /health").looks("/status", Form::Zoned),
        row("header", "GET /health").tells("content-type", "html"),
        row("no header", "GET /health").lacks("content-type"),
        row("no body", "GET /health").empty(),
        row("titles", "GET /api/tasks").titles("a"),
    ];
    let mut rows = vec![kept];
    rows.extend(broken.clone());
    let told = replay(&app.client, &app.base, None, rows).await;
    assert_eq!(told.len(), broken.len(), "{told:#?}");
    assert!(told.iter().zip(&broken).all(|(told, row)| told.contains(row.promise)), "{told:#?}");
}
