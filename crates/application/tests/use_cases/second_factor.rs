//! Enrolling a second factor, signing in with it, and losing it.

use std::time::Duration;

use holdfast_application::{
    Actor, Classify as _, ErrorKind,
    auth::{AuthError, SecondFactorError, SecondFactorState, SignIn, SignedIn},
    domain::{
        second_factors::Code,
        sessions::{Client, EventKind},
        throttle::Limit,
        users::{Email, Password},
    },
    ports::{Clock as _, Repositories as _},
    users::ResetSecondFactorError,
};
use holdfast_testkit::{Authenticator, fixtures::PASSWORD};

use crate::world::{ADA, World, client, sign_in};

/// The life of one code.
const PERIOD: Duration = Duration::from_secs(30);

pub(crate) fn code(text: &str) -> Code {
    Code::new(text.to_owned())
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

/// Ada with an app, signed in without it before.
pub(crate) struct Enrolled {
    pub(crate) world: World,
    pub(crate) signed_in: SignedIn,
    pub(crate) app: Authenticator,
    pub(crate) recovery_codes: Vec<String>,
}

impl Enrolled {
    /// The code that her app shows was used for the confirmation: the next one is shown in half a minute.
    pub(crate) async fn new() -> Self {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let app = begin(&world, &signed_in).await.unwrap();
        let recovery_codes = confirm(&world, &signed_in, &app).await.unwrap();
        world.post().await;
        Self { world, signed_in, app, recovery_codes }
    }

    /// What the app shows, in half a minute.
    pub(crate) fn next_code(&self) -> String {
        self.world.clock.advance(PERIOD);
        shown(&self.world, &self.app)
    }

    async fn sign_in_with(&self, code: Option<&str>) -> Result<SignedIn, AuthError> {
        with(&self.world, PASSWORD, code, client()).await
    }
}

pub(crate) fn shown(world: &World, app: &Authenticator) -> String {
    app.code(world.clock.now().seconds())
}

pub(crate) async fn begin(world: &World, signed_in: &SignedIn) -> Result<Authenticator, AuthError> {
    let actor = world.actor(signed_in).await;
    let enrolment = world.services.auth.enrol_second_factor(actor, &password(PASSWORD), &client()).await?;
    assert!(enrolment.address.contains(&enrolment.secret), "{}", enrolment.address);
    Ok(Authenticator::new(&enrolment.secret))
}

async fn confirm(world: &World, signed_in: &SignedIn, app: &Authenticator) -> Result<Vec<String>, AuthError> {
    confirm_as(world, world.actor(signed_in).await, app).await
}

pub(crate) async fn confirm_as(
    world: &World,
    actor: Actor,
    app: &Authenticator,
) -> Result<Vec<String>, AuthError> {
    let typed = code(&shown(world, app));
    let codes = world.services.auth.confirm_second_factor(actor, &typed, &client()).await?;
    Ok(codes.iter().map(holdfast_application::domain::second_factors::RecoveryCode::shown).collect())
}

async fn state(world: &World, signed_in: &SignedIn) -> SecondFactorState {
    world.services.auth.second_factor(world.actor(signed_in).await).await.unwrap()
}

async fn with(
    world: &World,
    password: &str,
    typed: Option<&str>,
    client: Client,
) -> Result<SignedIn, AuthError> {
    let wish = SignIn { code: typed.map(code), client, ..sign_in(ADA, password) };
    world.services.auth.sign_in(wish).await
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, AuthError>) -> SecondFactorError {
    match result {
        Err(AuthError::SecondFactor(error)) => error,
        other => unreachable!("not refused for the second factor: {other:?}"),
    }
}

macro_rules! assert_refused {
    ($result:expr, $kind:ident) => {
        let error = refused($result);
        assert!(matches!(error, SecondFactorError::$kind), "{error:?}");
    };
}

/// Somebody in the n-th network that Ada has never used.
pub(crate) fn stranger(n: usize) -> Client {
    Client { ip_prefix: Some(format!("198.18.{n}.0/24")), ..Client::default() }
}

#[tokio::test]
async fn a_factor_counts_once_it_is_confirmed() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let none = SecondFactorState { since: None, recovery_codes_left: 0 };
    assert_eq!(state(&world, &signed_in).await, none);
    assert_refused!(confirm(&world, &signed_in, &Authenticator::new("GEZDGNBV")).await, Missing);
    let first = begin(&world, &signed_in).await.unwrap();
    let second = begin(&world, &signed_in).await.unwrap();
    assert_eq!(state(&world, &signed_in).await, none, "nothing counts yet");
    world.sign_in(ADA, PASSWORD).await.unwrap();
    assert_refused!(confirm(&world, &signed_in, &first).await, Wrong);
    let codes = confirm(&world, &signed_in, &second).await.unwrap();
    let since = Some(world.clock.now());
    assert_eq!(codes.len(), 10);
    assert_eq!(state(&world, &signed_in).await, SecondFactorState { since, recovery_codes_left: 10 });
    assert_refused!(begin(&world, &signed_in).await, Enrolled);
    assert_refused!(confirm(&world, &signed_in, &second).await, Enrolled);
    assert!(world.admits(&signed_in.access.token).await, "sessions go on");
    world.refresh(&signed_in.refresh.token).await.unwrap();
    let history = world.history(signed_in.user.id).await;
    assert_eq!(history[..2], [EventKind::SecondFactorEnrolled, EventKind::SecondFactorFailed]);
    let told: Vec<&str> = world.post().await.iter().map(|mail| mail.subject).collect();
    assert_eq!(told.last(), Some(&"A second factor protects your account"));
}

#[tokio::test]
async fn an_enrolment_waits_a_quarter_of_an_hour_for_its_first_code() {
    for (seconds, confirmed) in [(899, true), (900, false)] {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let app = begin(&world, &signed_in).await.unwrap();
        world.clock.advance(Duration::from_secs(seconds));
        let signed_in = world.sign_in(ADA, PASSWORD).await.unwrap();
        assert_eq!(confirm(&world, &signed_in, &app).await.is_ok(), confirmed, "{seconds}");
    }
}

#[tokio::test]
async fn an_enrolment_needs_the_password() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let (actor, auth) = (world.actor(&signed_in).await, &world.services.auth);
    let wrong = auth.enrol_second_factor(actor, &password("wrong horse"), &client()).await;
    assert!(matches!(wrong, Err(AuthError::InvalidCredentials)), "{wrong:?}");
    assert_eq!(world.rows.second_factors().find(actor.user).await.unwrap(), None);
}

#[tokio::test]
async fn behind_the_right_password_a_code_is_asked_for_and_is_good_once() {
    let ada = Enrolled::new().await;
    let wrong = with(&ada.world, "wrong horse", None, client()).await.unwrap_err();
    assert!(matches!(wrong, AuthError::InvalidCredentials), "a wrong password tells nothing: {wrong:?}");
    let verified = ada.world.passwords.verifications();
    assert_refused!(ada.sign_in_with(None).await, Required);
    assert_eq!(ada.world.passwords.verifications(), verified + 1);
    assert_refused!(ada.sign_in_with(Some(&shown(&ada.world, &ada.app))).await, Wrong);
    let next = ada.next_code();
    let signed_in = ada.sign_in_with(Some(&next)).await.unwrap();
    assert!(ada.world.admits(&signed_in.access.token).await);
    assert_refused!(ada.sign_in_with(Some(&next)).await, Wrong);
    for typed in ["", "000", "000000", "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA"] {
        assert_refused!(ada.sign_in_with(Some(typed)).await, Wrong);
        ada.world.clock.advance(Duration::from_mins(1));
    }
}

#[tokio::test]
async fn codes_of_one_period_on_either_side_are_good_and_never_an_earlier_one_again() {
    let ada = Enrolled::new().await;
    let now = || ada.world.clock.now().seconds();
    ada.world.clock.advance(10 * PERIOD);
    for (apart, good) in
        [(-60, false), (60, false), (-30, true), (0, true), (-30, false), (30, true), (0, false)]
    {
        let result = ada.sign_in_with(Some(&ada.app.code(now() + apart))).await;
        assert_eq!(result.is_ok(), good, "{apart}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_sign_ins_with_one_code_one_succeeds() {
    let ada = Enrolled::new().await;
    let next = ada.next_code();
    for typed in [next, ada.recovery_codes[0].clone()] {
        let attempts: Vec<_> = (0..20)
            .map(|n| {
                let (world, typed) = (ada.world.clone(), typed.clone());
                tokio::spawn(async move { with(&world, PASSWORD, Some(&typed), stranger(n)).await })
            })
            .collect();
        let mut begun = 0;
        for attempt in attempts {
            begun += usize::from(attempt.await.unwrap().is_ok());
        }
        assert_eq!(begun, 1);
    }
}

#[tokio::test]
async fn a_recovery_code_signs_in_once_and_its_owner_is_told() {
    let ada = Enrolled::new().await;
    let spelled = ada.recovery_codes[0].to_lowercase().replace('-', " ");
    let signed_in = ada.sign_in_with(Some(&spelled)).await.unwrap();
    assert_eq!(state(&ada.world, &signed_in).await.recovery_codes_left, 9);
    let history = ada.world.history(signed_in.user.id).await;
    assert_eq!(history[..2], [EventKind::SignedIn, EventKind::RecoveryCodeUsed]);
    let [mail] = &ada.world.post().await[..] else { unreachable!("one mail") };
    assert_eq!(mail.subject, "A recovery code was used");
    assert_refused!(ada.sign_in_with(Some(&ada.recovery_codes[0])).await, Wrong);
    ada.sign_in_with(Some(&ada.recovery_codes[1])).await.unwrap();
}

#[tokio::test]
async fn a_code_of_the_app_calls_for_no_letter() {
    let ada = Enrolled::new().await;
    ada.sign_in_with(Some(&ada.next_code())).await.unwrap();
    assert!(ada.world.post().await.is_empty());
    assert!(!ada.world.history(ada.signed_in.user.id).await.contains(&EventKind::RecoveryCodeUsed));
}

#[tokio::test]
async fn the_history_names_the_session_that_asked_for_it_and_where_from() {
    let ada = Enrolled::new().await;
    let session = ada.world.session(&ada.signed_in).await.id;
    let [latest] = &ada.world.rows.audit().latest(ada.signed_in.user.id, None, 1).await.unwrap()[..] else {
        unreachable!("one entry was asked for")
    };
    assert_eq!(latest.kind.known(), Some(EventKind::SecondFactorEnrolled));
    assert_eq!(latest.session, Some(session));
    // What the device calls itself belongs to the session.
    assert_eq!(latest.client, Client { device: None, ..client() });
}

#[tokio::test]
async fn only_a_right_code_brings_a_secret_under_the_key_of_today() {
    let ada = Enrolled::new().await;
    ada.world.vault.load(Some("k2"), &["k1"]);
    for (typed, key) in [("000000".to_owned(), "k1"), (ada.next_code(), "k2")] {
        assert_eq!(ada.sign_in_with(Some(&typed)).await.is_ok(), key == "k2");
        let stored = ada.world.rows.second_factors().find(ada.signed_in.user.id).await.unwrap().unwrap();
        assert_eq!(stored.secret.key_id, key);
    }
}

#[tokio::test]
async fn whoever_does_not_know_the_password_never_reaches_the_counter_of_codes() {
    let ada = Enrolled::new().await;
    for n in 0..60 {
        let refused = with(&ada.world, "wrong horse", Some("000000"), stranger(n)).await;
        assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    }
    with(&ada.world, PASSWORD, Some(&ada.next_code()), stranger(99)).await.unwrap();
    assert!(!ada.world.history(ada.signed_in.user.id).await.contains(&EventKind::SecondFactorFailed));
}

#[tokio::test]
async fn a_thief_with_the_password_is_slowed_down_and_the_owner_at_home_is_not() {
    let ada = Enrolled::new().await;
    let mut looked_at = 0;
    for n in 0..40 {
        match with(&ada.world, PASSWORD, Some("000000"), stranger(n)).await {
            Err(AuthError::SecondFactor(SecondFactorError::Wrong)) => looked_at += 1,
            Err(AuthError::Throttled(throttled)) => assert_eq!(throttled.limit, Limit::Account),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(looked_at, 10);
    let history = ada.world.history(ada.signed_in.user.id).await;
    let count = |kind| history.iter().filter(|found| **found == kind).count();
    assert_eq!((count(EventKind::SecondFactorFailed), count(EventKind::SecondFactorThrottled)), (10, 1));
    assert_eq!(count(EventKind::SignInFailed), 0, "the password was right");
    let told: Vec<&str> = ada.world.post().await.iter().map(|mail| mail.subject).collect();
    assert_eq!(told, ["Wrong codes were tried"]);
    ada.sign_in_with(Some(&ada.next_code())).await.unwrap();
}

#[tokio::test]
async fn a_right_password_without_a_code_is_neither_a_failure_nor_a_success_of_it() {
    let ada = Enrolled::new().await;
    for _ in 0..20 {
        assert_refused!(with(&ada.world, PASSWORD, None, stranger(1)).await, Required);
    }
    let next = ada.next_code();
    // The network is as unknown as before: what strangers do holds it up.
    for n in 2..102 {
        with(&ada.world, "wrong horse", None, stranger(n)).await.unwrap_err();
    }
    let held_up = with(&ada.world, PASSWORD, Some(&next), stranger(1)).await;
    assert!(
        matches!(&held_up, Err(AuthError::Throttled(throttled)) if throttled.limit == Limit::Account),
        "{held_up:?}"
    );
    ada.sign_in_with(Some(&next)).await.unwrap();
}

#[tokio::test]
async fn a_secret_whose_key_is_gone_lets_nobody_in_and_recovery_codes_go_on() {
    let ada = Enrolled::new().await;
    ada.world.vault.load(Some("k2"), &[]);
    let next = ada.next_code();
    let error = ada.sign_in_with(Some(&next)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Unavailable(Duration::from_mins(1)), "SERVICE_UNAVAILABLE")
    );
    assert_refused!(ada.sign_in_with(None).await, Required);
    ada.sign_in_with(Some(&ada.recovery_codes[0])).await.unwrap();
    // Once the key is back, the code that was not looked at is good, and the secret lies under the new key.
    ada.world.vault.load(Some("k2"), &["k1"]);
    ada.sign_in_with(Some(&next)).await.unwrap();
    let stored = ada.world.rows.second_factors().find(ada.signed_in.user.id).await.unwrap().unwrap();
    assert_eq!(stored.secret.key_id, "k2");
    ada.world.vault.load(Some("k2"), &[]);
    ada.sign_in_with(Some(&ada.next_code())).await.unwrap();
}

#[tokio::test]
async fn without_a_key_nobody_enrols_and_who_has_one_goes_on() {
    let ada = Enrolled::new().await;
    ada.world.vault.load(None, &["k1"]);
    ada.sign_in_with(Some(&ada.next_code())).await.unwrap();
    let bob = ada.world.sign_up("bob@example.com").await;
    let verified = ada.world.passwords.verifications();
    let error = begin(&ada.world, &bob).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Forbidden, "SECOND_FACTOR_OFF"));
    assert_eq!(ada.world.passwords.verifications(), verified);
}

#[tokio::test]
async fn the_operator_removes_a_lost_factor_and_ends_every_session() {
    let ada = Enrolled::new().await;
    let users = &ada.world.services.users;
    let email = |text: &str| Email::new(text.to_owned()).unwrap();
    let nobody = users.reset_second_factor(&email("nobody@example.com")).await;
    assert!(matches!(nobody, Err(ResetSecondFactorError::Missing)), "{nobody:?}");
    let id = users.reset_second_factor(&email(ADA)).await.unwrap();
    assert_eq!(id, ada.signed_in.user.id);
    assert!(!ada.world.admits(&ada.signed_in.access.token).await);
    assert_eq!(ada.world.history(id).await[0], EventKind::SecondFactorReset);
    let again = users.reset_second_factor(&email(ADA)).await;
    assert!(matches!(again, Err(ResetSecondFactorError::NotEnrolled)), "{again:?}");
    let signed_in = ada.sign_in_with(None).await.unwrap();
    assert_eq!(state(&ada.world, &signed_in).await.recovery_codes_left, 0);
}
