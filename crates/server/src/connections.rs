//! What is done with every connection that is accepted: whoever neither completes a request nor takes what they asked for is let
//! go. The times of a request itself are the web crate's and actix-http's.

use std::{
    any::Any,
    net::{Shutdown, TcpStream as Socket},
    time::Duration,
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{dev::Extensions, rt::net::TcpStream};
use holdfast_web::Connection;

/// How long a client may let an answer wait that does not fit into its window (Linux; RFC 5482).
#[cfg(target_os = "linux")]
const STALLED_MILLISECONDS: u32 = 30_000;

/// Watches a connection that was accepted: it is closed when no request has been under way for `patience`.
pub(crate) fn watch(patience: Duration, accepted: &dyn Any, data: &mut Extensions) {
    let plain = accepted.downcast_ref::<TcpStream>();
    let tls = || accepted.downcast_ref::<TlsStream<TcpStream>>().map(|stream| (**stream).get_ref().0);
    let Some(stream) = plain.or_else(tls) else { return };
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, STALLED_MILLISECONDS) {
        tracing::debug!(%error, "a connection has no time limit for stalled answers");
    }
    match another(stream) {
        Ok(socket) => {
            let close = move || {
                // It may be closed already.
                let _ = socket.shutdown(Shutdown::Both);
            };
            data.insert(Connection::watched(patience, close));
        }
        Err(error) => tracing::warn!(%error, "a connection is not watched: are there too many?"),
    }
}

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
