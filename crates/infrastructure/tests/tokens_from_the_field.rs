//! Tokens that the FastAPI backend issued, in both of its published forms, and a table of what is none. Every forged token
//! here carries a true signature unless its case says otherwise, so that only the named fault can be what refuses it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::{
    domain::{Timestamp, users::Role},
    ports::{AccessClaims, Expiry, InvalidToken, LegacyClaims, RefreshClaims, TokenHash, Tokens},
};
use holdfast_infrastructure::tokens::{
    EmptySecret, JwtOptions, JwtOptionsError, JwtTokens, Key, KeyRing, LegacyOptions, Secret,
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use proptest::{prelude::*, sample::Index};
use sha2::{Digest, Sha256};

const SIGNING: &[u8] = b"a secret of this deployment, long enough";
/// Shorter than what would be accepted for signing, and not ASCII.
const FIELD: &str = "das gehéime wort";
const NOW: i64 = 1_790_000_000;
const UNTIL: i64 = NOW + 7 * 86_400;
const ID: &str = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
const OTHER_ID: &str = "0190c42e-7f3a-7cc1-9b6a-0123456789ac";

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
const FIRST: &str = r#"{"user_id":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","email":"ann@example.com","name":"Änn","exp":1790000900}"#;
const SECOND: &str = r#"{"sub":"0190c42e7f3a7cc19b6a0123456789ab","user_id":"0190c42e7f3a7cc19b6a0123456789ab","email":"ann@example.com","role":"user","iat":1790000000,"exp":1790000900}"#;

fn options(signing: &[u8], legacy: Option<&[u8]>) -> JwtOptions {
    let legacy =
        legacy.map(|secret| LegacyOptions { secret: Secret::new(secret.to_vec()), until: at(UNTIL) });
    JwtOptions {
        issuer: "holdfast".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::new(Key::hs256(&Secret::new(signing.to_vec())).unwrap()), Vec::new())
            .unwrap(),
        longest_access: Duration::from_hours(24),
        longest_refresh: Duration::from_hours(24 * 30),
        legacy,
    }
}

fn tokens() -> JwtTokens {
    JwtTokens::new(options(SIGNING, Some(FIELD.as_bytes()))).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

/// A token of exactly these bytes under a true signature.
fn forge_with(secret: &[u8], algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap();
    format!("{message}.{signature}")
}

fn forge(header: &str, claims: &str) -> String {
    forge_with(FIELD.as_bytes(), Algorithm::HS256, header, claims)
}

/// The claims with one passage replaced, which must be there.
fn claims(of: &str, from: &str, to: &str) -> String {
    assert!(of.contains(from), "{from} is not in the claims");
    of.replacen(from, to, 1)
}

fn verify(token: &str) -> Result<LegacyClaims, InvalidToken> {
    tokens().verify_legacy(token, at(NOW))
}

fn good(token: &str, expires_at: i64) -> LegacyClaims {
    let hash = TokenHash(Sha256::digest(token).into());
    LegacyClaims { user: ID.parse().unwrap(), hash, expires_at: at(expires_at) }
}

/// Refused on this path, and on those of our own tokens as well.
fn assert_refused(name: &str, token: &str) {
    let tokens = tokens();
    assert_eq!(tokens.verify_legacy(token, at(NOW)), Err(InvalidToken), "{name}");
    assert_never_ours(name, token);
}

fn assert_never_ours(name: &str, token: &str) {
    let tokens = tokens();
    for expiry in [Expiry::Enforced, Expiry::Ignored] {
        assert_eq!(tokens.verify_access(token, at(NOW), expiry), Err(InvalidToken), "{name}");
        assert_eq!(tokens.verify_refresh(token, at(NOW), expiry), Err(InvalidToken), "{name}");
    }
}

#[test]
fn tokens_of_both_forms_name_their_account() {
    let bare = ID.replace('-', "");
    let first = |from: &str, to: &str| claims(FIRST, from, to);
    let second = |to: &str| SECOND.replace(&bare, to);
    let header_alone = r#"{"alg":"HS256"}"#;
    let turned = r#"{"typ":"JWT","alg":"HS256"}"#;
    for (name, header, body) in [
        ("the first form", HEADER, FIRST.to_owned()),
        ("without a name", HEADER, first(r#""Änn""#, "null")),
        ("an empty name and address", HEADER, first(r#""Änn""#, r#""""#).replace("ann@example.com", "")),
        ("an id without hyphens", HEADER, first(ID, &bare)),
        ("an id in capitals", HEADER, first(ID, &ID.to_uppercase())),
        ("an id as urn", HEADER, first(ID, &format!("urn:uuid:{ID}"))),
        ("an id in braces", HEADER, first(ID, &format!("{{{ID}}}"))),
        (
            "members in another order",
            HEADER,
            r#"{"exp":1790000900,"name":null,"email":"","user_id":"0190c42e-7f3a-7cc1-9b6a-0123456789ab"}"#
                .to_owned(),
        ),
        ("with blanks, as Python's json writes", HEADER, FIRST.replace(':', ": ").replace(',', ", ")),
        ("a header without typ", header_alone, FIRST.to_owned()),
        ("a header in another order", turned, FIRST.to_owned()),
        ("the second form", HEADER, SECOND.to_owned()),
        ("the second form with hyphens", HEADER, second(ID)),
        ("two spellings of one id", HEADER, claims(SECOND, &bare, ID)),
        ("another role", HEADER, claims(SECOND, r#""user""#, r#""admin""#)),
        ("a role that we do not know", HEADER, claims(SECOND, r#""user""#, r#""owner""#)),
        ("a clock that goes before by half a minute", HEADER, claims(SECOND, "1790000000", "1790000030")),
        ("the second form without typ", header_alone, SECOND.to_owned()),
    ] {
        let token = forge(header, &body);
        assert_eq!(verify(&token), Ok(good(&token, NOW + 900)), "{name}");
        assert_never_ours(name, &token);
    }
}

#[test]
fn a_token_counts_until_its_end_and_until_the_date_whichever_is_first() {
    let tokens = tokens();
    let verdict = |token: &str, seconds: i64| tokens.verify_legacy(token, at(seconds)).is_ok();
    for body in [FIRST, SECOND] {
        let token = forge(HEADER, body);
        let long = forge(HEADER, &claims(body, "1790000900", &(UNTIL + 86_400).to_string()));
        assert!(verdict(&token, NOW + 899) && verdict(&long, UNTIL - 1));
        assert!(!verdict(&token, NOW + 900) && !verdict(&token, NOW + 901));
        assert!(!verdict(&long, UNTIL) && !verdict(&long, UNTIL + 1));
        let last = tokens.verify_legacy(&long, at(UNTIL).minus(Duration::from_micros(1)));
        assert_eq!(last.map(|claims| claims.expires_at), Ok(at(UNTIL + 86_400)));
    }
}

#[test]
fn headers_that_the_field_never_wrote_are_refused_under_a_true_signature() {
    let own = JwtTokens::new(options(FIELD.as_bytes(), None)).unwrap();
    let with = |member: &str| format!(r#"{{"alg":"HS256","typ":"JWT",{member}}}"#);
    let typ = |typ: &str| format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
    for (name, header) in [
        ("alg none", r#"{"alg":"none","typ":"JWT"}"#.to_owned()),
        ("alg HS512", r#"{"alg":"HS512","typ":"JWT"}"#.to_owned()),
        ("alg RS256", r#"{"alg":"RS256","typ":"JWT"}"#.to_owned()),
        ("alg in lower case", r#"{"alg":"hs256","typ":"JWT"}"#.to_owned()),
        ("alg null", r#"{"alg":null,"typ":"JWT"}"#.to_owned()),
        ("alg missing", r#"{"typ":"JWT"}"#.to_owned()),
        ("a kid", with(r#""kid":"k1""#)),
        ("our own kid", with(&format!(r#""kid":"{}""#, own.key_id()))),
        ("kid null", with(r#""kid":null"#)),
        ("kid empty", with(r#""kid":"""#)),
        ("typ of our access tokens", typ(r#""at+jwt""#)),
        ("typ of our refresh tokens", typ(r#""rt+jwt""#)),
        ("typ in lower case", typ(r#""jwt""#)),
        ("typ empty", typ(r#""""#)),
        ("typ null", typ("null")),
        ("typ a number", typ("1")),
        ("crit", with(r#""crit":[]"#)),
        ("jwk", with(r#""jwk":{"kty":"oct","k":"AAAA"}"#)),
        ("jku", with(r#""jku":"https://evil.example/jwks""#)),
        ("x5u", with(r#""x5u":"https://evil.example/cert""#)),
        ("b64", with(r#""b64":false"#)),
        ("zip", with(r#""zip":"DEF""#)),
        ("cty", with(r#""cty":"JWT""#)),
        ("duplicate alg", with(r#""alg":"HS256""#)),
        ("duplicate typ", with(r#""typ":"JWT""#)),
        ("an array", r#"["HS256","JWT"]"#.to_owned()),
        ("no JSON", "HS256".to_owned()),
        ("an empty object", "{}".to_owned()),
        ("two objects", format!("{HEADER}{HEADER}")),
    ] {
        for body in [FIRST, SECOND] {
            assert_refused(name, &forge(&header, body));
        }
    }
}

#[test]
fn claims_of_a_wrong_type_or_number_are_refused_under_a_true_signature() {
    for form in [FIRST, SECOND] {
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(form).unwrap();
        for (member, value) in &members {
            let written = format!(r#""{member}":{value}"#);
            let mut without = members.clone();
            without.remove(member);
            assert_refused(
                &format!("{member} missing"),
                &forge(HEADER, &serde_json::to_string(&without).unwrap()),
            );
            let twice = claims(form, &written, &format!("{written},{written}"));
            assert_refused(&format!("{member} twice"), &forge(HEADER, &twice));
            let mut wrong = vec!["true", "false", "{}", "[]", "1.5", "-1.0"];
            wrong.push(if value.is_number() { r#""1790000900""# } else { "1790000900" });
            if member != "name" {
                wrong.push("null");
            }
            for wrong in wrong {
                let changed = claims(form, &written, &format!(r#""{member}":{wrong}"#));
                assert_refused(&format!("{member} is {wrong}"), &forge(HEADER, &changed));
            }
        }
    }
}

#[test]
fn claims_that_the_field_never_wrote_are_refused_under_a_true_signature() {
    let bare = ID.replace('-', "");
    let mut cases: Vec<(String, String)> = Vec::new();
    for form in [FIRST, SECOND] {
        for member in [
            r#""aud":"holdfast""#,
            r#""aud":[]"#,
            r#""aud":null"#,
            r#""iss":"holdfast""#,
            r#""iss":null"#,
            r#""nbf":1790000000"#,
            r#""jti":"1""#,
            r#""sid":"0190c42e-7f3a-7cc1-9b6a-0123456789ab""#,
            r#""scope":"admin""#,
            r#""is_active":true"#,
        ] {
            cases.push((member.to_owned(), claims(form, r#""email""#, &format!(r#"{member},"email""#))));
        }
        for exp in [
            "1790000900.0",
            "1.7900009e9",
            "1e300",
            "9223372036854775807",
            "9223372036854775808",
            "1790000900000",
            "-1790000900",
            "-0",
            "0",
            "NaN",
            "01790000900",
            "1790000000",
            "1789999999",
        ] {
            cases.push((format!("exp {exp}"), claims(form, "1790000900", exp)));
        }
        for body in
            ["", "null", "[]", "{}", "\"\"", "1", &format!("{form}{form}"), &format!("[{form}]"), &form[1..]]
        {
            cases.push((format!("{body:.20?} as claims"), body.to_owned()));
        }
    }
    let id_of = |form: &str, id: &str| form.replace(ID, id).replace(&bare, id);
    for id in [
        "",
        " ",
        "1",
        "admin",
        "../etc",
        "0190c42e-7f3a-7cc1-9b6a",
        &format!("{ID}0"),
        &format!(" {ID}"),
        "ö",
    ] {
        cases.push((format!("id {id:?}"), id_of(FIRST, id)));
        cases.push((format!("ids {id:?}"), id_of(SECOND, id)));
    }
    let other = OTHER_ID.replace('-', "");
    cases.extend([
        ("another sub".to_owned(), claims(SECOND, &bare, &other)),
        (
            "another user_id".to_owned(),
            claims(SECOND, &format!(r#""user_id":"{bare}""#), &format!(r#""user_id":"{other}""#)),
        ),
        ("iat 31 s ahead".to_owned(), claims(SECOND, "1790000000", "1790000031")),
        ("exp before iat".to_owned(), claims(SECOND, "1790000000", "1790000901")),
        ("the first form with sub".to_owned(), claims(FIRST, "{", &format!(r#"{{"sub":"{ID}","#))),
        ("the first form with iat".to_owned(), claims(FIRST, "{", r#"{"iat":1790000000,"#)),
        ("the first form with a role".to_owned(), claims(FIRST, "{", r#"{"role":"admin","#)),
        ("the second form with a name".to_owned(), claims(SECOND, "{", r#"{"name":null,"#)),
        (
            "a link in an e-mail".to_owned(),
            r#"{"email":"ann@example.com","iat":1790000000,"exp":1790000900}"#.to_owned(),
        ),
        ("a user_id alone".to_owned(), format!(r#"{{"user_id":"{ID}","exp":1790000900}}"#)),
        ("a sub alone".to_owned(), format!(r#"{{"sub":"{ID}","exp":1790000900}}"#)),
    ]);
    for (name, claims) in cases {
        assert_refused(&name, &forge(HEADER, &claims));
    }
}

#[test]
fn signatures_and_shapes_that_are_wrong_are_refused() {
    for form in [FIRST, SECOND] {
        let token = forge(HEADER, form);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (head, body) = message.split_once('.').unwrap();
        let signed = |secret: &[u8], algorithm| forge_with(secret, algorithm, HEADER, form);
        for (name, token) in [
            ("our signing secret", signed(SIGNING, Algorithm::HS256)),
            ("another secret", signed(b"another", Algorithm::HS256)),
            ("the secret in Latin-1", signed(b"das geh\xe9ime wort", Algorithm::HS256)),
            ("the secret with a newline", signed(format!("{FIELD}\n").as_bytes(), Algorithm::HS256)),
            ("another algorithm", signed(FIELD.as_bytes(), Algorithm::HS512)),
            ("no signature", format!("{message}.")),
            ("two parts", message.to_owned()),
            ("four parts", format!("{token}.{signature}")),
            ("a signature of nothing", format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 32]))),
            ("a padded signature", format!("{token}=")),
            (
                "other claims",
                format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(form.replace("900", "901"))),
            ),
            ("parts swapped", format!("{body}.{head}.{signature}")),
            ("a blank behind", format!("{token} ")),
            ("over 8 KiB", forge(HEADER, &claims(form, "ann@", &"a".repeat(6_000)))),
            ("empty", String::new()),
        ] {
            assert_refused(name, &token);
        }
    }
}

#[test]
fn without_a_secret_of_the_field_no_such_token_is_accepted() {
    let tokens = JwtTokens::new(options(SIGNING, None)).unwrap();
    for secret in [SIGNING, FIELD.as_bytes(), b""] {
        for form in [FIRST, SECOND] {
            let token = forge_with(secret, Algorithm::HS256, HEADER, form);
            assert_eq!(tokens.verify_legacy(&token, at(NOW)), Err(InvalidToken));
        }
    }
    let empty = JwtTokens::new(options(SIGNING, Some(b"")));
    assert_eq!(empty.unwrap_err(), JwtOptionsError::EmptySecret(EmptySecret));
}

#[test]
fn one_secret_for_both_purposes_mixes_no_tokens() {
    let tokens = JwtTokens::new(options(SIGNING, Some(SIGNING))).unwrap();
    let id = |text: &str| text.parse().unwrap();
    let access = AccessClaims {
        user: ID.parse().unwrap(),
        session: id(ID),
        id: ID.parse().unwrap(),
        email: String::new(),
        name: None,
        role: Role::Admin,
        issued_at: at(NOW),
        expires_at: at(NOW + 900),
    };
    let refresh = RefreshClaims {
        user: access.user,
        session: access.session,
        id: access.id,
        issued_at: at(NOW),
        expires_at: at(NOW + 900),
    };
    let ours =
        [tokens.sign_access(&access).unwrap(), tokens.sign_refresh(&refresh, &tokens.key_id()).unwrap()];
    for token in ours {
        assert_eq!(tokens.verify_legacy(&token, at(NOW)), Err(InvalidToken));
    }
    for form in [FIRST, SECOND] {
        let token = forge_with(SIGNING, Algorithm::HS256, HEADER, form);
        assert_eq!(tokens.verify_legacy(&token, at(NOW)), Ok(good(&token, NOW + 900)));
        assert_eq!(tokens.verify_access(&token, at(NOW), Expiry::Enforced), Err(InvalidToken));
        assert_eq!(tokens.verify_refresh(&token, at(NOW), Expiry::Enforced), Err(InvalidToken));
    }
}

#[test]
fn nothing_prints_the_secret() {
    let shown = format!("{:?} {:?}", options(SIGNING, Some(FIELD.as_bytes())), tokens());
    assert!(!shown.contains("wort") && !shown.contains("100, 97"), "{shown}");
}

proptest! {
    #[test]
    fn any_one_byte_changed_inserted_or_removed_makes_a_token_invalid(
        place in any::<Index>(),
        byte in 0..128_u8,
        second in any::<bool>(),
    ) {
        let tokens = tokens();
        let good = forge(HEADER, if second { SECOND } else { FIRST });
        let place = place.index(good.len());
        let mut changed = good.clone().into_bytes();
        changed[place] = byte;
        let mut longer = good.clone().into_bytes();
        longer.insert(place, byte);
        let mut shorter = good.clone().into_bytes();
        shorter.remove(place);
        for bytes in [changed, longer, shorter] {
            let token = String::from_utf8(bytes).unwrap();
            if token != good {
                prop_assert_eq!(tokens.verify_legacy(&token, at(NOW)), Err(InvalidToken));
            }
        }
    }

    #[test]
    fn any_text_at_all_is_refused_without_a_panic(text in "\\PC{0,200}", dots in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert_eq!(verify(&text), Err(InvalidToken));
        prop_assert_eq!(verify(&dots), Err(InvalidToken));
    }
}
