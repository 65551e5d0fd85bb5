//! Keys as text (RFC 7468): one key a text, unencrypted, PKCS#8 or `SubjectPublicKeyInfo`. What the bytes mean is read in
//! `pairs`.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::KeyError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";
/// Characters in a line of base64 (RFC 7468 §2).
const LINE: usize = 64;

/// The DER inside a text.
pub(super) enum Document {
    /// PKCS#8.
    Private(Zeroizing<Vec<u8>>),
    /// `SubjectPublicKeyInfo`.
    Public(Vec<u8>),
}

/// Opens a text that holds exactly one key. Explanations before and after it are allowed.
pub(super) fn read(text: &[u8]) -> Result<Document, KeyError> {
    let text = std::str::from_utf8(text).map_err(|_| KeyError::NoPem)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(KeyError::NoPem)?;
    let (label, rest) = rest.split_once(DASHES).ok_or(KeyError::NoPem)?;
    let (body, rest) = rest.split_once(&format!("{END}{label}{DASHES}")).ok_or(KeyError::NoPem)?;
    if rest.contains(BEGIN) {
        return Err(KeyError::Several);
    }
    match label {
        PRIVATE => Ok(Document::Private(decode(body)?)),
        PUBLIC => Ok(Document::Public(decode(body)?.to_vec())),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        _ => Err(KeyError::OtherForm),
    }
}

fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // As large as it can become at once: growing would leave a copy behind.
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    base64.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    STANDARD.decode(base64.as_bytes()).map(Zeroizing::new).map_err(|_| KeyError::Damaged)
}

/// A private key as text.
pub(super) fn write_private(pkcs8: &[u8]) -> Zeroizing<String> {
    write(PRIVATE, pkcs8)
}

/// A public key as text.
pub(super) fn write_public(spki: &[u8]) -> String {
    write(PUBLIC, spki).to_string()
}

fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut body = Zeroizing::new(String::with_capacity(der.len() * 4 / 3 + 4));
    STANDARD.encode_string(der, &mut body);
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / LINE + 100));
    text.extend([BEGIN, label, DASHES, "\n"]);
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, further) = rest.split_at(LINE.min(rest.len()));
        text.push_str(line);
        text.push('\n');
        rest = further;
    }
    text.extend([END, label, DASHES, "\n"]);
    text
}
