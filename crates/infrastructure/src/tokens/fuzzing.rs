//! What fuzzers call: the readers of tokens and key files, each with what must hold whatever they are given. Built for
//! tests and fuzzers alone; the fuzz targets stand in `fuzz/`.

#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzzer is told what is wrong")]

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::{
    domain::{PersonalTokenId, Timestamp, UserId},
    ports::{Expiry, PersonalTokenClaim, PersonalTokenText, Tokens},
};

use uuid::Uuid;

use super::{
    AccessBody, Body, Header, JwtOptions, JwtTokens, Key, KeyRing, LegacyOptions, Parts, RefreshBody, Secret,
    compact,
};

const SECRET: &[u8] = b"the secret of the fuzzers, 32 bytes and more";
const FIELD_SECRET: &[u8] = b"the secret of the backend before";
/// In the year 2026.
const NOW: i64 = 1_790_000_000;
const DAY: Duration = Duration::from_hours(24);

/// Bytes that claim to be a token: no forger gets in, and what has a shape has one spelling.
pub fn token(raw: &[u8]) {
    let (Ok(text), Some(tokens), Some(now)) = (std::str::from_utf8(raw), tokens(), now()) else { return };
    for expiry in [Expiry::Enforced, Expiry::Ignored] {
        assert!(tokens.verify_access(text, now, expiry).is_err(), "a forged access token");
        assert!(tokens.verify_refresh(text, now, expiry).is_err(), "a forged refresh token");
    }
    assert!(tokens.verify_legacy(text, now).is_err(), "a forged token of the FastAPI backend");
    let Ok(parts) = Parts::read(text) else { return };
    let spelt = |part: &str| URL_SAFE_NO_PAD.decode(part).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    assert!(text.split('.').all(|part| !part.is_empty() && spelt(part).as_deref() == Ok(part)), "{text:?}");
    assert_eq!(text.split('.').count(), 3, "{text:?}");
    assert_eq!(
        compact::signed(text.rsplit_once('.').map_or("", |it| it.0).to_owned(), &parts.signature),
        text
    );
    let _ = parts.header::<Header>();
}

/// Bytes under a true signature, as a header and claims with a line feed between them: whatever is accepted is what we
/// would have written, up to blanks and the order of members.
pub fn signed_token(raw: &[u8]) {
    let (Some(tokens), Some(now)) = (tokens(), now()) else { return };
    let at = raw.iter().position(|byte| *byte == b'\n').unwrap_or(raw.len());
    let (header, claims) = (&raw[..at], raw.get(at + 1..).unwrap_or_default());
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = tokens.keys.current();
    let Ok(signature) = key.sign(message.as_bytes()) else { return };
    let text = compact::signed(message, &signature);
    if tokens.verify_access(&text, now, Expiry::Ignored).is_ok() {
        is_ours::<AccessBody>(key, header, claims);
    }
    if tokens.verify_refresh(&text, now, Expiry::Ignored).is_ok() {
        is_ours::<RefreshBody>(key, header, claims);
    }
    assert!(tokens.verify_legacy(&text, now).is_err(), "our key signed for the FastAPI backend");
}

/// Bytes that claim to be a personal access token: no other kind of token has its form, and what has it has one spelling. The
/// same bytes as what a token consists of.
pub fn personal_token(raw: &[u8]) {
    if let (Ok(text), Some(tokens), Some(now)) = (std::str::from_utf8(raw), tokens(), now())
        && PersonalTokenText::open(text).is_some()
    {
        assert!(text.starts_with("hfp_") && text.len() == 96, "{text:?}");
        let letters = text.get(4..).unwrap_or_default();
        let spelt = URL_SAFE_NO_PAD.decode(letters).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(spelt.as_deref(), Ok(letters));
        assert!(tokens.verify_access(text, now, Expiry::Ignored).is_err(), "{text:?}");
    }
    let Some((ids, rest)) = raw.split_at_checked(32) else { return };
    let (Ok(owner), Ok(id)) = (Uuid::from_slice(&ids[..16]), Uuid::from_slice(&ids[16..])) else { return };
    let Some(secret) = rest.first_chunk() else { return };
    let (owner, id) = (UserId::new(owner), PersonalTokenId::new(id));
    let (text, hash) = PersonalTokenText::seal(owner, id, secret);
    let opened = PersonalTokenText::open(text.expose());
    assert_eq!(opened, Some(PersonalTokenClaim { owner, id, hash }), "it is not opened as it was sealed");
}

/// Bytes that claim to be a key file.
pub fn key_file(raw: &[u8]) {
    let Ok((key, _)) = Key::from_pem(raw) else { return };
    let again = key.public_pem().map(|pem| Key::from_pem(pem.as_bytes()).map(|(key, _)| key.id().to_owned()));
    assert!(again.is_some_and(|id| id.is_ok_and(|id| id == key.id())), "the public half has another name");
}

/// Reading what was accepted and writing it again gives the same members with the same values.
fn is_ours<B: Body + serde::Serialize + serde::de::DeserializeOwned>(
    key: &Key,
    header: &[u8],
    claims: &[u8],
) {
    let value = |raw: &[u8]| serde_json::from_slice::<serde_json::Value>(raw).ok();
    let read: Option<B> = serde_json::from_slice(claims).ok();
    assert_eq!(read.and_then(|body| serde_json::to_value(body).ok()), value(claims));
    let ours = serde_json::json!({ "alg": key.algorithm_name(), "kid": key.id(), "typ": B::TYPE });
    assert_eq!(value(header), Some(ours));
}

fn now() -> Option<Timestamp> {
    Timestamp::from_seconds(NOW).ok()
}

fn tokens() -> Option<JwtTokens> {
    let current = Key::hs256(&Secret::new(SECRET.to_vec())).ok()?;
    let legacy = LegacyOptions {
        secret: Secret::new(FIELD_SECRET.to_vec()),
        until: now()?.plus(DAY.saturating_mul(365)),
    };
    JwtTokens::new(JwtOptions {
        issuer: "holdfast".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::new(current), Vec::new()).ok()?,
        longest_access: DAY,
        longest_refresh: DAY.saturating_mul(30),
        legacy: Some(legacy),
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use holdfast_application::{domain::users::Role, ports::AccessClaims};
    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::tokens::{PairAlgorithm, pairs};

    /// A good token's header and claims, one a line.
    fn good(typ: &str) -> Vec<u8> {
        let tokens = tokens().unwrap();
        let id = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
        let shared = format!(
            r#""iss":"holdfast","aud":"holdfast","sub":"{id}","sid":"{id}","jti":"{id}","iat":{NOW},"exp":{}"#,
            NOW + 900
        );
        let own = format!(r#","user_id":"{id}","email":"a@b","name":null,"role":"user""#);
        let claims = if typ == "at+jwt" { shared + &own } else { shared };
        let kid = tokens.keys.current().id().to_owned();
        format!("{{\"alg\":\"HS256\",\"kid\":\"{kid}\",\"typ\":\"{typ}\"}}\n{{{claims}}}").into_bytes()
    }

    fn access() -> String {
        let id = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
        let claims = AccessClaims {
            user: id.parse().unwrap(),
            session: id.parse().unwrap(),
            id: id.parse().unwrap(),
            email: "a@b".to_owned(),
            name: None,
            role: Role::User,
            issued_at: now().unwrap(),
            expires_at: now().unwrap().plus(Duration::from_mins(15)),
        };
        tokens().unwrap().sign_access(&claims).unwrap()
    }

    /// Some bytes overwritten, inserted or taken out.
    fn edited(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
        let edit = (any::<Index>(), any::<u8>(), 0..3_u8);
        prop::collection::vec(edit, 1..4).prop_map(move |edits| {
            let mut bytes = good.clone();
            for (place, byte, kind) in edits {
                let place = place.index(bytes.len());
                match kind {
                    0 => bytes[place] = byte,
                    1 => bytes.insert(place, byte),
                    _ => drop(bytes.remove(place)),
                }
            }
            bytes
        })
    }

    #[test]
    fn what_the_fuzzers_start_from_is_good() {
        let tokens = tokens().unwrap();
        assert!(tokens.verify_access(&access(), now().unwrap(), Expiry::Enforced).is_ok());
        for typ in ["at+jwt", "rt+jwt"] {
            signed_token(&good(typ));
        }
        for algorithm in PairAlgorithm::ALL {
            key_file(pairs::generate(algorithm).unwrap().as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_as_a_token(raw in prop::collection::vec(any::<u8>(), 0..300), text in "[A-Za-z0-9_.=-]{0,200}") {
            token(&raw);
            token(text.as_bytes());
            personal_token(&raw);
            personal_token(format!("hfp_{text}").as_bytes());
        }

        #[test]
        fn any_bytes_under_a_true_signature(raw in prop::collection::vec(any::<u8>(), 0..300)) {
            signed_token(&raw);
        }

        #[test]
        fn edits_of_a_good_token(access in edited(good("at+jwt")), refresh in edited(good("rt+jwt"))) {
            signed_token(&access);
            signed_token(&refresh);
        }

        #[test]
        fn any_bytes_as_a_key_file(raw in prop::collection::vec(any::<u8>(), 0..300)) {
            key_file(&raw);
            let armoured = pem::armoured(&raw);
            key_file(armoured.as_bytes());
        }
    }

    mod pem {
        use base64::{Engine, engine::general_purpose::STANDARD};

        pub(super) fn armoured(der: &[u8]) -> String {
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
        }
    }

    #[test]
    fn edits_of_a_key_file() {
        let good = pairs::generate(PairAlgorithm::EdDsa).unwrap();
        let (key, _) = Key::from_pem(good.as_bytes()).unwrap();
        for text in [good.as_str(), &key.public_pem().unwrap()] {
            let mut runner = proptest::test_runner::TestRunner::default();
            runner
                .run(&edited(text.as_bytes().to_vec()), |raw| {
                    key_file(&raw);
                    Ok(())
                })
                .unwrap();
        }
    }
}
