//! The listener of the API: its sockets, its workers, and what actix-http is given for each connection. `HttpServer` does the same,
//! but hands over streams as they were accepted; these have to keep a pace. What is answered is the web crate's.

use std::{fmt, io, net::SocketAddr, time::Duration};

use actix_http::{HttpService, KeepAlive, Request, error::DispatchError};
use actix_service::{IntoServiceFactory, ServiceFactoryExt as _, map_config};
use actix_tls::accept::{
    TlsError, max_concurrent_tls_connect,
    rustls_0_23::{Acceptor, TlsStream},
};
use actix_web::{
    Error,
    body::BoxBody,
    dev::{AppConfig, Extensions, Server, Service, ServiceFactory, ServiceResponse, fn_service},
    rt::net::TcpStream,
};
use anyhow::Context as _;
use holdfast_web::{Pace, Paced};
use listenfd::ListenFd;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::connections;

/// How long a client may take to send a request head.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The same for whatever actix-http does not see as idle.
const PACE: Pace = Pace { head: HEAD_TIMEOUT, pause: KEEP_ALIVE };
/// How long closing a connection may take once it is decided.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a TLS handshake may take; the head of the first request has its own time after it.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes under way on each worker: who begins one and falls silent keeps nobody else out.
const HANDSHAKES: usize = 4_096;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 4_096;
/// How long requests in flight may take to finish once the listener is closed. With the default `DRAIN_DELAY` the process is
/// gone within 25 s.
const SHUTDOWN_SECONDS: u64 = 20;

/// A stream, and who is at its other end.
type Accepted<T> = (Paced<T>, Option<SocketAddr>);

/// Where it listens and how.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) workers: usize,
    /// Clear text without it.
    pub(crate) tls: Option<ServerConfig>,
}

/// A server that is bound and has yet to run, and where it listens. It stops when `stop` does, once the requests under way are
/// answered; `application` is called once for each worker.
pub(crate) fn bind<F, I, S>(
    listening: Listening,
    application: F,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<(Server, SocketAddr)>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error>
        + 'static,
    S::InitError: fmt::Debug,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
{
    let Listening { address, workers, tls } = listening;
    let socket = handed_or_bound(address)?;
    let address = socket.local_addr()?;
    let server = Server::build()
        .workers(workers)
        .backlog(BACKLOG)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .shutdown_signal(stop);
    let draining = server.graceful_shutdown_signal();
    let draining = move || {
        let draining = draining.clone();
        async move { draining.notified().await }
    };
    let server = match tls {
        None => server.listen("API", socket, move || clear(http(application(), draining.clone()))),
        Some(tls) => {
            max_concurrent_tls_connect(HANDSHAKES);
            server.listen("API", socket, move || secure(tls.clone(), http(application(), draining.clone())))
        }
    }?;
    Ok((server.run(), address))
}

/// The socket that systemd holds for us over restarts (`sd_listen_fds(3)`), or else one of our own. What is strict and what is not
/// goes by `HOST`, so nothing is taken that can be reached from further away than that says.
fn handed_or_bound(address: SocketAddr) -> anyhow::Result<std::net::TcpListener> {
    let mut sockets = ListenFd::from_env();
    anyhow::ensure!(
        sockets.len() < 2,
        "{} sockets were handed over (LISTEN_FDS), and one is served: leave one ListenStream",
        sockets.len(),
    );
    let handed = sockets.take_tcp_listener(0);
    let Some(handed) = handed.context("what was handed over (LISTEN_FDS) is no listening TCP socket")? else {
        return socket(address)
            .with_context(|| format!("cannot listen on {address} (HOST, PORT); is another server there?"));
    };
    let there =
        handed.local_addr().context("what was handed over (LISTEN_FDS) is no listening TCP socket")?;
    anyhow::ensure!(
        there.ip().is_loopback() || !address.ip().is_loopback(),
        "the socket that was handed over (LISTEN_FDS) listens on {there}, but HOST is {}: set HOST to an address that can be \
         reached from elsewhere as well",
        address.ip(),
    );
    handed.set_nonblocking(true)?;
    Ok(handed)
}

/// A socket that listens; on Windows to IPv4 as well where its address is IPv6's "any", as elsewhere.
fn socket(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // There it would take the port of another program away.
    #[cfg(not(windows))]
    socket.set_reuse_address(true)?;
    #[cfg(windows)]
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// HTTP/1.1 over any stream.
fn http<T, I, S, D>(
    application: I,
    draining: impl Fn() -> D + 'static,
) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error>
        + 'static,
    S::InitError: fmt::Debug,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    D: Future<Output = ()> + 'static,
{
    let service = application.into_factory().map_err(|error: Error| error.error_response());
    HttpService::build()
        // What makes a drain close idle connections at once: `HttpServer` sets the same.
        .graceful_shutdown_signal(draining)
        .keep_alive(KeepAlive::from(KEEP_ALIVE))
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .on_connect_ext(|stream: &Paced<T>, data: &mut Extensions| {
            data.insert(stream.connection());
        })
        // It says what URLs of the server's own begin with, and nobody asks for that.
        .h1::<_, BoxBody>(map_config(service, |()| AppConfig::default()))
}

fn clear<H>(
    http: H,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    H: ServiceFactory<Accepted<TcpStream>, Config = (), Response = (), Error = DispatchError, InitError = ()>
        + 'static,
{
    fn_service(|stream: TcpStream| async move {
        connections::limit(&stream);
        let peer = stream.peer_addr().ok();
        Ok((Paced::new(stream, PACE), peer))
    })
    .and_then(http)
}

/// The same behind a handshake, with the one protocol that there is in its offer (RFC 7301).
fn secure<H>(
    mut tls: ServerConfig,
    http: H,
) -> impl ServiceFactory<
    TcpStream,
    Config = (),
    Response = (),
    Error = TlsError<io::Error, DispatchError>,
    InitError = (),
>
where
    H: ServiceFactory<
            Accepted<TlsStream<TcpStream>>,
            Config = (),
            Response = (),
            Error = DispatchError,
            InitError = (),
        > + 'static,
{
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut acceptor = Acceptor::new(tls);
    acceptor.set_handshake_timeout(HANDSHAKE_TIMEOUT);
    acceptor
        .map_err(TlsError::into_service_error)
        .and_then(|stream: TlsStream<TcpStream>| async move {
            let socket = stream.get_ref().0;
            connections::limit(socket);
            let peer = socket.peer_addr().ok();
            Ok((Paced::new(stream, PACE), peer))
        })
        .and_then(http.map_err(TlsError::Service))
}
