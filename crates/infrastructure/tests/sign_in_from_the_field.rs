//! Signing in with a password of the field, with the real hasher on a real database: the hash is replaced in the same step.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    Adapters, Services,
    auth::{AuthError, AuthPolicy, SignIn, SignedIn, Throttling},
    domain::{
        sessions::Client,
        throttle::Limits,
        users::{Password, PasswordHash},
    },
    page::CursorKey,
    ports::Repositories as _,
};
use holdfast_infrastructure::{
    database::SeaOrmStore,
    passwords::{Argon2Passwords, PasswordOptions, Peppers},
};
use holdfast_testkit::{
    CountedSecrets, FixedClock, MemoryOutbox, PlainTokens, PlainVault, SequentialIds,
    fixtures::{LIFETIMES, account},
};

mod stores;

const RIGHT: &str = "correct horse battery staple";
const BCRYPT: &str = "$2b$12$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2";
const SALTED: &str =
    "9f86d081884c7d659a2feaa0c55ad015:f5b9637ba0e79ffc25df7216dacad2fe6c667cb6cdab6d403ab32ffecfff16cf";

fn services(store: Arc<SeaOrmStore>) -> Services {
    let adapters = Adapters {
        store,
        passwords: Arc::new(
            Argon2Passwords::new(PasswordOptions { concurrency: 1, peppers: Peppers::default() }).unwrap(),
        ),
        tokens: Arc::new(PlainTokens::default()),
        clock: Arc::new(FixedClock::default()),
        ids: Arc::new(SequentialIds::default()),
        randomness: Arc::new(CountedSecrets::default()),
        outbox: Arc::new(MemoryOutbox::default()),
        vault: Arc::new(PlainVault::default()),
    };
    let policy = AuthPolicy {
        access: Duration::from_mins(15),
        long_lived: Duration::from_hours(24),
        sessions: LIFETIMES,
    };
    Services::new(adapters, policy, CursorKey::derive(b"secret"), Throttling::on(Limits::DEFAULT, b"secret"))
}

async fn sign_in(services: &Services, email: &str, password: &str) -> Result<SignedIn, AuthError> {
    let wish = SignIn {
        email: email.to_owned(),
        password: Password::new(password.to_owned()),
        code: None,
        long_lived: false,
        client: Client::default(),
    };
    services.auth.sign_in(wish).await
}

async fn old_passwords_sign_in_and_are_replaced(store: SeaOrmStore) {
    let store = Arc::new(store);
    let services = services(store.clone());
    for hash in [BCRYPT, SALTED] {
        let old = account().hash(Some(PasswordHash::new(hash.to_owned()))).build();
        let email = old.user.email.as_str();
        store.users().insert(&old).await.unwrap();
        let stored = async || {
            let account = store.users().find_by_email(email).await.unwrap().unwrap();
            account.password_hash.unwrap().expose().to_owned()
        };
        let refused = sign_in(&services, email, "wrong").await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
        assert_eq!(stored().await, hash, "a wrong password replaces nothing");
        sign_in(&services, email, RIGHT).await.unwrap();
        let new = stored().await;
        assert!(new.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{new}");
        sign_in(&services, email, RIGHT).await.unwrap();
        assert_eq!(stored().await, new, "what is strong stays");
        assert!(sign_in(&services, email, "wrong").await.is_err());
    }
    for corrupt in
        ["", "x", "$2b$12$short", "$2b$31$WT79nghbeM2Pidih34ZXtOA77kVHl2gopPbEd2YPWmduODEt3wTG2", ":"]
    {
        let old = account().hash(Some(PasswordHash::new(corrupt.to_owned()))).build();
        store.users().insert(&old).await.unwrap();
        for password in [RIGHT, "", corrupt] {
            let refused = sign_in(&services, old.user.email.as_str(), password).await;
            assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{corrupt}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn old_passwords_sign_in_and_are_replaced_on_sqlite() {
    let (store, _folder) = stores::sqlite().await;
    old_passwords_sign_in_and_are_replaced(store).await;
}

#[tokio::test]
async fn old_passwords_sign_in_and_are_replaced_on_postgres() {
    let Some(database) = stores::postgres_database().await else { return };
    let store = SeaOrmStore::connect(stores::postgres_options(database.url())).await.unwrap();
    old_passwords_sign_in_and_are_replaced(store).await;
}
