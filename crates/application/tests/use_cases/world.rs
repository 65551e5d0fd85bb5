//! The services with everything around them, and the steps that most tests take first.

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    Actor, Adapters, Services,
    auth::{AuthError, AuthPolicy, Refreshed, SignIn, SignOut, SignUp, SignedIn, Throttling},
    domain::{
        SessionId, UserId,
        sessions::{AuthEvent, Client, EndReason, EventKind, Lifetimes, Session},
        throttle::Limits,
        users::{Account, Email, NewPassword, Password, Role},
    },
    housekeeping::Housekeeping,
    mail::{Courier, LinkSite},
    page::CursorKey,
    ports::{Mail, Passwords, Repositories, Store},
};
use holdfast_testkit::{
    CountedSecrets, FailingStore, FixedClock, MemoryMailer, MemoryOutbox, MemoryStore, PlainPasswords,
    PlainTokens, PlainVault, SequentialIds,
    fixtures::{self, LIFETIMES, PASSWORD, epoch},
};

/// Fifteen minutes for calls, a day for front ends that never refresh.
pub(crate) const POLICY: AuthPolicy =
    AuthPolicy { access: Duration::from_mins(15), long_lived: Duration::from_hours(24), sessions: LIFETIMES };

/// Ada's address as she types it.
pub(crate) const ADA: &str = "Ada@example.com";

/// Services over doubles that the test keeps hold of.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) services: Services,
    /// What the services reach the rows through.
    pub(crate) faults: FailingStore,
    /// The rows, reached past the faults and their count.
    pub(crate) rows: MemoryStore,
    pub(crate) clock: FixedClock,
    pub(crate) passwords: Arc<PlainPasswords>,
    pub(crate) tokens: Arc<PlainTokens>,
    /// Where the services leave mail to be sent.
    pub(crate) outbox: MemoryOutbox,
    pub(crate) mailer: MemoryMailer,
    pub(crate) vault: PlainVault,
    pub(crate) courier: Courier,
    adapters: Adapters,
    policy: AuthPolicy,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(POLICY)
    }

    pub(crate) fn with_reuse(reuse: Duration) -> Self {
        Self::with(AuthPolicy { sessions: Lifetimes { reuse, ..LIFETIMES }, ..POLICY })
    }

    pub(crate) fn with(policy: AuthPolicy) -> Self {
        let rows = MemoryStore::default();
        let faults = FailingStore::new(Arc::new(rows.clone()));
        let clock = FixedClock::default();
        let passwords = Arc::new(PlainPasswords::default());
        let tokens = Arc::new(PlainTokens::default());
        let (ids, randomness) = (Arc::new(SequentialIds::default()), Arc::new(CountedSecrets::default()));
        let (outbox, mailer) = (MemoryOutbox::default(), MemoryMailer::default());
        let vault = PlainVault::default();
        let adapters = Adapters {
            store: Arc::new(faults.clone()),
            passwords: passwords.clone(),
            tokens: tokens.clone(),
            clock: Arc::new(clock.clone()),
            ids: ids.clone(),
            randomness: randomness.clone(),
            outbox: Arc::new(outbox.clone()),
            vault: Arc::new(vault.clone()),
        };
        let services = Services::new(adapters.clone(), policy, CursorKey::derive(b"secret"), throttling());
        let courier = Courier::new(
            Arc::new(faults.clone()),
            Arc::new(mailer.clone()),
            Arc::new(clock.clone()),
            ids,
            randomness,
            LinkSite::new("https://app.example"),
        );
        Self {
            services,
            faults,
            rows,
            clock,
            passwords,
            tokens,
            outbox,
            mailer,
            vault,
            courier,
            adapters,
            policy,
        }
    }

    /// Under other limits on attempts at passwords.
    pub(crate) fn throttled(throttling: Throttling) -> Self {
        let world = Self::new();
        let cursors = CursorKey::derive(b"secret");
        let services = Services::new(world.adapters.clone(), world.policy, cursors, throttling);
        Self { services, ..world }
    }

    /// Another instance over the same rows, under the same clock and keys. It remembers nothing yet.
    pub(crate) fn beside(&self) -> Self {
        let faults = FailingStore::new(Arc::new(self.rows.clone()));
        let adapters = Adapters { store: Arc::new(faults.clone()), ..self.adapters.clone() };
        let services = Services::new(adapters, self.policy, CursorKey::derive(b"secret"), throttling());
        Self { services, faults, ..self.clone() }
    }

    /// The services with another hasher, over the same rows.
    pub(crate) fn services_with(&self, passwords: impl Passwords + 'static) -> Services {
        let adapters = Adapters {
            store: Arc::new(self.rows.clone()),
            passwords: Arc::new(passwords),
            ..self.adapters.clone()
        };
        Services::new(adapters, POLICY, CursorKey::derive(b"secret"), throttling())
    }

    /// The services over another store.
    pub(crate) fn services_over(&self, store: impl Store + 'static) -> Services {
        let adapters = Adapters { store: Arc::new(store), ..self.adapters.clone() };
        Services::new(adapters, self.policy, CursorKey::derive(b"secret"), throttling())
    }

    /// Housekeeping over the same rows, under the same faults, as another instance each time. The history is kept for a year.
    pub(crate) fn housekeeping(&self) -> Housekeeping {
        let (store, clock) = (Arc::new(self.faults.clone()), Arc::new(self.clock.clone()));
        Housekeeping::new(store, clock, &*self.adapters.ids, Duration::from_hours(365 * 24))
    }

    pub(crate) async fn insert(&self, account: &Account) {
        self.rows.users().insert(account).await.unwrap();
    }

    /// A new account, signed in.
    pub(crate) async fn sign_up(&self, email: &str) -> SignedIn {
        self.services.auth.sign_up(sign_up(email)).await.unwrap()
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<SignedIn, AuthError> {
        self.services.auth.sign_in(sign_in(email, password)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<Refreshed, AuthError> {
        self.services.auth.refresh(token, &client()).await
    }

    pub(crate) async fn sign_out(&self, wish: SignOut) {
        self.services.auth.sign_out(wish).await.unwrap();
    }

    /// Runs every errand that was left so far; the mail that was sent, the oldest first.
    pub(crate) async fn post(&self) -> Vec<Mail> {
        for errand in self.outbox.take() {
            if let Some(mail) = self.courier.write(&errand).await.unwrap() {
                self.courier.send(&mail).await.unwrap();
            }
        }
        self.mailer.take()
    }

    /// An administrator who has signed in.
    pub(crate) async fn admin(&self) -> Actor {
        let admin = fixtures::account().role(Role::Admin).build();
        self.insert(&admin).await;
        let signed_in = self.sign_in(admin.user.email.as_str(), PASSWORD).await.unwrap();
        self.actor(&signed_in).await
    }

    pub(crate) async fn actor(&self, signed_in: &SignedIn) -> Actor {
        self.services.auth.authenticate(&signed_in.access.token).await.unwrap()
    }

    /// Whether the token of a call is accepted.
    pub(crate) async fn admits(&self, token: &str) -> bool {
        match self.services.auth.authenticate(token).await {
            Ok(_) => true,
            Err(AuthError::TokenInvalid) => false,
            Err(error) => unreachable!("nothing was told to fail: {error:?}"),
        }
    }

    pub(crate) async fn account(&self, email: &str) -> Option<Account> {
        self.rows.users().find_by_email(email).await.unwrap()
    }

    pub(crate) async fn session(&self, signed_in: &SignedIn) -> Session {
        self.rows.sessions().find(signed_in.user.id, signed_in.session).await.unwrap().unwrap()
    }

    /// The sessions of `user` that have not ended.
    pub(crate) async fn unended(&self, user: UserId) -> Vec<SessionId> {
        // Ending them tells which they are; nothing is committed.
        let work = self.rows.begin().await.unwrap();
        work.sessions().end_all(user, None, EndReason::SignedOut, epoch()).await.unwrap()
    }

    /// What happened to `user`, latest first.
    pub(crate) async fn history(&self, user: UserId) -> Vec<EventKind> {
        let events = self.rows.audit().latest(user, None, 1_000).await.unwrap();
        events.into_iter().map(|AuthEvent { kind, .. }| kind.known().unwrap()).collect()
    }
}

/// Throttled as it is by default.
fn throttling() -> Throttling {
    Throttling::on(Limits::DEFAULT, b"secret")
}

/// The wish for an account with the usual password.
pub(crate) fn sign_up(email: &str) -> SignUp {
    let email = Email::new(email.to_owned()).unwrap();
    let password = new_password(PASSWORD, &email);
    SignUp { email, password, name: None, client: client() }
}

pub(crate) fn new_password(text: &str, email: &Email) -> NewPassword {
    NewPassword::new(Password::new(text.to_owned()), email).unwrap()
}

/// The wish to sign in without the long-lived token.
pub(crate) fn sign_in(email: &str, password: &str) -> SignIn {
    let password = Password::new(password.to_owned());
    SignIn { email: email.to_owned(), password, code: None, long_lived: false, client: client() }
}

/// Where all wishes come from.
pub(crate) fn client() -> Client {
    Client {
        user_agent: Some("curl/8".into()),
        ip_prefix: Some("192.0.2.0/24".into()),
        device: Some("desk".into()),
    }
}

/// The token with its last letter changed.
pub(crate) fn forged(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}
