//! The listener that monitoring asks. It has one thread of its own, so that it answers also while every worker of the API is
//! busy, and it stops after the API has.

use std::net::SocketAddr;

use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    rt,
};
use anyhow::Context as _;

use super::Operations;

/// A listener that is bound.
pub(crate) struct Listener {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Listener {
    /// Binds and answers from now on.
    pub(crate) fn start(operations: Operations, address: SocketAddr) -> anyhow::Result<Self> {
        let application = move || App::new().configure(|config| operations.register(config));
        let server = HttpServer::new(application)
            .workers(1)
            .client_request_timeout(crate::listener::HEAD_TIMEOUT)
            .disable_signals()
            .bind(address)
            .with_context(|| format!("cannot listen on {address} (OPS_ADDRESS); is another server there?"))?;
        let address = server.addrs().first().copied().context("nothing was bound for operations")?;
        let server: Server = server.run();
        let handle = server.handle();
        rt::spawn(server);
        Ok(Self { address, handle })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it; nobody is waited for.
    pub(crate) async fn stop(self) {
        self.handle.stop(false).await;
    }
}
