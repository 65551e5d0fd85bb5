//! What mail does for accounts, as somebody outside meets it: mail is read from the mailbox folder, links are followed.

use std::{fs, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use holdfast_testkit::{mail::token_in, rows};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::app::{Answer, PASSWORD, Person, TestApp, on_both_databases, send};

on_both_databases!(
    a_forgotten_password_is_reset_by_the_link_in_the_mail,
    known_and_unknown_addresses_are_answered_alike,
    of_many_resets_at_once_one_succeeds,
    an_address_is_verified_and_changed,
    a_link_opens_nothing_but_what_it_is_for,
    the_database_holds_nothing_that_opens_an_account,
);

const NEW: &str = "staple battery horse correct";
/// Turns a mail that never comes into a failure.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits for the mail with this subject to this address, and takes it out of the mailbox.
async fn mail(app: &TestApp, to: &str, subject: &str) -> String {
    let wanted = [format!("\r\nTo: {to}\r\n"), format!("\r\nSubject: {subject}\r\n")];
    let look = async {
        loop {
            for file in fs::read_dir(app.mailbox()).into_iter().flatten() {
                let path = file.unwrap().path();
                let is_mail = path.extension().is_some_and(|extension| extension == "eml");
                let text = if is_mail { fs::read_to_string(&path).unwrap() } else { continue };
                if wanted.iter().all(|line| text.contains(line)) {
                    fs::remove_file(&path).unwrap();
                    return text;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("no mail: {to}, {subject}"))
}

/// The token of the link in that mail.
pub(crate) async fn link(app: &TestApp, to: &str, subject: &str) -> String {
    token_in(&mail(app, to, subject).await)
}

async fn forget(app: &TestApp, email: &str) -> Answer {
    app.post("/api/v1/auth/password/forgot", &json!({ "email": email })).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/password/reset", &json!({ "token": token, "new_password": password })).await
}

async fn sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/api/v1/auth/signin", &json!({ "email": email, "password": password })).await
}

async fn me(app: &TestApp, person: &Person) -> Value {
    app.call(person, Method::GET, "/api/v1/auth/me", None).await.body
}

async fn a_forgotten_password_is_reset_by_the_link_in_the_mail(app: &TestApp) {
    let ada = app.person("ada").await;
    assert_eq!(forget(app, "ADA@example.com").await.status, 202);
    let text = mail(app, "ada@example.com", "Reset your password").await;
    assert!(text.contains("\r\nhttp://localhost:3000/reset-password?token="), "{text}");
    let token = token_in(&text);
    assert_eq!(reset(app, &token, "short").await.faulty_fields(), ["new_password"]);
    assert_eq!(reset(app, &token, NEW).await.status, 200);
    assert_eq!(reset(app, &token, NEW).await.problem(400), "LINK_INVALID");
    assert!(!app.knows(&ada.access).await && !app.knows(&ada.long_lived).await);
    assert_eq!(sign_in(app, "ada@example.com", PASSWORD).await.problem(401), "INVALID_CREDENTIALS");
    let again = Person::from(&sign_in(app, "ada@example.com", NEW).await);
    assert_eq!(me(app, &again).await["email_verified"], true);
    mail(app, "ada@example.com", "Your password was changed").await;
}

async fn known_and_unknown_addresses_are_answered_alike(app: &TestApp) {
    app.person("ada").await;
    let mut told = Vec::new();
    for email in ["ada@example.com", "nobody@example.com", "no address at all"] {
        let answer = forget(app, email).await;
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        told.push((answer.status, answer.text, names));
    }
    assert_eq!(told[0].0, 202);
    assert!(told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
}

async fn of_many_resets_at_once_one_succeeds(app: &TestApp) {
    app.person("ada").await;
    forget(app, "ada@example.com").await;
    let token = link(app, "ada@example.com", "Reset your password").await;
    let passwords: Vec<String> = (0..8).map(|n| format!("{NEW} {n}")).collect();
    let answers = join_all(passwords.iter().map(|password| reset(app, &token, password))).await;
    let done: Vec<_> = answers.iter().zip(&passwords).filter(|(answer, _)| answer.status == 200).collect();
    let [(_, password)] = done[..] else { panic!("{} resets succeeded", done.len()) };
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        // The hasher refuses what it cannot do in time; everybody else comes too late.
        if answer.status != 503 {
            assert_eq!(answer.problem(400), "LINK_INVALID");
        }
    }
    assert_eq!(sign_in(app, "ada@example.com", password).await.status, 200);
}

async fn an_address_is_verified_and_changed(app: &TestApp) {
    let ada = app.person("ada").await;
    let laptop = Person::from(&sign_in(app, "ada@example.com", PASSWORD).await);
    let token = link(app, "ada@example.com", "Confirm your e-mail address").await;
    let verified = app.post("/api/v1/auth/email/verify", &json!({ "token": token })).await;
    assert_eq!((verified.status, &me(app, &ada).await["email_verified"]), (200, &json!(true)));

    let wish = json!({ "email": "Ada.Lovelace@example.org", "password": PASSWORD });
    let wrong = json!({ "email": "Ada.Lovelace@example.org", "password": "wrong password" });
    let ask = async |body| app.call(&ada, Method::POST, "/api/v1/users/me/email", Some(body)).await;
    assert_eq!(ask(&wrong).await.problem(401), "INVALID_CREDENTIALS");
    assert_eq!(ask(&wish).await.status, 202);
    assert_eq!(me(app, &ada).await["email"], "ada@example.com");
    let token = link(app, "Ada.Lovelace@example.org", "Confirm your new e-mail address").await;
    mail(app, "ada@example.com", "Another e-mail address was asked for").await;
    let confirm = app.request(Method::POST, "/auth/email/confirm").bearer_auth(&ada.access);
    assert_eq!(send(confirm.json(&json!({ "token": token }))).await.status, 200);
    assert_eq!(me(app, &ada).await["email"], "Ada.Lovelace@example.org");
    assert!(!app.knows(&laptop.access).await);
    mail(app, "ada@example.com", "Your e-mail address was changed").await;

    let bob = app.person("ada").await;
    let wish = json!({ "email": "ada.lovelace@EXAMPLE.org", "password": PASSWORD });
    let asked = app.call(&bob, Method::POST, "/api/v1/users/me/email", Some(&wish)).await;
    assert_eq!(asked.status, 202, "whoever has it");
    let token = link(app, "ada.lovelace@example.org", "Confirm your new e-mail address").await;
    let refused = app.post("/api/v1/auth/email/confirm", &json!({ "token": token })).await;
    assert_eq!(refused.problem(409), "EMAIL_EXISTS");
}

async fn a_link_opens_nothing_but_what_it_is_for(app: &TestApp) {
    let (ada, bob) = (app.person("ada").await, app.person("bob").await);
    let verifying = link(app, "bob@example.com", "Confirm your e-mail address").await;
    forget(app, "ada@example.com").await;
    let resetting = link(app, "ada@example.com", "Reset your password").await;
    // Ada's secret under Bob's name, and the other way round; a reset for a verification, and the other way round.
    let of = |name: &str, secret: &str| {
        let [name, secret] = [name, secret].map(|token| URL_SAFE_NO_PAD.decode(token).unwrap());
        URL_SAFE_NO_PAD.encode([&name[..16], &secret[16..]].concat())
    };
    for token in [&verifying, &of(&verifying, &resetting), &of(&resetting, &verifying)] {
        assert_eq!(reset(app, token, NEW).await.problem(400), "LINK_INVALID");
    }
    for path in ["/api/v1/auth/email/verify", "/api/v1/auth/email/confirm"] {
        let refused = app.post(path, &json!({ "token": resetting })).await;
        assert_eq!(refused.problem(400), "LINK_INVALID");
    }
    forget(app, "ada@example.com").await;
    let newer = link(app, "ada@example.com", "Reset your password").await;
    assert_eq!(reset(app, &resetting, NEW).await.problem(400), "LINK_INVALID", "a newer one took its place");
    assert!(app.knows(&ada.access).await && app.knows(&bob.access).await);
    assert_eq!(reset(app, &newer, NEW).await.status, 200);
    assert!(!app.knows(&ada.access).await && app.knows(&bob.access).await);
}

async fn the_database_holds_nothing_that_opens_an_account(app: &TestApp) {
    app.person("ada").await;
    forget(app, "ada@example.com").await;
    let token = link(app, "ada@example.com", "Reset your password").await;
    let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let (secret, hash) = (hex(&bytes[16..]), hex(&Sha256::digest(&bytes[16..])));
    let dump = rows::dump(&app.database_url()).await;
    let values: Vec<String> =
        dump.into_iter().flatten().filter_map(|cell| cell.value).map(|value| value.to_lowercase()).collect();
    assert!(values.iter().any(|value| value.contains(&hash)), "the hash is there");
    for readable in [token.to_lowercase(), secret] {
        assert!(values.iter().all(|value| !value.contains(&readable)));
    }
}

#[tokio::test]
async fn a_relay_gets_the_link_by_smtp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let variables = [
        ("SMTP_URL", url.as_str()),
        ("MAIL_FROM", "no-reply@app.example"),
        ("PUBLIC_URL", "https://app.example"),
    ];
    let app = TestApp::on_sqlite(&variables);
    app.person("ada").await;
    let conversation = async { converse(listener.accept().await.unwrap().0).await };
    let heard = tokio::time::timeout(PATIENCE, conversation).await.expect("nobody spoke to the relay");
    assert!(heard.contains("MAIL FROM:<no-reply@app.example>\r\nRCPT TO:<ada@example.com>\r\n"), "{heard}");
    assert!(heard.contains("\r\nhttps://app.example/verify-email?token="), "{heard}");
    let verified = app.post("/api/v1/auth/email/verify", &json!({ "token": token_in(&heard) })).await;
    assert_eq!(verified.status, 200, "{}", verified.text);
}

/// Hears one mail out.
async fn converse(stream: TcpStream) -> String {
    let (mut stream, mut heard) = (BufReader::new(stream), String::new());
    stream.write_all(b"220 relay\r\n").await.unwrap();
    let mut in_data = false;
    loop {
        let begin = heard.len();
        assert_ne!(stream.read_line(&mut heard).await.unwrap(), 0, "{heard}");
        let answer: &[u8] = match &heard[begin..] {
            ".\r\n" => b"250 taken\r\n",
            _ if in_data => continue,
            "DATA\r\n" => b"354 go on\r\n",
            _ => b"250 fine\r\n",
        };
        in_data = answer.starts_with(b"354");
        stream.write_all(answer).await.unwrap();
        if answer.starts_with(b"250 taken") {
            return heard;
        }
    }
}

#[tokio::test]
async fn where_mail_is_off_every_answer_is_the_same() {
    let app = TestApp::on_sqlite(&[
        ("ENVIRONMENT", "production"),
        ("ALLOW_SQLITE_IN_PRODUCTION", "true"),
        ("RATE_LIMIT", "on"),
    ]);
    let ada = app.person("ada").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        assert_eq!(forget(&app, email).await.status, 202);
    }
    let asked = app.call(&ada, Method::POST, "/api/v1/auth/email/verify/request", None).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let wish = json!({ "email": "ada@example.org", "password": PASSWORD });
    let asked = app.call(&ada, Method::POST, "/api/v1/users/me/email", Some(&wish)).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
}
