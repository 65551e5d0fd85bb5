//! How many connections there may be, and what the system does for each of them. The times of a connection are `listener`'s.

use actix_web::rt::net::TcpStream;

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

/// Makes the system end a connection whose client takes nothing of an answer.
#[cfg(target_os = "linux")]
pub(crate) fn limit(stream: &TcpStream) {
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, STALLED_MILLISECONDS) {
        tracing::debug!(%error, "a connection has no time limit for stalled answers");
    }
}

/// Elsewhere the pace of the connection is the only limit.
#[cfg(not(target_os = "linux"))]
pub(crate) fn limit(_: &TcpStream) {}
