//! The tokens against the contract of `Tokens`, and a table of attacks on them, once for each algorithm that can sign. Every
//! forged token here carries a true signature unless its case says otherwise, so that only the named fault can be what
//! refuses it. Forged signatures are made with jsonwebtoken alone, not with our own keys.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use holdfast_application::{
    domain::{SessionId, Timestamp, TokenId, UserId, users::Role},
    ports::{AccessClaims, Expiry, InvalidToken, PublicParameters, RefreshClaims, Tokens, TokensError},
};
use holdfast_infrastructure::tokens::{
    CannotSign, EmptySecret, JwtOptions, JwtOptionsError, JwtTokens, Key, KeyRing, LegacyOptions, Secret,
};
use holdfast_testkit::keys::{
    ED25519, ED25519_PUBLIC, OTHER_ED25519, OTHER_RSA, OTHER_RSA_PKCS1, RSA, RSA_PKCS1, RSA_PUBLIC,
};
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

/// A key and its forger: the same private bytes, once in our hands and once in jsonwebtoken's.
struct Signer {
    key: Arc<Key>,
    forger: EncodingKey,
    algorithm: Algorithm,
}

/// A way to sign: the key that does, one that did before, and one of another deployment with the algorithm of the first.
struct Issuer {
    current: Signer,
    earlier: Signer,
    foreign: Signer,
}

static ISSUERS: LazyLock<[Issuer; 3]> = LazyLock::new(|| {
    [
        Issuer { current: of_secret(SECRET), earlier: of_secret(EARLIER), foreign: of_secret(FOREIGN) },
        Issuer {
            current: of_ed25519(ED25519),
            earlier: of_ed25519(OTHER_ED25519),
            foreign: of_ed25519(&of_seed([7; 32])),
        },
        // Keys of different algorithms verify side by side.
        Issuer {
            current: of_rsa(RSA, RSA_PKCS1),
            earlier: of_secret(EARLIER),
            foreign: of_rsa(OTHER_RSA, OTHER_RSA_PKCS1),
        },
    ]
});

fn of_secret(secret: &[u8]) -> Signer {
    Signer { key: hs256(secret), forger: EncodingKey::from_secret(secret), algorithm: Algorithm::HS256 }
}

fn of_ed25519(pem: &str) -> Signer {
    Signer { key: pair(pem), forger: EncodingKey::from_ed_der(&der(pem)), algorithm: Algorithm::EdDSA }
}

fn of_rsa(pem: &str, pkcs1: &str) -> Signer {
    Signer { key: pair(pem), forger: EncodingKey::from_rsa_der(&der(pkcs1)), algorithm: Algorithm::RS256 }
}

fn hs256(secret: &[u8]) -> Arc<Key> {
    Arc::new(Key::hs256(&Secret::new(secret.to_vec())).unwrap())
}

fn pair(pem: &str) -> Arc<Key> {
    Arc::new(Key::from_pem(pem.as_bytes()).unwrap().0)
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(body).unwrap()
}

/// PKCS#8 of an Ed25519 key: a fixed head and the seed (RFC 8410 section 7).
fn of_seed(seed: [u8; 32]) -> String {
    let head = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let body = STANDARD.encode([head.as_slice(), &seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

fn options(current: &Arc<Key>, others: &[&Arc<Key>]) -> JwtOptions {
    JwtOptions {
        issuer: "https://tasks.example".to_owned(),
        audience: "holdfast".to_owned(),
        keys: KeyRing::new(Arc::clone(current), others.iter().copied().cloned().collect()).unwrap(),
        longest_access: HOUR,
        longest_refresh: 30 * DAY,
        legacy: None,
    }
}

impl Signer {
    /// A token of exactly these bytes under a true signature.
    fn forge(&self, header: &str, claims: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.forger, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn header(&self, kid: &str, typ: &str) -> String {
        format!(r#"{{"alg":"{}","kid":"{kid}","typ":"{typ}"}}"#, self.key.algorithm_name())
    }

    /// The good claims as an access token under the name of the key `kid`.
    fn sign_as(&self, kid: &str) -> String {
        self.forge(&self.header(kid, "at+jwt"), GOOD_CLAIMS)
    }
}

impl Issuer {
    fn name(&self) -> &'static str {
        self.current.key.algorithm_name()
    }

    fn tokens(&self) -> JwtTokens {
        JwtTokens::new(options(&self.current.key, &[&self.earlier.key])).unwrap()
    }

    fn forge(&self, header: &str, claims: impl AsRef<[u8]>) -> String {
        self.current.forge(header, claims)
    }

    fn good_header(&self) -> String {
        self.current.header(self.current.key.id(), "at+jwt")
    }

    fn good(&self) -> String {
        self.forge(&self.good_header(), GOOD_CLAIMS)
    }

    fn verify(&self, token: &str) -> Result<AccessClaims, InvalidToken> {
        self.tokens().verify_access(token, at(NOW), Expiry::Enforced)
    }

    /// Refused as either kind, whether or not expiry counts, and also where the good token has just been seen.
    fn assert_refused(&self, name: &str, token: &str) {
        let (tokens, algorithm) = (self.tokens(), self.name());
        tokens.verify_access(&self.good(), at(NOW), Expiry::Enforced).unwrap();
        for expiry in [Expiry::Enforced, Expiry::Ignored] {
            let access = tokens.verify_access(token, at(NOW), expiry);
            assert_eq!(access, Err(InvalidToken), "{algorithm}: {name} ({expiry:?})");
            let refresh = tokens.verify_refresh(token, at(NOW), expiry);
            assert_eq!(refresh, Err(InvalidToken), "{algorithm}: {name} ({expiry:?})");
        }
    }
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

const GOOD_CLAIMS: &str = r#"{"iss":"https://tasks.example","aud":"holdfast","sub":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","sid":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","jti":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","iat":1790000000,"exp":1790000900,"user_id":"0190c42e-7f3a-7cc1-9b6a-0123456789ab","email":"ann@example.com","name":null,"role":"user"}"#;

/// The good claims with one passage replaced, which must be there.
fn claims(from: &str, to: &str) -> String {
    assert!(GOOD_CLAIMS.contains(from), "{from} is not in the claims");
    GOOD_CLAIMS.replacen(from, to, 1)
}

#[test]
fn the_forge_makes_good_tokens_when_nothing_is_wrong() {
    for issuer in &*ISSUERS {
        assert_eq!(
            issuer.verify(&issuer.good()),
            Ok(AccessClaims { name: None, ..access() }),
            "{}",
            issuer.name()
        );
    }
}

#[test]
fn a_token_that_was_seen_before_is_judged_by_its_times_and_its_signature_again() {
    for issuer in &*ISSUERS {
        let (tokens, good) = (issuer.tokens(), issuer.good());
        let verify = |token: &str, now| tokens.verify_access(token, at(now), Expiry::Enforced);
        let seen = verify(&good, NOW).unwrap();
        assert_eq!(verify(&good, NOW + 900), Ok(seen.clone()));
        assert_eq!(verify(&good, NOW + 931), Err(InvalidToken), "over");
        assert_eq!(
            tokens.verify_access(&good, at(NOW + 931), Expiry::Ignored),
            Ok(seen),
            "over, but let through"
        );
        assert_eq!(verify(&good, NOW - 31), Err(InvalidToken), "of the future");
        let (message, signature) = good.rsplit_once('.').unwrap();
        let swapped: String = signature.chars().rev().collect();
        for forged in [swapped.as_str(), &signature[..signature.len() - 1], ""] {
            assert_eq!(verify(&format!("{message}.{forged}"), NOW), Err(InvalidToken), "{forged}");
        }
    }
}

#[test]
fn tokens_of_a_wrong_shape_are_refused() {
    ISSUERS.iter().for_each(wrong_shapes);
}

fn wrong_shapes(issuer: &Issuer) {
    let good = issuer.good();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = message.split_once('.').unwrap();
    // 43 characters carry 258 bits for 256, 86 carry 516 for 512, 342 carry 2,052 for 2,048: the lowest bits of the last
    // character must be zero.
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
        ("1 MB of claims", issuer.forge(&issuer.good_header(), claims("ann@", &"a".repeat(1_000_000)))),
        ("over 8 KiB", issuer.forge(&issuer.good_header(), claims("ann@", &"a".repeat(6_000)))),
    ];
    for (name, token) in shapes {
        issuer.assert_refused(name, &token);
    }
}

#[test]
fn a_token_of_just_8_kib_is_read() {
    for issuer in &*ISSUERS {
        let forge = |length| issuer.forge(&issuer.good_header(), claims("ann@", &"a".repeat(length)));
        // Three bytes of claims are four characters of the token.
        let longest = (8_192 - issuer.good().len()) * 3 / 4 + 8;
        let fits = (0..longest).rev().map(forge).find(|token| token.len() <= 8_192).unwrap();
        assert!(fits.len() > 8_180, "{}: {}", issuer.name(), fits.len());
        assert!(issuer.verify(&fits).is_ok(), "{}", issuer.name());
    }
}

#[test]
fn headers_that_we_never_write_are_refused_under_a_true_signature() {
    ISSUERS.iter().for_each(wrong_headers);
}

fn wrong_headers(issuer: &Issuer) {
    let (kid, own) = (issuer.current.key.id(), issuer.name());
    let header = |kid: &str, typ: &str| issuer.current.header(kid, typ);
    let with = |member: &str| format!(r#"{{"alg":"{own}","kid":"{kid}","typ":"at+jwt",{member}}}"#);
    let alg = |alg: &str| format!(r#"{{"alg":{alg},"kid":"{kid}","typ":"at+jwt"}}"#);
    let typ = |typ: &str| format!(r#"{{"alg":"{own}","kid":"{kid}","typ":{typ}}}"#);
    let other = |name: &'static str| if name == own { "HS384" } else { name };
    let headers = [
        ("alg none", alg(r#""none""#)),
        ("alg None", alg(r#""None""#)),
        ("alg NONE", alg(r#""NONE""#)),
        ("alg empty", alg(r#""""#)),
        ("alg HS256", alg(&format!("{:?}", other("HS256")))),
        ("alg Ed25519", alg(r#""Ed25519""#)),
        ("alg PS256", alg(r#""PS256""#)),
        ("alg HS384", alg(r#""HS384""#)),
        ("alg HS512", alg(r#""HS512""#)),
        ("alg RS256", alg(&format!("{:?}", other("RS256")))),
        ("alg ES256", alg(r#""ES256""#)),
        ("alg EdDSA", alg(&format!("{:?}", other("EdDSA")))),
        ("alg in lower case", alg(&format!("{:?}", own.to_lowercase()))),
        ("alg with a space", alg(&format!(r#""{own} ""#))),
        ("alg null", alg("null")),
        ("alg a number", alg("256")),
        ("alg an array", alg(&format!(r#"["{own}"]"#))),
        ("alg missing", format!(r#"{{"kid":"{kid}","typ":"at+jwt"}}"#)),
        ("kid missing", format!(r#"{{"alg":"{own}","typ":"at+jwt"}}"#)),
        ("kid null", format!(r#"{{"alg":"{own}","kid":null,"typ":"at+jwt"}}"#)),
        ("kid a number", format!(r#"{{"alg":"{own}","kid":1,"typ":"at+jwt"}}"#)),
        ("kid empty", header("", "at+jwt")),
        ("kid unknown", header("AAAAAAAAAAA", "at+jwt")),
        ("kid a path", header("../../dev/null", "at+jwt")),
        ("kid an injection", header("' OR 1=1 --", "at+jwt")),
        ("kid with more behind it", header(&format!("{kid}A"), "at+jwt")),
        ("typ missing", format!(r#"{{"alg":"{own}","kid":"{kid}"}}"#)),
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
        ("duplicate alg", with(&format!(r#""alg":"{own}""#))),
        ("duplicate alg, escaped", with(r#""\u0061lg":"none""#)),
        ("duplicate kid", with(&format!(r#""kid":"{kid}""#))),
        ("duplicate typ", with(r#""typ":"at+jwt""#)),
        ("member in another case", format!(r#"{{"Alg":"{own}","kid":"{kid}","typ":"at+jwt"}}"#)),
        ("array instead of object", format!(r#"["{own}","{kid}","at+jwt"]"#)),
        ("no JSON", own.to_owned()),
        ("null", "null".to_owned()),
        ("empty object", "{}".to_owned()),
        ("two objects", format!("{0}{0}", issuer.good_header())),
        ("trailing comma", format!(r#"{{"alg":"{own}","kid":"{kid}","typ":"at+jwt",}}"#)),
        ("byte order mark", format!("\u{feff}{}", issuer.good_header())),
        ("nested deeply", format!("{}{}", "[".repeat(3_000), "]".repeat(3_000))),
    ];
    for (name, header) in headers {
        issuer.assert_refused(name, &issuer.forge(&header, GOOD_CLAIMS));
    }
}

#[test]
fn claims_that_we_never_write_are_refused_under_a_true_signature() {
    for (name, claims) in wrong_claims() {
        for issuer in &*ISSUERS {
            issuer.assert_refused(&name, &issuer.forge(&issuer.good_header(), &claims));
        }
    }
}

fn wrong_claims() -> Vec<(String, String)> {
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
    cases
}

#[test]
fn claims_that_are_not_utf_8_are_refused() {
    let mut bytes = GOOD_CLAIMS.as_bytes().to_vec();
    let email = GOOD_CLAIMS.find("ann@").unwrap();
    bytes[email] = 0xff;
    for issuer in &*ISSUERS {
        issuer.assert_refused("invalid UTF-8", &issuer.forge(&issuer.good_header(), &bytes));
    }
}

#[test]
fn a_signature_counts_only_under_the_named_key_and_its_own_algorithm() {
    for issuer in &*ISSUERS {
        let Issuer { current, earlier, foreign } = issuer;
        let [now, before, elsewhere] = [current, earlier, foreign].map(|signer| signer.key.id());
        assert!(issuer.verify(&current.sign_as(now)).is_ok());
        assert!(issuer.verify(&earlier.sign_as(before)).is_ok());
        for (name, token) in [
            ("the earlier key's name, the current signature", current.sign_as(before)),
            ("the current key's name, the earlier signature", earlier.sign_as(now)),
            ("another deployment", foreign.sign_as(elsewhere)),
            ("another deployment under our key's name", foreign.sign_as(now)),
            ("another deployment under our earlier key's name", foreign.sign_as(before)),
        ] {
            issuer.assert_refused(name, &token);
        }
        for (algorithm, name) in [(Algorithm::HS384, "HS384"), (Algorithm::HS512, "HS512")] {
            for key in [SECRET, b"".as_slice(), now.as_bytes()] {
                let other = Signer { algorithm, forger: EncodingKey::from_secret(key), ..of_secret(SECRET) };
                issuer.assert_refused(name, &other.forge(&issuer.good_header(), GOOD_CLAIMS));
                let announced = issuer.good_header().replace(issuer.name(), name);
                issuer.assert_refused(name, &other.forge(&announced, GOOD_CLAIMS));
            }
        }
    }
}

/// Whoever took the algorithm from the header would verify an HMAC with the public key as its secret.
#[test]
fn a_public_key_is_no_secret() {
    for (issuer, public) in [(&ISSUERS[1], ED25519_PUBLIC), (&ISSUERS[2], RSA_PUBLIC)] {
        let key = issuer.current.key.public().unwrap();
        let numbers = match &key.parameters {
            PublicParameters::Ed25519 { x } => vec![x],
            PublicParameters::Rsa { n, e } => vec![n, e],
        };
        let mut secrets = vec![public.as_bytes().to_vec(), public.trim().as_bytes().to_vec(), der(public)];
        secrets.extend(numbers.iter().map(|number| number.as_bytes().to_vec()));
        secrets.extend(numbers.iter().map(|number| URL_SAFE_NO_PAD.decode(number).unwrap()));
        secrets.push(key.id.as_bytes().to_vec());
        for secret in secrets {
            let forger = of_secret(&secret);
            // As the header says it, and with the name that the key's algorithm has.
            issuer.assert_refused("HS256 announced", &forger.sign_as(&key.id));
            issuer.assert_refused("its own announced", &forger.forge(&issuer.good_header(), GOOD_CLAIMS));
            issuer.assert_refused("its own kid", &forger.sign_as(forger.key.id()));
            let legacy = forger.forge(r#"{"alg":"HS256","typ":"JWT"}"#, GOOD_CLAIMS);
            issuer.assert_refused("without kid", &legacy);
        }
    }
}

#[test]
fn no_algorithm_stands_in_for_another() {
    let ring = |current: &Signer, others: &[&Signer]| {
        let others: Vec<&Arc<Key>> = others.iter().map(|signer| &signer.key).collect();
        JwtTokens::new(options(&current.key, &others)).unwrap()
    };
    let all: Vec<&Signer> = ISSUERS.iter().map(|issuer| &issuer.current).collect();
    let tokens = ring(all[0], &all[1..]);
    let verify = |token: &str| tokens.verify_access(token, at(NOW), Expiry::Ignored);
    for signer in &all {
        for named in &all {
            let good = signer.key.id() == named.key.id();
            assert_eq!(verify(&signer.sign_as(named.key.id())).is_ok(), good);
            let header = named.header(named.key.id(), "at+jwt");
            assert_eq!(verify(&signer.forge(&header, GOOD_CLAIMS)).is_ok(), good);
        }
    }
}

#[test]
fn neither_kind_stands_in_for_the_other() {
    for issuer in &*ISSUERS {
        let tokens = issuer.tokens();
        let access = tokens.sign_access(&access()).unwrap();
        let refresh = tokens.sign_refresh(&refresh(), &tokens.key_id()).unwrap();
        for expiry in [Expiry::Enforced, Expiry::Ignored] {
            assert_eq!(tokens.verify_refresh(&access, at(NOW), expiry), Err(InvalidToken));
            assert_eq!(tokens.verify_access(&refresh, at(NOW), expiry), Err(InvalidToken));
        }
        issuer.assert_refused("refresh claims as at+jwt", &swap_kind(issuer, &refresh, "at+jwt"));
        issuer.assert_refused("access claims as rt+jwt", &swap_kind(issuer, &access, "rt+jwt"));
    }
}

fn swap_kind(issuer: &Issuer, token: &str, typ: &str) -> String {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    issuer.forge(&issuer.current.header(issuer.current.key.id(), typ), claims)
}

#[test]
fn times_hold_to_the_edge_of_the_leeway_and_no_further() {
    let micro = Duration::from_micros(1);
    for issuer in &*ISSUERS {
        let tokens = issuer.tokens();
        let token = tokens.sign_access(&access()).unwrap();
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
            assert_eq!(judge(now, Expiry::Enforced), enforced, "{}: {name}, enforced", issuer.name());
            assert_eq!(judge(now, Expiry::Ignored), ignored, "{}: {name}, ignored", issuer.name());
        }
        let not_before = claims(r#""user_id""#, r#""nbf":1790000030,"user_id""#);
        assert!(issuer.verify(&issuer.forge(&issuer.good_header(), not_before)).is_ok());
    }
}

#[test]
fn a_life_may_be_one_second_longer_than_the_longest_of_its_kind() {
    let exp = |exp: i64| claims(r#""exp":1790000900"#, &format!(r#""exp":{exp}"#));
    for issuer in &*ISSUERS {
        for life in [3_600, 3_601] {
            let token = issuer.forge(&issuer.good_header(), exp(NOW + life));
            assert!(issuer.verify(&token).is_ok(), "{}: {life}", issuer.name());
        }
        let tokens = issuer.tokens();
        for (life, good) in [(30 * 86_400, true), (30 * 86_400 + 1, true), (30 * 86_400 + 2, false)] {
            let claims = RefreshClaims { expires_at: at(NOW + life), ..refresh() };
            let token = tokens.sign_refresh(&claims, &tokens.key_id()).unwrap();
            let verified = tokens.verify_refresh(&token, at(NOW), Expiry::Enforced);
            assert_eq!(verified.is_ok(), good, "{}: {life}", issuer.name());
        }
    }
}

#[test]
fn both_kinds_come_back_as_they_were_signed_with_times_cut_to_seconds() {
    let half = Duration::from_millis(500);
    for issuer in &*ISSUERS {
        let tokens = issuer.tokens();
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
}

#[test]
fn members_go_out_in_one_order() {
    for issuer in &*ISSUERS {
        let token = issuer.tokens().sign_access(&AccessClaims { name: None, ..access() }).unwrap();
        assert_eq!(token, issuer.good());
    }
}

#[test]
fn a_refresh_token_is_a_function_of_its_claims_and_key() {
    for issuer in &*ISSUERS {
        let first = issuer.tokens().sign_refresh(&refresh(), issuer.current.key.id()).unwrap();
        let again = issuer.tokens().sign_refresh(&refresh(), issuer.current.key.id()).unwrap();
        assert_eq!(first, again, "{}", issuer.name());
    }
}

#[test]
fn rotating_the_key_logs_nobody_out_until_the_old_one_is_removed() {
    for issuer in &*ISSUERS {
        let Issuer { current, earlier, foreign: _ } = issuer;
        let before = JwtTokens::new(options(&earlier.key, &[])).unwrap();
        let published = JwtTokens::new(options(&earlier.key, &[&current.key])).unwrap();
        let (during, after) = (issuer.tokens(), JwtTokens::new(options(&current.key, &[])).unwrap());
        let token = before.sign_access(&access()).unwrap();
        assert_eq!(published.sign_access(&access()).unwrap(), token);
        assert!(during.verify_access(&token, at(NOW), Expiry::Enforced).is_ok());
        assert_eq!(after.verify_access(&token, at(NOW), Expiry::Enforced), Err(InvalidToken));
        let newer = during.sign_access(&access()).unwrap();
        assert!(published.verify_access(&newer, at(NOW), Expiry::Enforced).is_ok());
        assert_eq!([before.key_id(), during.key_id()], [earlier.key.id(), current.key.id()]);
        let refresh_token = before.sign_refresh(&refresh(), earlier.key.id()).unwrap();
        assert_eq!(during.sign_refresh(&refresh(), earlier.key.id()).unwrap(), refresh_token);
        let newer = during.sign_refresh(&refresh(), current.key.id()).unwrap();
        assert_eq!(published.sign_refresh(&refresh(), current.key.id()).unwrap(), newer);
        let missing = after.sign_refresh(&refresh(), earlier.key.id());
        assert!(matches!(missing, Err(TokensError::KeyMissing)), "{}", issuer.name());
    }
}

#[test]
fn a_public_half_verifies_and_never_signs() {
    for (issuer, public) in [(&ISSUERS[1], ED25519_PUBLIC), (&ISSUERS[2], RSA_PUBLIC)] {
        let half = pair(public);
        assert_eq!((half.id(), half.can_sign()), (issuer.current.key.id(), false));
        assert_eq!(half.public(), issuer.current.key.public());
        let tokens = JwtTokens::new(options(&ISSUERS[0].current.key, &[&half])).unwrap();
        assert!(tokens.verify_access(&issuer.good(), at(NOW), Expiry::Enforced).is_ok());
        assert!(matches!(tokens.sign_refresh(&refresh(), half.id()), Err(TokensError::KeyMissing)));
        assert_eq!(KeyRing::new(half, Vec::new()).unwrap_err(), CannotSign);
    }
}

#[test]
fn public_keys_are_shown_the_signing_one_first_and_secrets_never() {
    let [secret, ed25519, rsa] = [0, 1, 2].map(|at| &ISSUERS[at].current.key);
    let shown = |current, others: &[&Arc<Key>]| {
        let keys = JwtTokens::new(options(current, others)).unwrap().public_keys();
        keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
    };
    assert!(shown(secret, &[&ISSUERS[0].earlier.key]).is_empty());
    assert_eq!(shown(secret, &[ed25519]), [ed25519.id()]);
    assert_eq!(shown(ed25519, &[secret, rsa]), [ed25519.id(), rsa.id()]);
    assert_eq!(shown(rsa, &[ed25519, secret]), [rsa.id(), ed25519.id()]);
}

#[test]
fn options_without_a_secret_or_a_name_are_refused() {
    let empty = Secret::new(Vec::new());
    assert_eq!(Key::hs256(&empty).unwrap_err(), EmptySecret);
    let good = || options(&ISSUERS[0].current.key, &[]);
    let fault = |options| JwtTokens::new(options).unwrap_err();
    let legacy = Some(LegacyOptions { secret: empty, until: at(NOW) });
    assert_eq!(fault(JwtOptions { legacy, ..good() }), JwtOptionsError::EmptySecret(EmptySecret));
    assert_eq!(fault(JwtOptions { issuer: String::new(), ..good() }), JwtOptionsError::EmptyName);
    assert_eq!(fault(JwtOptions { audience: String::new(), ..good() }), JwtOptionsError::EmptyName);
}

#[test]
fn nothing_prints_a_secret() {
    for issuer in &*ISSUERS {
        let shown =
            format!("{:?} {:?}", options(&issuer.current.key, &[&issuer.earlier.key]), issuer.tokens());
        assert!(shown.contains(issuer.current.key.id()), "{shown}");
        assert!(!shown.contains("deployment") && !shown.contains("97, 32"), "{shown}");
        // Where a list of bytes stands, there are more commas than members could explain.
        assert!(shown.matches(',').count() < 20, "{shown}");
    }
}

proptest! {
    #[test]
    fn any_claims_come_back_as_they_were_signed(
        issuer in 0..3_usize,
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
        let token = ISSUERS[issuer].tokens().sign_access(&claims).unwrap();
        prop_assert_eq!(ISSUERS[issuer].verify(&token), Ok(claims));
    }

    #[test]
    fn any_one_byte_changed_inserted_or_removed_makes_a_token_invalid(
        issuer in 0..3_usize,
        place in any::<Index>(),
        byte in 0..128_u8,
    ) {
        let tokens = ISSUERS[issuer].tokens();
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
        for issuer in &*ISSUERS {
            prop_assert_eq!(issuer.verify(&text), Err(InvalidToken));
            prop_assert_eq!(issuer.verify(&dots), Err(InvalidToken));
        }
    }
}
