//! Signing up.

use holdfast_application::{
    auth::AuthError,
    domain::{
        sessions::{EventKind, Session},
        users::{Email, Name, Role},
    },
    ports::{Clock, Expiry, Tokens},
};
use holdfast_testkit::{PlainPasswords, fixtures::PASSWORD};

use crate::world::{ADA, POLICY, World, client, sign_up};

#[tokio::test]
async fn a_new_account_is_signed_in_and_stored_as_typed() {
    let world = World::new();
    let name = Some(Name::new(" Ada L. ".into()).unwrap());
    let wish = holdfast_application::auth::SignUp { name: name.clone(), ..sign_up(ADA) };
    let signed_in = world.services.auth.sign_up(wish).await.unwrap();

    let account = world.account(ADA).await.unwrap();
    assert_eq!(account.user, signed_in.user);
    assert_eq!(account.user.email, Email::stored(ADA.into()));
    assert_eq!(account.user.name, name);
    assert_eq!((account.user.role, account.user.active), (Role::User, true));
    assert_eq!(account.user.last_sign_in_at, Some(world.clock.now()));
    assert_eq!(account.password_hash, Some(PlainPasswords::hashed(PASSWORD)));
    assert_eq!(world.history(account.user.id).await, [EventKind::SignedUp]);
    assert_eq!(world.passwords.verifications(), 0);
}

#[tokio::test]
async fn its_tokens_name_its_session_and_end_when_they_say() {
    let world = World::new();
    let signed_in = world.sign_up(ADA).await;
    let now = world.clock.now();
    let session: Session = world.session(&signed_in).await;
    assert_eq!((session.generation, session.client.clone()), (1, client()));

    let access = world.tokens.verify_access(&signed_in.access.token, now, Expiry::Enforced).unwrap();
    assert_eq!((access.user, access.session), (signed_in.user.id, session.id));
    assert_eq!((access.email.as_str(), access.role), (ADA, Role::User));
    assert_eq!(access.expires_at, now.plus(POLICY.access));
    assert_eq!(signed_in.access.expires_at, access.expires_at);

    let refresh = world.tokens.verify_refresh(&signed_in.refresh.token, now, Expiry::Enforced).unwrap();
    assert_eq!((refresh.id, refresh.expires_at), (session.current, session.idle_expires_at));

    let long_lived = signed_in.long_lived.as_ref().unwrap();
    assert_eq!(long_lived.expires_at, now.plus(POLICY.long_lived));
    assert!(world.admits(&long_lived.token).await);
}

#[tokio::test]
async fn an_address_that_differs_in_case_alone_is_taken() {
    let world = World::new();
    let first = world.sign_up(ADA).await;
    let again = world.services.auth.sign_up(sign_up("aDA@EXAMPLE.com")).await;
    assert!(matches!(again, Err(AuthError::EmailExists)), "{again:?}");
    assert_eq!(world.history(first.user.id).await, [EventKind::SignedUp]);
    assert_eq!(world.unended(first.user.id).await, [first.session]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_at_once_with_one_address_one_succeeds() {
    let world = World::new();
    let attempts: Vec<_> = (0..16)
        .map(|n| {
            let world = world.clone();
            let wish = sign_up(if n % 2 == 0 { "ada@example.com" } else { "ADA@example.com" });
            tokio::spawn(async move { world.services.auth.sign_up(wish).await })
        })
        .collect();
    let mut made = Vec::new();
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(signed_in) => made.push(signed_in),
            Err(error) => assert!(matches!(error, AuthError::EmailExists), "{error:?}"),
        }
    }
    let [winner] = made.as_slice() else { panic!("{} accounts", made.len()) };
    assert_eq!(world.account("Ada@Example.com").await.unwrap().user, winner.user);
    assert_eq!(world.unended(winner.user.id).await, [winner.session]);
}

#[test]
fn what_is_answered_never_prints_a_token() {
    let issued = holdfast_application::auth::Issued {
        token: "very.secret".into(),
        expires_at: holdfast_testkit::fixtures::epoch(),
    };
    assert!(!format!("{issued:?}").contains("secret"));
}
