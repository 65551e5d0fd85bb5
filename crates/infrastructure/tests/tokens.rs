//! The tokens against the contract of `Tokens`, and a table of attacks on them. Every forged token here carries a true
//! signature unless its case says otherwise, so that only the named fault can be what refuses it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_application::{
    domain::{SessionId, Timestamp, TokenId, UserId, users::Role},
    ports::{AccessClaims, Expiry, InvalidToken, RefreshClaims, Tokens},
};
use holdfast_infrastructure::tokens::{JwtOptions, JwtOptionsError, JwtTokens, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use proptest::{prelude::*, sample::Index};
use uuid::Uuid;

const SECRET: &[u8] = b"a secret of this deployment, long enough";
const EARLIER: &[u8] = b"the secret before it, also long enough..";
const FOREIGN: &[u8] = b"the secret of another deployment, longer";
const NOW: i64 = 1_790_000_000;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const ID: &str = "0190c42e-7f3a-7cc1-9b6a-0123456789ab";
const OTHER_ID: &str = "0190c42e-7f3a-7cc1-9b6a-0123456789ac";

fn options(secret: &[u8], previous: &[&[u8]]) -> JwtOptions {
    JwtOptions {
        issuer: "https://tasks.example".to_owned(),
        audience: "holdfast".to_owned(),
        secret: Secret::new(secret.to_vec()),
        previous_secrets: previous.iter().map(|secret| Secret::new(secret.to_vec())).collect(),
        longest_access: HOUR,
        longest_refresh: 30 * DAY,
        legacy: None,
    }
}

fn tokens() -> JwtTokens {
    JwtTokens::new(options(SECRET, &[EARLIER])).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn access() -> AccessClaims {
    AccessClaims {
        user: ID.parse().unwrap(),
        session: ID.parse().unwrap(),
        id: ID.parse().unwrap(),
        email: "ann@example.com".to_owned(),
        name: Some("Änn \"A\" O'Neil".to_owned()),
        role: Role::User,
        issued_at: at(NOW),
        expires_at: at(NOW + 900),
    }
}

fn refresh() -> RefreshClaims {
    let AccessClaims { user, session, id, issued_at, .. } = access();
    RefreshClaims { user, session, id, issued_at, expires_at: at(NOW + 7 * 86_400) }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of exactly these bytes under a true signature.
fn forge_with(secret: &[u8], algorithm: Algorithm, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), algorithm).unwrap();
    format!("{message}.{signature}")
}

fn forge(header: &str, claims: &str) -> String {
    forge_with(SECRET, Algorithm::HS256, header, claims)
}

fn header(kid: &str, typ: &str) -> String {
    format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"{typ}"}}"#)
}

fn good_header() -> String {
    header(&tokens().key_id(), "at+jwt")
}

const GOOD_CLAIMS: &str = r#"{"iss":"https://tasks.example","aud":"holdfast","sub":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","sid":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","jti":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","iat":1790000000,"exp":1790000900,"user_id":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","email":"ann@example.com","name":null,"role":"user"}"#;

/// The good claims with one passage replaced, which must be there.
fn claims(from: &str, to: &str) -> String {
    assert!(GOOD_CLAIMS.contains(from), "{from} is not in the claims");
    GOOD_CLAIMS.replacen(from, to, 1)
}

fn verify(token: &str) -> Result<AccessClaims, InvalidToken> {
    tokens().verify_access(token, at(NOW), Expiry::Enforced)
}

/// Refused as either kind, whether or not expiry counts.
fn assert_refused(name: &str, token: &str) {
    let tokens = tokens();
    for expiry in [Expiry::Enforced, Expiry::Ignored] {
        assert_eq!(tokens.verify_access(token, at(NOW), expiry), Err(InvalidToken), "{name} ({expiry:?})");
        assert_eq!(tokens.verify_refresh(token, at(NOW), expiry), Err(InvalidToken), "{name} ({expiry:?})");
    }
}

#[test]
fn the_forge_makes_good_tokens_when_nothing_is_wrong() {
    assert_eq!(verify(&forge(&good_header(), GOOD_CLAIMS)), Ok(AccessClaims { name: None, ..access() }));
}

#[test]
fn tokens_of_a_wrong_shape_are_refused() {
    let good = forge(&good_header(), GOOD_CLAIMS);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    // 43 characters carry 258 bits for 256: the last character's two lowest bits must be zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (stem, last) = signature.split_at(signature.len() - 1);
    let next = alphabet.as_bytes()[alphabet.find(last).unwrap() + 1] as char;
    let shapes = [
        ("empty", String::new()),
        ("one part", head.to_owned()),
        ("two parts", message.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("five parts (JWE)", format!("{good}.{signature}.{signature}")),
        ("full stops alone", "..".to_owned()),
        ("empty header", format!(".{body}.{signature}")),
        ("empty claims", format!("{head}..{signature}")),
        ("empty signature", format!("{head}.{body}.")),
        ("leading full stop", format!(".{good}")),
        ("trailing full stop", format!("{good}.")),
        ("padded signature", format!("{good}=")),
        ("padded header", format!("{head}=.{body}.{signature}")),
        ("non-canonical last character", format!("{message}.{stem}{next}")),
        ("standard alphabet", format!("{message}.{stem}+")),
        ("leading space", format!(" {good}")),
        ("trailing space", format!("{good} ")),
        ("trailing newline", format!("{good}\n")),
        ("inner newline", format!("{head}.\n{body}.{signature}")),
        ("scheme in front", format!("Bearer {good}")),
        ("NUL at the end", format!("{good}\0")),
        ("NUL inside", format!("{head}.{body}\0.{signature}")),
        ("trailing garbage", format!("{good}AAAA")),
        ("non-ASCII", format!("{good}é")),
        ("full-width full stop", good.replace('.', "．")),
        ("signature cut", good[..good.len() - 4].to_owned()),
        ("signature of nothing", format!("{message}.{}", encode([0; 32]))),
        ("signature of 64 bytes", format!("{message}.{}", encode([0; 64]))),
        ("header and claims swapped", format!("{body}.{head}.{signature}")),
        ("1 MB of letters", "A".repeat(1_000_000)),
        ("1 MB of full stops", ".".repeat(1_000_000)),
        ("1 MB of claims", forge(&good_header(), &claims("ann@", &"a".repeat(1_000_000)))),
        ("over 8 KiB", forge(&good_header(), &claims("ann@", &"a".repeat(6_000)))),
    ];
    for (name, token) in shapes {
        assert_refused(name, &token);
    }
}

#[test]
fn a_token_of_just_8_kib_is_read() {
    let fits = (0..8_000).rev().map(|length| forge(&good_header(), &claims("ann@", &"a".repeat(length))));
    let fits = fits.into_iter().find(|token| token.len() <= 8_192).unwrap();
    assert!(fits.len() > 8_180);
    assert!(verify(&fits).is_ok());
}

#[test]
fn headers_that_we_never_write_are_refused_under_a_true_signature() {
    let kid = tokens().key_id();
    let with = |member: &str| format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"at+jwt",{member}}}"#);
    let alg = |alg: &str| format!(r#"{{"alg":{alg},"kid":"{kid}","typ":"at+jwt"}}"#);
    let typ = |typ: &str| format!(r#"{{"alg":"HS256","kid":"{kid}","typ":{typ}}}"#);
    let headers = [
        ("alg none", alg(r#""none""#)),
        ("alg None", alg(r#""None""#)),
        ("alg NONE", alg(r#""NONE""#)),
        ("alg empty", alg(r#""""#)),
        ("alg HS384", alg(r#""HS384""#)),
        ("alg HS512", alg(r#""HS512""#)),
        ("alg RS256", alg(r#""RS256""#)),
        ("alg ES256", alg(r#""ES256""#)),
        ("alg EdDSA", alg(r#""EdDSA""#)),
        ("alg in lower case", alg(r#""hs256""#)),
        ("alg with a space", alg(r#""HS256 ""#)),
        ("alg null", alg("null")),
        ("alg a number", alg("256")),
        ("alg an array", alg(r#"["HS256"]"#)),
        ("alg missing", format!(r#"{{"kid":"{kid}","typ":"at+jwt"}}"#)),
        ("kid missing", r#"{"alg":"HS256","typ":"at+jwt"}"#.to_owned()),
        ("kid null", r#"{"alg":"HS256","kid":null,"typ":"at+jwt"}"#.to_owned()),
        ("kid a number", r#"{"alg":"HS256","kid":1,"typ":"at+jwt"}"#.to_owned()),
        ("kid empty", header("", "at+jwt")),
        ("kid unknown", header("AAAAAAAAAAA", "at+jwt")),
        ("kid a path", header("../../dev/null", "at+jwt")),
        ("kid an injection", header("' OR 1=1 --", "at+jwt")),
        ("kid with more behind it", header(&format!("{kid}A"), "at+jwt")),
        ("typ missing", format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#)),
        ("typ null", typ("null")),
        ("typ JWT", typ(r#""JWT""#)),
        ("typ in capitals", typ(r#""AT+JWT""#)),
        ("typ with media type", typ(r#""application/at+jwt""#)),
        ("typ empty", typ(r#""""#)),
        ("typ of another use", typ(r#""id+jwt""#)),
        ("crit", with(r#""crit":["exp"]"#)),
        ("crit empty", with(r#""crit":[]"#)),
        ("jwk", with(r#""jwk":{"kty":"oct","k":"AAAA"}"#)),
        ("jku", with(r#""jku":"https://evil.example/jwks""#)),
        ("x5u", with(r#""x5u":"https://evil.example/cert""#)),
        ("x5c", with(r#""x5c":["AAAA"]"#)),
        ("x5t", with(r#""x5t":"AAAA""#)),
        ("x5t#S256", with(r#""x5t#S256":"AAAA""#)),
        ("b64", with(r#""b64":false"#)),
        ("zip", with(r#""zip":"DEF""#)),
        ("cty", with(r#""cty":"JWT""#)),
        ("enc", with(r#""enc":"A128GCM""#)),
        ("an unknown member", with(r#""x":null"#)),
        ("duplicate alg", with(r#""alg":"HS256""#)),
        ("duplicate alg, escaped", with(r#""\u0061lg":"none""#)),
        ("duplicate kid", with(&format!(r#""kid":"{kid}""#))),
        ("duplicate typ", with(r#""typ":"at+jwt""#)),
        ("member in another case", format!(r#"{{"Alg":"HS256","kid":"{kid}","typ":"at+jwt"}}"#)),
        ("array instead of object", format!(r#"["HS256","{kid}","at+jwt"]"#)),
        ("no JSON", "HS256".to_owned()),
        ("null", "null".to_owned()),
        ("empty object", "{}".to_owned()),
        ("two objects", format!("{0}{0}", good_header())),
        ("trailing comma", format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"at+jwt",}}"#)),
        ("byte order mark", format!("\u{feff}{}", good_header())),
        ("nested deeply", format!("{}{}", "[".repeat(3_000), "]".repeat(3_000))),
    ];
    for (name, header) in headers {
        assert_refused(name, &forge(&header, GOOD_CLAIMS));
    }
}

#[test]
fn claims_that_we_never_write_are_refused_under_a_true_signature() {
    let id_claims = ["sub", "sid", "jti", "user_id"];
    let mut cases: Vec<(String, String)> = Vec::new();
    let good: serde_json::Map<String, serde_json::Value> = serde_json::from_str(GOOD_CLAIMS).unwrap();
    for (member, value) in &good {
        let written = format!(r#""{member}":{value}"#);
        let mut without = good.clone();
        without.remove(member);
        cases.push((format!("{member} missing"), serde_json::to_string(&without).unwrap()));
        cases.push((format!("{member} twice"), claims(&written, &format!("{written},{written}"))));
        let mut wrong = vec!["true", "{}", "[]"];
        wrong.push(if value.is_number() { r#""1790000100""# } else { "1790000100" });
        if member != "name" {
            wrong.push("null");
        }
        for wrong in wrong {
            cases.push((format!("{member} is {wrong}"), claims(&written, &format!(r#""{member}":{wrong}"#))));
        }
    }
    for member in id_claims {
        let written = format!(r#""{member}":"{ID}""#);
        for wrong in ["", "1", OTHER_ID, &ID.to_uppercase(), &ID.replace('-', ""), &format!("urn:uuid:{ID}")]
        {
            // Another session or token id is as good as the first; only the account is named twice.
            if wrong != OTHER_ID || member == "sub" || member == "user_id" {
                let to = format!(r#""{member}":"{wrong}""#);
                cases.push((format!("{member} is {wrong:?}"), claims(&written, &to)));
            }
        }
    }
    let both = format!(r#""sub":"{}""#, ID.to_uppercase());
    let both = claims(&format!(r#""sub":"{ID}""#), &both);
    let both =
        both.replace(&format!(r#""user_id":"{ID}""#), &format!(r#""user_id":"{}""#, ID.to_uppercase()));
    cases.push(("sub and user_id both in capitals".to_owned(), both));
    for (name, from, to) in [
        ("exp a float", r#""exp":1790000900"#, r#""exp":1790000900.0"#),
        ("exp with exponent", r#""exp":1790000900"#, r#""exp":1.7900009e9"#),
        ("exp huge", r#""exp":1790000900"#, r#""exp":1e300"#),
        ("exp the largest i64", r#""exp":1790000900"#, r#""exp":9223372036854775807"#),
        ("exp beyond i64", r#""exp":1790000900"#, r#""exp":9223372036854775808"#),
        ("exp in milliseconds", r#""exp":1790000900"#, r#""exp":1790000900000"#),
        ("exp negative", r#""exp":1790000900"#, r#""exp":-1790000900"#),
        ("exp minus zero", r#""exp":1790000900"#, r#""exp":-0"#),
        ("exp zero", r#""exp":1790000900"#, r#""exp":0"#),
        ("exp NaN", r#""exp":1790000900"#, r#""exp":NaN"#),
        ("exp with a leading zero", r#""exp":1790000900"#, r#""exp":01790000900"#),
        ("exp before iat", r#""exp":1790000900"#, r#""exp":1789999999"#),
        ("a life two seconds too long", r#""exp":1790000900"#, r#""exp":1790003602"#),
        ("iat a float", r#""iat":1790000000"#, r#""iat":1790000000.5"#),
        ("iat long ago, so a life too long", r#""iat":1790000000"#, r#""iat":1"#),
        ("iat the smallest i64", r#""iat":1790000000"#, r#""iat":-9223372036854775808"#),
        ("iat 31 s ahead", r#""iat":1790000000"#, r#""iat":1790000031"#),
        ("nbf 31 s ahead", r#""user_id""#, r#""nbf":1790000031,"user_id""#),
        ("nbf a float", r#""user_id""#, r#""nbf":1790000000.0,"user_id""#),
        ("nbf a string", r#""user_id""#, r#""nbf":"1790000000","user_id""#),
        ("nbf null", r#""user_id""#, r#""nbf":null,"user_id""#),
        ("nbf twice", r#""user_id""#, r#""nbf":1,"nbf":1,"user_id""#),
        ("iss of another", "https://tasks.example", "https://tasks.example.evil"),
        ("iss with a slash", "https://tasks.example", "https://tasks.example/"),
        ("iss in capitals", "https://tasks", "HTTPS://tasks"),
        ("iss empty", "https://tasks.example", ""),
        ("aud of another", r#""aud":"holdfast""#, r#""aud":"other""#),
        ("aud empty", r#""aud":"holdfast""#, r#""aud":"""#),
        ("aud an array", r#""aud":"holdfast""#, r#""aud":["holdfast"]"#),
        ("aud a wider array", r#""aud":"holdfast""#, r#""aud":["other","holdfast"]"#),
        ("role unknown", r#""role":"user""#, r#""role":"root""#),
        ("role in capitals", r#""role":"user""#, r#""role":"Admin""#),
        ("role raised by a second one", r#""role":"user""#, r#""role":"user","role":"admin""#),
        ("escaped duplicate", r#""role":"user""#, r#""role":"user","\u0072ole":"admin""#),
        ("an unknown claim", r#""role":"user""#, r#""role":"user","scope":"all""#),
        ("a lone surrogate", "ann@", r"\ud800@"),
        ("a raw control character", "ann@", "\u{1}@"),
    ] {
        cases.push((name.to_owned(), claims(from, to)));
    }
    cases.push(("two objects".to_owned(), format!("{GOOD_CLAIMS}{GOOD_CLAIMS}")));
    cases.push(("NUL behind".to_owned(), format!("{GOOD_CLAIMS}\0")));
    cases.push((
        "array instead of object".to_owned(),
        serde_json::to_string(&good.values().collect::<Vec<_>>()).unwrap(),
    ));
    cases.push(("null".to_owned(), "null".to_owned()));
    cases.push(("a string".to_owned(), r#""claims""#.to_owned()));
    for (name, claims) in cases {
        assert_refused(&name, &forge(&good_header(), &claims));
    }
}

#[test]
fn claims_that_are_not_utf_8_are_refused() {
    let mut bytes = GOOD_CLAIMS.as_bytes().to_vec();
    let email = GOOD_CLAIMS.find("ann@").unwrap();
    bytes[email] = 0xff;
    let message = format!("{}.{}", encode(good_header()), encode(bytes));
    let key = EncodingKey::from_secret(SECRET);
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert_refused("invalid UTF-8", &format!("{message}.{signature}"));
}

#[test]
fn a_signature_counts_only_under_the_named_key_and_its_own_algorithm() {
    let (now, earlier, foreign) = [SECRET, EARLIER, FOREIGN]
        .map(|secret| JwtTokens::new(options(secret, &[])).unwrap().key_id())
        .into();
    let signed =
        |secret, algorithm, kid: &str| forge_with(secret, algorithm, &header(kid, "at+jwt"), GOOD_CLAIMS);
    assert!(verify(&signed(SECRET, Algorithm::HS256, &now)).is_ok());
    assert!(verify(&signed(EARLIER, Algorithm::HS256, &earlier)).is_ok());
    for (name, token) in [
        ("the earlier key's name, the current signature", signed(SECRET, Algorithm::HS256, &earlier)),
        ("the current key's name, the earlier signature", signed(EARLIER, Algorithm::HS256, &now)),
        ("another deployment", signed(FOREIGN, Algorithm::HS256, &foreign)),
        ("another deployment under our key's name", signed(FOREIGN, Algorithm::HS256, &now)),
        ("HS384 signature", signed(SECRET, Algorithm::HS384, &now)),
        ("HS512 signature", signed(SECRET, Algorithm::HS512, &now)),
        ("the empty key", signed(b"", Algorithm::HS256, &now)),
        ("the key's name as the key", signed(now.as_bytes(), Algorithm::HS256, &now)),
    ] {
        assert_refused(name, &token);
    }
    let hs384 = format!(r#"{{"alg":"HS384","kid":"{now}","typ":"at+jwt"}}"#);
    assert_refused("HS384 announced and done", &forge_with(SECRET, Algorithm::HS384, &hs384, GOOD_CLAIMS));
}

#[test]
fn neither_kind_stands_in_for_the_other() {
    let tokens = tokens();
    let access = tokens.sign_access(&access()).unwrap();
    let refresh = tokens.sign_refresh(&refresh(), &tokens.key_id()).unwrap();
    for expiry in [Expiry::Enforced, Expiry::Ignored] {
        assert_eq!(tokens.verify_refresh(&access, at(NOW), expiry), Err(InvalidToken));
        assert_eq!(tokens.verify_access(&refresh, at(NOW), expiry), Err(InvalidToken));
    }
    assert_refused("refresh claims as at+jwt", &swap_kind(&refresh, "at+jwt"));
    assert_refused("access claims as rt+jwt", &swap_kind(&access, "rt+jwt"));
}

fn swap_kind(token: &str, typ: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    forge(&header(&tokens().key_id(), typ), &claims)
}

#[test]
fn times_hold_to_the_edge_of_the_leeway_and_no_further() {
    let tokens = tokens();
    let token = tokens.sign_access(&access()).unwrap();
    let micro = Duration::from_micros(1);
    let judge = |now, expiry| tokens.verify_access(&token, now, expiry).is_ok();
    for (name, now, enforced, ignored) in [
        ("31 s before iat", at(NOW - 31), false, false),
        ("a microsecond too early", at(NOW - 30).minus(micro), false, false),
        ("30 s before iat", at(NOW - 30), true, true),
        ("at iat", at(NOW), true, true),
        ("at exp", at(NOW + 900), true, true),
        ("30 s after exp", at(NOW + 930), true, true),
        ("a microsecond too late", at(NOW + 930).plus(micro), false, true),
        ("31 s after exp", at(NOW + 931), false, true),
        ("years later", at(NOW * 2), false, true),
    ] {
        assert_eq!(judge(now, Expiry::Enforced), enforced, "{name}, enforced");
        assert_eq!(judge(now, Expiry::Ignored), ignored, "{name}, ignored");
    }
    let not_before = forge(&good_header(), &claims(r#""user_id""#, r#""nbf":1790000030,"user_id""#));
    assert!(verify(&not_before).is_ok());
}

#[test]
fn a_life_may_be_one_second_longer_than_the_longest_of_its_kind() {
    let exp = |exp: i64| claims(r#""exp":1790000900"#, &format!(r#""exp":{exp}"#));
    for life in [3_600, 3_601] {
        assert!(verify(&forge(&good_header(), &exp(NOW + life))).is_ok(), "{life}");
    }
    let tokens = tokens();
    for (life, good) in [(30 * 86_400, true), (30 * 86_400 + 1, true), (30 * 86_400 + 2, false)] {
        let claims = RefreshClaims { expires_at: at(NOW + life), ..refresh() };
        let token = tokens.sign_refresh(&claims, &tokens.key_id()).unwrap();
        assert_eq!(tokens.verify_refresh(&token, at(NOW), Expiry::Enforced).is_ok(), good, "{life}");
    }
}

#[test]
fn both_kinds_come_back_as_they_were_signed_with_times_cut_to_seconds() {
    let tokens = tokens();
    let half = Duration::from_millis(500);
    let nameless = AccessClaims { name: None, role: Role::Admin, ..access() };
    for claims in [access(), nameless] {
        let fractional = AccessClaims {
            issued_at: claims.issued_at.plus(half),
            expires_at: claims.expires_at.plus(half),
            ..claims.clone()
        };
        let token = tokens.sign_access(&fractional).unwrap();
        assert_eq!(tokens.verify_access(&token, at(NOW), Expiry::Enforced), Ok(claims));
    }
    let token = tokens.sign_refresh(&refresh(), &tokens.key_id()).unwrap();
    assert_eq!(tokens.verify_refresh(&token, at(NOW), Expiry::Enforced), Ok(refresh()));
}

#[test]
fn members_go_out_in_one_order() {
    let token = tokens().sign_access(&AccessClaims { name: None, ..access() }).unwrap();
    assert_eq!(token, forge(&good_header(), GOOD_CLAIMS));
}

#[test]
fn a_refresh_token_is_a_function_of_its_claims_and_key() {
    let first = tokens().sign_refresh(&refresh(), &tokens().key_id()).unwrap();
    let again = tokens().sign_refresh(&refresh(), &tokens().key_id()).unwrap();
    assert_eq!(first, again);
}

#[test]
fn rotating_the_secret_logs_nobody_out_until_the_old_one_is_removed() {
    let before = JwtTokens::new(options(EARLIER, &[])).unwrap();
    let (during, after) = (tokens(), JwtTokens::new(options(SECRET, &[])).unwrap());
    let token = before.sign_access(&access()).unwrap();
    assert!(during.verify_access(&token, at(NOW), Expiry::Enforced).is_ok());
    assert_eq!(after.verify_access(&token, at(NOW), Expiry::Enforced), Err(InvalidToken));
    assert_ne!(before.key_id(), during.key_id());
    assert_eq!(during.key_id(), after.key_id());
    let refresh_token = before.sign_refresh(&refresh(), &before.key_id()).unwrap();
    assert_eq!(during.sign_refresh(&refresh(), &before.key_id()).unwrap(), refresh_token);
    assert!(after.sign_refresh(&refresh(), &before.key_id()).is_err());
}

#[test]
fn options_without_a_secret_or_a_name_are_refused() {
    let fault = |options| JwtTokens::new(options).unwrap_err();
    assert_eq!(fault(options(b"", &[])), JwtOptionsError::EmptySecret);
    assert_eq!(fault(options(SECRET, &[b""])), JwtOptionsError::EmptySecret);
    let nameless = JwtOptions { issuer: String::new(), ..options(SECRET, &[]) };
    assert_eq!(fault(nameless), JwtOptionsError::EmptyName);
    let nameless = JwtOptions { audience: String::new(), ..options(SECRET, &[]) };
    assert_eq!(fault(nameless), JwtOptionsError::EmptyName);
}

#[test]
fn nothing_prints_a_secret() {
    let shown = format!("{:?} {:?}", options(SECRET, &[EARLIER]), tokens());
    assert!(!shown.contains("deployment") && !shown.contains("97, 32"), "{shown}");
}

proptest! {
    #[test]
    fn any_claims_come_back_as_they_were_signed(
        ids in any::<[u128; 3]>(),
        email in ".{0,100}",
        name in proptest::option::of(".{0,100}"),
        life in 0..=3_600_i64,
    ) {
        let claims = AccessClaims {
            user: UserId::new(Uuid::from_u128(ids[0])),
            session: SessionId::new(Uuid::from_u128(ids[1])),
            id: TokenId::new(Uuid::from_u128(ids[2])),
            email,
            name,
            expires_at: at(NOW + life),
            ..access()
        };
        let token = tokens().sign_access(&claims).unwrap();
        prop_assert_eq!(verify(&token), Ok(claims));
    }

    #[test]
    fn any_one_byte_changed_inserted_or_removed_makes_a_token_invalid(
        place in any::<Index>(),
        byte in 0..128_u8,
    ) {
        let tokens = tokens();
        let good = tokens.sign_access(&access()).unwrap();
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
                prop_assert_eq!(tokens.verify_access(&token, at(NOW), Expiry::Ignored), Err(InvalidToken));
            }
        }
    }

    #[test]
    fn any_text_at_all_is_refused_without_a_panic(text in "\\PC{0,200}", dots in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert_eq!(verify(&text), Err(InvalidToken));
        prop_assert_eq!(verify(&dots), Err(InvalidToken));
    }
}
