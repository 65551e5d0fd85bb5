//! Running errands off the path of requests, in this process.
//!
//! There is no outbox in the database: to send a link later, its secret would have to lie there readable, and a mail is
//! worth nothing to who has stopped waiting for it. An instance that dies loses what it had not sent yet; whoever waits
//! asks again.

use std::{error::Error, slice, sync::Arc, time::Duration};

use holdfast_application::{
    Classify, ErrorKind,
    mail::{Courier, LinkError},
    measure::{ByName, Counter},
    ports::{Errand, Mail, MailError, Outbox, OutboxFull, Place},
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

/// How many errands may wait, those between two tries included.
const ROOM: u32 = 1_000;
/// How many are run at the same moment: as many connections to the database or the relay.
const TURNS: usize = 4;
/// How long the next try waits after the first, the second … one; after the last one the errand is given up. The last pause
/// outlasts relays that turn away whom they do not know yet (greylisting).
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];

/// A bounded outbox in memory.
#[derive(Clone)]
pub struct InProcessOutbox {
    courier: Courier,
    runtime: Handle,
    room: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    ends: Arc<ByName<Counter>>,
}

/// How mail fares, at the moment and since the process began.
#[derive(Debug, Clone)]
pub struct MailFigures {
    /// How many errands wait or are run.
    pub waiting: u64,
    /// How many may.
    pub limit: u64,
    /// How often errands ended, or a try did: `sent`, `not_needed`, `given_up`, `tried_again`, `turned_away`.
    pub ends: Vec<(&'static str, u64)>,
}

const SENT: &str = "sent";
const NOT_NEEDED: &str = "not_needed";
const GIVEN_UP: &str = "given_up";
const TRIED_AGAIN: &str = "tried_again";
const TURNED_AWAY: &str = "turned_away";

impl InProcessOutbox {
    /// Errands run on `runtime`, whichever thread leaves them.
    pub fn new(courier: Courier, runtime: Handle) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let ends = [SENT, NOT_NEEDED, GIVEN_UP, TRIED_AGAIN, TURNED_AWAY];
        let ends = Arc::new(ByName::expecting(ends));
        Self { courier, runtime, room, turns: Arc::new(Semaphore::new(TURNS)), ends }
    }

    /// How mail fares, for metrics.
    pub fn figures(&self) -> MailFigures {
        let waiting = (ROOM as usize).saturating_sub(self.room.available_permits());
        MailFigures { waiting: waiting as u64, limit: ROOM.into(), ends: self.ends.read() }
    }

    /// Waits until everything is sent or given up, `limit` at most; what is left then is lost with the process, and the log
    /// says how much.
    pub async fn drain(&self, limit: Duration) {
        if timeout(limit, self.room.acquire_many(ROOM)).await.is_err() {
            let lost = ROOM as usize - self.room.available_permits();
            tracing::warn!(target: "holdfast::mail", lost, "mail was not sent before the end: people have to ask again");
        }
    }
}

impl Outbox for InProcessOutbox {
    fn reserve(&self) -> Result<Box<dyn Place>, OutboxFull> {
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            self.ends.count(TURNED_AWAY);
            OutboxFull
        })?;
        Ok(Box::new(Reserved { outbox: self.clone(), place }))
    }
}

/// A place in the room, which is free again once its errand is over.
struct Reserved {
    outbox: InProcessOutbox,
    place: OwnedSemaphorePermit,
}

impl Place for Reserved {
    fn submit(self: Box<Self>, errand: Errand) {
        let Self { outbox: InProcessOutbox { courier, runtime, room: _, turns, ends }, place } = *self;
        runtime.spawn(async move {
            let end = match write(&courier, &turns, &errand, &ends).await {
                Ok(Some(mail)) => send(&courier, &turns, &errand, &mail, &ends).await,
                Ok(None) => NOT_NEEDED,
                Err(GivenUp) => GIVEN_UP,
            };
            ends.count(end);
            drop(place);
        });
    }
}

/// The last try has failed.
struct GivenUp;

async fn write(
    courier: &Courier,
    turns: &Semaphore,
    errand: &Errand,
    ends: &ByName<Counter>,
) -> Result<Option<Mail>, GivenUp> {
    let mut tries = Tries::new(errand.name(), ends);
    loop {
        match in_turn(turns, courier.write(errand)).await {
            Ok(mail) => return Ok(mail),
            Err(error) => {
                let worthwhile = matches!(error.kind(), ErrorKind::Unavailable(_));
                let cause: &LinkError = &error;
                if !tries.pause_after(cause, worthwhile).await {
                    return Err(GivenUp);
                }
            }
        }
    }
}

async fn send(
    courier: &Courier,
    turns: &Semaphore,
    errand: &Errand,
    mail: &Mail,
    ends: &ByName<Counter>,
) -> &'static str {
    let mut tries = Tries::new(errand.name(), ends);
    loop {
        match in_turn(turns, courier.send(mail)).await {
            Ok(()) => {
                tracing::info!(target: "holdfast::mail", errand = errand.name(), mail_id = %mail.id, "mail was handed over");
                return SENT;
            }
            Err(error) => {
                let worthwhile = match &error {
                    MailError::Unavailable(_) => true,
                    MailError::Unmailable | MailError::Refused(_) => false,
                };
                if !tries.pause_after(&error, worthwhile).await {
                    return GIVEN_UP;
                }
            }
        }
    }
}

/// Runs `work` when a turn is free. Nothing that waits for its next try holds one.
async fn in_turn<T>(turns: &Semaphore, work: impl Future<Output = T>) -> T {
    // Nobody closes the semaphore; without a turn the work would be done all the same.
    let _turn = turns.acquire().await.ok();
    work.await
}

/// The tries of one step.
struct Tries<'e> {
    errand: &'static str,
    pauses: slice::Iter<'static, Duration>,
    ends: &'e ByName<Counter>,
}

impl<'e> Tries<'e> {
    fn new(errand: &'static str, ends: &'e ByName<Counter>) -> Self {
        Self { errand, pauses: PAUSES.iter(), ends }
    }

    /// Waits before the next try; false when there is none. The log knows neither the address nor the link.
    async fn pause_after(&mut self, error: &(dyn Error + Sync), worthwhile: bool) -> bool {
        let (errand, error) = (self.errand, chain(error));
        let Some(pause) = self.pauses.next().filter(|_| worthwhile) else {
            tracing::error!(target: "holdfast::mail", errand, error, "mail was given up: the person has to ask again");
            return false;
        };
        tracing::warn!(target: "holdfast::mail", errand, error, again_in = pause.as_secs(), "no mail yet");
        self.ends.count(TRIED_AGAIN);
        sleep(*pause).await;
        true
    }
}

fn chain(error: &(dyn Error + Sync)) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told.push_str(": ");
        told.push_str(&cause.to_string());
        next = cause.source();
    }
    told
}

/// No mail at all. Errands are taken as always, so that no answer is different, and thrown away.
#[derive(Debug, Clone, Copy, Default)]
pub struct MailOff;

impl Outbox for MailOff {
    fn reserve(&self) -> Result<Box<dyn Place>, OutboxFull> {
        Ok(Box::new(*self))
    }
}

impl Place for MailOff {
    fn submit(self: Box<Self>, errand: Errand) {
        tracing::info!(target: "holdfast::mail", errand = errand.name(), "no mail: mail is off (SMTP_URL is not set)");
    }
}
