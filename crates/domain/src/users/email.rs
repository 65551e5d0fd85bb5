//! E-mail addresses, as far as an address can be judged without sending to it.

use crate::text;

/// The most bytes of an address (RFC 5321 §4.5.3.1.3, less the angle brackets).
const ADDRESS_LIMIT: usize = 254;
/// The most bytes before the `@` (RFC 5321 §4.5.3.1.1).
const LOCAL_PART_LIMIT: usize = 64;

/// An e-mail address as its owner typed it. Two spellings that differ in case alone name the same account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// The text cannot be an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as name@example.com, at most 254 bytes long")]
pub struct InvalidEmail;

impl Email {
    /// Judges a new address. The local part may hold anything that needs no quoting, in any script (RFC 6531); the
    /// domain needs no dot, since intranets have hosts without one.
    pub fn new(raw: String) -> Result<Self, InvalidEmail> {
        let (local, domain) = raw.rsplit_once('@').ok_or(InvalidEmail)?;
        let valid = raw.len() <= ADDRESS_LIMIT && is_local_part(local) && is_domain(domain);
        if valid { Ok(Self(raw)) } else { Err(InvalidEmail) }
    }

    /// An address that is stored already: adopted accounts may hold any text.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The spelling under which accounts are compared: Unicode lower case.
    pub fn folded(&self) -> String {
        text::fold(&self.0)
    }

    /// What stands before the last `@`; all of it where an adopted address has none.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(self.0.as_str(), |(local, _)| local)
    }
}

fn is_local_part(local: &str) -> bool {
    const SPECIALS: &str = "()<>[]:;@\\,\"";
    !local.is_empty()
        && local.len() <= LOCAL_PART_LIMIT
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || SPECIALS.contains(c))
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    domain.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_and_international_addresses_are_kept_as_typed() {
        for address in ["Ada@Example.com", "a+b@x.io", "用户@例え.jp", "o'hara@host", "x@1.2.3.4"] {
            assert_eq!(Email::new(address.to_owned()).unwrap().as_str(), address);
        }
    }

    #[test]
    fn texts_that_cannot_be_addresses_are_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.com", "b.".repeat(130));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b c",
            "a@b..c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@-b",
            "a@b_c",
            "a\0@b",
            "<a@b>",
            "a@b\n",
            &long_local,
            &long,
        ] {
            assert_eq!(Email::new(text.to_owned()), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn case_does_not_tell_accounts_apart() {
        let email = |text: &str| Email::new(text.to_owned()).unwrap();
        assert_eq!(email("ÄDA@Example.COM").folded(), "äda@example.com");
        assert_eq!(email("ada@example.com").local_part(), "ada");
    }
}
