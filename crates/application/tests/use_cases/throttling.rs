//! Throttling of attempts at passwords, for each account.

use std::time::Duration;

use async_trait::async_trait;
use holdfast_application::{
    auth::{AuthError, ChangePassword, SignIn, SignedIn, Throttling},
    domain::{
        sessions::{AuthEvent, Client, EventKind},
        throttle::{Backoff, Counters, Limit, Limits, Network, Principal, Throttled},
        users::{Password, PasswordHash},
    },
    housekeeping::Kind,
    ports::{Passwords, PasswordsError, Repositories as _, StoreError, Verification},
    users::UserError,
};
use holdfast_testkit::{
    PlainPasswords,
    conformance::Adopt as _,
    fixtures::{PASSWORD, account, at},
};

use crate::world::{ADA, World, new_password, sign_in};

const WRONG: &str = "wrong horse";

/// Somebody in the n-th network that nobody has signed in from.
fn stranger(n: usize) -> Client {
    Client { ip_prefix: Some(format!("198.18.{n}.0/24")), ..Client::default() }
}

async fn attempt(world: &World, email: &str, password: &str, client: Client) -> Result<SignedIn, AuthError> {
    world.services.auth.sign_in(SignIn { client, ..sign_in(email, password) }).await
}

/// How long an attempt that was refused must wait, and for which limit.
fn throttled<T: std::fmt::Debug>(refused: Result<T, AuthError>) -> (Limit, u64) {
    match refused {
        Err(AuthError::Throttled(Throttled { limit, quota: _, retry_after })) => {
            (limit, retry_after.as_secs())
        }
        other => unreachable!("not throttled: {other:?}"),
    }
}

async fn fails(world: &World, email: &str, client: Client) {
    let refused = attempt(world, email, WRONG, client).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
}

#[tokio::test]
async fn after_five_failures_each_further_one_doubles_the_wait_and_a_success_ends_it() {
    let world = World::new();
    world.sign_up(ADA).await;
    for _ in 0..2 {
        for _ in 0..5 {
            fails(&world, ADA, stranger(1)).await;
        }
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(throttled(attempt(&world, ADA, PASSWORD, stranger(1)).await), (Limit::Network, wait));
            world.clock.advance(Duration::from_micros(wait * 1_000_000 - 1));
            assert_eq!(throttled(attempt(&world, ADA, PASSWORD, stranger(1)).await), (Limit::Network, 0));
            world.clock.advance(Duration::from_micros(1));
            fails(&world, ADA, stranger(1)).await;
        }
        world.clock.advance(Duration::from_mins(15));
        attempt(&world, ADA, PASSWORD, stranger(1)).await.unwrap();
    }
}

#[tokio::test]
async fn an_attempt_that_waits_is_neither_verified_nor_written_down() {
    let world = World::new();
    let ada = world.sign_up(ADA).await.user.id;
    for _ in 0..5 {
        fails(&world, ADA, stranger(1)).await;
    }
    let written = world.history(ada).await;
    assert_eq!(written[..2], [EventKind::SignInThrottled, EventKind::SignInFailed]);
    assert_eq!(written.iter().filter(|kind| **kind == EventKind::SignInFailed).count(), 5);
    for _ in 0..50 {
        throttled(attempt(&world, ADA, PASSWORD, stranger(1)).await);
    }
    assert_eq!(world.passwords.verifications(), 5);
    assert_eq!(world.history(ada).await, written);
    world.clock.advance(Duration::from_secs(1));
    fails(&world, ADA, stranger(1)).await;
    let written = world.history(ada).await;
    assert_eq!(
        written.iter().filter(|kind| **kind == EventKind::SignInThrottled).count(),
        1,
        "once in a series"
    );
}

#[tokio::test]
async fn an_address_that_no_account_has_is_throttled_as_one_that_has() {
    let [known, unknown] = [World::new(), World::new()];
    known.insert(&account().email(ADA).build()).await;
    for n in 0..130 {
        let email = if n % 2 == 0 { ADA } else { "ADA@example.COM" };
        // First one network into its limit, then all of them into theirs.
        let client = stranger(if n < 10 { 0 } else { n / 4 });
        let mut answers = Vec::new();
        for world in [&known, &unknown] {
            world.clock.advance(Duration::from_millis(300));
            let before = world.faults.calls();
            let refused = attempt(world, email, WRONG, client.clone()).await.unwrap_err();
            answers.push((
                refused.to_string(),
                world.faults.calls() - before,
                world.passwords.verifications(),
            ));
        }
        assert_eq!(answers[0], answers[1], "{n}");
    }
    assert!((100..110).contains(&known.passwords.verifications()), "both limits were reached");
    assert!(unknown.history(AuthEvent::NOBODY).await.contains(&EventKind::SignInThrottled));
}

#[tokio::test]
async fn the_owner_gets_in_from_a_known_network_while_three_hundred_others_fail() {
    let world = World::new();
    world.sign_up(ADA).await;
    let mut looked_at = 0;
    for n in 0..300 {
        let refused = attempt(&world, ADA, WRONG, stranger(n)).await;
        looked_at += usize::from(matches!(refused, Err(AuthError::InvalidCredentials)));
    }
    assert_eq!(looked_at, 100);
    assert_eq!(throttled(attempt(&world, ADA, PASSWORD, stranger(999)).await), (Limit::Account, 30));
    world.sign_in(ADA, PASSWORD).await.unwrap();
    // The owner's own slip is not counted with them, and costs what it always does.
    assert!(matches!(world.sign_in(ADA, WRONG).await, Err(AuthError::InvalidCredentials)));
    world.sign_in(ADA, PASSWORD).await.unwrap();
    // One try from elsewhere each half minute, then each minute …
    for wait in [30, 60, 120, 240, 480, 900, 900] {
        world.clock.advance(Duration::from_secs(wait));
        fails(&world, ADA, stranger(1_000)).await;
        assert_eq!(throttled(attempt(&world, ADA, WRONG, stranger(2_000)).await).0, Limit::Account);
    }
    world.clock.advance(Duration::from_hours(24));
    attempt(&world, ADA, PASSWORD, stranger(3_000)).await.unwrap();
}

#[tokio::test]
async fn a_network_is_known_for_thirty_days_after_a_success() {
    let world = World::new();
    world.sign_up(ADA).await;
    let (day, home) = (Duration::from_hours(24), async || world.sign_in(ADA, PASSWORD).await);
    world.clock.set(at(30 * 24 * 3_600 - 1));
    for n in 0..100 {
        fails(&world, ADA, stranger(n)).await;
    }
    home().await.unwrap();
    world.clock.advance(30 * day);
    for n in 0..100 {
        fails(&world, ADA, stranger(n)).await;
    }
    assert_eq!(throttled(home().await), (Limit::Account, 30));
}

#[tokio::test]
async fn right_passwords_from_any_number_of_networks_are_not_counted() {
    let world = World::new();
    world.sign_up(ADA).await;
    for n in 0..150 {
        attempt(&world, ADA, PASSWORD, stranger(n)).await.unwrap();
    }
    fails(&world, ADA, stranger(999)).await;
}

#[tokio::test]
async fn accounts_whose_addresses_differ_in_case_alone_are_counted_apart() {
    let world = World::new();
    let [ada, imitator] = ["ada@example.com", "Ada@example.com"];
    for email in [ada, imitator] {
        world.rows.adopt(&account().email(email).build()).await.unwrap();
    }
    for _ in 0..5 {
        fails(&world, ada, stranger(1)).await;
    }
    attempt(&world, imitator, PASSWORD, stranger(1)).await.unwrap();
    assert_eq!(throttled(attempt(&world, ada, PASSWORD, stranger(1)).await), (Limit::Network, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_at_once_do_not_share_a_free_slot() {
    let world = World::new();
    world.sign_up(ADA).await;
    for (verified, wait) in [(5, 0), (6, 1), (7, 2)] {
        world.clock.advance(Duration::from_secs(wait));
        let attempts: Vec<_> = (0..32)
            .map(|_| {
                let world = world.clone();
                tokio::spawn(async move { attempt(&world, ADA, WRONG, stranger(1)).await.unwrap_err() })
            })
            .collect();
        for attempt in attempts {
            attempt.await.unwrap();
        }
        assert_eq!(world.passwords.verifications(), verified);
    }
}

#[tokio::test]
async fn instances_count_together() {
    let world = World::new();
    world.sign_up(ADA).await;
    let other = world.beside();
    for n in 0..5 {
        fails(if n % 2 == 0 { &world } else { &other }, ADA, stranger(1)).await;
    }
    for world in [&world, &other] {
        throttled(attempt(world, ADA, PASSWORD, stranger(1)).await);
        throttled(attempt(world, "ada@EXAMPLE.com", PASSWORD, stranger(1)).await);
    }
    for n in 0..5 {
        fails(if n % 2 == 0 { &world } else { &other }, "nobody@example.com", stranger(1)).await;
    }
    throttled(attempt(&other, "nobody@example.com", PASSWORD, stranger(1)).await);
}

/// A hasher without room.
struct Full;

#[async_trait]
impl Passwords for Full {
    async fn hash(&self, _: &Password) -> Result<PasswordHash, PasswordsError> {
        Err(PasswordsError::Busy { retry_after: Duration::from_secs(2) })
    }

    async fn verify(&self, _: &Password, _: Option<&PasswordHash>) -> Result<Verification, PasswordsError> {
        Err(PasswordsError::Busy { retry_after: Duration::from_secs(2) })
    }
}

#[tokio::test]
async fn an_attempt_that_cannot_be_verified_now_is_none() {
    let world = World::new();
    world.sign_up(ADA).await;
    let full = world.services_with(Full);
    for n in 0..120 {
        let wish = SignIn { client: stranger(n % 2), ..sign_in(ADA, PASSWORD) };
        let refused = full.auth.sign_in(wish).await;
        assert!(matches!(refused, Err(AuthError::Passwords(_))), "{refused:?}");
    }
    attempt(&world, ADA, PASSWORD, stranger(0)).await.unwrap();
}

/// A hasher that takes its time, as a real one does.
struct Slow(PlainPasswords);

#[async_trait]
impl Passwords for Slow {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        self.0.hash(password).await
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        tokio::time::sleep(Duration::from_millis(25)).await;
        self.0.verify(password, hash).await
    }
}

/// So many attempts from one network at the same moment, spread over two instances.
async fn burst(world: &World, password: &str, attempts: usize) -> Vec<Result<SignedIn, AuthError>> {
    let instances = [(); 2].map(|()| world.services_with(Slow(PlainPasswords::default())));
    let attempts: Vec<_> = (0..attempts)
        .map(|n| {
            let (services, wish) =
                (instances[n % 2].clone(), SignIn { client: stranger(1), ..sign_in(ADA, password) });
            tokio::spawn(async move { services.auth.sign_in(wish).await })
        })
        .collect();
    let mut answers = Vec::new();
    for attempt in attempts {
        answers.push(attempt.await.unwrap());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_right_passwords_is_not_throttled() {
    let world = World::new();
    world.sign_up(ADA).await;
    for answer in burst(&world, PASSWORD, 64).await {
        answer.unwrap();
    }
    let counters = counted(&world, 1).await;
    assert_eq!(counters.network.map(|counter| (counter.failures, counter.pending)), Some((0, 0)));
    assert_eq!(counters.account.map(|counter| (counter.failures, counter.pending)), Some((0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_wrong_passwords_gets_as_many_looked_at_as_are_free() {
    let world = World::new();
    world.sign_up(ADA).await;
    let answers = burst(&world, WRONG, 64).await;
    let looked_at = answers.iter().filter(|answer| matches!(answer, Err(AuthError::InvalidCredentials)));
    assert_eq!(looked_at.count(), 5);
    let throttled = answers.iter().filter(|answer| matches!(answer, Err(AuthError::Throttled(_))));
    assert_eq!(throttled.count(), 59);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_attempts_of_which_nothing_is_heard_is_sent_away_and_not_called_a_failure() {
    let world = World::new();
    let ada = world.sign_up(ADA).await.user.id;
    let (principal, network) = (Principal::account(ada), Network::of(&stranger(1)));
    for _ in 0..5 {
        world.rows.throttle().count(principal, &network, &Limits::DEFAULT, at(0)).await.unwrap();
    }
    let refused = attempt(&world, ADA, PASSWORD, stranger(1)).await;
    assert!(matches!(refused, Err(AuthError::Passwords(PasswordsError::Busy { .. }))), "{refused:?}");
    // Whoever made them has gone away: they were failures.
    world.clock.set(at(1));
    fails(&world, ADA, stranger(1)).await;
    world.rows.throttle().count(principal, &network, &Limits::DEFAULT, at(3)).await.unwrap();
    world.clock.set(at(3 + 10));
    attempt(&world, ADA, PASSWORD, stranger(1)).await.unwrap();
}

/// What is counted against Ada in the n-th network.
async fn counted(world: &World, n: usize) -> Counters {
    let ada = world.account(ADA).await.unwrap().user.id;
    world.rows.throttle().find(Principal::account(ada), &Network::of(&stranger(n))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_right_password_is_no_failure_whichever_call_of_the_store_fails() {
    let rehearsal = World::new();
    rehearsal.sign_up(ADA).await;
    let before = rehearsal.faults.calls();
    attempt(&rehearsal, ADA, PASSWORD, stranger(1)).await.unwrap();
    let calls = rehearsal.faults.calls() - before;
    for n in 1..=calls {
        let world = World::new();
        world.sign_up(ADA).await;
        world.faults.fail_nth(n, StoreError::Unavailable("gone".into()));
        let refused = attempt(&world, ADA, PASSWORD, stranger(1)).await;
        assert!(matches!(refused, Err(AuthError::Store(_))), "{n}: {refused:?}");
        let Counters { network, account } = counted(&world, 1).await;
        for counter in [network, account].into_iter().flatten() {
            assert_eq!((counter.failures, counter.pending), (0, 0), "call {n}");
        }
    }
}

#[tokio::test]
async fn a_step_that_a_password_confirms_counts_with_sign_ins() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    let wrong = Password::new(WRONG.to_owned());
    for n in 0..4 {
        let change = ChangePassword {
            current: wrong.clone(),
            new: new_password("another horse battery", &signed_in.user.email),
            code: None,
            client: stranger(1),
        };
        let refused = world.services.auth.change_password(actor, change).await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{n}: {refused:?}");
    }
    let refused = world.services.users.delete_account(actor, &wrong, None, &stranger(1)).await;
    assert!(matches!(refused, Err(UserError::PasswordWrong)), "{refused:?}");
    let verified = world.passwords.verifications();
    let right = Password::new(PASSWORD.to_owned());
    let refused = world.services.users.delete_account(actor, &right, None, &stranger(1)).await;
    assert!(matches!(refused, Err(UserError::Throttled(_))), "{refused:?}");
    assert_eq!(throttled(attempt(&world, ADA, PASSWORD, stranger(1)).await), (Limit::Network, 1));
    assert_eq!(world.passwords.verifications(), verified);
    let kinds = world.history(actor.user).await;
    assert_eq!(kinds[..2], [EventKind::SignInThrottled, EventKind::SignInFailed]);
}

#[tokio::test]
async fn what_is_counted_goes_with_the_account() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    fails(&world, ADA, stranger(1)).await;
    let right = Password::new(PASSWORD.to_owned());
    world.services.users.delete_account(actor, &right, None, &stranger(2)).await.unwrap();
    for n in 1..=2 {
        let (principal, network) = (Principal::account(actor.user), Network::of(&stranger(n)));
        let found = world.rows.throttle().find(principal, &network).await.unwrap();
        assert_eq!(found, Counters::default(), "{n}");
    }
}

#[tokio::test]
async fn what_is_over_is_swept() {
    let world = World::new();
    world.sign_up(ADA).await;
    fails(&world, ADA, stranger(1)).await;
    fails(&world, "nobody@example.com", stranger(1)).await;
    let house = world.housekeeping();
    let sweep = async || house.run().await.of(Kind::Attempts);
    world.clock.set(at(24 * 3_600 - 1));
    assert_eq!(sweep().await, 0);
    world.clock.set(at(24 * 3_600));
    assert_eq!((sweep().await, sweep().await), (4, 0), "two networks, and all of them together, twice");
    world.clock.set(at(30 * 24 * 3_600));
    assert_eq!(sweep().await, 1, "the network that was known");
}

#[tokio::test]
async fn switched_off_nothing_waits_and_nothing_is_counted() {
    let world = World::throttled(Throttling::off());
    world.sign_up(ADA).await;
    for _ in 0..120 {
        fails(&world, ADA, stranger(1)).await;
    }
    attempt(&world, ADA, PASSWORD, stranger(1)).await.unwrap();
    world.clock.advance(Duration::from_hours(10_000));
    assert_eq!(world.housekeeping().run().await.of(Kind::Attempts), 0);
}

#[tokio::test]
async fn limits_are_those_that_are_set() {
    let limits = Limits {
        network: Backoff::new(2, Duration::from_secs(7), Duration::from_secs(10)),
        account: Backoff::new(3, Duration::from_secs(8), Duration::from_secs(10)),
    };
    let world = World::throttled(Throttling::on(limits, b"secret"));
    world.insert(&account().email(ADA).build()).await;
    for _ in 0..2 {
        fails(&world, ADA, stranger(1)).await;
    }
    assert_eq!(throttled(attempt(&world, ADA, WRONG, stranger(1)).await), (Limit::Network, 7));
    fails(&world, ADA, stranger(2)).await;
    assert_eq!(throttled(attempt(&world, ADA, WRONG, stranger(3)).await), (Limit::Account, 8));
    world.clock.advance(Duration::from_secs(8));
    fails(&world, ADA, stranger(1)).await;
    assert_eq!(throttled(attempt(&world, ADA, WRONG, stranger(1)).await).1, 10);
}
