//! Mail that goes nowhere: an outbox that a test empties by hand, and a mailer that keeps what it was given.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use holdfast_application::ports::{Errand, Mail, MailError, Mailer, Outbox, OutboxFull, Place};

/// Keeps errands until the test takes them. Clones are one outbox.
#[derive(Debug, Clone, Default)]
pub struct MemoryOutbox(Arc<Mutex<Waiting>>);

#[derive(Debug)]
struct Waiting {
    errands: Vec<Errand>,
    reserved: usize,
    room: usize,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { errands: Vec::new(), reserved: 0, room: usize::MAX }
    }
}

impl MemoryOutbox {
    /// What was left since the last time, the oldest first.
    pub fn take(&self) -> Vec<Errand> {
        mem::take(&mut self.waiting().errands)
    }

    /// Takes nothing from now on, or takes everything again.
    pub fn set_full(&self, full: bool) {
        self.set_room(if full { 0 } else { usize::MAX });
    }

    /// From now on so many errands may wait at once.
    pub fn set_room(&self, room: usize) {
        self.waiting().room = room;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox for MemoryOutbox {
    fn reserve(&self) -> Result<Box<dyn Place>, OutboxFull> {
        let mut waiting = self.waiting();
        if waiting.errands.len() + waiting.reserved >= waiting.room {
            return Err(OutboxFull);
        }
        waiting.reserved += 1;
        Ok(Box::new(Reserved(self.clone())))
    }
}

/// A place, which is given back when this goes.
struct Reserved(MemoryOutbox);

impl Place for Reserved {
    fn submit(self: Box<Self>, errand: Errand) {
        self.0.waiting().errands.push(errand);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.waiting().reserved -= 1;
    }
}

/// Keeps mails until the test takes them. Clones are one mailer.
#[derive(Debug, Clone, Default)]
pub struct MemoryMailer(Arc<Mutex<Post>>);

#[derive(Debug, Default)]
struct Post {
    mails: Vec<Mail>,
    failures: VecDeque<MailError>,
    tries: usize,
}

impl MemoryMailer {
    /// What was sent since the last time, the oldest first.
    pub fn take(&self) -> Vec<Mail> {
        mem::take(&mut self.post().mails)
    }

    /// The next try that has no failure yet fails like this.
    pub fn fail_next(&self, error: MailError) {
        self.post().failures.push_back(error);
    }

    /// How often somebody tried to send.
    pub fn tries(&self) -> usize {
        self.post().tries
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let mut post = self.post();
        post.tries += 1;
        if let Some(error) = post.failures.pop_front() {
            return Err(error);
        }
        post.mails.push(mail.clone());
        Ok(())
    }
}

/// The token in the link of a mail.
pub fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("?token=").expect("there is no link in this mail");
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}
