//! The application under test, with typed callers.

use std::{
    net::SocketAddr,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex},
};

use actix_web::{
    body::to_bytes,
    dev::Payload,
    error::PayloadError,
    http::{
        Method, StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    test::{self, TestRequest},
    web::Bytes,
};
use futures_util::Stream;
use holdfast_application::{
    Adapters, Services,
    auth::{AuthPolicy, Throttling},
    domain::{throttle::Limits, users::Role},
    mail::{Courier, LinkSite},
    page::CursorKey,
    ports::{Passwords, Repositories as _, Store},
};
use holdfast_testkit::{
    CountedSecrets, FailingStore, FixedClock, MemoryMailer, MemoryOutbox, MemoryStore, PlainPasswords,
    PlainTokens, PlainVault, SequentialIds, fixtures,
};
use holdfast_web::{RateLimit, TraceOptions, WebOptions, WebState, app};
use serde_json::{Value, json};

/// The proxy that the application trusts.
pub(crate) const PROXY: &str = "10.0.0.1";
/// Anybody.
pub(crate) const STRANGER: &str = "203.0.113.9";
/// The origin that may call.
pub(crate) const ORIGIN: &str = "http://localhost:3000";

type Call = Box<dyn Fn(TestRequest, Option<Chunks>) -> Pin<Box<dyn Future<Output = Answer>>>>;

/// A body that arrives bit by bit.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>;

/// The application over a memory store.
pub(crate) struct TestApp {
    call: Call,
    pub(crate) store: FailingStore,
    pub(crate) clock: FixedClock,
    /// Where mail waits to be sent.
    pub(crate) outbox: MemoryOutbox,
    pub(crate) mailer: MemoryMailer,
    pub(crate) courier: Courier,
    pub(crate) tokens: Arc<PlainTokens>,
    pub(crate) state: WebState,
    pub(crate) services: Services,
    accounts: Mutex<u32>,
}

/// What can be chosen.
pub(crate) struct Settings {
    pub(crate) rate_limit: RateLimit,
    pub(crate) production: bool,
    pub(crate) require_if_match: bool,
    pub(crate) passwords: Arc<dyn Passwords>,
    pub(crate) traces: TraceOptions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate_limit: RateLimit::Off,
            production: false,
            require_if_match: false,
            passwords: Arc::new(PlainPasswords::default()),
            traces: TraceOptions { believes_callers: true, encrypted: false, places: None },
        }
    }
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        crate::logs::install();
        let clock = FixedClock::default();
        let store = FailingStore::new(Arc::new(MemoryStore::default()));
        let ids = Arc::new(SequentialIds::default());
        let randomness = Arc::new(CountedSecrets::default());
        let (outbox, mailer) = (MemoryOutbox::default(), MemoryMailer::default());
        let courier = Courier::new(
            Arc::new(store.clone()),
            Arc::new(mailer.clone()),
            Arc::new(clock.clone()),
            ids.clone(),
            randomness.clone(),
            LinkSite::new("https://app.example"),
        );
        let tokens = Arc::new(PlainTokens::default());
        let adapters = Adapters {
            store: Arc::new(store.clone()) as Arc<dyn Store>,
            passwords: settings.passwords,
            tokens: tokens.clone(),
            clock: Arc::new(clock.clone()),
            ids: ids.clone(),
            randomness: randomness.clone(),
            outbox: Arc::new(outbox.clone()),
            vault: Arc::new(PlainVault::default()),
        };
        let policy = AuthPolicy {
            access: std::time::Duration::from_mins(15),
            long_lived: std::time::Duration::from_hours(24),
            sessions: fixtures::LIFETIMES,
        };
        let throttling = match settings.rate_limit {
            RateLimit::Off => Throttling::off(),
            RateLimit::On { .. } => Throttling::on(Limits::DEFAULT, b"test"),
        };
        let services = Services::new(adapters, policy, CursorKey::derive(b"test"), throttling);
        let options = WebOptions {
            allowed_origins: vec![ORIGIN.to_owned()],
            trusted_proxies: vec![PROXY.parse::<std::net::IpAddr>().unwrap().into()],
            rate_limit: settings.rate_limit,
            version: "1.2.3",
            production: settings.production,
            require_if_match: settings.require_if_match,
            traces: settings.traces,
        };
        let state = WebState::new(services.clone(), Arc::new(clock.clone()), ids, options);
        let service = Rc::new(test::init_service(app(&state)).await);
        let call: Call = Box::new(move |request: TestRequest, chunks| {
            let service = Rc::clone(&service);
            Box::pin(async move {
                let mut request = request.to_request();
                if let Some(payload) = chunks {
                    *request.payload() = Payload::Stream { payload };
                }
                let response = test::call_service(&*service, request).await.into_parts().1;
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body()).await.expect("a test body is complete");
                Answer { status, headers, body: body.to_vec() }
            })
        });
        Self { call, store, clock, outbox, mailer, courier, tokens, state, services, accounts: Mutex::new(0) }
    }

    pub(crate) fn get<'a>(&'a self, path: &str) -> Ask<'a> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post<'a>(&'a self, path: &str, body: &Value) -> Ask<'a> {
        self.ask(Method::POST, path).json(body)
    }

    pub(crate) fn put<'a>(&'a self, path: &str, body: &Value) -> Ask<'a> {
        self.ask(Method::PUT, path).json(body)
    }

    pub(crate) fn patch<'a>(&'a self, path: &str, body: &Value) -> Ask<'a> {
        self.ask(Method::PATCH, path).json(body)
    }

    pub(crate) fn delete<'a>(&'a self, path: &str) -> Ask<'a> {
        self.ask(Method::DELETE, path)
    }

    pub(crate) fn ask<'a>(&'a self, method: Method, path: &str) -> Ask<'a> {
        let peer = format!("{STRANGER}:4711").parse().unwrap();
        let request = TestRequest::with_uri(path).method(method).peer_addr(peer);
        Ask { app: self, request, chunks: None }
    }

    /// A new account that has signed in.
    pub(crate) async fn person(&self) -> Person<'_> {
        let n = {
            let mut accounts = self.accounts.lock().unwrap();
            *accounts += 1;
            *accounts
        };
        let email = format!("person{n}@example.com");
        let body = json!({ "email": email, "password": fixtures::PASSWORD });
        let answer = self.post("/api/v1/auth/signup", &body).send().await.expect(201);
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Person {
            app: self,
            id: text("user_id"),
            access: text("access_token"),
            refresh: text("refresh_token"),
            email,
        }
    }
}

impl TestApp {
    /// A new administrator who has signed in.
    pub(crate) async fn admin(&self) -> Person<'_> {
        let account = fixtures::account().role(Role::Admin).build();
        self.store.users().insert(&account).await.unwrap();
        let email = account.user.email.as_str().to_owned();
        let body = json!({ "email": email, "password": fixtures::PASSWORD });
        let answer = self.post("/api/v1/auth/login", &body).send().await.expect(200);
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Person {
            app: self,
            id: text("user_id"),
            access: text("access_token"),
            refresh: text("refresh_token"),
            email,
        }
    }
}

/// Somebody who is signed in.
pub(crate) struct Person<'a> {
    app: &'a TestApp,
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl<'a> Person<'a> {
    pub(crate) fn get(&self, path: &str) -> Ask<'a> {
        self.app.get(path).bearer(&self.access)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Ask<'a> {
        self.app.post(path, body).bearer(&self.access)
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Ask<'a> {
        self.app.put(path, body).bearer(&self.access)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Ask<'a> {
        self.app.patch(path, body).bearer(&self.access)
    }

    pub(crate) fn delete(&self, path: &str) -> Ask<'a> {
        self.app.delete(path).bearer(&self.access)
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'a> {
        self.app.ask(method, path).bearer(&self.access)
    }

    /// Creates a task and answers it.
    pub(crate) async fn task(&self, body: &Value) -> Value {
        self.post("/api/v1/tasks", body).send().await.expect(201)["data"].clone()
    }
}

/// A request under construction.
pub(crate) struct Ask<'a> {
    app: &'a TestApp,
    request: TestRequest,
    chunks: Option<Chunks>,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        self.request = self.request.append_header((name, HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn peer(mut self, address: &str) -> Self {
        self.request = self.request.peer_addr(SocketAddr::new(address.parse().unwrap(), 4711));
        self
    }

    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.request = self.request.set_json(body);
        self
    }

    /// A body of any bytes; the media type is the test's to set.
    pub(crate) fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        let body: Vec<u8> = body.into();
        self.request = self.request.set_payload(body);
        self
    }

    /// A body that arrives as the test wants it to.
    pub(crate) fn chunks(mut self, chunks: Chunks) -> Self {
        self.chunks = Some(chunks);
        self
    }

    pub(crate) async fn send(self) -> Answer {
        (self.app.call)(self.request, self.chunks).await
    }
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem document with this status and code, complete in all its members.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["error_code"], code, "{problem}");
        assert_eq!(problem["success"], false, "{problem}");
        assert_eq!(problem["error"], problem["detail"], "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"), "{problem}");
        for member in ["type", "title", "detail", "instance", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        assert_eq!(status == 401, self.headers.contains_key("www-authenticate"), "{problem}");
        let waits = matches!(status, 429 | 503);
        assert_eq!(waits, self.headers.contains_key("retry-after"), "{problem}");
        problem
    }

    /// The fields of a 422, sorted, as `field:code`.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<String> {
        faults(&self.problem(422, "VALIDATION_ERROR"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// The field faults of a problem, sorted, as `field:code`.
pub(crate) fn faults(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {problem}"));
    let mut told: Vec<_> = errors
        .iter()
        .map(|error| {
            assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
            format!("{}:{}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told
}

impl Answer {
    /// For answers whose body does not matter.
    #[track_caller]
    pub(crate) fn expect_status(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
    }
}
