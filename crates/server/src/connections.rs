//! What is done with every connection that is accepted: whoever neither completes a request nor takes what they asked for is let
//! go. The times of a request itself are the web crate's and actix-http's.

use std::{
    any::Any,
    net::{Shutdown, TcpStream as Socket},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use holdfast_web::Connection;

/// How long a client may let an answer wait that does not fit into its window (Linux; RFC 5482).
#[cfg(target_os = "linux")]
const STALLED_MILLISECONDS: u32 = 30_000;

/// Takes the files that the system grants this process, which are more than it begins with.
#[cfg(unix)]
pub(crate) fn allow_many() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let granted = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: granted.maximum, ..granted }) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Watches a connection that was accepted: it is closed when no request has been under way for `patience`.
pub(crate) fn watch(patience: Duration, accepted: &dyn Any, data: &mut Extensions) {
    let plain = accepted.downcast_ref::<TcpStream>();
    let tls = || accepted.downcast_ref::<TlsStream<TcpStream>>().map(|stream| (**stream).get_ref().0);
    let Some(stream) = plain.or_else(tls) else { return };
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, STALLED_MILLISECONDS) {
        tracing::debug!(%error, "a connection has no time limit for stalled answers");
    }
    let Some(place) = Place::take() else { return };
    match another(stream) {
        Ok(socket) => {
            let close = move || {
                // It may be closed already.
                let _ = socket.shutdown(Shutdown::Both);
                drop(place);
            };
            data.insert(Connection::watched(patience, close));
        }
        Err(error) => tracing::warn!(%error, "a connection is not watched: are there too many?"),
    }
}

/// One of the connections that are watched, until it is dropped. Its handle is a second file; those for whom there are no files
/// left for that go unwatched, rather than others unserved.
struct Place;

static WATCHED: AtomicUsize = AtomicUsize::new(0);

impl Place {
    fn take() -> Option<Self> {
        let more = |watched: usize| (watched < *WATCHED_AT_MOST).then_some(watched + 1);
        WATCHED.try_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok().then_some(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        WATCHED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A quarter of the files that this process may open.
static WATCHED_AT_MOST: LazyLock<usize> = LazyLock::new(|| {
    #[cfg(unix)]
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let files = None;
    files.and_then(|files: u64| usize::try_from(files / 4).ok()).unwrap_or(usize::MAX)
});

/// The same socket by another handle, which is closed with the connection.
#[cfg(unix)]
fn another(stream: &TcpStream) -> std::io::Result<Socket> {
    use std::os::fd::AsFd as _;
    Ok(stream.as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn another(stream: &TcpStream) -> std::io::Result<Socket> {
    use std::os::windows::io::AsSocket as _;
    Ok(stream.as_socket().try_clone_to_owned()?.into())
}
