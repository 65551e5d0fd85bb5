//! Where operators look: the address of metrics and effective settings. What is shown there is `crate::operations`'.

use std::net::{Ipv4Addr, SocketAddr};

use super::describe::Effective;
use super::fault::quoted;
use super::http::HttpSettings;
use super::reader::Reader;
use super::strictness::Strictness;

const ADDRESS: &str = "OPS_ADDRESS";

/// Where metrics and effective settings are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationsPlace {
    /// On a listener of their own, and nowhere else; port 0 is any free one.
    Own(SocketAddr),
    /// Beside the API, for developers.
    Main,
    /// Not at all.
    Nowhere,
}

/// Operations.
#[derive(Debug, Clone)]
pub struct OperationsSettings {
    /// Where they are served.
    pub place: OperationsPlace,
}

impl OperationsSettings {
    pub(super) fn read(reader: &mut Reader, http: &HttpSettings, strictness: &Strictness) -> Self {
        let place = match (reader.parse(ADDRESS, address), strictness) {
            (Some(address), _) => OperationsPlace::Own(address),
            (None, Strictness::Local) => OperationsPlace::Main,
            (None, Strictness::Exposed { because: _ } | Strictness::Strict(_)) => OperationsPlace::Nowhere,
        };
        match place {
            OperationsPlace::Own(address) if is_taken(address, SocketAddr::new(http.host, http.port)) => {
                reader.fault(ADDRESS, "is the address of the API, HOST and PORT");
            }
            OperationsPlace::Nowhere if reader.set(ADDRESS).is_none() => reader.warn(
                ADDRESS,
                "is not set: neither /metrics nor /health/config is served. Set it to an address that only your \
                 monitoring reaches, as 127.0.0.1:9464",
            ),
            OperationsPlace::Own(_) | OperationsPlace::Main | OperationsPlace::Nowhere => {}
        }
        Self { place }
    }

    pub(super) fn effective(&self) -> Effective {
        let address = match self.place {
            OperationsPlace::Own(address) => Some(address.to_string()),
            OperationsPlace::Main | OperationsPlace::Nowhere => None,
        };
        vec![(ADDRESS, address)]
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    if let Some((name, port)) = text.rsplit_once(':')
        && name.eq_ignore_ascii_case("localhost")
        && let Ok(port) = port.parse()
    {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    text.parse().map_err(|_| format!("{} is not an IP address with a port", quoted(text)))
}
/// Whether nobody can listen on the first while somebody listens on the second. An unspecified address is every address.
fn is_taken(address: SocketAddr, by: SocketAddr) -> bool {
    let overlaps = address.ip() == by.ip() || address.ip().is_unspecified() || by.ip().is_unspecified();
    overlaps && address.port() == by.port() && address.port() != 0
}
