//! Whom attempts are counted for, and where they come from.

use std::fmt;

use uuid::{Builder, Uuid};

use crate::{UserId, sessions::Client};

/// An account, an address that no account has, or the second factor of an account. The first two are counted alike, so that
/// being throttled tells nobody which of them it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal(Uuid);

impl Principal {
    /// An account. Two adopted accounts whose addresses differ in case alone are two principals: the owner of one must not be
    /// able to clear what is counted against the other.
    pub const fn account(id: UserId) -> Self {
        Self(id.uuid())
    }

    /// An address that no account has, by a keyed digest of it: the address itself is never stored. It becomes a UUID of
    /// version 8 (RFC 9562 §5.8).
    pub const fn unknown(digest: [u8; 16]) -> Self {
        Self(Builder::from_custom_bytes(digest).into_uuid())
    }

    /// The second factor of an account: its codes are counted apart from its password, so that whoever does not know the
    /// password never reaches them. Bit by bit the opposite of the account's id, as a UUID of version 8.
    pub const fn second_factor(id: UserId) -> Self {
        Self(Builder::from_custom_bytes((!id.uuid().as_u128()).to_be_bytes()).into_uuid())
    }

    /// The UUID, for adapters.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({})", self.0)
    }
}

/// Where an attempt comes from: IPv4 /24 or IPv6 /48, as far as a session remembers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(String);

impl Network {
    /// Stands for all clients whose address is not known. No network is spelled like it.
    const UNNAMED: &str = "-";

    /// The network of a client.
    pub fn of(client: &Client) -> Self {
        Self(client.ip_prefix.clone().unwrap_or_else(|| Self::UNNAMED.to_owned()))
    }

    /// Its spelling: an address, a slash and the number of bits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_an_account_is_never_taken_for_an_account() {
        let digest = [0xff; 16];
        assert_eq!(Principal::unknown(digest).uuid().get_version_num(), 8);
        assert_ne!(Principal::unknown(digest), Principal::account(UserId::new(Uuid::from_bytes(digest))));
        assert_ne!(Principal::unknown(digest), Principal::unknown([0; 16]));
    }

    #[test]
    fn the_second_factor_of_an_account_is_counted_apart_from_everything_else() {
        let [ada, bob] =
            [7, 8].map(|n| UserId::new(Uuid::from_u128(0x0190_c42e_7f3a_7cc1_9b6a_0123_4567_8900 + n)));
        assert_eq!(Principal::second_factor(ada).uuid().get_version_num(), 8);
        assert_eq!(Principal::second_factor(ada), Principal::second_factor(ada));
        assert_ne!(Principal::second_factor(ada), Principal::account(ada));
        assert_ne!(Principal::second_factor(ada), Principal::second_factor(bob));
        // Counters are stored under it.
        assert_eq!(Principal::second_factor(ada).uuid().to_string(), "fe6f3bd1-80c5-833e-a495-fedcba9876f8");
    }

    #[test]
    fn clients_without_an_address_share_a_network_of_their_own() {
        let client = Client { ip_prefix: Some("192.0.2.0/24".to_owned()), ..Client::default() };
        assert_eq!(Network::of(&client).as_str(), "192.0.2.0/24");
        assert_eq!(Network::of(&Client::default()), Network::of(&Client::default()));
        assert_ne!(Network::of(&Client::default()), Network::of(&client));
    }
}
