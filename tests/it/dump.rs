//! Somebody has a copy of the database: nothing in it opens a door, and no secret that anybody used is in it.
//!
//! After a busy day every value of every column is taken apart and tried as every kind of credential that the server's own
//! OpenAPI document tells of, and as a key to sign tokens with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use base64::{Engine as _, engine::general_purpose};
use holdfast_application::ports::PersonalTokenText;
use holdfast_testkit::{Authenticator, rows};
use reqwest::{
    Method,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde_json::{Value, json};

use crate::{
    app::{Answer, PASSWORD, Person, TestApp, send},
    forge::{BOTH_KINDS, FIELD_SECRET, Genuine, SECRET, encode, hs256, now, with_signature},
};

/// Shorter ones cannot be told from chance in the search for secrets, and are no credential.
const SHORTEST: usize = 4;
/// How members are called that a credential goes into.
const CREDENTIALS: [&str; 7] = ["token", "code", "key", "secret", "link", "otp", "refresh_token"];

#[tokio::test]
async fn nothing_in_a_copy_of_sqlite_opens_a_door_or_is_a_secret() {
    nothing_in_a_copy_opens_a_door_or_is_a_secret(&TestApp::on_sqlite(&BOTH_KINDS)).await;
}

#[tokio::test]
async fn nothing_in_a_copy_of_postgres_opens_a_door_or_is_a_secret() {
    if let Some(app) = TestApp::on_postgres(&BOTH_KINDS).await {
        nothing_in_a_copy_opens_a_door_or_is_a_secret(&app).await;
    }
}

async fn nothing_in_a_copy_opens_a_door_or_is_a_secret(app: &TestApp) {
    let day = busy_day(app).await;
    let values: BTreeSet<String> =
        rows::dump(&app.database_url()).await.into_iter().flatten().filter_map(|cell| cell.value).collect();
    assert!(values.len() > 60, "the day left only {} values", values.len());
    no_secret_is_among(&values, &day.secrets);
    no_secret_is_in_the_file(app, &day.secrets);
    let pieces: BTreeSet<String> = values.iter().flat_map(|value| pieces_of(value)).collect();
    no_piece_is_a_token(app, &pieces).await;
    no_piece_is_a_signing_key(app, &pieces, &day.ada).await;
    no_piece_is_the_secret_of_a_personal_token(app, &pieces, &day.ada).await;
    no_piece_is_a_password(app, &pieces, &day.ada.email).await;
    let hashes =
        values.iter().filter(|value| value.starts_with('$')).flat_map(|hash| pieces_of(hash)).collect();
    for Person { email, .. } in [&day.banned, &day.admin] {
        no_piece_is_a_password(app, &hashes, email).await;
    }
    no_piece_is_a_code(app, &day.ada).await;
    no_piece_opens_another_door(app, &pieces, &day.ada).await;
    assert!(app.knows(&day.ada.access).await, "trying so much has signed somebody out");
}

/// Who is left after the day, and everything secret that was used.
struct Day {
    ada: Person,
    banned: Person,
    admin: Person,
    /// By what they were.
    secrets: Vec<(&'static str, String)>,
}

impl Day {
    fn keep(&mut self, person: &Person) {
        let Person { access, refresh, long_lived, .. } = person;
        for (kind, token) in
            [("an access token", access), ("a refresh token", refresh), ("a day's token", long_lived)]
        {
            if !token.is_empty() {
                self.secrets.push((kind, token.clone()));
            }
        }
    }
}

async fn busy_day(app: &TestApp) -> Day {
    let (admin, ada, banned) = (app.admin("root").await, app.person("ada").await, app.person("bob").await);
    let secrets = [
        ("the password of everybody", PASSWORD),
        ("the secret of tokens", SECRET),
        ("the FastAPI backend's secret", FIELD_SECRET),
    ];
    let secrets = secrets.map(|(kind, secret)| (kind, secret.to_owned())).into();
    let mut day = Day { ada, banned, admin, secrets };
    for person in [day.ada.clone(), day.banned.clone(), day.admin.clone()] {
        day.keep(&person);
    }
    signing_in_and_out(app, &mut day).await;
    refreshing(app, &mut day).await;
    leaving(app, &mut day).await;
    scripting(app, &mut day).await;
    enrolling(app, &mut day).await;
    for title in ["Write it down", "{\"a\": [\"json in a title\"]}", "deadbeefdeadbeefdeadbeefdeadbeef"] {
        app.task(&day.ada, &json!({ "title": title, "description": title })).await;
    }
    day
}

/// Right and wrong passwords, also of nobody, and every way out.
async fn signing_in_and_out(app: &TestApp, day: &mut Day) {
    let (ada, admin) = (day.ada.email.clone(), day.admin.email.clone());
    for (path, email) in [("signin", &ada), ("login", &ada), ("signin", &admin)] {
        let wish = json!({ "email": email, "password": PASSWORD });
        let person = Person::from(&app.post(&format!("/api/v1/auth/{path}"), &wish).await);
        day.keep(&person);
        if path == "login" {
            app.call(&person, Method::POST, "/api/v1/auth/logout", None).await;
        }
    }
    for (email, typed) in [
        (ada.as_str(), "her password at another site"),
        (ada.as_str(), "correct horse battery stapel"),
        (day.banned.email.as_str(), "his-other-password"),
        ("nobody@example.com", "a password of nobody"),
        ("a password typed as the address", ada.as_str()),
    ] {
        let refused = app.post("/api/v1/auth/login", &json!({ "email": email, "password": typed })).await;
        assert_eq!(refused.status, 401, "{}", refused.text);
        let secret = if typed == ada { email } else { typed };
        day.secrets.push(("a wrong password", secret.to_owned()));
    }
    let claims =
        json!({ "user_id": day.ada.user_id, "email": day.ada.email, "name": null, "exp": now() + 600 });
    let field = field_token(&claims, FIELD_SECRET.as_bytes());
    assert!(app.knows(&field).await);
    let out = send(app.request(Method::POST, "/api/v1/auth/signout").bearer_auth(&field)).await;
    assert_eq!((out.status, app.knows(&field).await), (200, false), "{}", out.text);
    day.secrets.push(("a token of the FastAPI backend", field));
}

async fn refreshing(app: &TestApp, day: &mut Day) {
    let refresh = async |token: &str| {
        let answer = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": token })).await;
        let token = |name: &str| answer.body["data"][name].as_str().map(str::to_owned);
        (token("access_token"), token("refresh_token"))
    };
    let (Some(access), Some(next)) = refresh(&day.ada.refresh).await else { panic!("no pair") };
    day.secrets.extend([("an access token", access), ("a refresh token", next.clone())]);
    let (Some(access), Some(next)) = refresh(&next).await else { panic!("no pair") };
    day.secrets.extend([("an access token", access.clone()), ("a refresh token", next.clone())]);
    (day.ada.access, day.ada.refresh) = (access, next);
    // A thief is caught in another session, and something that is no token is tried.
    let wish = json!({ "email": day.ada.email, "password": PASSWORD });
    let robbed = Person::from(&app.post("/api/v1/auth/login", &wish).await);
    day.keep(&robbed);
    let (_, Some(next)) = refresh(&robbed.refresh).await else { panic!("no pair") };
    assert!(refresh(&next).await.0.is_some());
    assert_eq!(refresh(&robbed.refresh).await, (None, None));
    assert_eq!(refresh("something that is no token").await, (None, None));
    day.secrets.push(("something tried as a token", "something that is no token".to_owned()));
}

/// Personal access tokens: in use, never used, and revoked.
async fn scripting(app: &TestApp, day: &mut Day) {
    for (name, uses) in [("in use", true), ("never used", false), ("revoked", false)] {
        let wish = json!({ "name": name, "scopes": ["tasks:read", "tasks:write"], "password": PASSWORD });
        let made = app.call(&day.ada, Method::POST, "/api/v1/auth/tokens", Some(&wish)).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let token = made.body["data"]["token"].as_str().unwrap().to_owned();
        assert!(!uses || app.knows(&token).await);
        if name == "revoked" {
            let path = format!("/api/v1/auth/tokens/{}", made.body["data"]["id"].as_str().unwrap());
            assert_eq!(app.call(&day.ada, Method::DELETE, &path, None).await.status, 200);
        }
        // The secret, without the ids that its owner is told.
        day.secrets.push(("the secret of a personal access token", token[47..].to_owned()));
        day.secrets.push(("a personal access token", token));
    }
}

/// A ban, a deletion that is confirmed at the second attempt, and another role.
async fn leaving(app: &TestApp, day: &mut Day) {
    let ban = json!({ "reason": "spam" });
    let path = format!("/api/v1/users/{}/ban", day.banned.user_id);
    assert_eq!(app.call(&day.admin, Method::POST, &path, Some(&ban)).await.status, 200);
    let zoe = app.person("zoe").await;
    day.keep(&zoe);
    for (password, status) in [("zoe mistypes her password", 401), (PASSWORD, 200)] {
        let body = json!({ "password": password });
        let answer = app.call(&zoe, Method::DELETE, "/api/v1/users/me", Some(&body)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    day.secrets.push(("a wrong password", "zoe mistypes her password".to_owned()));
    let other = app.admin("other").await;
    day.keep(&other);
    let path = format!("/api/v1/users/{}/role", other.user_id);
    assert_eq!(app.call(&day.admin, Method::PUT, &path, Some(&json!({ "role": "user" }))).await.status, 200);
}

/// A second factor of an app, and a recovery code that was used.
async fn enrolling(app: &TestApp, day: &mut Day) {
    let post = async |path: &str, body: Value| {
        let answer = app.call(&day.ada, Method::POST, path, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["data"].clone()
    };
    let enrolment = post("/api/v1/auth/second-factor", json!({ "password": PASSWORD })).await;
    let secret = enrolment["secret"].as_str().unwrap().to_owned();
    let shows = Authenticator::new(&secret);
    let told = post("/api/v1/auth/second-factor/confirm", json!({ "code": shows.code(now()) })).await;
    let codes = told["recovery_codes"].as_array().unwrap();
    let codes: Vec<String> = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    let wish = json!({ "email": day.ada.email, "password": PASSWORD, "code": codes[0] });
    let person = Person::from(&app.post("/api/v1/auth/login", &wish).await);
    day.keep(&person);
    day.secrets.push(("the secret of an app", secret));
    day.secrets.push(("the bytes of an app's secret", shows.secret()));
    day.secrets.push(("the bytes of an app's secret", shows.secret().to_uppercase()));
    for code in codes {
        day.secrets.push(("a recovery code", code.replace('-', "")));
        day.secrets.push(("a recovery code", code));
    }
}

fn field_token(claims: &Value, key: &[u8]) -> String {
    let message = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(claims.to_string()));
    with_signature(message, hs256, key)
}

/// The value, and what it consists of where it is JSON, hexadecimal, base64 or a list of some kind.
fn pieces_of(value: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut left = vec![value.to_owned()];
    while let Some(text) = left.pop() {
        // No credential holds U+0000: it is refused in every text.
        if text.len() < SHORTEST || text.contains('\0') || !found.insert(text.clone()) {
            continue;
        }
        left.extend(text.split(['$', '.', ':', ',', ';', '=', '/', ' ', '|', '\\']).map(str::to_owned));
        if let Ok(json) = serde_json::from_str::<Value>(&text) {
            left.extend(texts(&json));
        }
        left.extend(encodings(&text));
    }
    found
}

/// What a text decodes to: as text where it is one, and as both kinds of base64.
fn encodings(text: &str) -> Vec<String> {
    let forms = |bytes: Vec<u8>| {
        let base64 = [general_purpose::STANDARD.encode(&bytes), encode(&bytes)];
        base64.into_iter().chain(String::from_utf8(bytes).ok())
    };
    decoded(text).into_iter().flat_map(forms).collect()
}

fn texts(json: &Value) -> Vec<String> {
    match json {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The bytes that a text may stand for.
fn decoded(text: &str) -> Vec<Vec<u8>> {
    let digits = text.strip_prefix("\\x").unwrap_or(text);
    let is_hex = digits.len() >= 16 && digits.len().is_multiple_of(2);
    let hex = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok());
    let hex: Option<Vec<u8>> = if is_hex { hex.collect() } else { None };
    // Encoded bytes decode to bytes that could be encoded again, and so on; text alone is followed.
    let readable = |bytes: &Vec<u8>| bytes.len() >= SHORTEST && bytes.is_ascii();
    let padded = general_purpose::STANDARD.decode(text).ok().filter(readable);
    let unpadded = general_purpose::URL_SAFE_NO_PAD.decode(text).ok().filter(readable);
    [hex, padded, unpadded].into_iter().flatten().collect()
}

/// The secret as it may be written: itself, the last part of a token, and both encoded.
fn spellings(secret: &str) -> Vec<String> {
    let last = secret.rsplit('.').next().filter(|last| secret.starts_with("ey") && last.len() >= 20);
    let forms = [Some(secret), last].into_iter().flatten();
    forms
        .flat_map(|form| {
            let hex = percent_encoded(form).replace('%', "").to_lowercase();
            [form.to_owned(), encode(form), general_purpose::STANDARD.encode(form), hex.to_uppercase(), hex]
        })
        .collect()
}

fn no_secret_is_among(values: &BTreeSet<String>, secrets: &[(&str, String)]) {
    for (kind, secret) in secrets {
        for spelling in spellings(secret) {
            let found = values.iter().find(|value| value.contains(&spelling));
            assert!(found.is_none(), "{kind} is stored: {found:?}");
        }
    }
}

/// Neither in rows that were deleted nor in the log that is written ahead.
fn no_secret_is_in_the_file(app: &TestApp, secrets: &[(&str, String)]) {
    let url = app.database_url();
    let Some(path) = url.strip_prefix("sqlite://") else { return };
    let path = path.split('?').next().unwrap();
    for file in [path.to_owned(), format!("{path}-wal")] {
        let Ok(bytes) = fs::read(&file) else { continue };
        for (kind, secret) in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{kind} is in {file}");
        }
    }
    assert!(fs::metadata(path).unwrap().len() > 0, "{path} is not the database");
}

async fn call(app: &TestApp, token: &str) -> Option<Answer> {
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).ok()?;
    Some(send(app.request(Method::GET, "/api/v1/tasks").header(AUTHORIZATION, value)).await)
}

async fn form(app: &TestApp, members: &[(&str, &str)]) -> Answer {
    let encoded: Vec<String> =
        members.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    let request = app.request(Method::POST, "/api/v1/auth/token");
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    send(request.body(encoded.join("&"))).await
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").unwrap();
        encoded
    })
}

async fn no_piece_is_a_token(app: &TestApp, pieces: &BTreeSet<String>) {
    for piece in pieces {
        if let Some(answer) = call(app, piece).await {
            assert_eq!(answer.problem(401), "TOKEN_INVALID", "{piece}");
        }
        let refreshed = app.post("/api/v1/auth/refresh", &json!({ "refresh_token": piece })).await;
        assert_eq!(refreshed.problem(401), "REFRESH_TOKEN_INVALID", "{piece}");
        let granted = form(app, &[("grant_type", "refresh_token"), ("refresh_token", piece)]).await;
        assert_eq!((granted.status, &granted.body["error"]), (400, &json!("invalid_grant")), "{piece}");
    }
}

/// Ada's own claims, under our key's name and as the FastAPI backend wrote them.
async fn no_piece_is_a_signing_key(app: &TestApp, pieces: &BTreeSet<String>, ada: &Person) {
    let genuine = Genuine::read(&ada.access);
    let claims = json!({ "user_id": ada.user_id, "email": ada.email, "name": null, "exp": now() + 600 });
    for piece in pieces {
        for key in [vec![piece.clone().into_bytes()], decoded(piece)].concat() {
            for forged in [genuine.under(&key), field_token(&claims, &key)] {
                let answer = call(app, &forged).await.unwrap();
                assert_eq!(answer.problem(401), "TOKEN_INVALID", "a token signed with {piece}");
            }
        }
    }
}

/// The ids of Ada's tokens and of her account are in the copy; what is missing is the secret.
async fn no_piece_is_the_secret_of_a_personal_token(app: &TestApp, pieces: &BTreeSet<String>, ada: &Person) {
    let listed = app.call(ada, Method::GET, "/api/v1/auth/tokens", None).await;
    let tokens = listed.body["data"]["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 2, "{}", listed.text);
    let mut tried = 0;
    for secret in pieces.iter().filter_map(|piece| whole(piece)) {
        for token in tokens {
            let (owner, id) = (ada.user_id.parse().unwrap(), token["id"].as_str().unwrap().parse().unwrap());
            let (forged, _) = PersonalTokenText::seal(owner, id, &secret);
            assert_eq!(call(app, forged.expose()).await.unwrap().problem(401), "TOKEN_INVALID");
            tried += 1;
        }
    }
    assert!(tried >= 4, "the hashes of two tokens are in the copy, and {tried} tokens were tried");
}

/// The 256 bits that a text stands for.
fn whole(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("\\x").unwrap_or(text);
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Each attempt costs a hash, so that numbers, times and ids in any spelling are left out: all of them are told to their
/// owners anyway, and nobody's password was one that day.
async fn no_piece_is_a_password(app: &TestApp, pieces: &BTreeSet<String>, email: &str) {
    let is_id =
        |piece: &str| piece.bytes().all(|byte| byte.is_ascii_hexdigit() || b"-+:. TZx\\".contains(&byte));
    let ids: BTreeSet<String> =
        pieces.iter().filter(|piece| is_id(piece)).flat_map(|id| encodings(id)).collect();
    for piece in pieces.iter().filter(|piece| !is_id(piece) && !ids.contains(*piece)) {
        let refused = app.post("/api/v1/auth/login", &json!({ "email": email, "password": piece })).await;
        assert_eq!(refused.problem(401), "INVALID_CREDENTIALS", "{email}: {piece}");
    }
}

/// Behind the right password, what is stored of the second factor is tried as one.
async fn no_piece_is_a_code(app: &TestApp, ada: &Person) {
    let tables = ["second_factors", "recovery_codes"];
    let rows = rows::dump(&app.database_url()).await.into_iter().flatten();
    let values = rows.filter(|cell| tables.contains(&cell.table.as_str())).filter_map(|cell| cell.value);
    let pieces: BTreeSet<String> = values.flat_map(|value| pieces_of(&value)).collect();
    assert!(pieces.len() > 20, "{} pieces are of one factor and nine codes", pieces.len());
    for piece in pieces {
        let wish = json!({ "email": ada.email, "password": PASSWORD, "code": piece });
        let refused = app.post("/api/v1/auth/login", &wish).await;
        assert_eq!(refused.problem(401), "SECOND_FACTOR_REQUIRED", "{piece}");
    }
}

/// Every operation that needs no token and takes a credential in its body or path.
async fn no_piece_opens_another_door(app: &TestApp, pieces: &BTreeSet<String>, ada: &Person) {
    let document = app.get("/api/openapi.json").await.body;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"].is_array() || !path.starts_with("/api/v1") {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            let members = members(&document, operation);
            // A code is asked for behind the right password alone, where it was tried already.
            let behind = |member: &String| member == "code" && members.iter().any(|it| it == "password");
            let door = members.iter().any(|it| CREDENTIALS.contains(&it.as_str()) && !behind(it));
            let key_in_path = CREDENTIALS.iter().any(|name| path.contains(&format!("{{{name}}}")));
            if !door && !key_in_path {
                continue;
            }
            for piece in pieces {
                let filled = CREDENTIALS.iter().fold(path.clone(), |path, name| {
                    path.replace(&format!("{{{name}}}"), &percent_encoded(piece))
                });
                let request = app.request(method.clone(), &filled).json(&body(&members, piece, ada));
                let answer = send(request).await;
                assert!((400..500).contains(&answer.status), "{method} {path} took {piece}: {}", answer.text);
            }
        }
    }
}

/// The members of an operation's JSON body.
fn members(document: &Value, operation: &Value) -> Vec<String> {
    let mut schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    // An optional body is "null or this".
    if let Some(one) =
        schema["oneOf"].as_array().and_then(|list| list.iter().find(|one| one["$ref"].is_string()))
    {
        schema = one;
    }
    if let Some(name) = schema["$ref"].as_str() {
        schema = &document["components"]["schemas"][name.rsplit('/').next().unwrap()];
    }
    let properties = schema["properties"].as_object();
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

fn body(members: &[String], piece: &str, ada: &Person) -> BTreeMap<String, Value> {
    let value = |member: &String| {
        let value = match member.as_str() {
            name if CREDENTIALS.contains(&name) => piece,
            "email" | "username" => &ada.email,
            name if name.contains("password") => "another horse, another battery",
            _ => return None,
        };
        Some((member.clone(), json!(value)))
    };
    members.iter().filter_map(value).collect()
}
