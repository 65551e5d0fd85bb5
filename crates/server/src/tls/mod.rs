//! HTTPS by the listener itself: the certificate and its key, their replacement while the server runs, and the parameters of
//! the protocol. Which files they are is a setting; what is served over it is the web crate's.

mod fault;
mod own_listener;
mod pair;
mod renewal;

use std::sync::Arc;

use rustls::{ServerConfig, crypto::CryptoProvider};

pub use fault::PairFault;
pub(crate) use own_listener::own_listener;
pub use pair::{Pair, PairFiles};
pub(crate) use renewal::{Certificates, NEAR_END, Renewal};

/// The provider of cryptography, which tokens and the connections to databases and relays use as well.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// TLS 1.2 and 1.3 with the suites of the library, all of them with forward secrecy and authenticated encryption; no client
/// certificates and no early data. HTTP/1.1 is the one protocol that is offered, which the HTTP library adds by itself.
pub(crate) fn listener(certificates: Arc<Certificates>) -> Result<ServerConfig, rustls::Error> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let config = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
    Ok(config.with_no_client_auth().with_cert_resolver(certificates))
}
