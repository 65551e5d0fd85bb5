//! Where a request comes from. Only what a trusted proxy added to `X-Forwarded-For` is believed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::{HttpRequest, http::header::HeaderMap};
use holdfast_application::domain::{sessions::Client, text};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::limits;

/// Whether `address` belongs to a proxy of ours.
pub(crate) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    let address = address.to_canonical();
    trusted.iter().any(|network| network.contains(&address))
}

/// The right-most address that is no trusted proxy. The list is read only when the peer itself is trusted: what stands
/// further left was written by whoever sent it. An entry that is no address ends the search at the hop before it; one with
/// nothing in it is none, as in every list of HTTP (RFC 9110 §5.6.1).
pub(crate) fn client_address(
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let mut nearest = peer?.ip().to_canonical();
    let lines: Vec<&str> =
        headers.get_all("x-forwarded-for").map(|line| line.to_str().unwrap_or(UNREADABLE)).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    let mut hops = hops.filter(|hop| !hop.trim_matches([' ', '\t']).is_empty());
    while is_trusted(nearest, trusted) {
        let Some(hop) = hops.next().and_then(address) else { break };
        nearest = hop;
    }
    Some(nearest)
}

/// Stands for a line that is no text: no address is spelled like it.
const UNREADABLE: &str = "-";

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let parsed =
        bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|address| address.to_canonical())
}

/// What one bucket of the limiters belongs to: an IPv4 address, or an IPv6 /64, which is one subscriber.
pub(crate) fn throttle_key(address: Option<IpAddr>) -> IpNet {
    network(address.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), 32, 64)
}

fn network(address: IpAddr, v4_bits: u8, v6_bits: u8) -> IpNet {
    match address {
        IpAddr::V4(address) => IpNet::from(Ipv4Net::new_assert(address, v4_bits)).trunc(),
        IpAddr::V6(address) => IpNet::from(Ipv6Net::new_assert(address, v6_bits)).trunc(),
    }
}

/// What is remembered of the client at sign-in: its network and the beginning of its `User-Agent`.
pub(crate) fn client(request: &HttpRequest, trusted: &[IpNet]) -> Client {
    let address = client_address(request.peer_addr(), request.headers(), trusted);
    let user_agent = request
        .headers()
        .get("user-agent")
        .map(|value| text::prefix(&String::from_utf8_lossy(value.as_bytes()), limits::USER_AGENT).to_owned());
    Client {
        user_agent,
        ip_prefix: address.map(|address| network(address, 24, 48).to_string()),
        device: None,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn trusted() -> [IpNet; 2] {
        ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]
    }

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let name = HeaderName::from_static("x-forwarded-for");
            headers.append(name, HeaderValue::from_str(line).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        client_address(Some(peer), &headers, &trusted()).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(seen("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
    }

    #[test]
    fn only_x_forwarded_for_is_read() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("forwarded", "for=198.51.100.1;proto=https;by=203.0.113.43"),
            ("x-real-ip", "198.51.100.1"),
            ("x-client-ip", "198.51.100.1"),
            ("cf-connecting-ip", "198.51.100.1"),
            ("true-client-ip", "198.51.100.1"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        for peer in ["203.0.113.9:1", "10.0.0.1:1"] {
            let peer: SocketAddr = peer.parse().unwrap();
            assert_eq!(client_address(Some(peer), &headers, &trusted()), Some(peer.ip()));
        }
    }

    #[test]
    fn however_many_entries_there_are_the_right_most_stranger_counts() {
        let forged = vec!["198.51.100.1"; 1_000].join(", ");
        assert_eq!(seen("10.0.0.1", &[&format!("{forged}, 203.0.113.9")]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[&forged, "203.0.113.9", "10.0.0.2"]), "203.0.113.9");
        let lines = vec!["198.51.100.1"; 1_000];
        assert_eq!(seen("203.0.113.9", &lines), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &[lines.as_slice(), &["203.0.113.9"]].concat()), "203.0.113.9");
        let proxies = vec!["10.0.0.2"; 1_000].join(",");
        assert_eq!(seen("10.0.0.1", &[&proxies]), "10.0.0.2");
    }

    #[test]
    fn what_hides_an_address_or_is_none_counts_as_the_proxy_that_passed_it_on() {
        for hidden in [
            "unknown",
            "_hidden",
            "_sevkisek",
            "-",
            "localhost",
            "for=203.0.113.9",
            "203.0.113.256",
            "203.0.113",
            "0x7f.0.0.1",
            "203.0.113.9 ",
            "\"203.0.113.9\"",
            "[2001:db8::1",
            "2001:db8::1]:443",
            "2001:db8::1:443:80:1:2:3",
            "203.0.113.9:",
            "203.0.113.9:99999",
            "203.0.113.9/24",
            "::ffff:1.2.3.4.5",
        ] {
            let expected = if hidden.trim() == "203.0.113.9" { "203.0.113.9" } else { "10.0.0.2" };
            let line = format!("198.51.100.1, {hidden}, 10.0.0.2");
            assert_eq!(seen("10.0.0.1", &[&line]), expected, "{hidden:?}");
            let lines = ["198.51.100.1", hidden, "10.0.0.2"];
            assert_eq!(seen("10.0.0.1", &lines), expected, "{hidden:?}");
        }
        let mut headers = HeaderMap::new();
        let garbage = HeaderValue::from_bytes(b"198.51.100.1, \xff\xfe").unwrap();
        headers.append(HeaderName::from_static("x-forwarded-for"), garbage);
        let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
        assert_eq!(client_address(Some(peer), &headers, &trusted()), Some(peer.ip()));
    }

    #[test]
    fn an_entry_with_nothing_in_it_is_none() {
        for line in [
            "203.0.113.9,",
            "203.0.113.9, ",
            "203.0.113.9,,",
            " , 203.0.113.9 ,\t,",
            "198.51.100.1,,203.0.113.9,,10.0.0.2,",
            "198.51.100.1, 203.0.113.9, , 10.0.0.2",
        ] {
            assert_eq!(seen("10.0.0.1", &[line]), "203.0.113.9", "{line:?}");
            assert_eq!(seen("10.0.0.1", &[line, "", ",", " , "]), "203.0.113.9", "{line:?}");
        }
        for nothing in ["", ",", " ", ",,,", " , "] {
            assert_eq!(seen("10.0.0.1", &[nothing]), "10.0.0.1", "{nothing:?}");
            assert_eq!(
                seen("10.0.0.1", &["198.51.100.1", nothing, "10.0.0.2"]),
                "198.51.100.1",
                "{nothing:?}"
            );
        }
        assert_eq!(seen("203.0.113.9", &["198.51.100.1,"]), "203.0.113.9", "a stranger is not believed");
    }

    #[test]
    fn an_entry_that_is_no_address_ends_the_search() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn every_spelling_of_an_address_is_the_same() {
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(seen("fd00::1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(seen("fd00::1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &["[::ffff:203.0.113.9]:443"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1,\t2001:DB8:0:0::1 "]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, [::ffff:10.0.0.2]:8080"]), "203.0.113.9");
    }

    #[test]
    fn an_ipv6_subscriber_has_one_bucket() {
        let key = |text: &str| throttle_key(Some(text.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("203.0.113.9"), key("203.0.113.10"));
    }
}
