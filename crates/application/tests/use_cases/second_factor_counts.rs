//! What is counted against a second factor: wrong codes, and nothing else.

use std::time::Duration;

use holdfast_application::{
    Actor, Classify as _,
    auth::{AuthError, ChangeEmail, ChangePassword, CreatePersonalToken, SecondFactorError, SignIn},
    domain::{
        UserId,
        second_factors::Code,
        sessions::Client,
        throttle::{Network, Principal},
        users::Email,
    },
    mail::LINKS_PER_WINDOW,
    ports::{Clock as _, Repositories as _, StoreError},
    users::BanWish,
};
use holdfast_testkit::{PlainPasswords, fixtures::PASSWORD};

use crate::{
    personal_tokens::any_wish,
    second_factor::{Enrolled, begin, code, confirm_as, password, refused, stranger},
    world::{ADA, World, client, new_password, sign_in},
};

/// Longer than an attempt may be under way: then one whose end nobody told is a failure.
const LONG_AFTER: Duration = Duration::from_secs(11);

/// What a code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    SignIn,
    ChangePassword,
    ChangeEmail,
    CreatePersonalToken,
    RenewRecoveryCodes,
    RemoveSecondFactor,
    DeleteAccount,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::SignIn,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::CreatePersonalToken,
        Self::RenewRecoveryCodes,
        Self::RemoveSecondFactor,
        Self::DeleteAccount,
    ];

    /// Takes it with that code; the code of its error where it is not taken.
    async fn take(
        self,
        ada: &Enrolled,
        actor: Actor,
        typed: &str,
        client: Client,
    ) -> Result<(), &'static str> {
        let (auth, users) = (&ada.world.services.auth, &ada.world.services.users);
        let (word, typed, email) = (password(PASSWORD), code(typed), &ada.signed_in.user.email);
        let taken = match self {
            Self::SignIn => {
                let wish = SignIn { code: Some(typed), client, ..sign_in(ADA, PASSWORD) };
                auth.sign_in(wish).await.map(drop)
            }
            Self::ChangePassword => {
                let new = new_password("staple battery horse", email);
                let wish = ChangePassword { current: word, new, code: Some(typed), client };
                auth.change_password(actor, wish).await.map(drop)
            }
            Self::ChangeEmail => {
                auth.request_email_change(actor, ChangeEmail { client, ..address(&typed) }).await
            }
            Self::CreatePersonalToken => {
                let wish = CreatePersonalToken { code: Some(typed), client, ..any_wish() };
                auth.create_personal_token(actor, wish).await.map(drop)
            }
            Self::RenewRecoveryCodes => {
                auth.renew_recovery_codes(actor, &word, Some(&typed), &client).await.map(drop)
            }
            Self::RemoveSecondFactor => auth.remove_second_factor(actor, &word, Some(&typed), &client).await,
            Self::DeleteAccount => {
                let deleted = users.delete_account(actor, &word, Some(&typed), &client).await;
                return deleted.map_err(|error| error.code());
            }
        };
        taken.map_err(|error| error.code())
    }
}

fn address(typed: &Code) -> ChangeEmail {
    ChangeEmail {
        email: Email::new("other@example.com".to_owned()).unwrap(),
        password: password(PASSWORD),
        code: Some(typed.clone()),
        client: client(),
    }
}

/// Failures and attempts under way against one principal: of the client's network, and of all that are not known.
async fn counted_for(world: &World, principal: Principal, client: &Client) -> [(u32, u32); 2] {
    let counters = world.rows.throttle().find(principal, &Network::of(client)).await.unwrap();
    [counters.network, counters.account]
        .map(|counter| counter.map_or((0, 0), |counter| (counter.failures, counter.pending)))
}

/// The same against an account's password and its codes.
async fn counted(world: &World, user: UserId, client: &Client) -> [[(u32, u32); 2]; 2] {
    [
        counted_for(world, Principal::account(user), client).await,
        counted_for(world, Principal::second_factor(user), client).await,
    ]
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_in_a_step_leaves_nothing_counted() {
    for step in Step::ALL {
        for client in [client(), stranger(1)] {
            let ada = Enrolled::new().await;
            let actor = ada.world.actor(&ada.signed_in).await;
            let before = ada.world.faults.calls();
            step.take(&ada, actor, &ada.recovery_codes[0], client.clone()).await.unwrap();
            let calls = ada.world.faults.calls() - before;
            for n in 1..=calls {
                let ada = Enrolled::new().await;
                let actor = ada.world.actor(&ada.signed_in).await;
                let before = counted(&ada.world, actor.user, &client).await;
                ada.world.faults.fail_nth(n, StoreError::Unavailable("gone".into()));
                let taken = step.take(&ada, actor, &ada.recovery_codes[0], client.clone()).await;
                assert_eq!(taken, Err("SERVICE_UNAVAILABLE"), "{step:?}, call {n} of {calls}");
                let after = counted(&ada.world, actor.user, &client).await;
                assert_eq!(after, before, "{step:?}, call {n} of {calls}, {client:?}");
                step.take(&ada, actor, &ada.recovery_codes[0], client.clone()).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn an_enrolment_forgets_what_was_counted_and_makes_its_network_a_known_one() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let actor = world.actor(&signed_in).await;
    begin(&world, &signed_in).await.unwrap();
    for n in 0..3 {
        let wrong = world.services.auth.confirm_second_factor(actor, &code("wrong"), &stranger(n)).await;
        assert!(matches!(refused(wrong), SecondFactorError::Wrong));
    }
    let codes = Principal::second_factor(actor.user);
    assert_eq!(counted_for(&world, codes, &stranger(0)).await, [(1, 0), (3, 0)]);
    begin(&world, &signed_in).await.unwrap();
    assert_eq!(counted_for(&world, codes, &stranger(0)).await, [(0, 0), (0, 0)]);
    let here = world.rows.throttle().find(codes, &Network::of(&client())).await.unwrap();
    assert!(here.is_known(world.clock.now()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_in_a_confirmation_leaves_nothing_counted() {
    let calls = {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let app = begin(&world, &signed_in).await.unwrap();
        let actor = world.actor(&signed_in).await;
        let before = world.faults.calls();
        confirm_as(&world, actor, &app).await.unwrap();
        world.faults.calls() - before
    };
    for n in 1..=calls {
        let world = World::new();
        let signed_in = world.sign_up(ADA).await;
        let app = begin(&world, &signed_in).await.unwrap();
        let actor = world.actor(&signed_in).await;
        let before = counted(&world, actor.user, &client()).await;
        world.faults.fail_nth(n, StoreError::Unavailable("gone".into()));
        let confirmed = confirm_as(&world, actor, &app).await;
        assert!(matches!(confirmed, Err(AuthError::Store(_))), "{confirmed:?}");
        assert_eq!(counted(&world, actor.user, &client()).await, before, "call {n} of {calls}");
        confirm_as(&world, actor, &app).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn right_codes_of_steps_that_are_refused_for_something_else_are_no_failures() {
    let ada = Enrolled::new().await;
    let (auth, actor) = (&ada.world.services.auth, ada.world.actor(&ada.signed_in).await);
    for _ in 0..LINKS_PER_WINDOW {
        auth.request_email_change(actor, address(&code(&ada.next_code()))).await.unwrap();
    }
    for typed in &ada.recovery_codes[..6] {
        let refused = auth.request_email_change(actor, address(&code(typed))).await;
        assert!(matches!(refused, Err(AuthError::Link(_))), "{refused:?}");
        ada.world.clock.advance(LONG_AFTER);
    }
    let wrong = auth.request_email_change(actor, address(&code("000000"))).await;
    assert!(matches!(refused(wrong), SecondFactorError::Wrong));
    let [network, _] = counted_for(&ada.world, Principal::second_factor(actor.user), &client()).await;
    assert_eq!(network, (1, 0), "the wrong one counts");
}

#[tokio::test(start_paused = true)]
async fn a_used_code_counts_as_a_failure_once_it_is_seen_to_be_used() {
    for step in Step::ALL {
        let ada = Enrolled::new().await;
        let actor = ada.world.actor(&ada.signed_in).await;
        Step::SignIn.take(&ada, actor, &ada.recovery_codes[0], client()).await.unwrap();
        let again = step.take(&ada, actor, &ada.recovery_codes[0], client()).await;
        assert_eq!(again, Err("SECOND_FACTOR_REQUIRED"), "{step:?}");
        let [network, _] = counted_for(&ada.world, Principal::second_factor(actor.user), &client()).await;
        assert_eq!(network, (1, 0), "{step:?}");
    }
}

/// The calls of a sign-in before its unit of work begins: the account, the counter, the factor, the counter of its codes.
const BEFORE_THE_UNIT_OF_WORK: usize = 4;

#[tokio::test(start_paused = true)]
async fn a_ban_that_comes_meanwhile_is_not_the_fault_of_the_code() {
    let ada = Enrolled::new().await;
    let (admin, actor) = (ada.world.admin().await, ada.world.actor(&ada.signed_in).await);
    let other = ada.world.clone();
    ada.world.faults.before_nth(BEFORE_THE_UNIT_OF_WORK + 1, async move {
        let services = other.services_with(PlainPasswords::default());
        services.users.ban(admin, actor.user, BanWish { reason: None, expires_at: None }).await.unwrap();
    });
    let wish = SignIn { code: Some(code(&ada.recovery_codes[0])), ..sign_in(ADA, PASSWORD) };
    let refused = ada.world.services.auth.sign_in(wish).await;
    assert!(matches!(refused, Err(AuthError::Banned)), "{refused:?}");
    let counted = counted(&ada.world, actor.user, &client()).await;
    assert_eq!(counted, [[(1, 0), (0, 0)], [(0, 0), (0, 0)]]);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_changed_meanwhile_is_not_the_fault_of_the_code() {
    let ada = Enrolled::new().await;
    let actor = ada.world.actor(&ada.signed_in).await;
    let rows = ada.world.rows.clone();
    ada.world.faults.before_nth(BEFORE_THE_UNIT_OF_WORK + 1, async move {
        let (old, new) = (PlainPasswords::hashed(PASSWORD), PlainPasswords::hashed("changed meanwhile"));
        assert!(rows.users().replace_hash(actor.user, &old, &new).await.unwrap());
    });
    let wish = SignIn { code: Some(code(&ada.recovery_codes[0])), ..sign_in(ADA, PASSWORD) };
    let refused = ada.world.services.auth.sign_in(wish).await;
    assert!(matches!(refused, Err(AuthError::InvalidCredentials)), "{refused:?}");
    let counted = counted(&ada.world, actor.user, &client()).await;
    assert_eq!(counted, [[(1, 0), (0, 0)], [(0, 0), (0, 0)]]);
}
