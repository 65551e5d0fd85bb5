//! `holdfast healthcheck`: one question to the server on this machine, without a shell or another program.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, ensure};

use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(3);

/// Succeeds when the server at `HOST` and `PORT` says that it is ready.
pub(super) fn run(settings: &Settings) -> anyhow::Result<()> {
    let address = SocketAddr::new(reachable(settings.http.host), settings.http.port);
    let status = ask(address).with_context(|| format!("no answer from http://{address}/health/ready"))?;
    ensure!(status.contains(" 200 "), "http://{address}/health/ready answered: {status}");
    Ok(())
}

/// A server that listens on every address is asked on loopback.
fn reachable(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
