//! What the use cases need from the storage of what proves links in mails.

use std::fmt;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_domain::{
    OneTimeTokenId, Timestamp, UserId,
    users::{Email, LinkPurpose},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{StoreError, TokenHash};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// The token in a link: the account's id and 256 random bits, as 64 letters of base64url. It is never printed and never
/// stored; it names the account, so that every look-up does.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkToken(String);

impl LinkToken {
    /// The token of this account with this secret, and what is stored of it.
    pub fn seal(owner: UserId, secret: &[u8; SECRET_BYTES]) -> (Self, TokenHash) {
        let bytes = [owner.uuid().as_bytes(), secret.as_slice()].concat();
        (Self(URL_SAFE_NO_PAD.encode(bytes)), hash(secret))
    }

    /// The account that a text names, and the hash that proves it; nothing for a text that is no token.
    pub fn open(text: &str) -> Option<(UserId, TokenHash)> {
        let mut bytes = [0; ID_BYTES + SECRET_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let (id, secret) = bytes.split_at(ID_BYTES);
        let whole = length == ID_BYTES + SECRET_BYTES;
        whole.then_some((UserId::new(Uuid::from_slice(id).ok()?), hash(secret)))
    }

    /// The text, for the link alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkToken(redacted)")
    }
}

fn hash(secret: &[u8]) -> TokenHash {
    TokenHash(Sha256::digest(secret).into())
}

/// What is stored of a link in a mail. The link itself cannot be made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// The account; never changes.
    pub owner: UserId,
    /// Unique together with `owner`.
    pub id: OneTimeTokenId,
    /// What it allows.
    pub purpose: LinkPurpose,
    /// The SHA-256 of its secret.
    pub hash: TokenHash,
    /// The address that it gives the account; only where that is its purpose.
    pub email: Option<Email>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is good for nothing.
    pub expires_at: Timestamp,
}

/// What may be told of a link that is good: everything but what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLink {
    /// What it allows.
    pub purpose: LinkPurpose,
    /// The address that it gives the account; only where that is its purpose.
    pub email: Option<Email>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is good for nothing.
    pub expires_at: Timestamp,
}

/// One-time tokens, always of one account. One is good from when it is made until it is redeemed, superseded, revoked, or over.
///
/// - No call MUST ever read or write what belongs to another account than the one it names;
///   [`OneTimeTokenRepository::sweep`] alone names none.
/// - Every field MUST come back as it went in, times to the microsecond.
#[async_trait]
pub trait OneTimeTokenRepository: Send + Sync {
    /// Adds a token. An owner without an account MUST be `OwnerMissing`.
    async fn insert(&self, token: &OneTimeToken) -> Result<(), StoreError>;

    /// When tokens of the account and purpose were made from `since` on, the earliest first, whatever became of them.
    async fn issued(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError>;

    /// The tokens of the account that are good at `at`, the earliest first.
    async fn pending(&self, owner: UserId, at: Timestamp) -> Result<Vec<PendingLink>, StoreError>;

    /// The token with this hash, if it is good at `at`.
    async fn find(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError>;

    /// The same, and uses it up.
    ///
    /// - Of any number of callers at the same moment, exactly one MUST get it.
    /// - It MUST change nothing and answer `None` when the token is not good at `at`, or has another purpose.
    async fn redeem(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError>;

    /// Makes every token of the account with this purpose good for nothing from now on, because a newer one takes their place.
    /// Which one is newer is thereby nobody's clock's to say: call it before the newer one is inserted, in the same unit of work,
    /// which holds the account.
    async fn supersede(&self, owner: UserId, purpose: LinkPurpose, at: Timestamp) -> Result<(), StoreError>;

    /// Makes every token of the account good for nothing from now on.
    async fn revoke_all(&self, owner: UserId, at: Timestamp) -> Result<(), StoreError>;

    /// Removes the tokens of the account that were over at `until`, and no other.
    async fn forget(&self, owner: UserId, until: Timestamp) -> Result<(), StoreError>;

    /// Removes tokens of all accounts that were over at `until`, `limit` at most; answers how many.
    ///
    /// - One that was not over at `until` MUST stay, used or not: it tells how much mail was sent.
    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; SECRET_BYTES] = [0xa7; SECRET_BYTES];

    fn owner() -> UserId {
        UserId::new(Uuid::from_u128(0x0190_c42e_7f3a_7cc1_9b6a_0123_4567_89ab))
    }

    #[test]
    fn a_token_names_its_account_and_proves_itself() {
        let (token, stored) = LinkToken::seal(owner(), &SECRET);
        assert_eq!(token.expose().len(), 64);
        assert_eq!(LinkToken::open(token.expose()), Some((owner(), stored)));
        let (_, other) = LinkToken::seal(owner(), &[0xa8; SECRET_BYTES]);
        assert_ne!(stored, other);
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn any_other_text_is_no_token() {
        let (token, stored) = LinkToken::seal(owner(), &SECRET);
        let text = token.expose();
        for wrong in ["", "a", &text[1..], &text[..60], &format!("{text}AAAA"), &format!("{text}="), "ä"] {
            assert_eq!(LinkToken::open(wrong), None, "{wrong}");
        }
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_ne!(LinkToken::open(&changed), Some((owner(), stored)), "letter {at}");
        }
    }
}
