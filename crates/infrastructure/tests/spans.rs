//! What adapters tell of their parts of a request: which parts there are, on what they hang, and that no value is among it. One test,
//! because the subscriber is the process's.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords as _, Repositories as _, Store as _, StoreError},
    spans,
};
use holdfast_infrastructure::{
    database::{DatabaseLocation, DatabaseOptions, SeaOrmStore},
    passwords::{Argon2Passwords, PasswordOptions, Peppers},
};
use holdfast_testkit::fixtures;
use migration::{DatabaseUrl, Runner};
use tracing::{
    Instrument as _, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

const EMAIL: &str = "ada.lovelace@example.com";

/// Every part: its name, what it hangs on, and its fields.
#[derive(Debug, Clone, Default)]
struct Parts(Arc<Mutex<Vec<Part>>>);

#[derive(Debug, Clone)]
struct Part {
    id: Id,
    name: String,
    around: Option<String>,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Part {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}").trim_matches('"').to_owned();
        if field.name() == "otel.name" {
            self.name.clone_from(&value);
        }
        self.fields.push((field.name(), value));
    }
}

impl<S: Subscriber + for<'lookup> LookupSpan<'lookup>> Layer<S> for Parts {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut parts = self.0.lock().unwrap();
        let around = context.span(id).and_then(|span| span.parent()).map(|span| span.id());
        let around =
            around.and_then(|id| parts.iter().rev().find(|part| part.id == id).map(|part| part.name.clone()));
        let name = attributes.metadata().name().to_owned();
        let mut part = Part { id: id.clone(), name, around, fields: Vec::new() };
        attributes.record(&mut part);
        if attributes.metadata().target() == spans::TARGET {
            parts.push(part);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(part) = self.0.lock().unwrap().iter_mut().rev().find(|part| part.id == *id) {
            values.record(part);
        }
    }
}

impl Parts {
    fn take(&self) -> Vec<Part> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn names(parts: &[Part]) -> Vec<(&str, Option<&str>)> {
    parts.iter().map(|part| (part.name.as_str(), part.around.as_deref())).collect()
}

fn field<'p>(part: &'p Part, name: &str) -> Option<&'p str> {
    part.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
}

async fn store(directory: &std::path::Path) -> SeaOrmStore {
    let path = directory.join("spans.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    Runner::new(&url).up(None).await.unwrap();
    let options = DatabaseOptions {
        location: DatabaseLocation::Sqlite { path },
        pool_size: 2,
        workers: 0,
        statement_cache: 100,
        wake_timeout: std::time::Duration::ZERO,
    };
    SeaOrmStore::connect(options).await.unwrap()
}

async fn statements_hang_on_their_calls(store: &SeaOrmStore, parts: &Parts) {
    let account = fixtures::account().email(EMAIL).build();
    parts.take();
    let unit = store.begin().await.unwrap();
    unit.users().insert(&account).await.unwrap();
    unit.commit().await.unwrap();
    let refused = store.users().insert(&account).await.unwrap_err();
    assert!(matches!(refused, StoreError::Duplicate(_)), "{refused:?}");
    let told = parts.take();
    let expected = [
        ("unit.begin", None),
        ("BEGIN", Some("unit.begin")),
        ("users.insert", None),
        ("INSERT", Some("users.insert")),
        ("unit.commit", None),
        ("COMMIT", Some("unit.commit")),
        ("users.insert", None),
        ("INSERT", Some("users.insert")),
    ];
    assert_eq!(names(&told), expected, "{told:#?}");
    assert_eq!([field(&told[2], "error.type"), field(&told[3], "error.type")], [None, None]);
    assert_eq!(
        (field(&told[6], "error.type"), field(&told[7], "error.type")),
        (Some("refused"), Some("duplicate"))
    );
    let text = field(&told[3], "db.query.text").unwrap();
    assert!(text.contains("INSERT INTO") && text.contains("users") && text.contains('?'), "{text}");
    assert_eq!(field(&told[3], "db.system.name"), Some("sqlite"));
    let all = format!("{told:?}");
    assert!(!all.contains(EMAIL) && !all.contains("$argon2"), "{all}");
}

async fn who_waits_for_a_hash_is_in_the_queue(parts: &Parts) {
    let options = PasswordOptions { concurrency: 1, peppers: Peppers::default() };
    let passwords = Argon2Passwords::new(options).unwrap();
    let password = Password::new("correct horse battery staple".to_owned());
    parts.take();
    let hash: (Result<PasswordHash, _>, Result<PasswordHash, _>) =
        tokio::join!(passwords.hash(&password), passwords.hash(&password));
    passwords.verify(&password, Some(&hash.0.unwrap())).await.unwrap();
    let mut told = parts.take();
    told.sort_by(|one, other| one.name.cmp(&other.name));
    let (hash, verify) = (Some("passwords.hash"), Some("passwords.verify"));
    let expected = [
        ("passwords.hash", None),
        ("passwords.hash", None),
        ("passwords.queue", hash),
        ("passwords.verify", None),
        ("passwords.work", hash),
        ("passwords.work", hash),
        ("passwords.work", verify),
    ];
    assert_eq!(names(&told), expected, "{told:#?}");
    assert!(!format!("{told:?}").contains("horse"), "{told:#?}");
}

#[tokio::test]
async fn parts_are_told_without_values_and_hang_on_each_other() {
    let parts = Parts::default();
    let subscriber = tracing_subscriber::registry().with(parts.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = store(directory.path()).await;
    async {
        statements_hang_on_their_calls(&store, &parts).await;
        who_waits_for_a_hash_is_in_the_queue(&parts).await;
    }
    .instrument(tracing::info_span!("request"))
    .await;
}
