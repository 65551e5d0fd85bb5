//! What is asked of the password hasher, and what its failures mean.

use std::time::Duration;

use async_trait::async_trait;
use holdfast_application::{
    Classify, ErrorKind,
    auth::AuthError,
    domain::{
        sessions::AuthEvent,
        users::{Account, Ban, Password, PasswordHash},
    },
    ports::{Passwords, PasswordsError, Verification},
};
use holdfast_testkit::{
    PlainPasswords,
    fixtures::{PASSWORD, account, at},
};
use mockall::mock;

use crate::world::{ADA, World, sign_in, sign_up};

mock! {
    Hasher {
        fn asked_to_hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError>;

        fn asked_to_verify(
            &self,
            password: &Password,
            hash: Option<PasswordHash>,
        ) -> Result<Verification, PasswordsError>;
    }
}

// mockall cannot express a borrowed value inside an `Option` of an async method, so the port is passed on by hand.
#[async_trait]
impl Passwords for MockHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        self.asked_to_hash(password)
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        self.asked_to_verify(password, hash.cloned())
    }
}

/// A hasher that must be asked for exactly one verification, against `hash`, and for nothing else.
fn asked_once(hash: Option<PasswordHash>, answer: Verification) -> MockHasher {
    let mut hasher = MockHasher::new();
    hasher
        .expect_asked_to_verify()
        .withf(move |password, asked| password.expose() == PASSWORD && *asked == hash)
        .times(1)
        .returning(move |_, _| Ok(answer));
    hasher.expect_asked_to_hash().never();
    hasher
}

async fn attempt(world: &World, email: &str, hasher: MockHasher) -> Result<(), AuthError> {
    world.services_with(hasher).auth.sign_in(sign_in(email, PASSWORD)).await.map(|_| ())
}

#[tokio::test]
async fn every_attempt_costs_exactly_one_verification() {
    use Verification::{Match, Mismatch};
    let ban = Ban { at: at(0), reason: None, expires_at: None };
    let hash = || Some(PlainPasswords::hashed(PASSWORD));
    let cases: [(&str, Account, Option<PasswordHash>, Verification); 6] = [
        ("passwordless", account().hash(None).build(), None, Mismatch),
        ("wrong", account().build(), hash(), Mismatch),
        ("banned, wrong", account().banned(ban.clone()).build(), hash(), Mismatch),
        ("banned", account().banned(ban).build(), hash(), Match),
        ("inactive", account().inactive().build(), hash(), Match),
        ("right", account().build(), hash(), Match),
    ];
    for (case, account, hash, answer) in cases {
        let world = World::new();
        world.insert(&account).await;
        let signed_in = attempt(&world, account.user.email.as_str(), asked_once(hash, answer)).await;
        assert_eq!(signed_in.is_ok(), case == "right", "{case}");
    }
    let unknown = attempt(&World::new(), ADA, asked_once(None, Mismatch)).await;
    assert!(matches!(unknown, Err(AuthError::InvalidCredentials)), "{unknown:?}");
}

#[tokio::test]
async fn without_a_hash_no_answer_of_the_hasher_lets_anybody_in() {
    let world = World::new();
    let passwordless = account().hash(None).build();
    world.insert(&passwordless).await;
    for email in [passwordless.user.email.as_str(), ADA] {
        let refused = attempt(&world, email, asked_once(None, Verification::Match)).await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_busy_hasher_means_try_again_and_writes_nothing() {
    let world = World::new();
    let account = account().build();
    world.insert(&account).await;
    let retry_after = Duration::from_secs(2);
    let busy = || {
        let mut hasher = MockHasher::new();
        hasher.expect_asked_to_verify().returning(move |_, _| Err(PasswordsError::Busy { retry_after }));
        hasher.expect_asked_to_hash().returning(move |_| Err(PasswordsError::Busy { retry_after }));
        hasher
    };
    for email in [account.user.email.as_str(), ADA] {
        let refused = attempt(&world, email, busy()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable(retry_after));
    }
    let refused = world.services_with(busy()).auth.sign_up(sign_up(ADA)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable(retry_after));
    assert_eq!(world.account(ADA).await, None);
    assert_eq!(world.history(account.user.id).await, []);
    assert_eq!(world.history(AuthEvent::NOBODY).await, []);
}
