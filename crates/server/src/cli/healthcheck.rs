//! `holdfast healthcheck`: one question to the server on this machine, without a shell or another program.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, ensure};
use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

use crate::{settings::Settings, tls};

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds when the server at `HOST` and `PORT` says that it is ready.
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(settings.http.host), settings.http.port);
    let encrypted = settings.tls.pair.is_some();
    let scheme = if encrypted { "https" } else { "http" };
    let status = ask(address, encrypted)
        .with_context(|| format!("no answer from {scheme}://{address}/health/ready"))?;
    ensure!(status.contains(" 200 "), "{scheme}://{address}/health/ready answered: {status}");
    Ok(())
}

/// The status line of the same answer.
pub(super) fn answer(settings: &Settings) -> anyhow::Result<String> {
    let address = SocketAddr::new(reachable(settings.http.host), settings.http.port);
    ask(address, settings.tls.pair.is_some())
}

/// A server that listens on every address is asked on loopback.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn ask(address: SocketAddr, encrypted: bool) -> anyhow::Result<String> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if !encrypted {
        return status(stream, address).map_err(Into::into);
    }
    let session = ClientConnection::new(tls::own_listener()?.into(), ServerName::from(address.ip()))?;
    status(StreamOwned::new(session, stream), address).map_err(Into::into)
}

fn status(mut stream: impl Read + Write, address: SocketAddr) -> std::io::Result<String> {
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(64 * 1024).read_to_end(&mut answer) {
        Ok(_) => {}
        // Over TLS, a server that closes without saying so; what it said before counts.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error),
    }
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
