//! The outer shape of a token: three base64url parts and a header (RFC 7515). Reads strictly, writes with one fixed
//! member order. Knows nothing of keys and of what the claims mean.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::ports::InvalidToken;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// More than any token of ours needs, less than what makes an attacker's token costly.
const LONGEST: usize = 8 * 1_024;

/// All that a header may hold. An unknown or duplicate member is refused, and with it every one that would change how
/// the token is to be understood (`crit`, `b64`, `zip`) or offer a key of the sender's (`jwk`, `jku`, `x5u`, `x5c`).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) typ: String,
}

/// A token taken apart. Nothing in it can be believed before its signature is verified.
pub(super) struct Parts<'a> {
    /// What the signature covers.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    header: Vec<u8>,
    claims: Vec<u8>,
}

impl<'a> Parts<'a> {
    /// Exactly three parts that are not empty, each base64url without padding and without stray bits at the end.
    pub(super) fn read(token: &'a str) -> Result<Self, InvalidToken> {
        if token.len() > LONGEST {
            return Err(InvalidToken);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(InvalidToken)?;
        let (header, claims) = message.split_once('.').ok_or(InvalidToken)?;
        // A fourth part would leave a full stop in the claims, which is no base64url.
        Ok(Self {
            message: message.as_bytes(),
            signature: decode(signature)?,
            header: decode(header)?,
            claims: decode(claims)?,
        })
    }

    /// As a [`Header`], or as that of another issuer.
    pub(super) fn header<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        object(&self.header)
    }

    /// Only to be asked for once the signature is verified.
    pub(super) fn claims<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        object(&self.claims)
    }
}

/// What is to be signed: header and claims, encoded.
pub(super) fn message(
    alg: &str,
    kid: &str,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, serde_json::Error> {
    let header = Header { alg: alg.to_owned(), kid: kid.to_owned(), typ: typ.to_owned() };
    let mut message = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
    message.push('.');
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut message);
    Ok(message)
}

/// The whole token.
pub(super) fn signed(mut message: String, signature: &[u8]) -> String {
    message.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut message);
    message
}

fn decode(part: &str) -> Result<Vec<u8>, InvalidToken> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| InvalidToken)?;
    if bytes.is_empty() { Err(InvalidToken) } else { Ok(bytes) }
}

/// serde would also read a struct from an array of its members, without their names.
fn object<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidToken> {
    if !json.starts_with(b"{") {
        return Err(InvalidToken);
    }
    serde_json::from_slice(json).map_err(|_| InvalidToken)
}
