//! Keys one by one: the public test vectors, what a key file may hold, and that nothing secret leaves a key.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use holdfast_application::{
    domain::Timestamp,
    ports::{Expiry, InvalidToken, PublicParameters, Tokens, TokensError},
};
use holdfast_infrastructure::tokens::{
    JwtOptions, JwtTokens, Key, KeyError, KeyRing, PairAlgorithm, Secret, UnknownAlgorithm,
};
use holdfast_testkit::keys::{
    EC_P256, ED448, ED25519, ED25519_ENCRYPTED, ED25519_PUBLIC, OTHER_ED25519, OTHER_RSA, RSA, RSA_1024,
    RSA_1024_PUBLIC, RSA_2047, RSA_PKCS1, RSA_PSS, RSA_PUBLIC, RSA_RFC7638_PUBLIC,
};
use proptest::prelude::*;

/// RFC 7515 appendix A.1.
const HS256_KEY: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
const HS256_MESSAGE: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const HS256_SIGNATURE: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// RFC 7515 appendix A.2.
const RS256_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RS256_MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const RS256_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 8037 appendix A.2 and A.4.
const ED25519_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED25519_MESSAGE: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const ED25519_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn key(pem: &str) -> Key {
    Key::from_pem(pem.as_bytes()).unwrap().0
}

fn bytes(base64url: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(base64url).unwrap()
}

#[test]
fn the_signatures_of_the_rfcs_come_out_and_verify() {
    let secret = Key::hs256(&Secret::new(bytes(HS256_KEY))).unwrap();
    for (signing, verifying, message, signature) in [
        (&secret, &secret, HS256_MESSAGE, HS256_SIGNATURE),
        (&key(RSA), &key(RSA_PUBLIC), RS256_MESSAGE, RS256_SIGNATURE),
        (&key(ED25519), &key(ED25519_PUBLIC), ED25519_MESSAGE, ED25519_SIGNATURE),
    ] {
        let (message, signature) = (message.as_bytes(), bytes(signature));
        assert_eq!(signing.sign(message).unwrap(), signature, "{signing:?}");
        for key in [signing, verifying] {
            assert!(key.verifies(message, &signature), "{key:?}");
            assert!(!key.verifies(&message[1..], &signature), "{key:?}");
            for place in 0..signature.len() {
                let mut other = signature.clone();
                other[place] ^= 1;
                assert!(!key.verifies(message, &other), "{key:?}, byte {place}");
            }
            assert!(!key.verifies(message, &signature[1..].to_vec()), "{key:?}");
            assert!(!key.verifies(message, &[signature.as_slice(), &[0]].concat()), "{key:?}");
            assert!(!key.verifies(message, &Vec::new()), "{key:?}");
        }
    }
}

/// They are signed as they should be, and still no tokens of ours: none has a `kid`, and none our claims.
#[test]
fn the_tokens_of_the_rfcs_are_not_ours() {
    let secret = Arc::new(Key::hs256(&Secret::new(bytes(HS256_KEY))).unwrap());
    let others = vec![Arc::new(key(RSA)), Arc::new(key(ED25519))];
    let options = JwtOptions {
        issuer: "joe".to_owned(),
        audience: "joe".to_owned(),
        keys: KeyRing::new(secret, others).unwrap(),
        longest_access: Duration::from_hours(1),
        longest_refresh: Duration::from_hours(1),
        legacy: None,
    };
    let tokens = JwtTokens::new(options).unwrap();
    let now = Timestamp::from_seconds(1_300_819_000).unwrap();
    for (message, signature) in [
        (HS256_MESSAGE, HS256_SIGNATURE),
        (RS256_MESSAGE, RS256_SIGNATURE),
        (ED25519_MESSAGE, ED25519_SIGNATURE),
    ] {
        let token = format!("{message}.{signature}");
        assert_eq!(tokens.verify_access(&token, now, Expiry::Ignored), Err(InvalidToken));
        assert_eq!(tokens.verify_refresh(&token, now, Expiry::Ignored), Err(InvalidToken));
    }
}

#[test]
fn a_key_is_named_by_its_thumbprint() {
    // RFC 7638 section 3.1 and RFC 8037 appendix A.3.
    assert_eq!(key(RSA_RFC7638_PUBLIC).id(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(key(ED25519).id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    for (private, public) in [(ED25519, ED25519_PUBLIC), (RSA, RSA_PUBLIC)] {
        assert_eq!(key(private).id(), key(public).id());
        assert_eq!(key(private).public(), key(public).public());
        assert_eq!(key(private).public_pem().unwrap(), public);
        assert_eq!(key(public).public_pem().unwrap(), public);
    }
    let ids = [ED25519, OTHER_ED25519, RSA, OTHER_RSA].map(|pem| key(pem).id().to_owned());
    assert!(ids.iter().all(|id| id.len() == 43 && ids.iter().filter(|other| *other == id).count() == 1));
}

#[test]
fn a_public_key_shows_the_numbers_of_its_jwk() {
    let shown = |pem: &str| key(pem).public().unwrap().parameters.clone();
    assert_eq!(shown(ED25519), PublicParameters::Ed25519 { x: ED25519_X.to_owned() });
    let (n, e) = (RS256_MODULUS.to_owned(), "AQAB".to_owned());
    assert_eq!(shown(RSA), PublicParameters::Rsa { n, e });
    let secret = Key::hs256(&Secret::new(bytes(HS256_KEY))).unwrap();
    assert_eq!((secret.public(), secret.public_pem()), (None, None));
}

#[test]
fn the_file_fixes_the_algorithm() {
    for (pem, algorithm, signs) in [
        (ED25519, PairAlgorithm::EdDsa, true),
        (ED25519_PUBLIC, PairAlgorithm::EdDsa, false),
        (RSA, PairAlgorithm::Rs256, true),
        (RSA_PUBLIC, PairAlgorithm::Rs256, false),
    ] {
        let (key, found) = Key::from_pem(pem.as_bytes()).unwrap();
        assert_eq!((found, key.algorithm_name(), key.can_sign()), (algorithm, algorithm.name(), signs));
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        assert_eq!(matches!(key.sign(b"x"), Err(TokensError::KeyMissing)), !signs);
    }
    for name in ["", "eddsa", "RS512", "PS256", "HS256", "none", "Ed25519"] {
        assert_eq!(name.parse::<PairAlgorithm>(), Err(UnknownAlgorithm), "{name}");
    }
}

fn relabelled(pem: &str, from: &str, to: &str) -> String {
    assert!(pem.contains(from));
    pem.replace(from, to)
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

#[test]
fn a_file_that_is_no_good_key_says_why() {
    let cut = |by: usize| pem("PRIVATE KEY", &der(RSA)[..der(RSA).len() - by]);
    let changed = |of: &str, label: &str, place: usize| {
        let mut der = der(of);
        der[place] ^= 1;
        pem(label, &der)
    };
    let longer = [der(ED25519).as_slice(), &[0]].concat();
    let short_x = {
        let mut der = der(ED25519_PUBLIC);
        der.pop();
        (der[1], der[10]) = (der[1] - 1, der[10] - 1);
        der
    };
    let behind = [der(ED25519_PUBLIC).as_slice(), &[0]].concat();
    let within = {
        let mut der = behind.clone();
        der[1] += 1;
        der
    };
    for (name, text, error) in [
        ("nothing", String::new(), KeyError::NoPem),
        ("white space", " \n\n".to_owned(), KeyError::NoPem),
        ("a secret", "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(), KeyError::NoPem),
        ("bare base64", STANDARD.encode(der(ED25519)), KeyError::NoPem),
        ("a JSON Web Key", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519_X}"}}"#), KeyError::NoPem),
        ("no end", ED25519.lines().take(2).collect::<Vec<_>>().join("\n"), KeyError::NoPem),
        ("another end", relabelled(ED25519, "END PRIVATE", "END PUBLIC"), KeyError::NoPem),
        ("two keys", format!("{ED25519}{OTHER_ED25519}"), KeyError::Several),
        ("both halves", format!("{ED25519}{ED25519_PUBLIC}"), KeyError::Several),
        ("encrypted", ED25519_ENCRYPTED.to_owned(), KeyError::Encrypted),
        ("PKCS#1", RSA_PKCS1.to_owned(), KeyError::OtherForm),
        ("a certificate", pem("CERTIFICATE", &der(ED25519)), KeyError::OtherForm),
        ("OpenSSH", pem("OPENSSH PRIVATE KEY", &der(ED25519)), KeyError::OtherForm),
        ("P-256", EC_P256.to_owned(), KeyError::OtherKind),
        ("Ed448", ED448.to_owned(), KeyError::OtherKind),
        ("RSASSA-PSS", RSA_PSS.to_owned(), KeyError::OtherKind),
        ("RSA of 1,024 bits", RSA_1024.to_owned(), KeyError::RsaSize { bits: 1_024 }),
        ("its public half", RSA_1024_PUBLIC.to_owned(), KeyError::RsaSize { bits: 1_024 }),
        ("RSA one bit too short", RSA_2047.to_owned(), KeyError::RsaSize { bits: 2_047 }),
        ("empty", pem("PRIVATE KEY", b""), KeyError::Damaged),
        ("no base64", relabelled(ED25519, "MC4C", "*C4C"), KeyError::Damaged),
        ("no DER", pem("PRIVATE KEY", b"hello"), KeyError::Damaged),
        ("cut by one", cut(1), KeyError::Damaged),
        ("cut by half", cut(600), KeyError::Damaged),
        ("one byte more", pem("PRIVATE KEY", &longer), KeyError::Damaged),
        ("a private key as a public one", pem("PUBLIC KEY", &der(ED25519)), KeyError::Damaged),
        ("a public key as a private one", pem("PRIVATE KEY", &der(RSA_PUBLIC)), KeyError::Damaged),
        ("another modulus", changed(RSA, "PRIVATE KEY", 300), KeyError::Damaged),
        ("another prime", changed(RSA, "PRIVATE KEY", 700), KeyError::Damaged),
        ("an even modulus", changed(RSA_PUBLIC, "PUBLIC KEY", 288), KeyError::Damaged),
        ("a public key with a byte behind it", pem("PUBLIC KEY", &behind), KeyError::Damaged),
        ("a public key with a byte more in it", pem("PUBLIC KEY", &within), KeyError::Damaged),
        ("a public key of 31 bytes", pem("PUBLIC KEY", &short_x), KeyError::Damaged),
    ] {
        assert_eq!(Key::from_pem(text.as_bytes()).map(|_| ()).unwrap_err(), error, "{name}");
    }
    assert_eq!(Key::from_pem(b"\xff\xfe").map(|_| ()).unwrap_err(), KeyError::NoPem);
}

#[test]
fn explanations_and_other_line_ends_do_not_matter() {
    for text in [
        ED25519.replace('\n', "\r\n"),
        format!("made on a Tuesday\n\n{ED25519}\nkeep it safe\n"),
        ED25519.trim().to_owned(),
        ED25519.replace("MC4C", "MC4C\n  "),
        format!("\u{feff}{ED25519}"),
    ] {
        assert_eq!(key(&text).id(), key(ED25519).id(), "{text:?}");
    }
}

#[test]
fn a_derived_secret_follows_from_the_private_half_alone() {
    let derived = |pem: &str| key(pem).derived_secret().map(|secret| secret.expose().to_vec());
    for (private, other, public) in [(ED25519, OTHER_ED25519, ED25519_PUBLIC), (RSA, OTHER_RSA, RSA_PUBLIC)] {
        assert_eq!(derived(private), derived(private));
        assert_ne!(derived(private), derived(other));
        assert_eq!(derived(private).unwrap().len(), 32);
        assert_eq!(derived(public), None);
        assert!(!der(private).windows(32).any(|part| Some(part) == derived(private).as_deref()));
    }
}

#[test]
fn a_key_prints_its_name_and_nothing_secret() {
    for pem in [ED25519, RSA] {
        let shown = format!("{:?}", key(pem));
        assert!(shown.contains(key(pem).id()), "{shown}");
        assert!(shown.len() < 150, "{shown}");
    }
    let secret = Key::hs256(&Secret::new(b"a secret that nobody must read".to_vec())).unwrap();
    assert!(!format!("{secret:?}").contains("nobody"), "{secret:?}");
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(place in any::<prop::sample::Index>(), byte in any::<u8>(), which in 0..4_usize) {
        let text = [ED25519, RSA, ED25519_PUBLIC, RSA_PUBLIC][which];
        let label = if which < 2 { "PRIVATE KEY" } else { "PUBLIC KEY" };
        let mut changed = text.as_bytes().to_vec();
        let at = place.index(changed.len());
        changed[at] = byte;
        let _ = Key::from_pem(&changed);
        let mut inside = der(text);
        let at = place.index(inside.len());
        inside[at] = byte;
        // What is read all the same has the size of a good key.
        if let Ok((key, algorithm)) = Key::from_pem(pem(label, &inside).as_bytes()) {
            prop_assert_eq!(key.algorithm_name(), algorithm.name());
        }
    }
}
