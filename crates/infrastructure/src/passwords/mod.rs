//! The password hasher of the application on Argon2id. What a hash looks like is in `hasher`, how many run at once in
//! `pool`; what a new password must be like is the domain's. Hashes that the FastAPI backend left behind are read in
//! `bcrypt` and `salted_sha256`, and never made; what goes into new ones beside the password is in `pepper`.

mod bcrypt;
mod hasher;
mod pepper;
mod pool;
mod salted_sha256;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use holdfast_application::{
    domain::users::{Password, PasswordHash},
    ports::{Passwords, PasswordsError, Verification},
    spans,
};
use tracing::Instrument as _;

use hasher::Hasher;
pub use pepper::{Pepper, Peppers};
pub use pool::HashingFigures;
use pool::Pool;

/// How often a small hash is timed: on a busy machine most of them are interrupted.
const TRIES: usize = 8;
/// A guess that is too long turns people away from a machine that has time for them; one that is too short makes the first wait.
const LONGEST_ESTIMATE: Duration = Duration::from_millis(100);

/// How passwords are hashed.
#[derive(Debug, Clone)]
pub struct PasswordOptions {
    /// How many hashes may be made at once, at least 1 (`HASH_CONCURRENCY`). Each takes 19 MiB and one core.
    pub concurrency: usize,
    /// What goes into hashes beside the password (`PASSWORD_PEPPER`, `PASSWORD_PREVIOUS_PEPPERS`).
    pub peppers: Peppers,
}

/// Why there is no hasher.
#[derive(Debug, thiserror::Error)]
pub enum PasswordOptionsError {
    /// With no slot nobody could ever sign in.
    #[error("at least one password must be hashed at a time")]
    NoSlot,
    /// The operating system gave no randomness.
    #[error("no randomness for salts")]
    Randomness(#[source] getrandom::Error),
    /// What new hashes are made with is no recipe of Argon2's.
    #[error("password hashes cannot be made")]
    Parameters(#[source] argon2::Error),
}

/// Argon2id with m = 19456 KiB, t = 2, p = 1 (OWASP Password Storage Cheat Sheet), as PHC strings.
///
/// The FastAPI backend's hashes verify as well and are always outdated: bcrypt (`$2a$`, `$2b$`, `$2y$`, costs 4 to 15)
/// and the older `salt:hex(sha256(password + salt))`. A bcrypt hash of the usual cost 12 takes about a quarter of a
/// second, some ten times as long as a new one; see `docs/security.md`.
///
/// With a pepper, a hash names it as `keyid`. One that has none, or an earlier one, is outdated; one whose pepper is not
/// loaded verifies nothing, and the log says so.
///
/// Hashing runs on tokio's blocking threads, a fixed number of them at once, and at most 2 s of work wait in line;
/// beyond that callers hear [`PasswordsError::Busy`] at once. A caller that gives up leaves the line. A hash that has
/// begun keeps its slot until it is done, because it cannot be stopped.
#[derive(Debug)]
pub struct Argon2Passwords {
    hasher: ArcSwap<Hasher>,
    pool: Pool,
}

impl Argon2Passwords {
    /// Draws the dummy hash, and makes some small ones to see how long a whole one will take. Blocks for a few milliseconds.
    pub fn new(options: PasswordOptions) -> Result<Self, PasswordOptionsError> {
        let PasswordOptions { concurrency, peppers } = options;
        if concurrency == 0 {
            return Err(PasswordOptionsError::NoSlot);
        }
        let mut shortest = LONGEST_ESTIMATE / hasher::SAMPLES;
        for _ in 0..TRIES {
            let (sample, took) = pool::timed(hasher::sample);
            sample.map_err(PasswordOptionsError::Parameters)?;
            shortest = shortest.min(took);
        }
        let pool = Pool::new(concurrency, shortest * hasher::SAMPLES);
        Ok(Self { hasher: ArcSwap::from_pointee(Hasher::new(peppers)?), pool })
    }

    /// From the next call on these go into hashes and are looked for in them. What has begun goes on with those of before.
    pub fn exchange_peppers(&self, Peppered(hasher): Peppered) {
        self.hasher.store(Arc::new(hasher));
    }

    /// How long one hash takes at present: a moving average; before the first an estimate.
    pub fn hash_duration(&self) -> Duration {
        self.pool.mean()
    }

    /// How the queue is used at the moment, for metrics.
    pub fn figures(&self) -> HashingFigures {
        self.pool.figures()
    }
}

/// Peppers that hashes can be made with.
#[derive(Debug)]
pub struct Peppered(Hasher);

impl Peppered {
    /// Judges them, and draws a dummy hash for them.
    pub fn new(peppers: Peppers) -> Result<Self, PasswordOptionsError> {
        Hasher::new(peppers).map(Self)
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        let (hasher, password) = (self.hasher.load_full(), password.clone());
        let part = tracing::info_span!(target: spans::TARGET, "passwords.hash");
        self.pool.run(move || hasher.hash(&password)).instrument(part).await?
    }

    async fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verification, PasswordsError> {
        let (hasher, password, hash) = (self.hasher.load_full(), password.clone(), hash.cloned());
        let part = tracing::info_span!(target: spans::TARGET, "passwords.verify");
        self.pool.run(move || hasher.verify(&password, hash.as_ref())).instrument(part).await?
    }
}
