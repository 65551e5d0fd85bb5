//! Replacing a certificate while the server runs: handshakes take the pair of the moment, and a loop looks at the files. What
//! a good pair is stands in `pair`.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use actix_web::rt;
use holdfast_application::{domain::Timestamp, ports::Clock as _};
use holdfast_infrastructure::clock::SystemClock;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{
    fault::PairFault,
    pair::{Contents, Pair, PairFiles},
};

/// How often the files are looked at. They are small, and comparing what is in them misses no change, as times of files do.
const EVERY: Duration = Duration::from_secs(2);
/// How long before its end a certificate is warned of, and how often again.
pub(crate) const NEAR_END: Duration = Duration::from_hours(14 * 24);
const REMIND: Duration = Duration::from_hours(24);

/// The pair that handshakes are answered with.
#[derive(Debug)]
pub(crate) struct Certificates(RwLock<Pair>);

impl Certificates {
    pub(crate) fn new(pair: Pair) -> Self {
        Self(RwLock::new(pair))
    }

    fn current(&self) -> Pair {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, pair: Pair) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
    }
}

impl ResolvesServerCert for Certificates {
    /// Whatever name was asked for: there is one pair.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(pair.certified()))
    }
}

/// Looks at the files until it is dropped.
pub(crate) struct Renewal(JoinHandle<()>);

impl Renewal {
    /// Needs a runtime, whose end is its own, too. SIGHUP makes it look at once, and tell what is wrong at once.
    pub(crate) fn start(files: PairFiles, certificates: Arc<Certificates>) -> std::io::Result<Self> {
        let asked = platform::Asked::listen()?;
        Ok(Self(rt::spawn(watch(files, certificates, asked))))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(files: PairFiles, certificates: Arc<Certificates>, mut asked: platform::Asked) {
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watcher = Watcher { certificates, refused: None, reminded: SystemClock.now() };
    loop {
        let wanted = tokio::select! {
            _ = interval.tick() => false,
            () = asked.next() => true,
        };
        let files_read = files.clone();
        // A file system that hangs must not hold up a worker.
        if let Ok(read) = rt::task::spawn_blocking(move || files_read.read()).await {
            watcher.look(&files, read, wanted);
        }
    }
}

/// What a look at the files led to before, so that each thing is told once.
struct Watcher {
    certificates: Arc<Certificates>,
    refused: Option<Refusal>,
    reminded: Timestamp,
}

/// A pair that was not taken, and whether that was told.
struct Refusal {
    read: Result<Contents, Vec<PairFault>>,
    told: bool,
}

impl Watcher {
    fn look(&mut self, files: &PairFiles, read: Result<Contents, Vec<PairFault>>, wanted: bool) {
        let (current, now) = (self.certificates.current(), SystemClock.now());
        if read.as_ref().is_ok_and(|contents| current.is_of(contents)) {
            self.refused = None;
        } else {
            self.consider(files, read, wanted, now);
        }
        if now.since(self.reminded) >= REMIND {
            self.reminded = now;
            warn_of_end(&self.certificates.current(), now);
        }
    }

    /// Two files cannot be replaced at the same moment, so the first look at a pair that does not fit is not told.
    fn consider(
        &mut self,
        files: &PairFiles,
        read: Result<Contents, Vec<PairFault>>,
        wanted: bool,
        now: Timestamp,
    ) {
        match read.clone().and_then(|contents| files.judge(contents, now)) {
            Ok(pair) => {
                warn_of_end(&pair, now);
                self.certificates.replace(pair);
                self.refused = None;
                tracing::info!(target: "holdfast::tls", "new handshakes get the certificate that was put in place");
            }
            Err(faults) => {
                let before = self.refused.take().filter(|refusal| refusal.read == read);
                let known = before.as_ref().is_some_and(|refusal| refusal.told);
                if wanted || (before.is_some() && !known) {
                    faults.iter().for_each(tell);
                }
                self.refused = Some(Refusal { read, told: known || wanted || before.is_some() });
            }
        }
    }
}

fn tell(fault: &PairFault) {
    let variable = if fault.is_of_certificate() { "TLS_CERTIFICATE" } else { "TLS_PRIVATE_KEY" };
    tracing::warn!(
        target: "holdfast::tls",
        "{variable}: {fault}; expected {}. The certificate from before stays in use",
        fault.expected()
    );
}

fn warn_of_end(pair: &Pair, now: Timestamp) {
    if let Some(end) = pair.ends_within(NEAR_END, now) {
        tracing::warn!(target: "holdfast::tls", "TLS_CERTIFICATE: ends on {end}; renew it before");
    }
}

#[cfg(unix)]
mod platform {
    use std::future::pending;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) struct Asked(Signal);

    impl Asked {
        pub(super) fn listen() -> std::io::Result<Self> {
            signal(SignalKind::hangup()).map(Self)
        }

        pub(super) async fn next(&mut self) {
            if self.0.recv().await.is_none() {
                pending::<()>().await;
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::future::pending;

    /// There is no such signal: the files are looked at all the same.
    pub(super) struct Asked;

    impl Asked {
        pub(super) fn listen() -> std::io::Result<Self> {
            Ok(Self)
        }

        pub(super) async fn next(&mut self) {
            pending::<()>().await;
        }
    }
}
