//! The outbox: it does not give up too soon, does not take too much, and says when it is done. Time stands still here and
//! jumps to the next moment at which something is to be done.

use std::{sync::Arc, time::Duration};

use holdfast_application::{
    domain::{
        UserId,
        users::{Email, LinkPurpose},
    },
    mail::{Courier, LinkSite},
    ports::{Errand, Letter, MailError, Outbox, OutboxFull, Repositories, StoreError},
};
use holdfast_infrastructure::mail::InProcessOutbox;
use holdfast_testkit::{
    CountedSecrets, FailingStore, FixedClock, MemoryMailer, MemoryStore, SequentialIds,
    fixtures::{account, epoch},
};
use tokio::runtime::Handle;

/// Longer than every pause together.
const LONG: Duration = Duration::from_hours(24);

struct World {
    outbox: InProcessOutbox,
    mailer: MemoryMailer,
    rows: MemoryStore,
    faults: FailingStore,
}

fn world() -> World {
    let (rows, mailer) = (MemoryStore::default(), MemoryMailer::default());
    let faults = FailingStore::new(Arc::new(rows.clone()));
    let courier = Courier::new(
        Arc::new(faults.clone()),
        Arc::new(mailer.clone()),
        Arc::new(FixedClock::default()),
        Arc::new(SequentialIds::default()),
        Arc::new(CountedSecrets::default()),
        LinkSite::new("https://app.example"),
    );
    World { outbox: InProcessOutbox::new(courier, Handle::current()), mailer, rows, faults }
}

fn letter() -> Errand {
    let to = Email::new("ada@example.com".to_owned()).unwrap();
    Errand::Letter { to, letter: Letter::PasswordWasChanged }
}

async fn member(world: &World) -> UserId {
    let account = account().build();
    world.rows.users().insert(&account).await.unwrap();
    account.user.id
}

fn unavailable() -> MailError {
    MailError::Unavailable("the relay sleeps".into())
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_away_for_a_while_gets_the_mail_once() {
    let world = world();
    for _ in 0..4 {
        world.mailer.fail_next(unavailable());
    }
    world.outbox.submit(letter()).unwrap();
    world.outbox.drain(LONG).await;
    assert_eq!((world.mailer.tries(), world.mailer.take().len()), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again_and_what_never_works_is_given_up() {
    let world = world();
    for refusal in [MailError::Refused("no such person".into()), MailError::Unmailable] {
        world.mailer.fail_next(refusal);
        world.outbox.submit(letter()).unwrap();
        world.outbox.drain(LONG).await;
    }
    assert_eq!((world.mailer.tries(), world.mailer.take().len()), (2, 0));
    for _ in 0..10 {
        world.mailer.fail_next(unavailable());
    }
    world.outbox.submit(letter()).unwrap();
    world.outbox.drain(LONG).await;
    assert_eq!((world.mailer.tries(), world.mailer.take().len()), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_for_a_while_costs_one_link_and_no_mail() {
    let world = world();
    let user = member(&world).await;
    world.faults.fail_next(StoreError::Unavailable("the database sleeps".into()));
    world.mailer.fail_next(unavailable());
    world.outbox.submit(Errand::SignedUp { user }).unwrap();
    world.outbox.drain(LONG).await;
    assert_eq!((world.mailer.tries(), world.mailer.take().len()), (2, 1));
    let issued = world.rows.one_time_tokens().issued(user, LinkPurpose::VerifyEmail, epoch()).await.unwrap();
    assert_eq!(issued.len(), 1, "the same mail is tried again, not another");
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_thousand_wait_and_one_that_waits_long_stops_no_other() {
    let world = world();
    world.mailer.fail_next(unavailable());
    for _ in 0..1_000 {
        world.outbox.submit(letter()).unwrap();
    }
    assert_eq!(world.outbox.submit(letter()), Err(OutboxFull));
    // In this time the first one waits for its second try.
    world.outbox.drain(Duration::from_millis(500)).await;
    assert_eq!(world.mailer.take().len(), 999);
    world.outbox.submit(letter()).unwrap();
    world.outbox.drain(LONG).await;
    assert_eq!(world.mailer.take().len(), 2);
}
