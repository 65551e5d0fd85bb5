//! Mail that goes nowhere: an outbox that a test empties by hand, and a mailer that keeps what it was given.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use holdfast_application::ports::{Errand, Mail, MailError, Mailer, Outbox, OutboxFull};

/// Keeps errands until the test takes them. Clones are one outbox.
#[derive(Debug, Clone, Default)]
pub struct MemoryOutbox(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    errands: Vec<Errand>,
    full: bool,
}

impl MemoryOutbox {
    /// What was left since the last time, the oldest first.
    pub fn take(&self) -> Vec<Errand> {
        mem::take(&mut self.waiting().errands)
    }

    /// Takes nothing from now on, or takes everything again.
    pub fn set_full(&self, full: bool) {
        self.waiting().full = full;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox for MemoryOutbox {
    fn submit(&self, errand: Errand) -> Result<(), OutboxFull> {
        let mut waiting = self.waiting();
        if waiting.full {
            return Err(OutboxFull);
        }
        waiting.errands.push(errand);
        Ok(())
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
