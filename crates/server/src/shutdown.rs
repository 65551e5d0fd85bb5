//! Stopping: which signals ask for it, and how long the listener goes on accepting.

use std::{process::exit, time::Duration};

use holdfast_web::Readiness;

/// What a process that was killed twice ends with: 128 and the number of SIGINT, as shells count.
const INTERRUPTED: i32 = 130;

/// Completes when the listener should close.
///
/// SIGTERM is what orchestrators send: readiness turns 503 at once, and the listener goes on accepting for
/// `drain_delay`, until load balancers have noticed. Ctrl-C is a person: there is nobody to wait for. A second signal of
/// either kind ends the process on the spot.
pub(crate) async fn requested(readiness: Readiness, drain_delay: Duration) {
    let signal = next_signal().await;
    readiness.start_draining();
    tracing::info!(target: "holdfast::server", ?signal, "stopping: requests in flight finish");
    actix_web::rt::spawn(async {
        next_signal().await;
        tracing::warn!(target: "holdfast::server", "second signal: stopping at once");
        exit(INTERRUPTED);
    });
    if signal == Signal::Terminate {
        tokio::time::sleep(drain_delay).await;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Terminate,
    Interrupt,
}

#[cfg(unix)]
async fn next_signal() -> Signal {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => Signal::Terminate,
            () = interrupted() => Signal::Interrupt,
        },
        Err(error) => {
            tracing::error!(target: "holdfast::server", %error, "SIGTERM cannot be listened for");
            interrupted().await;
            Signal::Interrupt
        }
    }
}

#[cfg(not(unix))]
async fn next_signal() -> Signal {
    interrupted().await;
    Signal::Interrupt
}

async fn interrupted() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::error!(target: "holdfast::server", %error, "Ctrl-C cannot be listened for");
        std::future::pending::<()>().await;
    }
}
