//! The text of a personal access token, and what the use cases need from the storage of what proves one.

use std::fmt;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_domain::{PersonalTokenId, Timestamp, UserId, personal_tokens::PersonalToken, users::User};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{StoreError, TokenHash};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 5;
/// What the checksum is made of.
const BODY_BYTES: usize = 2 * ID_BYTES + SECRET_BYTES;
const BYTES: usize = BODY_BYTES + CHECKSUM_BYTES;
/// How many letters of base64url show nothing but the token's own id.
const SHOWN_LETTERS: usize = 16;

/// A personal access token as its holder sends it: `hfp_` and 92 letters of base64url, which are the ids of the token and of
/// its account, 256 random bits, and the first five bytes of the SHA-256 of all these. It is never printed and never stored.
///
/// The prefix tells it from every other token and from chance, and the checksum tells one that was cut or mistyped from one
/// that was revoked, to whoever scans for secrets and to us, without a look into any database.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalTokenText(String);

/// What a text says that has the form of a token. Whether there is such a token is the store's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalTokenClaim {
    /// The account that it names.
    pub owner: UserId,
    /// The token that it names.
    pub id: PersonalTokenId,
    /// The SHA-256 of its secret.
    pub hash: TokenHash,
}

impl PersonalTokenText {
    /// How every token begins, and nothing else that is sent as one.
    pub const PREFIX: &str = "hfp_";

    /// The token with this secret, and what is stored of it.
    pub fn seal(owner: UserId, id: PersonalTokenId, secret: &[u8; SECRET_BYTES]) -> (Self, TokenHash) {
        // The token's id goes first: what is shown of a token to know it by would else be the same for all of an account.
        let mut bytes = [id.uuid().as_bytes(), owner.uuid().as_bytes(), secret.as_slice()].concat();
        bytes.extend(checksum(&bytes));
        (Self(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(bytes))), hash(secret))
    }

    /// Whether the text is meant as a personal access token, whole or not.
    pub fn is_meant_by(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    /// What a text claims; nothing for one that is no token, by its form or its checksum.
    pub fn open(text: &str) -> Option<PersonalTokenClaim> {
        let letters = text.strip_prefix(Self::PREFIX)?;
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(letters, &mut bytes).ok()?;
        let (body, sum) = bytes.split_at(BODY_BYTES);
        if length != BYTES || checksum(body).as_slice() != sum {
            return None;
        }
        let (ids, secret) = body.split_at(2 * ID_BYTES);
        let (id, owner) = ids.split_at(ID_BYTES);
        Some(PersonalTokenClaim {
            owner: UserId::new(Uuid::from_slice(owner).ok()?),
            id: PersonalTokenId::new(Uuid::from_slice(id).ok()?),
            hash: hash(secret),
        })
    }

    /// How the text of the token with this id begins, for its owner to know it by. It is made of the id alone.
    pub fn beginning(id: PersonalTokenId) -> String {
        let letters = URL_SAFE_NO_PAD.encode(id.uuid().as_bytes());
        format!("{}{}", Self::PREFIX, letters.get(..SHOWN_LETTERS).unwrap_or_default())
    }

    /// The text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonalTokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalTokenText(redacted)")
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    sum.iter_mut().zip(Sha256::digest(body)).for_each(|(to, from)| *to = from);
    sum
}

fn hash(secret: &[u8]) -> TokenHash {
    TokenHash(Sha256::digest(secret).into())
}

/// A token as it is looked at when it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalTokenBearer {
    /// The token, live or not.
    pub token: PersonalToken,
    /// What proves it.
    pub hash: TokenHash,
    /// The account that it acts for, as it is now.
    pub user: User,
}

/// Personal access tokens, always of one account, apart from [`PersonalTokenRepository::sweep`]. One that is revoked is
/// gone.
///
/// - No other call MUST ever read or write a token of another account than the one it names.
/// - Every field MUST come back as it went in, times to the microsecond.
/// - A token MUST go with its owner's account.
#[async_trait]
pub trait PersonalTokenRepository: Send + Sync {
    /// Adds a token. An owner without an account MUST be `OwnerMissing`, an id that the owner has already `Duplicate`.
    async fn insert(&self, token: &PersonalToken, hash: TokenHash) -> Result<(), StoreError>;

    /// The token, live or not, what proves it, and its account.
    ///
    /// - It MUST see what was committed before the call, by any instance: a token that was revoked is good for nothing from
    ///   then on.
    async fn bearer(
        &self,
        owner: UserId,
        id: PersonalTokenId,
    ) -> Result<Option<PersonalTokenBearer>, StoreError>;

    /// All tokens of the account, live or not.
    ///
    /// - The newest MUST come first; ties MUST go by id, the larger first.
    async fn list(&self, owner: UserId) -> Result<Vec<PersonalToken>, StoreError>;

    /// Notes a use at `at`, unless one was noted after `unless_after`.
    ///
    /// - Of any number of callers at the same moment, exactly one MUST note it.
    /// - An earlier use MUST NOT take the place of a later one.
    async fn record_use(
        &self,
        owner: UserId,
        id: PersonalTokenId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes the token. False when there was none.
    async fn delete(&self, owner: UserId, id: PersonalTokenId) -> Result<bool, StoreError>;

    /// Removes all tokens of the account; answers how many.
    async fn delete_all(&self, owner: UserId) -> Result<u64, StoreError>;

    /// Removes tokens that are over at `at`, `limit` at most; answers how many.
    ///
    /// - One that is not over at `at` MUST stay.
    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: [u8; SECRET_BYTES] = [0xa7; SECRET_BYTES];

    fn ids() -> (UserId, PersonalTokenId) {
        let uuid = |n: u128| Uuid::from_u128(0x0190_c42e_7f3a_7cc1_9b6a_0123_4567_0000 + n);
        (UserId::new(uuid(1)), PersonalTokenId::new(uuid(2)))
    }

    fn sealed() -> (String, TokenHash) {
        let (owner, id) = ids();
        let (text, hash) = PersonalTokenText::seal(owner, id, &SECRET);
        (text.expose().to_owned(), hash)
    }

    #[test]
    fn a_token_names_its_account_and_itself_and_proves_both() {
        let (text, hash) = sealed();
        let (owner, id) = ids();
        assert_eq!(text.len(), 96);
        assert_eq!(PersonalTokenText::open(&text), Some(PersonalTokenClaim { owner, id, hash }));
        let (other, _) = PersonalTokenText::seal(owner, id, &[0xa8; SECRET_BYTES]);
        assert_ne!(PersonalTokenText::open(other.expose()).map(|claim| claim.hash), Some(hash));
        assert!(!format!("{other:?}").contains(other.expose()));
    }

    #[test]
    fn the_beginning_is_known_without_the_secret_and_holds_nothing_of_it() {
        let (text, _) = sealed();
        let (owner, id) = ids();
        let beginning = PersonalTokenText::beginning(id);
        assert!(text.starts_with(&beginning) && beginning.len() == 20, "{beginning}");
        let (other, _) = PersonalTokenText::seal(owner, id, &[0; SECRET_BYTES]);
        assert!(other.expose().starts_with(&beginning));
    }

    #[test]
    fn a_text_that_is_cut_longer_or_written_otherwise_is_no_token() {
        let (text, _) = sealed();
        let letters = text.strip_prefix("hfp_").unwrap();
        for wrong in [
            "",
            "hfp_",
            letters,
            &text[..95],
            &text[..4 + 86],
            &format!("{text}A"),
            &format!("{text}AAAA"),
            &format!("{text}="),
            &format!(" {text}"),
            &format!("{text}\n"),
            &format!("HFP_{letters}"),
            &format!("hfp-{letters}"),
            &format!("hfp_hfp_{letters}"),
            &format!("ghp_{letters}"),
            &format!("hfp_{}", letters.to_uppercase()),
            "hfp_ä",
        ] {
            assert_eq!(PersonalTokenText::open(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn no_letter_can_be_changed_and_no_two_swapped() {
        let (text, _) = sealed();
        for at in 4..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(PersonalTokenText::open(&changed), None, "letter {at}");
            let mut bytes = text.as_bytes().to_vec();
            bytes.swap(at - 1, at);
            let swapped = String::from_utf8(bytes).unwrap();
            assert_eq!(PersonalTokenText::open(&swapped).is_some(), swapped == text, "letters {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_opened_again(owner: u128, id: u128, secret: [u8; SECRET_BYTES]) {
            let (owner, id) = (UserId::new(Uuid::from_u128(owner)), PersonalTokenId::new(Uuid::from_u128(id)));
            let (text, hash) = PersonalTokenText::seal(owner, id, &secret);
            prop_assert_eq!(PersonalTokenText::open(text.expose()), Some(PersonalTokenClaim { owner, id, hash }));
            prop_assert!(text.expose().starts_with(&PersonalTokenText::beginning(id)));
            prop_assert!(!text.expose().contains(['.', '+', '/', '=']));
        }

        #[test]
        fn no_text_makes_the_reader_panic_and_chance_makes_no_token(text in "hfp_[A-Za-z0-9_-]{0,100}|.{0,120}") {
            prop_assert_eq!(PersonalTokenText::open(&text), None);
        }

        #[test]
        fn a_typing_error_is_no_token(at in 0..96_usize, letter in "[A-Za-z0-9_-]") {
            let (text, _) = sealed();
            let mut typed = text.clone();
            typed.replace_range(at..=at, &letter);
            prop_assert_eq!(PersonalTokenText::open(&typed).is_some(), typed == text);
        }
    }
}
