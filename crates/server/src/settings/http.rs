//! What the HTTP listener needs: address, allowed origins, proxies, the public address, draining.
//! What the middleware does with them is the web crate's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use url::Url;
use validator::Validate;

use super::describe::{Effective, list};
use super::fault::quoted;
use super::reader::Reader;

/// The listener and what stands before it.
#[derive(Debug, Clone, Validate)]
pub struct HttpSettings {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 is any free one.
    pub port: u16,
    /// Origins as browsers write them: lower case, without a default port.
    pub allowed_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The address that clients use.
    pub public_url: Option<Url>,
    /// Seconds, 0–60.
    #[validate(range(max = 60, code = "DRAIN_DELAY"))]
    pub drain_delay_seconds: u32,
    /// Whether writes of existing tasks on the canonical surface must bring `If-Match`.
    pub require_if_match: bool,
}

impl HttpSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let section = Self {
            host: reader.parse("HOST", host).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: reader.number("PORT"),
            allowed_origins: origins(reader),
            trusted_proxies: proxies(reader),
            public_url: reader.parse("PUBLIC_URL", public_url),
            drain_delay_seconds: reader.seconds("DRAIN_DELAY"),
            require_if_match: reader.boolean("REQUIRE_IF_MATCH"),
        };
        reader.check(&section);
        section
    }

    /// How long the listener still accepts after SIGTERM.
    pub fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay_seconds.into())
    }

    pub(super) fn effective(&self) -> Effective {
        let Self {
            host,
            port,
            allowed_origins,
            trusted_proxies,
            public_url,
            drain_delay_seconds,
            require_if_match,
        } = self;
        vec![
            ("HOST", Some(host.to_string())),
            ("PORT", Some(port.to_string())),
            ("ALLOWED_ORIGINS", list(allowed_origins)),
            ("TRUSTED_PROXIES", list(trusted_proxies)),
            ("PUBLIC_URL", public_url.as_ref().map(Url::to_string)),
            ("DRAIN_DELAY", Some(drain_delay_seconds.to_string())),
            ("REQUIRE_IF_MATCH", Some(require_if_match.to_string())),
        ]
    }
}

fn host(text: &str) -> Result<IpAddr, String> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().map_err(|_| {
        if has_port(text) {
            format!("{} holds a port, which belongs in PORT", quoted(text))
        } else {
            format!("{} is not an IP address", quoted(text))
        }
    })
}

/// Tells `127.0.0.1:80` from other wrong addresses.
fn has_port(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok() || text.to_ascii_lowercase().starts_with("localhost:")
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

fn origins(reader: &mut Reader) -> Vec<String> {
    const NAME: &str = "ALLOWED_ORIGINS";
    let text = reader.text(NAME);
    let mut origins = Vec::new();
    for entry in entries(&text) {
        match origin(entry) {
            Ok(origin) if origins.contains(&origin) => {}
            Ok(origin) => origins.push(origin),
            Err(problem) => reader.fault(NAME, format!("{} {problem}", shown(entry))),
        }
    }
    if entries(&text).next().is_none() {
        reader.fault(NAME, "lists no origin");
    }
    origins
}

/// What follows `@` in an address comes after a user and a password, so such a text is not shown.
fn shown(entry: &str) -> String {
    if entry.contains('@') { "an entry with an @ in it".to_owned() } else { quoted(entry) }
}

/// An origin as a browser sends it (RFC 6454 §6.1).
fn origin(entry: &str) -> Result<String, &'static str> {
    if entry == "*" {
        return Err("would let every site act for a signed-in user");
    }
    let Some((scheme, rest)) = entry.split_once("://") else { return Err("has no scheme://") };
    if rest.contains('@') {
        return Err("names a user");
    }
    if let Some((authority, path)) = rest.split_once('/') {
        let slash_alone = path.is_empty() && !authority.is_empty();
        return Err(if slash_alone { "ends in a slash, which no origin does" } else { "has a path" });
    }
    if rest.contains(['?', '#', '\\', '*', ' ', '"', '\'', ']']) && !rest.starts_with('[') {
        return Err("has something after or in the host that is no host or port");
    }
    let url = Url::parse(entry).map_err(|_| "is not a valid scheme://host[:port]")?;
    let (Some(host), true) =
        (url.host_str().filter(|host| !host.is_empty()), url.scheme().eq_ignore_ascii_case(scheme))
    else {
        return Err("has no host");
    };
    if rest.ends_with(':') || url.query().is_some() || url.fragment().is_some() {
        return Err("has something after the host that is no port");
    }
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{}://{}{port}", url.scheme(), host.to_ascii_lowercase()))
}

fn proxies(reader: &mut Reader) -> Vec<IpNet> {
    const NAME: &str = "TRUSTED_PROXIES";
    let text = reader.text(NAME);
    let mut networks = Vec::new();
    for entry in entries(&text) {
        let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => networks.push(canonical(network).trunc()),
            Err(_) => {
                reader.fault(NAME, format!("{} is neither an IP address nor a CIDR network", quoted(entry)));
            }
        }
    }
    if networks.iter().any(|network| network.prefix_len() == 0) {
        reader.warn(NAME, "trusts every address, so any client can forge its own in X-Forwarded-For");
    }
    networks
}

/// Clients over IPv4 are compared as such, also where the listener sees them as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let bits = network.prefix_len().checked_sub(MAPPED_BITS);
    let v4 = match network.addr() {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => address.to_ipv4_mapped(),
    };
    v4.zip(bits).and_then(|(address, bits)| IpNet::new(address.into(), bits).ok()).unwrap_or(network)
}

fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not an absolute URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") || !text.contains("://") {
        return Err(format!("has the scheme {}", quoted(url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("names a user or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    Ok(url)
}
