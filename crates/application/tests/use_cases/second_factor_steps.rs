//! Steps that need a code where the account has a second factor, and ways past it that there must not be.

use holdfast_application::{
    Classify as _,
    auth::{AuthError, ChangeEmail, ChangePassword, ResetPassword, SecondFactorError},
    domain::{
        sessions::EventKind,
        throttle::{Counters, Network, Principal},
        users::Email,
    },
    ports::{Repositories as _, SecondFactor},
};
use holdfast_testkit::{fixtures::PASSWORD, mail::token_in};

use crate::{
    second_factor::{Enrolled, code, password, refused},
    world::{ADA, client, new_password},
};

const NEW: &str = "staple battery horse";

fn change(email: &Email, typed: Option<&str>) -> ChangePassword {
    ChangePassword {
        current: password(PASSWORD),
        new: new_password(NEW, email),
        code: typed.map(code),
        client: client(),
    }
}

#[tokio::test]
async fn another_password_needs_a_code_which_is_used_up() {
    let ada = Enrolled::new().await;
    let (auth, actor) = (&ada.world.services.auth, ada.world.actor(&ada.signed_in).await);
    let email = &ada.signed_in.user.email;
    for (typed, wanted) in [(None, "needs"), (Some("000000"), "is wrong")] {
        let error = refused(auth.change_password(actor, change(email, typed)).await);
        assert_eq!(error.code(), "SECOND_FACTOR_REQUIRED", "{wanted}");
    }
    let next = ada.next_code();
    let signed_in = auth.change_password(actor, change(email, Some(&next))).await.unwrap();
    let actor = ada.world.actor(&signed_in).await;
    let wish = ChangePassword {
        current: password(NEW),
        new: new_password(PASSWORD, email),
        ..change(email, Some(&next))
    };
    assert!(matches!(refused(auth.change_password(actor, wish).await), SecondFactorError::Wrong));
}

#[tokio::test]
async fn another_address_needs_a_code() {
    let ada = Enrolled::new().await;
    let (auth, actor) = (&ada.world.services.auth, ada.world.actor(&ada.signed_in).await);
    let wish = |typed: Option<&str>| ChangeEmail {
        email: Email::new("other@example.com".to_owned()).unwrap(),
        password: password(PASSWORD),
        code: typed.map(code),
        client: client(),
    };
    assert!(matches!(
        refused(auth.request_email_change(actor, wish(None)).await),
        SecondFactorError::Required
    ));
    assert_eq!(ada.world.post().await.len(), 0);
    auth.request_email_change(actor, wish(Some(&ada.next_code()))).await.unwrap();
    assert_eq!(ada.world.post().await.len(), 2);
}

#[tokio::test]
async fn a_deletion_needs_a_code_and_takes_everything_along() {
    let ada = Enrolled::new().await;
    let (users, actor) = (&ada.world.services.users, ada.world.actor(&ada.signed_in).await);
    let delete = async |typed: Option<&str>| {
        users.delete_account(actor, &password(PASSWORD), typed.map(code).as_ref(), &client()).await
    };
    for typed in [None, Some("000000")] {
        assert_eq!(delete(typed).await.unwrap_err().code(), "SECOND_FACTOR_REQUIRED");
        assert!(ada.world.account(ADA).await.is_some());
    }
    delete(Some(&ada.recovery_codes[0])).await.unwrap();
    assert_eq!(ada.world.rows.second_factors().find(actor.user).await.unwrap(), None);
    assert_eq!(ada.world.rows.second_factors().recovery_codes_left(actor.user).await.unwrap(), 0);
    let (principal, network) = (Principal::second_factor(actor.user), Network::of(&client()));
    assert_eq!(ada.world.rows.throttle().find(principal, &network).await.unwrap(), Counters::default());
}

#[tokio::test]
async fn removing_it_needs_password_and_code_and_leaves_the_password_alone() {
    let ada = Enrolled::new().await;
    let (auth, actor) = (&ada.world.services.auth, ada.world.actor(&ada.signed_in).await);
    let remove = async |typed: &str, word: &str| {
        auth.remove_second_factor(actor, &password(word), Some(&code(typed)), &client()).await
    };
    let next = ada.next_code();
    assert!(matches!(remove(&next, "wrong horse").await, Err(AuthError::InvalidCredentials)));
    assert!(matches!(refused(remove("000000", PASSWORD).await), SecondFactorError::Wrong));
    let without = auth.remove_second_factor(actor, &password(PASSWORD), None, &client()).await;
    assert!(matches!(refused(without), SecondFactorError::Required));
    remove(&next, PASSWORD).await.unwrap();
    ada.world.sign_in(ADA, PASSWORD).await.unwrap();
    assert!(ada.world.history(actor.user).await.contains(&EventKind::SecondFactorRemoved));
    let [mail] = &ada.world.post().await[..] else { unreachable!("one mail") };
    assert_eq!(mail.subject, "The second factor was removed");
    assert!(matches!(refused(remove(&next, PASSWORD).await), SecondFactorError::Missing));
}

#[tokio::test]
async fn new_recovery_codes_make_the_earlier_ones_void() {
    let ada = Enrolled::new().await;
    let (auth, actor) = (&ada.world.services.auth, ada.world.actor(&ada.signed_in).await);
    let [first, second] = [&ada.recovery_codes[0], &ada.recovery_codes[1]].map(|typed| code(typed));
    let renew =
        async |typed| auth.renew_recovery_codes(actor, &password(PASSWORD), Some(typed), &client()).await;
    let renewed = renew(&first).await.unwrap();
    assert_eq!(renewed.len(), 10);
    assert!(renewed.iter().all(|code| !ada.recovery_codes.contains(&code.shown())));
    assert!(matches!(refused(renew(&second).await), SecondFactorError::Wrong));
    renew(&code(&renewed[3].shown())).await.unwrap();
    assert_eq!(auth.second_factor(actor).await.unwrap().recovery_codes_left, 10);
}

#[tokio::test]
async fn a_reset_by_mail_neither_removes_it_nor_signs_in() {
    let ada = Enrolled::new().await;
    ada.world.services.auth.forgot_password(ADA.to_owned()).unwrap();
    let [mail] = &ada.world.post().await[..] else { unreachable!("one mail") };
    let (token, client) = (token_in(&mail.text), client());
    let wish = ResetPassword { token, password: password(NEW), client };
    ada.world.services.auth.reset_password(wish).await.unwrap();
    assert!(matches!(refused(ada.world.sign_in(ADA, NEW).await), SecondFactorError::Required));
}

#[tokio::test]
async fn a_factor_that_is_confirmed_at_this_very_moment_is_asked_for() {
    let ada = Enrolled::new().await;
    let owner = ada.signed_in.user.id;
    let factor = ada.world.rows.second_factors().find(owner).await.unwrap().unwrap();
    ada.world.rows.second_factors().remove(owner).await.unwrap();
    // The account, the counter and the factor are looked up; then the unit of work begins.
    let rows = ada.world.rows.clone();
    ada.world.faults.before_nth(4, async move {
        let pending = SecondFactor { confirmed_at: None, last_step: None, ..factor.clone() };
        assert!(rows.second_factors().enrol(&pending).await.unwrap());
        let (created_at, step) = (factor.created_at, factor.last_step.unwrap());
        assert!(rows.second_factors().confirm(owner, created_at, step, created_at).await.unwrap());
    });
    let without_a_code = ada.world.sign_in(ADA, PASSWORD).await;
    assert!(matches!(refused(without_a_code), SecondFactorError::Required));
    assert!(!ada.world.faults.is_armed());
}
