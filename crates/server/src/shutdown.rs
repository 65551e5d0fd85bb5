//! Stopping: which signals ask for it, and how long the listener goes on accepting.

use std::{process::exit, time::Duration};

use holdfast_web::Readiness;

/// How long a second signal waits for the line that tells of it.
const LAST_LINE: Duration = Duration::from_millis(50);

/// What a process that was killed twice ends with: 128 and the number of SIGINT, as shells count.
const INTERRUPTED: i32 = 130;

/// Listens for the signals that ask the process to stop. From its making on none is lost, and none kills the process by
/// itself.
pub(crate) struct Signals(platform::Signals);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    #[cfg_attr(not(unix), expect(dead_code, reason = "only Unix knows SIGTERM"))]
    Terminate,
    Interrupt,
}

impl Signals {
    /// Begins to listen. Needs a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        platform::Signals::listen().map(Self)
    }

    /// Completes when the listener should close.
    ///
    /// SIGTERM is what orchestrators send: readiness turns 503 at once, and the listener goes on accepting for
    /// `drain_delay`, until load balancers have noticed. Ctrl-C is a person: there is nobody to wait for. A second signal
    /// of either kind ends the process on the spot.
    pub(crate) async fn requested(mut self, readiness: Readiness, drain_delay: Duration) {
        let signal = self.0.next().await;
        readiness.start_draining();
        tracing::info!(target: "holdfast::server", ?signal, "stopping: requests in flight finish");
        actix_web::rt::spawn(async move {
            self.0.next().await;
            tracing::warn!(target: "holdfast::server", "second signal: stopping at once");
            // For the line to be written, by whom is not this task's to know.
            tokio::time::sleep(LAST_LINE).await;
            exit(INTERRUPTED);
        });
        if signal == Signal::Terminate {
            tokio::time::sleep(drain_delay).await;
        }
    }
}

#[cfg(unix)]
mod platform {
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::Signal;

    pub(super) struct Signals {
        terminate: unix::Signal,
        interrupt: unix::Signal,
    }

    impl Signals {
        pub(super) fn listen() -> std::io::Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }

        pub(super) async fn next(&mut self) -> Signal {
            tokio::select! {
                _ = self.terminate.recv() => Signal::Terminate,
                _ = self.interrupt.recv() => Signal::Interrupt,
            }
        }
    }
}

#[cfg(windows)]
mod platform {
    use tokio::signal::windows::{CtrlC, ctrl_c};

    use super::Signal;

    pub(super) struct Signals(CtrlC);

    impl Signals {
        pub(super) fn listen() -> std::io::Result<Self> {
            ctrl_c().map(Self)
        }

        pub(super) async fn next(&mut self) -> Signal {
            // The stream never ends.
            let _ = self.0.recv().await;
            Signal::Interrupt
        }
    }
}
