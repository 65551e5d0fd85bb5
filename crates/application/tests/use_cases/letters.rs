//! Word of a change: it goes out with the commit, whoever still waits for the answer.

use std::time::Duration;

use holdfast_application::{
    Actor,
    auth::{AuthError, ChangeEmail, ChangePassword, ResetPassword},
    domain::users::{Email, Password},
    ports::{Errand, StoreError},
};
use holdfast_testkit::{fixtures::PASSWORD, mail::token_in};
use tokio::sync::oneshot;

use crate::world::{ADA, World, client, new_password, sign_up};

const NEW: &str = "staple battery horse";
/// Only so that what never happens does not hang.
const LONG: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
enum Step {
    SignUp,
    ChangePassword,
    ResetPassword,
    AskForVerification,
    AskForAnotherAddress,
    ChangeAddress,
}

/// A world in which nothing but the step is left to do, and no mail waits.
struct Prepared {
    world: World,
    actor: Actor,
    token: String,
}

async fn prepared(step: Step) -> Prepared {
    let world = World::new();
    let actor = world.actor(&world.sign_up(ADA).await).await;
    world.post().await;
    let token = match step {
        Step::ResetPassword => {
            world.services.auth.forgot_password(ADA.to_owned()).unwrap();
            token_in(&world.post().await[0].text)
        }
        Step::ChangeAddress => {
            world.services.auth.request_email_change(actor, another_address()).await.unwrap();
            token_in(&world.post().await[0].text)
        }
        Step::SignUp | Step::ChangePassword | Step::AskForVerification | Step::AskForAnotherAddress => {
            String::new()
        }
    };
    Prepared { world, actor, token }
}

fn another_address() -> ChangeEmail {
    let email = Email::new("lovelace@example.org".to_owned()).unwrap();
    ChangeEmail { email, password: Password::new(PASSWORD.to_owned()), code: None, client: client() }
}

async fn take(Prepared { world, actor, token }: &Prepared, step: Step) -> Result<(), AuthError> {
    let (auth, actor, token) = (&world.services.auth, *actor, token.clone());
    match step {
        Step::SignUp => auth.sign_up(sign_up("bob@example.com")).await.map(drop),
        Step::ChangePassword => {
            let current = Password::new(PASSWORD.to_owned());
            let new = new_password(NEW, &Email::new(ADA.to_owned()).unwrap());
            auth.change_password(actor, ChangePassword { current, code: None, new, client: client() })
                .await
                .map(drop)
        }
        Step::ResetPassword => {
            let password = Password::new(NEW.to_owned());
            auth.reset_password(ResetPassword { token, password, client: client() }).await
        }
        Step::AskForVerification => auth.request_verification(actor).await,
        Step::AskForAnotherAddress => auth.request_email_change(actor, another_address()).await,
        Step::ChangeAddress => auth.confirm_email_change(&token, Some(actor), &client()).await,
    }
}

/// How many calls of the store the step makes, the last of which is the commit, and what mail it leaves.
async fn rehearsed(step: Step) -> (usize, Vec<&'static str>) {
    let prepared = prepared(step).await;
    let calls = prepared.world.faults.calls();
    take(&prepared, step).await.unwrap();
    let mail = names(&prepared.world.outbox.take());
    assert!(!mail.is_empty(), "{step:?}");
    (prepared.world.faults.calls() - calls, mail)
}

const STEPS: [Step; 6] = [
    Step::SignUp,
    Step::ChangePassword,
    Step::ResetPassword,
    Step::AskForVerification,
    Step::AskForAnotherAddress,
    Step::ChangeAddress,
];

fn names(errands: &[Errand]) -> Vec<&'static str> {
    errands.iter().map(Errand::name).collect()
}

/// What is left to be sent once there is anything.
async fn left(world: &World) -> Vec<Errand> {
    let some = async {
        loop {
            let errands = world.outbox.take();
            if !errands.is_empty() {
                return errands;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, some).await.unwrap()
}

#[tokio::test]
async fn whoever_goes_away_during_the_commit_takes_no_letter_along() {
    for step in STEPS {
        let (commit, expected) = rehearsed(step).await;
        let prepared = prepared(step).await;
        let (begun, begins) = oneshot::channel();
        let (go_on, goes_on) = oneshot::channel::<()>();
        prepared.world.faults.before_nth(commit, async move {
            begun.send(()).ok();
            goes_on.await.ok();
        });
        tokio::select! {
            answer = take(&prepared, step) => unreachable!("{step:?}: the commit waits, but {answer:?}"),
            begun = begins => begun.unwrap(),
        }
        assert_eq!(prepared.world.outbox.take(), [], "{step:?}");
        go_on.send(()).unwrap();
        assert_eq!(names(&left(&prepared.world).await), expected, "{step:?}");
    }
}

#[tokio::test]
async fn what_was_not_committed_is_told_to_nobody_and_keeps_no_place() {
    for step in STEPS {
        let (commit, _) = rehearsed(step).await;
        let prepared = prepared(step).await;
        let Prepared { world, .. } = &prepared;
        world.outbox.set_room(2);
        world.faults.fail_nth(commit, StoreError::Unavailable("gone".into()));
        let refused = take(&prepared, step).await;
        assert!(matches!(refused, Err(AuthError::Store(_))), "{step:?}: {refused:?}");
        assert_eq!(world.outbox.take(), [], "{step:?}");
        for _ in 0..2 {
            world.services.auth.forgot_password(ADA.to_owned()).unwrap();
        }
    }
}
