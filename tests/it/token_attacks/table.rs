//! The table of forged tokens: each row is one fault in a token that is right in every other way, under a true signature
//! unless the row is about the signature. It is made once for access tokens and once for refresh tokens.

use serde_json::json;

use crate::forge::{
    FIELD_SECRET, Genuine, Members, SECRET, encode, hs256, hs384, hs512, now, signed, with_signature,
};

/// An account that nobody has.
const NOBODY: &str = r#""0190c42e-7f3a-7cc1-9b6a-0123456789ab""#;

/// One row.
pub(super) struct Attack {
    pub(super) name: String,
    pub(super) token: String,
    pub(super) fault: Fault,
}

impl Attack {
    /// A row about something that the token shows by itself.
    pub(super) fn shown((name, token): (String, String)) -> Self {
        Self { name, token, fault: Fault::Shown }
    }
}

/// What the row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Something that the token shows by itself.
    Shown,
    /// Its time is up and nothing else is wrong: it still says whom to sign out.
    Over,
    /// Account and session do not belong together, which the row of the session alone can tell. Only who holds the true key
    /// can make such a token.
    Mismatched,
}

/// What the forger works with.
pub(super) struct Loot<'a> {
    /// The token that every row starts from.
    pub(super) own: &'a Genuine,
    /// The longest life of a token of this kind, in seconds.
    pub(super) longest: i64,
    /// The same kind of token of another person.
    pub(super) stranger: &'a Genuine,
    /// The same kind of token, of an account that was deleted.
    pub(super) deleted: &'a Genuine,
    /// The same kind of token, of a session that was signed out.
    pub(super) ended: &'a Genuine,
    /// Good tokens of every other kind.
    pub(super) other_kinds: Vec<&'a str>,
}

pub(super) fn attacks(loot: &Loot<'_>) -> Vec<Attack> {
    let own = loot.own;
    let mut rows = shapes(own);
    rows.extend(algorithms(own));
    rows.extend(keys(own));
    rows.extend(headers(own));
    rows.extend(claims(own));
    rows.extend(times(loot));
    rows.extend(people(loot));
    let attack = |fault| move |(name, token)| Attack { name, token, fault };
    let mut attacks: Vec<Attack> = rows.into_iter().map(Attack::shown).collect();
    attacks.extend(mismatches(loot).into_iter().map(attack(Fault::Mismatched)));
    for (name, seconds) in [("exp 31 s ago", 31), ("exp an hour ago", 3_600)] {
        let claims = own.claims.with("iat", now() - seconds - 60).with("exp", now() - seconds);
        attacks.push(attack(Fault::Over)((name.to_owned(), own.claiming(&claims))));
    }
    attacks
}

type Rows = Vec<(String, String)>;

fn named<const N: usize>(rows: [(&str, String); N]) -> Rows {
    rows.map(|(name, token)| (name.to_owned(), token)).into()
}

/// The outer shape: three parts of strict base64url.
fn shapes(own: &Genuine) -> Rows {
    let [header, claims, signature] = own.parts();
    let good = &own.text;
    // 43 characters carry 258 bits for 256: the two lowest bits of the last one must be zero.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (stem, last) = signature.split_at(signature.len() - 1);
    let next = alphabet.as_bytes()[alphabet.find(last).unwrap() + 1] as char;
    let json_flat = json!({ "protected": header, "payload": claims, "signature": signature }).to_string();
    let general =
        json!({ "payload": claims, "signatures": [{ "protected": header, "signature": signature }] });
    named([
        ("one part", header.to_owned()),
        ("two parts", format!("{header}.{claims}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts, as of JWE", format!("{header}.{claims}.{signature}.{claims}.{signature}")),
        ("three empty parts", "..".to_owned()),
        ("empty header", format!(".{claims}.{signature}")),
        ("empty claims", format!("{header}..{signature}")),
        ("empty signature", format!("{header}.{claims}.")),
        ("empty part in front", format!(".{good}")),
        ("empty part behind", format!("{good}.")),
        ("header and claims swapped", format!("{claims}.{header}.{signature}")),
        ("signature cut by one character", good[..good.len() - 1].to_owned()),
        ("signature cut to half", good[..good.len() - 22].to_owned()),
        ("signature with one character more", format!("{good}A")),
        ("signature of zeros", format!("{header}.{claims}.{}", encode([0; 32]))),
        ("trailing bits not zero", format!("{header}.{claims}.{stem}{next}")),
        ("signature padded", format!("{good}=")),
        ("header padded", format!("{header}=.{claims}.{signature}")),
        ("standard alphabet", format!("{header}.{claims}.{}+/", &signature[..signature.len() - 2])),
        ("percent-encoded full stop", format!("{header}%2E{claims}%2E{signature}")),
        ("full-width full stops", good.replace('.', "\u{ff0e}")),
        ("byte order mark in front", format!("\u{feff}{good}")),
        ("blank in front", format!(" {good}")),
        ("blank behind", format!("{good} ")),
        ("blank inside", format!("{header}. {claims}.{signature}")),
        ("newline behind", format!("{good}\n")),
        ("newline inside", format!("{header}.{claims}\n.{signature}")),
        ("NUL behind", format!("{good}\0")),
        ("tab inside", format!("{header}.\t{claims}.{signature}")),
        ("in quotes", format!("\"{good}\"")),
        ("flattened JSON serialization", json_flat),
        ("general JSON serialization", general.to_string()),
        ("longer than 8 KiB", own.claiming(&own.claims.with("x", format!("\"{}\"", "x".repeat(6_200))))),
    ])
}

/// `alg` says something else than what our key is for, with a signature to match where there can be one.
fn algorithms(own: &Genuine) -> Rows {
    let [header, claims, _] = own.parts();
    let saying = |alg: &str| own.header.with("alg", alg);
    let unsigned = |alg: &str| format!("{}.{claims}.", encode(saying(alg).json()));
    let as_told = |alg: &str, sign: fn(&[u8], &str) -> Vec<u8>| {
        with_signature(own.message(saying(alg).json()), sign, SECRET.as_bytes())
    };
    let mut rows = named([
        ("alg none, unsigned", unsigned(r#""none""#)),
        ("alg None, unsigned", unsigned(r#""None""#)),
        ("alg nONE, unsigned", unsigned(r#""nONE""#)),
        ("alg empty, unsigned", unsigned(r#""""#)),
        ("alg missing, unsigned", format!("{}.{claims}.", encode(own.header.without("alg").json()))),
        ("alg HS384 and signed so", as_told(r#""HS384""#, hs384)),
        ("alg HS512 and signed so", as_told(r#""HS512""#, hs512)),
        (
            "alg HS256, signed with HS384",
            with_signature(format!("{header}.{claims}"), hs384, SECRET.as_bytes()),
        ),
        (
            "alg HS256, signed with HS512",
            with_signature(format!("{header}.{claims}"), hs512, SECRET.as_bytes()),
        ),
        ("alg missing", own.headed(&own.header.without("alg"))),
    ]);
    let others = [
        r#""none""#,
        r#""RS256""#,
        r#""PS256""#,
        r#""ES256""#,
        r#""EdDSA""#,
        r#""Ed25519""#,
        r#""HS256K""#,
        r#""hs256""#,
        r#""HS256 ""#,
        r#""HS256\u0000""#,
        "null",
        "256",
        "true",
        r#"["HS256"]"#,
        "{}",
    ];
    rows.extend(others.map(|alg| (format!("alg {alg}, signed with HS256"), as_told(alg, hs256))));
    rows
}

/// A true HMAC with something that is not the key.
fn keys(own: &Genuine) -> Rows {
    let root = hs256(SECRET.as_bytes(), "holdfast cursor key v1");
    let kid = own.kid();
    let keys: [(&str, Vec<u8>); 9] = [
        ("the secret of the FastAPI backend", FIELD_SECRET.into()),
        ("the key of cursors", root),
        ("the empty key", Vec::new()),
        ("32 zeros", vec![0; 32]),
        ("the key's own name", kid.into()),
        ("the secret with a newline", format!("{SECRET}\n").into()),
        ("the first 32 bytes of the secret", SECRET[..32].into()),
        ("a known secret of the originals", "dev-secret-change-in-production".into()),
        ("the claims themselves", own.claims.json().into()),
    ];
    let mut rows: Rows =
        keys.iter().map(|(name, key)| (format!("signed with {name}"), own.under(key))).collect();
    // As the FastAPI backend signed its own: no kid, another typ.
    let field = own.header.without("kid").with("typ", r#""JWT""#);
    let field_signed = |key: &str| with_signature(own.message(field.json()), hs256, key.as_bytes());
    rows.push(("our claims as a token of the FastAPI backend".to_owned(), field_signed(FIELD_SECRET)));
    rows.push((
        "our claims as a token of the FastAPI backend, under our key".to_owned(),
        field_signed(SECRET),
    ));
    let user = own.claims.written("sub");
    let foreign =
        format!(r#"{{"user_id":{user},"email":"ada@example.com","name":null,"exp":{}}}"#, now() + 600);
    let message = |header: &Members| format!("{}.{}", encode(header.json()), encode(&foreign));
    rows.push(("claims of the FastAPI backend under our key".to_owned(), signed(message(&field))));
    rows.push((
        "claims of the FastAPI backend under our key and header".to_owned(),
        signed(message(&own.header)),
    ));
    rows
}

/// Members of the header that are missing, of another type, unknown, or there twice.
fn headers(own: &Genuine) -> Rows {
    let header = &own.header;
    let kid = own.kid();
    let jwk = format!(r#"{{"kty":"oct","alg":"HS256","kid":"{kid}","k":"{}"}}"#, encode(b"mine"));
    let extra = [
        ("jwk", jwk.as_str()),
        ("jku", r#""https://attacker.example/jwks.json""#),
        ("x5u", r#""https://attacker.example/cert.pem""#),
        ("x5c", r#"["MIIB"]"#),
        ("x5t", r#""AAAA""#),
        ("x5t#S256", r#""AAAA""#),
        ("crit", r#"["exp"]"#),
        ("crit", r#"["b64"],"b64":false"#),
        ("crit", "[]"),
        ("b64", "false"),
        ("b64", "true"),
        ("zip", r#""DEF""#),
        ("cty", r#""JWT""#),
        ("enc", r#""A256GCM""#),
        ("epk", "{}"),
        ("nonce", r#""n""#),
        ("unknown", "null"),
        ("__proto__", r#"{"alg":"none"}"#),
    ];
    let mut rows: Rows = extra
        .iter()
        .map(|(name, value)| (format!("header with {name} {value}"), own.headed(&header.and(name, value))))
        .collect();
    let embedded = header.and("jwk", &jwk);
    rows.push((
        "header with jwk, signed with it".to_owned(),
        with_signature(own.message(embedded.json()), hs256, b"mine"),
    ));
    for name in ["alg", "kid", "typ"] {
        let twice = header.and(name, header.written(name));
        rows.push((format!("header with {name} twice"), own.headed(&twice)));
        rows.push((format!("header without {name}"), own.headed(&header.without(name))));
        let escaped = format!("\\u00{:02x}{}", name.as_bytes()[0], &name[1..]);
        rows.push((
            format!("header with {name} twice, once escaped"),
            own.headed(&header.and(&escaped, "\"none\"")),
        ));
        let capital = name.to_uppercase();
        let renamed = header.without(name).and(&capital, header.written(name));
        rows.push((format!("header with {capital}"), own.headed(&renamed)));
    }
    let kids = [
        r#""""#.to_owned(),
        r#""../../dev/null""#.to_owned(),
        r#""/dev/null""#.to_owned(),
        r#""' OR '1'='1""#.to_owned(),
        r#""x' UNION SELECT 'key' --""#.to_owned(),
        r#""| id""#.to_owned(),
        r#""unknown""#.to_owned(),
        "null".to_owned(),
        "0".to_owned(),
        "[]".to_owned(),
        format!(r#"["{kid}"]"#),
        "{}".to_owned(),
        format!(r#""{kid} ""#),
        format!(r#""{kid}\u0000""#),
        format!(r#""{}""#, kid.to_lowercase() + "x"),
        format!(r#""{}""#, "k".repeat(4_000)),
    ];
    rows.extend(kids.map(|kid| (format!("kid {}", shortened(&kid)), own.headed(&header.with("kid", kid)))));
    let types = [
        r#""JWT""#,
        r#""jwt""#,
        r#""AT+JWT""#,
        r#""application/at+jwt""#,
        r#""application/rt+jwt""#,
        r#""id+jwt""#,
        r#""logout+jwt""#,
        r#""""#,
        "null",
        "1",
        r#"["at+jwt"]"#,
    ];
    rows.extend(types.map(|typ| (format!("typ {typ}"), own.headed(&header.with("typ", typ)))));
    let texts = named([
        ("header an array", format!(r#"["HS256","{kid}","at+jwt"]"#)),
        ("header a string", r#""HS256""#.to_owned()),
        ("header null", "null".to_owned()),
        ("header an empty object", "{}".to_owned()),
        ("header no JSON", "alg=HS256".to_owned()),
        ("header twice", format!("{0}{0}", header.json())),
        ("header with a byte order mark", format!("\u{feff}{}", header.json())),
        ("header with blanks in front", format!("  {}", header.json())),
        ("header with a trailing comma", header.json().replace('}', ",}")),
        ("header nested deeply", "[".repeat(3_000)),
    ]);
    rows.extend(texts.into_iter().map(|(name, text)| (name, own.headed_text(text))));
    let mut broken = header.json().into_bytes();
    broken.insert(2, 0xff);
    rows.push(("header not UTF-8".to_owned(), own.headed_text(broken)));
    rows
}

/// Claims that are missing, of another type, unknown, there twice or spelt in another way.
fn claims(own: &Genuine) -> Rows {
    let claims = &own.claims;
    let mut rows = Rows::new();
    let mut put = |name: String, claims: &Members| rows.push((name, own.claiming(claims)));
    for name in claims.names() {
        let written = claims.written(name);
        put(format!("{name} missing"), &claims.without(name));
        put(format!("{name} twice"), &claims.and(name, written));
        let is_number = written.parse::<i64>().is_ok();
        let other = if is_number { format!("\"{written}\"") } else { "1790000000".to_owned() };
        for value in ["true", "{}", "[]", &other, &format!("[{written}]")] {
            put(format!("{name} {}", shortened(value)), &claims.with(name, value));
        }
        if name != "name" {
            put(format!("{name} null"), &claims.with(name, "null"));
        }
    }
    for name in ["sub", "sid", "jti", "user_id"].into_iter().filter(|name| claims.names().contains(name)) {
        let id = claims.written(name).trim_matches('"').to_owned();
        for (what, spelt) in [
            ("in capitals", id.to_uppercase()),
            ("without hyphens", id.replace('-', "")),
            ("in braces", format!("{{{id}}}")),
            ("as a URN", format!("urn:uuid:{id}")),
            ("with a blank", format!("{id} ")),
            ("empty", String::new()),
            ("an injection", "' OR '1'='1".to_owned()),
        ] {
            put(format!("{name} {what}"), &claims.with(name, json!(spelt)));
        }
    }
    for (name, value) in [
        ("iss", r#""https://attacker.example""#),
        ("iss", r#""Holdfast""#),
        ("iss", r#""holdfast/""#),
        ("iss", r#""""#),
        ("aud", r#""attacker""#),
        ("aud", r#""HOLDFAST""#),
        ("aud", r#"["attacker","holdfast"]"#),
        ("aud", r#""""#),
        ("scope", r#""admin""#),
        ("admin", "true"),
        ("cnf", "{}"),
        ("nonce", r#""n""#),
    ] {
        put(format!("{name} {value}"), &claims.with(name, value));
    }
    if claims.names().contains(&"role") {
        for role in [r#""root""#, r#""Admin""#, r#""""#, r#"["admin"]"#] {
            put(format!("role {role}"), &claims.with("role", role));
        }
        put("role twice, once as admin".to_owned(), &claims.and("role", r#""admin""#));
        put("role twice, once escaped".to_owned(), &claims.and("\\u0072ole", r#""admin""#));
    }
    let json = claims.json();
    let texts = named([
        ("claims twice", format!("{json}{json}")),
        ("claims with NUL behind", format!("{json}\0")),
        ("claims with a byte order mark", format!("\u{feff}{json}")),
        ("claims in an array", format!("[{json}]")),
        ("claims null", "null".to_owned()),
        ("claims a string", "\"claims\"".to_owned()),
        ("claims an empty object", "{}".to_owned()),
        ("claims no JSON", "sub=1".to_owned()),
        ("claims cut", json[..json.len() - 1].to_owned()),
        ("claims with a lone surrogate", json.replacen('{', r#"{"x":"\ud800","#, 1)),
    ]);
    rows.extend(texts.into_iter().map(|(name, text)| (name, own.claiming_text(text))));
    rows
}

/// Times that are no whole numbers, or not now. The edges themselves are in a test of their own.
fn times(Loot { own, longest, .. }: &Loot<'_>) -> Rows {
    let claims = &own.claims;
    let exp = claims.written("exp");
    let mut rows = Rows::new();
    let mut put = |name: String, claims: &Members| rows.push((name, own.claiming(claims)));
    for name in ["exp", "iat", "nbf"] {
        let now = now();
        for value in [
            format!("{now}.0"),
            format!("{now}.5"),
            format!("{now}e0"),
            format!("\"{now}\""),
            format!("0{now}"),
            format!("+{now}"),
            format!("0x{now:x}"),
            "-0".to_owned(),
            "1e300".to_owned(),
            "1e999".to_owned(),
            "NaN".to_owned(),
            "Infinity".to_owned(),
            "9223372036854775807".to_owned(),
            "9223372036854775808".to_owned(),
            "-9223372036854775808".to_owned(),
            "99999999999999999999999999".to_owned(),
            format!("{now}000"),
            "null".to_owned(),
            "[]".to_owned(),
        ] {
            // A time long ago is a good nbf.
            if name != "nbf" || !["-0"].contains(&value.as_str()) {
                put(format!("{name} {value}"), &claims.with(name, value));
            }
        }
    }
    put("exp zero".to_owned(), &claims.with("exp", 0));
    put("exp negative".to_owned(), &claims.with("exp", -now()));
    put("exp before iat".to_owned(), &claims.with("iat", now()).with("exp", now() - 1));
    put("iat an hour ahead".to_owned(), &claims.with("iat", now() + 3_600).with("exp", now() + 3_700));
    put("nbf an hour ahead".to_owned(), &claims.with("nbf", now() + 3_600));
    put("nbf twice".to_owned(), &claims.with("nbf", now()).and("nbf", now()));
    put(
        "a life two seconds too long".to_owned(),
        &claims.with("iat", now()).with("exp", now() + longest + 2),
    );
    put("a life of a hundred years".to_owned(), &claims.with("exp", now() + 3_153_600_000));
    put("iat long ago".to_owned(), &claims.with("iat", 1).with("exp", exp));
    rows
}

/// Good tokens of people and sessions that are gone, and of the wrong kind.
fn people(loot: &Loot<'_>) -> Rows {
    let Loot { own, longest: _, stranger, deleted, ended, other_kinds } = loot;
    let mut rows = named([
        ("a deleted account", deleted.text.clone()),
        ("a session that was signed out", ended.text.clone()),
    ]);
    if own.claims.names().contains(&"user_id") {
        let their = stranger.claims.written("sub");
        rows.extend(named([
            ("sub and user_id differ", own.claiming(&own.claims.with("user_id", their))),
            ("user_id and sub differ", own.claiming(&own.claims.with("sub", their))),
        ]));
    }
    let other = |token: &&str| ("a good token of another kind".to_owned(), (*token).to_owned());
    rows.extend(other_kinds.iter().map(other));
    rows
}

/// Accounts and sessions that do not belong together, or do not exist.
fn mismatches(Loot { own, stranger, .. }: &Loot<'_>) -> Rows {
    let account = |id: &str| {
        let claims = own.claims.with("sub", id);
        if claims.names().contains(&"user_id") { claims.with("user_id", id) } else { claims }
    };
    let their = |name| stranger.claims.written(name);
    named([
        ("another person's account, own session", own.claiming(&account(their("sub")))),
        ("own account, another person's session", own.claiming(&own.claims.with("sid", their("sid")))),
        ("an account that does not exist", own.claiming(&account(NOBODY))),
        ("a session that does not exist", own.claiming(&own.claims.with("sid", NOBODY))),
    ])
}

fn shortened(value: &str) -> String {
    value.chars().take(30).collect()
}
