//! Tokens that anybody can read and that only a checksum protects: enough to tell the kinds, keys and tampering apart.

use std::{
    fmt::Write,
    sync::{Mutex, PoisonError},
};

use holdfast_application::{
    domain::{SessionId, Timestamp, TokenId, UserId},
    ports::{
        AccessClaims, Expiry, InvalidToken, LegacyClaims, PublicKey, RefreshClaims, TokenHash, Tokens,
        TokensError,
    },
};

const ACCESS: &str = "at";
const REFRESH: &str = "rt";
const LEGACY: &str = "legacy";
/// The one key of the FastAPI backend.
const LEGACY_KEY: &str = "none";

/// Signs with the newest of its keys and verifies with all.
#[derive(Debug)]
pub struct PlainTokens {
    /// Oldest first; never empty.
    keys: Mutex<Vec<String>>,
    /// Until when tokens of the FastAPI backend are accepted.
    legacy_until: Mutex<Option<Timestamp>>,
    /// What it says that everybody may verify with; its own keys have no public half.
    public_keys: Mutex<Vec<PublicKey>>,
}

impl Default for PlainTokens {
    fn default() -> Self {
        Self {
            keys: Mutex::new(vec!["k1".to_owned()]),
            legacy_until: Mutex::default(),
            public_keys: Mutex::default(),
        }
    }
}

impl PlainTokens {
    /// Signs with `key_id` from now on; tokens of earlier keys stay good. The id holds no dot.
    pub fn rotate_key(&self, key_id: &str) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).push(key_id.to_owned());
    }

    /// Accepts tokens of the FastAPI backend until then; without this, none is.
    pub fn accept_legacy_until(&self, until: Timestamp) {
        *self.legacy_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Shows these as its public keys from now on.
    pub fn publish(&self, keys: Vec<PublicKey>) {
        *self.public_keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// A token as the FastAPI backend would have issued it; `nth` tells those of one account and expiry apart.
    pub fn legacy(user: UserId, nth: u8, expires_at: Timestamp) -> String {
        let payload = format!("{LEGACY}.{LEGACY_KEY}.{user}.{nth}.{}", expires_at.seconds());
        format!("{payload}.{:016x}", checksum(&payload))
    }

    fn knows(&self, key_id: &str) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|known| known == key_id)
    }

    fn seal(&self, kind: &str, key_id: &str, claims: &[String]) -> Result<String, TokensError> {
        if !self.knows(key_id) {
            return Err(TokensError::KeyMissing);
        }
        let payload = format!("{kind}.{key_id}.{}", claims.join("."));
        Ok(format!("{payload}.{:016x}", checksum(&payload)))
    }

    /// The claims of a token of this kind whose checksum holds.
    fn open<'a, const N: usize>(&self, kind: &str, token: &'a str) -> Option<[&'a str; N]> {
        let (key_id, claims) = unseal(kind, token)?;
        if self.knows(key_id) { Some(claims) } else { None }
    }
}

impl Tokens for PlainTokens {
    fn key_id(&self) -> String {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.last().expect("there is always a key").clone()
    }

    fn sign_access(&self, claims: &AccessClaims) -> Result<String, TokensError> {
        let AccessClaims { user, session, id, email, name, role, issued_at, expires_at } = claims;
        let claims = [
            user.to_string(),
            session.to_string(),
            id.to_string(),
            issued_at.seconds().to_string(),
            expires_at.seconds().to_string(),
            role.name().to_owned(),
            hex(email),
            name.as_ref().map_or_else(String::new, |name| format!("n{}", hex(name))),
        ];
        self.seal(ACCESS, &self.key_id(), &claims)
    }

    fn sign_refresh(&self, claims: &RefreshClaims, key_id: &str) -> Result<String, TokensError> {
        let RefreshClaims { user, session, id, issued_at, expires_at } = claims;
        let claims = [
            user.to_string(),
            session.to_string(),
            id.to_string(),
            issued_at.seconds().to_string(),
            expires_at.seconds().to_string(),
        ];
        self.seal(REFRESH, key_id, &claims)
    }

    fn verify_access(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<AccessClaims, InvalidToken> {
        let parse = || {
            let [user, session, id, issued_at, expires_at, role, email, name] = self.open(ACCESS, token)?;
            let common = common([user, session, id, issued_at, expires_at])?;
            let RefreshClaims { user, session, id, issued_at, expires_at } = common;
            let name = name.strip_prefix('n').map(unhex);
            let role = role.parse().ok()?;
            Some(AccessClaims { user, session, id, email: unhex(email), name, role, issued_at, expires_at })
        };
        parse().filter(|claims| good(claims.expires_at, now, expiry)).ok_or(InvalidToken)
    }

    fn verify_refresh(
        &self,
        token: &str,
        now: Timestamp,
        expiry: Expiry,
    ) -> Result<RefreshClaims, InvalidToken> {
        let claims = self.open(REFRESH, token).and_then(common);
        claims.filter(|claims| good(claims.expires_at, now, expiry)).ok_or(InvalidToken)
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        self.public_keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn verify_legacy(&self, token: &str, now: Timestamp) -> Result<LegacyClaims, InvalidToken> {
        let parse = || {
            let (_, [user, _, expires_at]) = unseal(LEGACY, token)?;
            let expires_at = Timestamp::from_seconds(expires_at.parse().ok()?).ok()?;
            Some(LegacyClaims { user: user.parse().ok()?, hash: legacy_hash(token), expires_at })
        };
        let until = *self.legacy_until.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = until.is_some_and(|until| now < until);
        parse().filter(|claims| accepted && now < claims.expires_at).ok_or(InvalidToken)
    }
}

/// The key and the claims of a token of this kind whose checksum holds.
fn unseal<'a, const N: usize>(kind: &str, token: &'a str) -> Option<(&'a str, [&'a str; N])> {
    let (payload, sum) = token.rsplit_once('.')?;
    if sum != format!("{:016x}", checksum(payload)) {
        return None;
    }
    let (key_id, claims) = payload.strip_prefix(kind)?.strip_prefix('.')?.split_once('.')?;
    let claims: Vec<&str> = claims.split('.').collect();
    Some((key_id, claims.try_into().ok()?))
}

/// No real digest, but different for different tokens.
fn legacy_hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&checksum(token).to_be_bytes());
    TokenHash(hash)
}

fn good(expires_at: Timestamp, now: Timestamp, expiry: Expiry) -> bool {
    expiry == Expiry::Ignored || now < expires_at
}

/// The claims that both kinds have.
fn common([user, session, id, issued_at, expires_at]: [&str; 5]) -> Option<RefreshClaims> {
    let time = |text: &str| Timestamp::from_seconds(text.parse().ok()?).ok();
    Some(RefreshClaims {
        user: user.parse::<UserId>().ok()?,
        session: session.parse::<SessionId>().ok()?,
        id: id.parse::<TokenId>().ok()?,
        issued_at: time(issued_at)?,
        expires_at: time(expires_at)?,
    })
}

/// FNV-1a. It keeps out mistakes, not people.
fn checksum(payload: &str) -> u64 {
    payload
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Text without dots.
fn hex(text: &str) -> String {
    let mut digits = String::new();
    for c in text.chars() {
        write!(digits, "{:06x}", u32::from(c)).expect("writing to a string cannot fail");
    }
    digits
}

fn unhex(text: &str) -> String {
    let code = |at| text.get(at..at + 6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    (0..text.len()).step_by(6).filter_map(code).filter_map(char::from_u32).collect()
}

#[cfg(test)]
mod tests {
    use holdfast_application::domain::users::Role;
    use uuid::Uuid;

    use super::*;
    use crate::fixtures::at;

    fn access() -> AccessClaims {
        AccessClaims {
            user: UserId::new(Uuid::from_u128(1)),
            session: SessionId::new(Uuid::from_u128(2)),
            id: TokenId::new(Uuid::from_u128(3)),
            email: "ä.b@example.com".into(),
            name: Some(String::new()),
            role: Role::Admin,
            issued_at: at(0),
            expires_at: at(60),
        }
    }

    fn refresh() -> RefreshClaims {
        let AccessClaims { user, session, id, issued_at, expires_at, .. } = access();
        RefreshClaims { user, session, id, issued_at, expires_at }
    }

    #[test]
    fn claims_come_back_from_their_own_kind_alone() {
        let tokens = PlainTokens::default();
        let token = tokens.sign_access(&access()).unwrap();
        assert_eq!(tokens.verify_access(&token, at(59), Expiry::Enforced), Ok(access()));
        assert_eq!(tokens.verify_refresh(&token, at(59), Expiry::Enforced), Err(InvalidToken));
        let token = tokens.sign_refresh(&refresh(), "k1").unwrap();
        assert_eq!(tokens.verify_refresh(&token, at(59), Expiry::Enforced), Ok(refresh()));
        assert_eq!(tokens.verify_access(&token, at(59), Expiry::Enforced), Err(InvalidToken));
    }

    #[test]
    fn legacy_tokens_count_while_they_are_accepted() {
        let (tokens, user) = (PlainTokens::default(), access().user);
        let token = PlainTokens::legacy(user, 0, at(60));
        assert_eq!(tokens.verify_legacy(&token, at(0)), Err(InvalidToken));
        tokens.accept_legacy_until(at(90));
        let claims = tokens.verify_legacy(&token, at(59)).unwrap();
        assert_eq!((claims.user, claims.expires_at), (user, at(60)));
        assert_eq!(tokens.verify_legacy(&token, at(60)), Err(InvalidToken));
        let long = PlainTokens::legacy(user, 0, at(1_000));
        assert!(tokens.verify_legacy(&long, at(89)).is_ok_and(|other| other.hash != claims.hash));
        assert_eq!(tokens.verify_legacy(&long, at(90)), Err(InvalidToken));
        assert_eq!(tokens.verify_access(&token, at(0), Expiry::Ignored), Err(InvalidToken));
        assert_eq!(tokens.verify_refresh(&token, at(0), Expiry::Ignored), Err(InvalidToken));
        let own = tokens.sign_access(&access()).unwrap();
        assert_eq!(tokens.verify_legacy(&own, at(0)), Err(InvalidToken));
    }

    #[test]
    fn expiry_counts_where_it_is_asked_for() {
        let tokens = PlainTokens::default();
        let token = tokens.sign_access(&access()).unwrap();
        assert_eq!(tokens.verify_access(&token, at(60), Expiry::Enforced), Err(InvalidToken));
        assert_eq!(tokens.verify_access(&token, at(60), Expiry::Ignored), Ok(access()));
    }

    #[test]
    fn any_other_text_is_no_token() {
        let tokens = PlainTokens::default();
        let token = tokens.sign_access(&access()).unwrap();
        for at_byte in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at_byte] = if bytes[at_byte] == b'0' { b'1' } else { b'0' };
            let tampered = String::from_utf8(bytes).unwrap();
            assert_eq!(tokens.verify_access(&tampered, at(0), Expiry::Ignored), Err(InvalidToken));
        }
        assert_eq!(tokens.verify_refresh("", at(0), Expiry::Ignored), Err(InvalidToken));
    }

    #[test]
    fn an_earlier_key_still_verifies_and_signs_by_name() {
        let tokens = PlainTokens::default();
        let before = tokens.sign_refresh(&refresh(), "k1").unwrap();
        tokens.rotate_key("k2");
        assert_eq!(tokens.key_id(), "k2");
        assert_eq!(tokens.verify_refresh(&before, at(0), Expiry::Enforced), Ok(refresh()));
        assert_eq!(tokens.sign_refresh(&refresh(), "k1").unwrap(), before);
        assert_ne!(tokens.sign_refresh(&refresh(), "k2").unwrap(), before);
        assert!(tokens.sign_refresh(&refresh(), "k3").is_err());
    }
}
