//! A running server of one test's own, and people who use it.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use holdfast_application::domain::users::Email;
use holdfast_server::{
    Application,
    compose::{self, Handle},
    settings::{Delivery, Settings, Sources},
};
use holdfast_testkit::{
    ChaosProxy,
    postgres::{self, PgBouncer, TestDatabase},
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Runs an `async fn(&TestApp)` once per database. Without PostgreSQL the second says that it is skipped.
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                super::$name(&$crate::app::TestApp::on_sqlite(&[])).await;
            })+
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = $crate::app::TestApp::on_postgres(&[]).await {
                    super::$name(&app).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// The same once more on PostgreSQL behind a PgBouncer in transaction mode, or a line that it is skipped.
macro_rules! behind_a_pooler {
    ($($name:ident),+ $(,)?) => {
        mod pooler {
            $(#[tokio::test] async fn $name() {
                if let Some(app) = $crate::app::TestApp::behind_a_pooler().await {
                    super::$name(&app).await;
                }
            })+
        }
    };
}
pub(crate) use behind_a_pooler;

/// A server on a free port with a database of its own; both end when it is dropped.
pub(crate) struct TestApp {
    pub(crate) base: String,
    pub(crate) client: reqwest::Client,
    settings: Arc<Settings>,
    stop: Option<(Handle, thread::JoinHandle<()>)>,
    _directory: Option<TempDir>,
    _pooler: Option<PgBouncer>,
    _database: Option<TestDatabase>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

/// Somebody with an account and the tokens of one session.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) user_id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) long_lived: String,
}

impl TestApp {
    /// On an SQLite file in a folder of its own; `variables` are set beside the usual ones.
    pub(crate) fn on_sqlite(variables: &[(&str, &str)]) -> Self {
        Self::start(None, variables)
    }

    /// On a database of its own in a real PostgreSQL; nothing where there is none.
    pub(crate) async fn on_postgres(variables: &[(&str, &str)]) -> Option<Self> {
        let database = postgres::fresh_database("acceptance").await?;
        Some(Self::start(Some(database), variables))
    }

    /// The same through a pooler that knows no prepared statements. Migrations go to the database directly.
    pub(crate) async fn behind_a_pooler() -> Option<Self> {
        let (pooler, database) = pooled_database().await?;
        let url = pooler.declared_url();
        Some(Self::start_pooled(&url, pooler, database))
    }

    /// On PostgreSQL behind a network that can be told to fail.
    pub(crate) async fn behind_a_network() -> Option<(Self, ChaosProxy)> {
        let database = postgres::fresh_database("acceptance").await?;
        let (network, url) = ChaosProxy::before(database.url()).unwrap();
        Some((Self::start(Some(database), &[("DATABASE_URL", &url)]), network))
    }

    /// The same with a pooler behind that network.
    pub(crate) async fn behind_a_network_and_a_pooler() -> Option<(Self, ChaosProxy)> {
        let (pooler, database) = pooled_database().await?;
        let (network, url) = ChaosProxy::before(&pooler.declared_url()).unwrap();
        Some((Self::start_pooled(&url, pooler, database), network))
    }

    fn start_pooled(url: &str, pooler: PgBouncer, database: TestDatabase) -> Self {
        let direct = database.url().to_owned();
        let variables = [
            ("DATABASE_URL", url),
            ("DATABASE_URL_UNPOOLED", direct.as_str()),
            ("DATABASE_STATEMENT_CACHE", "0"),
        ];
        Self::start_behind(Some(pooler), Some(database), &variables)
    }

    fn start(database: Option<TestDatabase>, variables: &[(&str, &str)]) -> Self {
        Self::start_behind(None, database, variables)
    }

    fn start_behind(
        pooler: Option<PgBouncer>,
        database: Option<TestDatabase>,
        variables: &[(&str, &str)],
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = database.as_ref().map_or_else(
            || format!("sqlite://{}", directory.path().join("holdfast.db").display()),
            |database| database.url().to_owned(),
        );
        let mut environment: BTreeMap<String, String> = [
            ("ENVIRONMENT", "development"),
            ("DATABASE_URL", &url),
            ("MIGRATE_ON_START", "true"),
            ("PORT", "0"),
            ("RATE_LIMIT", "off"),
            ("JWT_SECRET", "acceptance-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789"),
        ]
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let sources = Sources { directory: directory.path().to_owned(), environment };
        let loaded = Settings::load(&sources).unwrap_or_else(|faults| panic!("{faults}"));
        Self::serve(Arc::new(loaded.settings), Some(directory), pooler, database)
    }

    /// Another instance with the same settings and the same database, which must outlive it.
    pub(crate) fn beside(&self) -> Self {
        Self::serve(self.settings.clone(), None, None, None)
    }

    fn serve(
        settings: Arc<Settings>,
        directory: Option<TempDir>,
        pooler: Option<PgBouncer>,
        database: Option<TestDatabase>,
    ) -> Self {
        let served = settings.clone();
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            compose::in_runtime(async move {
                let application = Application::build(&served).await.unwrap();
                sender.send((application.address(), application.handle())).unwrap();
                application.run().await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().expect("the server did not start");
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            base: format!("http://{address}"),
            client,
            settings,
            stop: Some((handle, thread)),
            _directory: directory,
            _pooler: pooler,
            _database: database,
        }
    }

    /// Where the rows are, for those who read them past the server.
    pub(crate) fn database_url(&self) -> String {
        self.settings.database.url.connect_url()
    }

    /// Where its mail becomes files.
    pub(crate) fn mailbox(&self) -> &Path {
        match &self.settings.mail.delivery {
            Delivery::Folder(folder) => folder,
            Delivery::Smtp(_) | Delivery::Off => panic!("this server writes no mail into a folder"),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// Signs up a new person with this name.
    pub(crate) async fn person(&self, name: &str) -> Person {
        let email = format!("{name}@example.com");
        let wish = json!({ "email": email, "password": PASSWORD, "name": name });
        let answer = self.post("/api/v1/auth/signup", &wish).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person::from(&answer)
    }

    /// A new administrator: made as the operator makes one, and signed in since.
    pub(crate) async fn admin(&self, name: &str) -> Person {
        let Person { email, .. } = self.person(name).await;
        let services = compose::services(&self.settings).await.unwrap();
        services.users.create_admin(Email::new(email.clone()).unwrap(), None).await.unwrap();
        let wish = json!({ "email": email, "password": PASSWORD });
        Person::from(&self.post("/api/v1/auth/signin", &wish).await)
    }

    /// A call by `person`.
    pub(crate) async fn call(
        &self,
        person: &Person,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.request(method, path).bearer_auth(&person.access);
        if let Some(body) = body {
            request = request.json(body);
        }
        send(request).await
    }

    /// A new task of `person`; answers its members.
    pub(crate) async fn task(&self, person: &Person, body: &Value) -> Value {
        let answer = self.call(person, Method::POST, "/api/v1/tasks", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.body["data"].clone()
    }

    /// Whether the access token of `person` is still good.
    pub(crate) async fn knows(&self, access: &str) -> bool {
        let answer = send(self.request(Method::GET, "/api/v1/tasks").bearer_auth(access)).await;
        assert!([200, 401].contains(&answer.status), "{}", answer.text);
        answer.status == 200
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.stop.take() {
            handle.stop_now();
            // A server that failed has said so in its own thread already.
            let _ = thread.join();
        }
    }
}

impl Person {
    /// Reads the tokens out of a sign-up or sign-in answer.
    pub(crate) fn from(answer: &Answer) -> Self {
        let data = &answer.body["data"];
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        Self {
            email: text("email"),
            user_id: text("user_id"),
            access: text("access_token"),
            refresh: text("refresh_token"),
            long_lived: text("token"),
        }
    }
}

async fn pooled_database() -> Option<(PgBouncer, TestDatabase)> {
    let database = postgres::fresh_database("acceptance").await?;
    let pooler = PgBouncer::in_front_of(database.url(), "acceptance").unwrap()?;
    Some((pooler, database))
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, body, text }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts that this is a problem document as the contract shapes it, and gives its `error_code`.
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["status"], status, "{}", self.text);
        assert_eq!(self.body["success"], false, "{}", self.text);
        assert_eq!(self.body["error"], self.body["detail"], "{}", self.text);
        for member in ["type", "title", "detail", "instance", "error_code", "request_id"] {
            assert!(
                self.body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {}",
                self.text
            );
        }
        self.body["error_code"].as_str().unwrap()
    }

    /// The fields that a 422 complains about.
    pub(crate) fn faulty_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors: {}", self.text));
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}
