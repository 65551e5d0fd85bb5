//! Whether a server could listen, or whether one listens there already.

use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use super::finding::Finding;
use crate::{cli::healthcheck, settings::Settings};

const CHECK: &str = "port";

pub(super) async fn look(settings: &Settings) -> Vec<Finding> {
    let settings = settings.clone();
    let looking = tokio::task::spawn_blocking(move || found(&settings));
    // The questions have time limits of their own.
    looking.await.into_iter().collect()
}

fn found(settings: &Settings) -> Finding {
    let address = SocketAddr::new(settings.http.host, settings.http.port);
    // Nothing is accepted, and the address is given back at once.
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(CHECK, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => occupied(settings, address),
        Err(error) => {
            let mend = "HOST must be an address of this machine; ports below 1024 need a right of their own";
            Finding::failure(CHECK, format!("nobody can listen on {address}: {error}"), mend)
        }
    }
}

fn occupied(settings: &Settings, address: SocketAddr) -> Finding {
    match healthcheck::answer(settings) {
        Ok(status) if status.contains(" 200 ") => {
            Finding::ok(CHECK, format!("a server on {address} is ready already"))
        }
        Ok(status) if status.contains(" 503 ") => {
            let what = format!("a server on {address} is not ready: {status}");
            Finding::warning(CHECK, what, "look at its log, and at /health/ready")
        }
        Ok(_) | Err(_) => {
            let what = format!("something else listens on {address}");
            Finding::warning(CHECK, what, "stop it, or set PORT to another port")
        }
    }
}
