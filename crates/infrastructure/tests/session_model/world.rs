//! The real use cases over one store, with a clock that the history moves.

use std::{
    any::Any,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use holdfast_application::{
    Adapters, Services,
    auth::{AuthPolicy, SignIn, SignUp, SignedIn, Throttling},
    domain::{
        Timestamp,
        sessions::{AuthEvent, Client, EventKind, Session},
        users::{Email, NewPassword, Password},
    },
    page::CursorKey,
    ports::{Clock as _, Store},
};
use holdfast_infrastructure::{
    database::{DatabaseLocation, DatabaseOptions, SeaOrmStore},
    tokens::{JwtOptions, JwtTokens, Key, KeyRing, Secret},
};
use holdfast_testkit::{
    CountedSecrets, FixedClock, MemoryOutbox, MemoryStore, PlainPasswords, PlainVault, SequentialIds,
    fixtures::{LIFETIMES, PASSWORD},
    postgres, rows,
};
use migration::{DatabaseUrl, Runner};

/// The life of an access token.
pub(crate) const ACCESS: Duration = Duration::from_mins(15);
const DAY: Duration = Duration::from_hours(24);

/// Everything that one test plays on. Each history has an account of its own in it.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) clock: FixedClock,
    store: Arc<dyn Store>,
    /// Where the rows can be read past the store; memory has none.
    url: Option<String>,
    people: AtomicU64,
    _keep: Box<dyn Any>,
}

/// The account of one history.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) first: SignedIn,
}

impl World {
    pub(crate) fn on_memory() -> Ready<Option<Self>> {
        ready(Some(Self::over(Arc::new(MemoryStore::default()), None, ())))
    }

    pub(crate) async fn on_sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("holdfast.db");
        let url = format!("sqlite://{}", path.display());
        let store = connect(&url, DatabaseLocation::Sqlite { path }).await;
        Some(Self::over(store, Some(url), folder))
    }

    pub(crate) async fn on_postgres() -> Option<Self> {
        let database = postgres::fresh_database("session model").await?;
        let url = database.url().to_owned();
        let location = DatabaseLocation::Postgres { url: url.clone(), pooler: false };
        Some(Self::over(connect(&url, location).await, Some(url), database))
    }

    fn over(store: Arc<dyn Store>, url: Option<String>, keep: impl Any) -> Self {
        let clock = FixedClock::default();
        let adapters = Adapters {
            store: store.clone(),
            passwords: Arc::new(PlainPasswords::default()),
            tokens: Arc::new(tokens(b"the secret of this deployment, 32 bytes and more")),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SequentialIds::default()),
            randomness: Arc::new(CountedSecrets::default()),
            outbox: Arc::new(MemoryOutbox::default()),
            vault: Arc::new(PlainVault::default()),
        };
        let policy = AuthPolicy { access: ACCESS, long_lived: DAY, sessions: LIFETIMES };
        let services = Services::new(adapters, policy, CursorKey::derive(b"cursors"), Throttling::off());
        Self { services, clock, store, url, people: AtomicU64::new(0), _keep: Box::new(keep) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new account, signed in.
    pub(crate) async fn person(&self) -> Person {
        let email = format!("person{}@example.com", self.people.fetch_add(1, Ordering::Relaxed));
        let address = Email::new(email.clone()).unwrap();
        let password = NewPassword::new(Password::new(PASSWORD.to_owned()), &address).unwrap();
        let wish = SignUp { email: address, password, name: None, client: Client::default() };
        Person { email, first: self.services.auth.sign_up(wish).await.unwrap() }
    }

    /// One more session of `person`.
    pub(crate) async fn sign_in(&self, person: &Person) -> SignedIn {
        let Person { email, first: _ } = person;
        let password = Password::new(PASSWORD.to_owned());
        let wish = SignIn {
            email: email.clone(),
            password,
            code: None,
            long_lived: false,
            client: Client::default(),
        };
        self.services.auth.sign_in(wish).await.unwrap()
    }

    pub(crate) async fn session(&self, signed_in: &SignedIn) -> Session {
        self.store.sessions().find(signed_in.user.id, signed_in.session).await.unwrap().unwrap()
    }

    /// How often this happened to `person`.
    pub(crate) async fn count(&self, person: &Person, wanted: EventKind) -> usize {
        let events = self.store.audit().latest(person.first.user.id, None, 10_000).await.unwrap();
        events.iter().filter(|AuthEvent { kind, .. }| kind.known() == Some(wanted)).count()
    }

    /// Everything that is stored, or of `person` where the store cannot be read in another way than through its ports.
    pub(crate) async fn rows(&self, person: &Person, sessions: &[SignedIn]) -> String {
        if let Some(url) = &self.url {
            return format!("{:?}", rows::dump(url).await);
        }
        let id = person.first.user.id;
        let mut seen = vec![format!("{:?}", self.store.users().find(id).await.unwrap())];
        for owner in [id, AuthEvent::NOBODY] {
            seen.push(format!("{:?}", self.store.audit().latest(owner, None, 10_000).await.unwrap()));
        }
        for signed_in in sessions {
            seen.push(format!("{:?}", self.session(signed_in).await));
        }
        seen.join("\n")
    }
}

/// Tokens as the program makes them.
pub(crate) fn tokens(secret: &[u8]) -> JwtTokens {
    let key = Key::hs256(&Secret::new(secret.to_vec())).unwrap();
    JwtTokens::new(JwtOptions {
        issuer: "holdfast".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::new(key), Vec::new()).unwrap(),
        longest_access: DAY,
        longest_refresh: LIFETIMES.absolute,
        legacy: None,
    })
    .unwrap()
}

async fn connect(url: &str, location: DatabaseLocation) -> Arc<dyn Store> {
    Runner::new(&DatabaseUrl::parse(url).unwrap()).up(None).await.unwrap();
    let wake_timeout = Duration::from_secs(5);
    let options = DatabaseOptions { location, pool_size: 8, workers: 0, statement_cache: 100, wake_timeout };
    Arc::new(SeaOrmStore::connect(options).await.unwrap())
}
