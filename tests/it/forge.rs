//! A forger who has everything: genuine tokens to start from and, where a case needs it, the true key, so that only the
//! named fault can be what refuses the token.

use std::time::SystemTime;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

/// The secret that signs our own tokens.
pub(crate) const SECRET: &str = "forgers-only-0f1e2d3c4b5a69788796a5b4c3d2e1f0-0123456789abcdefabcdef";
/// The secret of the FastAPI backend, which is another one.
pub(crate) const FIELD_SECRET: &str = "field-secret-7d1c55e0a4";
/// Settings in which both kinds of tokens are in use.
pub(crate) const BOTH_KINDS: [(&str, &str); 3] = [
    ("JWT_SECRET", SECRET),
    ("BETTER_AUTH_SECRET", FIELD_SECRET),
    ("LEGACY_TOKENS_UNTIL", "9999-12-31T23:59:59Z"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "the forger is outside of the program and has a clock of its own"
)]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

macro_rules! hmacs {
    ($($name:ident: $hash:ty),+ $(,)?) => {$(
        pub(crate) fn $name(key: &[u8], message: &str) -> Vec<u8> {
            let mut mac = Hmac::<$hash>::new_from_slice(key).unwrap();
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
    )+};
}

hmacs!(hs256: Sha256, hs384: Sha384, hs512: Sha512);

/// The members of a JSON object as they are written, so that anything at all can be written in their place.
#[derive(Debug, Clone)]
pub(crate) struct Members(Vec<(String, String)>);

impl Members {
    fn read(part: &str) -> Self {
        let json: Map<String, Value> =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        Self(json.into_iter().map(|(name, value)| (name, value.to_string())).collect())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The value as it is written.
    pub(crate) fn written(&self, name: &str) -> &str {
        &self.0.iter().find(|(known, _)| known == name).unwrap().1
    }

    /// With this in the place of the member's value, or as a new member.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike read best as they are")]
    pub(crate) fn with(&self, name: &str, written: impl ToString) -> Self {
        let mut members = self.without(name);
        members.0.push((name.to_owned(), written.to_string()));
        members
    }

    pub(crate) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(known, _)| known != name).cloned().collect())
    }

    /// With one more member, whether or not there is one of this name.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike read best as they are")]
    pub(crate) fn and(&self, name: &str, written: impl ToString) -> Self {
        let mut members = self.clone();
        members.0.push((name.to_owned(), written.to_string()));
        members
    }

    pub(crate) fn json(&self) -> String {
        let members: Vec<String> =
            self.0.iter().map(|(name, written)| format!(r#""{name}":{written}"#)).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A token that the server issued, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Genuine {
    pub(crate) text: String,
    pub(crate) header: Members,
    pub(crate) claims: Members,
}

impl Genuine {
    pub(crate) fn read(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        Self { text: token.to_owned(), header: Members::read(parts[0]), claims: Members::read(parts[1]) }
    }

    /// Header, claims and signature as they are encoded.
    pub(crate) fn parts(&self) -> [&str; 3] {
        let mut parts = self.text.split('.');
        [(); 3].map(|()| parts.next().unwrap())
    }

    pub(crate) fn kid(&self) -> String {
        self.header.written("kid").trim_matches('"').to_owned()
    }

    /// These claims under the genuine header and a true signature.
    pub(crate) fn claiming(&self, claims: &Members) -> String {
        self.claiming_text(claims.json())
    }

    pub(crate) fn claiming_text(&self, claims: impl AsRef<[u8]>) -> String {
        signed(format!("{}.{}", encode(self.header.json()), encode(claims)))
    }

    /// The genuine claims under this header and a true signature.
    pub(crate) fn headed(&self, header: &Members) -> String {
        self.headed_text(header.json())
    }

    pub(crate) fn headed_text(&self, header: impl AsRef<[u8]>) -> String {
        signed(self.message(header))
    }

    /// What is to be signed: the genuine claims under this header.
    pub(crate) fn message(&self, header: impl AsRef<[u8]>) -> String {
        format!("{}.{}", encode(header), encode(self.claims.json()))
    }

    /// The genuine header and claims under this key.
    pub(crate) fn under(&self, key: &[u8]) -> String {
        with_signature(self.message(self.header.json()), hs256, key)
    }
}

/// Under the true key.
pub(crate) fn signed(message: String) -> String {
    with_signature(message, hs256, SECRET.as_bytes())
}

pub(crate) fn with_signature(
    mut message: String,
    algorithm: fn(&[u8], &str) -> Vec<u8>,
    key: &[u8],
) -> String {
    let signature = encode(algorithm(key, &message));
    message.push('.');
    message.push_str(&signature);
    message
}
