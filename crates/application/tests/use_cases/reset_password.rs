//! Forgetting a password, and setting a new one with a link from a mail.

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    Classify, ErrorKind,
    auth::{AuthError, ResetPassword},
    domain::{
        UserId,
        sessions::{Client, EndReason, EventKind},
        users::{Account, Ban, Email, Password, PasswordFault, User},
    },
    mail::{Courier, LinkSite},
    ports::{Errand, Mail, NoRandomness, OutboxFull, Randomness, Repositories as _},
};
use holdfast_testkit::{
    FixedClock, PlainPasswords, PlainTokens, SequentialIds,
    fixtures::{PASSWORD, account, at},
    mail::token_in,
};

use crate::world::{ADA, World, client};

const NEW: &str = "staple battery horse";

fn forget(world: &World, email: &str) {
    world.services.auth.forgot_password(email.to_owned()).unwrap();
}

/// The mail with a link that somebody gets who has forgotten the password of this account.
async fn mail_for(world: &World, email: &str) -> Option<Mail> {
    world.outbox.take();
    forget(world, email);
    let mut mails = world.post().await;
    assert!(mails.len() <= 1, "{mails:?}");
    mails.pop()
}

async fn link_for(world: &World, email: &str) -> String {
    token_in(&mail_for(world, email).await.unwrap().text)
}

async fn reset(world: &World, token: &str, password: &str) -> Result<(), AuthError> {
    let (token, password) = (token.to_owned(), Password::new(password.to_owned()));
    world.services.auth.reset_password(ResetPassword { token, password, client: client() }).await
}

async fn is_dead(world: &World, token: &str) -> bool {
    matches!(reset(world, token, NEW).await, Err(AuthError::LinkInvalid))
}

#[tokio::test]
async fn a_reset_sets_the_password_and_ends_whatever_was_given_out_before() {
    let world = World::new();
    world.tokens.accept_legacy_until(at(86_400));
    let here = world.sign_up(ADA).await;
    let there = world.sign_in(ADA, PASSWORD).await.unwrap();
    let legacy = PlainTokens::legacy(here.user.id, 0, at(3_600));
    assert!(world.admits(&legacy).await);
    let [welcome] = &world.post().await[..] else { unreachable!("one mail at sign-up") };
    let verifying = token_in(&welcome.text);
    let mail = mail_for(&world, &ADA.to_lowercase()).await.unwrap();
    assert_eq!(mail.to.as_str(), ADA, "to the address of the account, not to the one that was typed");
    world.clock.set(at(5));

    reset(&world, &token_in(&mail.text), NEW).await.unwrap();
    for token in [&here.access.token, &there.access.token, &legacy] {
        assert!(!world.admits(token).await);
    }
    let (ended, reason) = world.session(&there).await.ended.unwrap();
    assert_eq!((ended, reason), (at(5), EndReason::PasswordChanged.into()));
    let after = world.account(ADA).await.unwrap();
    let user = User { email_verified: true, updated_at: at(5), last_sign_in_at: Some(at(0)), ..here.user };
    assert_eq!(after, Account { user, password_hash: Some(PlainPasswords::hashed(NEW)) });
    let events = world.rows.audit().latest(after.user.id, None, 1).await.unwrap();
    assert_eq!((events[0].kind.known(), events[0].at), (Some(EventKind::PasswordReset), at(5)));
    assert_eq!(events[0].client, Client { device: None, ..client() });
    let notices = world.post().await;
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].to.as_str(), notices[0].subject), (ADA, "Your password was changed"));
    assert!(!notices[0].text.contains("token="));

    assert!(matches!(world.sign_in(ADA, PASSWORD).await, Err(AuthError::InvalidCredentials)));
    world.sign_in(ADA, NEW).await.unwrap();
    assert!(is_dead(&world, &token_in(&mail.text)).await, "a link is good once");
    let verified = world.services.auth.verify_email(&verifying, &client()).await;
    assert!(matches!(verified, Err(AuthError::LinkInvalid)), "every other link ends, too: {verified:?}");
}

#[tokio::test]
async fn whether_there_is_an_account_is_not_looked_up_before_the_answer() {
    let world = World::new();
    world.insert(&account().email(ADA).build()).await;
    let calls = world.faults.calls();
    for email in [ADA, "nobody@example.com"] {
        forget(&world, email);
    }
    assert_eq!(world.faults.calls(), calls);
    assert_eq!(world.outbox.take().len(), 2);
    // What is no address is nobody's: there is nothing to look up.
    for text in ["", "Ada", "ada@example.com\r\nBcc: bob@example.com", &"a".repeat(60_000)] {
        forget(&world, text);
    }
    assert_eq!(world.outbox.take(), []);
    world.outbox.set_full(true);
    for email in [ADA, "nobody@example.com"] {
        let refused = world.services.auth.forgot_password(email.to_owned()).unwrap_err();
        assert!(matches!(refused, AuthError::OutboxFull(OutboxFull)), "{refused:?}");
        assert_eq!(refused.kind(), ErrorKind::Unavailable(Duration::from_mins(1)));
    }
}

#[tokio::test]
async fn everybody_gets_a_link_but_strangers_placeholders_and_who_is_one_of_two() {
    let world = World::new();
    let ban = || Ban { at: at(0), reason: None, expires_at: None };
    for (email, account) in [
        ("plain@example.com", account()),
        ("banned@example.com", account().banned(ban())),
        ("inactive@example.com", account().inactive()),
        ("elsewhere@example.com", account().hash(None)),
    ] {
        world.insert(&account.email(email).build()).await;
        let mail = mail_for(&world, email).await.unwrap();
        assert_eq!((mail.to.as_str(), mail.subject), (email, "Reset your password"));
        assert!(mail.text.contains("\nhttps://app.example/reset-password?token="), "{}", mail.text);
    }
    let placeholder = account().hash(None).inactive().build();
    let made_up = format!("orphan-{}@placeholder.invalid", placeholder.user.id);
    let id = placeholder.user.id;
    world.insert(&account().hash(None).inactive().id(id).email(&made_up).build()).await;
    for email in [&made_up, "nobody@example.com"] {
        assert_eq!(mail_for(&world, email).await, None, "{email}");
    }
}

#[tokio::test]
async fn who_may_not_use_the_account_may_reset_and_stays_outside() {
    let world = World::new();
    let ban = Ban { at: at(0), reason: None, expires_at: None };
    world.insert(&account().email("banned@example.com").banned(ban).build()).await;
    world.insert(&account().email("inactive@example.com").inactive().build()).await;
    for email in ["banned@example.com", "inactive@example.com"] {
        let token = link_for(&world, email).await;
        reset(&world, &token, NEW).await.unwrap();
        let refused = world.sign_in(email, NEW).await;
        assert!(matches!(refused, Err(AuthError::Banned | AuthError::Inactive)), "{refused:?}");
    }
}

#[tokio::test]
async fn an_account_without_a_password_gets_its_first() {
    let world = World::new();
    world.insert(&account().email(ADA).hash(None).build()).await;
    assert!(world.sign_in(ADA, NEW).await.is_err());
    reset(&world, &link_for(&world, ADA).await, NEW).await.unwrap();
    world.sign_in(ADA, NEW).await.unwrap();
}

#[tokio::test]
async fn a_link_is_good_for_its_account_its_purpose_and_half_an_hour() {
    let world = World::new();
    let (ada, bob) = (account().email(ADA).build(), account().email("bob@example.com").build());
    world.insert(&ada).await;
    world.insert(&bob).await;
    let of_bob = link_for(&world, "bob@example.com").await;
    let of_ada = link_for(&world, ADA).await;
    // The first 22 letters name the account and two bits of the secret: neither half fits another.
    for forged in [
        format!("{}{}", &of_bob[..20], &of_ada[20..]),
        format!("{}{}", &of_ada[..20], &of_bob[20..]),
        of_ada.to_lowercase(),
        of_ada[..63].to_owned(),
        format!("{of_ada}="),
        String::new(),
        "a".repeat(60_000),
    ] {
        assert!(is_dead(&world, &forged).await, "{forged:.80}");
    }
    world.services.auth.sign_up(crate::world::sign_up("eve@example.com")).await.unwrap();
    let verifying = token_in(&world.post().await[0].text);
    assert!(is_dead(&world, &verifying).await, "of another purpose");
    world.clock.set(at(1_800));
    assert!(is_dead(&world, &of_ada).await);
    world.clock.set(at(1_799));
    reset(&world, &of_ada, NEW).await.unwrap();
    world.sign_in("bob@example.com", PASSWORD).await.unwrap();
    reset(&world, &of_bob, NEW).await.unwrap();
}

#[tokio::test]
async fn a_newer_link_takes_the_place_of_the_older_and_five_an_hour_are_enough() {
    let world = World::new();
    world.insert(&account().email(ADA).build()).await;
    let mut links = Vec::new();
    for minute in 0..5 {
        world.clock.set(at(minute * 60));
        links.push(link_for(&world, ADA).await);
    }
    world.clock.set(at(3_600));
    assert_eq!(mail_for(&world, ADA).await, None);
    world.clock.set(at(3_601));
    let sixth = link_for(&world, ADA).await;
    assert_eq!(mail_for(&world, ADA).await, None, "the second is not an hour old yet");
    for older in &links {
        assert!(is_dead(&world, older).await);
    }
    reset(&world, &sixth, NEW).await.unwrap();
}

#[tokio::test]
async fn links_to_one_account_keep_no_other_waiting() {
    let world = World::new();
    world.insert(&account().email(ADA).build()).await;
    world.insert(&account().email("bob@example.com").build()).await;
    for _ in 0..7 {
        mail_for(&world, ADA).await;
    }
    assert!(mail_for(&world, "bob@example.com").await.is_some());
    let actor = world.actor(&world.sign_in(ADA, PASSWORD).await.unwrap()).await;
    world.services.auth.request_verification(actor).await.unwrap();
    assert_eq!(world.post().await.len(), 1, "strangers who ask for resets keep nobody from verifying");
}

#[tokio::test]
async fn a_password_that_is_refused_leaves_the_link_good_and_is_judged_for_its_holder_alone() {
    let world = World::new();
    world.insert(&account().email("gertrude@example.com").build()).await;
    let token = link_for(&world, "gertrude@example.com").await;
    let hashes = world.passwords.hashes();
    for (password, fault) in [("short", PasswordFault::TooShort), ("xxGERTRUDExx", PasswordFault::Guessable)]
    {
        let refused = reset(&world, &token, password).await.unwrap_err();
        assert!(matches!(&refused, AuthError::PasswordRefused(found) if *found == fault), "{refused:?}");
        assert_eq!((refused.kind(), refused.code()), (ErrorKind::Invalid, "VALIDATION_ERROR"));
        let forged = format!("{}{}", &token[..63], if token.ends_with('A') { "B" } else { "A" });
        let refused = reset(&world, &forged, password).await;
        assert!(matches!(refused, Err(AuthError::LinkInvalid)), "{refused:?}");
    }
    assert_eq!(world.passwords.hashes(), hashes);
    reset(&world, &token, NEW).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_resets_with_one_link_one_succeeds() {
    for _ in 0..10 {
        let world = World::new();
        world.insert(&account().email(ADA).build()).await;
        let token = link_for(&world, ADA).await;
        let callers: Vec<_> = (0..8)
            .map(|n| {
                let (world, token, password) = (world.clone(), token.clone(), format!("{NEW} {n}"));
                tokio::spawn(async move { reset(&world, &token, &password).await.map(|()| password) })
            })
            .collect();
        let mut set = Vec::new();
        for caller in callers {
            match caller.await.unwrap() {
                Ok(password) => set.push(password),
                Err(refused) => assert!(matches!(refused, AuthError::LinkInvalid), "{refused:?}"),
            }
        }
        let [password] = &set[..] else { unreachable!("{} resets succeeded", set.len()) };
        world.sign_in(ADA, password).await.unwrap();
        assert_eq!(world.post().await.len(), 1, "one notice");
    }
}

#[tokio::test]
async fn a_link_ends_with_its_account() {
    let world = World::new();
    let ada = account().email(ADA).build();
    world.insert(&ada).await;
    let token = link_for(&world, ADA).await;
    world.rows.users().delete(ada.user.id).await.unwrap();
    assert!(is_dead(&world, &token).await);
    let gone =
        world.courier.write(&Errand::SignedUp { user: UserId::new(ada.user.id.uuid()) }).await.unwrap();
    assert_eq!(gone, None);
}

#[tokio::test]
async fn no_room_for_mail_undoes_nothing() {
    let world = World::new();
    world.outbox.set_full(true);
    world.sign_up(ADA).await;
    world.outbox.set_full(false);
    let token = link_for(&world, ADA).await;
    world.outbox.set_full(true);
    reset(&world, &token, NEW).await.unwrap();
    world.sign_in(ADA, NEW).await.unwrap();
}

#[tokio::test]
async fn the_newest_link_counts_also_where_it_comes_from_an_instance_whose_clock_is_behind() {
    let world = World::new();
    world.sign_up(ADA).await;
    world.clock.set(at(60));
    let first = link_for(&world, ADA).await;
    let behind = Courier::new(
        Arc::new(world.rows.clone()),
        Arc::new(world.mailer.clone()),
        Arc::new(FixedClock::default()),
        // Its ids are smaller, as those of an earlier time are.
        Arc::new(SequentialIds::default()),
        Arc::new(OtherSecrets),
        LinkSite::new("https://app.example"),
    );
    let email = Email::new(ADA.to_owned()).unwrap();
    let mail = behind.write(&Errand::PasswordForgotten { email }).await.unwrap().unwrap();
    assert!(is_dead(&world, &first).await, "the second one took its place");
    reset(&world, &token_in(&mail.text), NEW).await.unwrap();
}

/// Another secret than the first instance draws.
struct OtherSecrets;

impl Randomness for OtherSecrets {
    fn secret(&self) -> Result<[u8; 32], NoRandomness> {
        Ok([0xa5; 32])
    }
}
