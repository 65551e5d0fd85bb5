//! One person's way through everything that has to do with secrets, and the secrets that were used on it.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use holdfast_testkit::Authenticator;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "incorrect mule battery staple";
const RESET: &str = "a reset horse on another battery";
const CHANGED: &str = "a changed horse on one more battery";
pub(crate) const EMAIL: &str = "ada.lovelace@example.com";

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Somebody who notes every secret that comes their way.
pub(crate) struct Traveller<'j> {
    base: &'j str,
    client: Client,
    pub(crate) secrets: BTreeSet<String>,
}

/// Members of answers that hold secrets.
const SECRET_MEMBERS: [&str; 7] =
    ["token", "access_token", "refresh_token", "secret", "otpauth_uri", "recovery_codes", "password"];

impl<'j> Traveller<'j> {
    pub(crate) fn new(base: &'j str) -> Self {
        let secrets = [PASSWORD, WRONG, RESET, CHANGED];
        let encoded = secrets.map(|secret| secret.replace(' ', "+"));
        let secrets = secrets.map(ToOwned::to_owned).into_iter().chain(encoded).collect();
        Self { base, client: client(), secrets }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends, and notes the secrets in the answer.
    async fn send(&mut self, request: RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.json().await.unwrap_or(Value::Null);
        note(&mut self.secrets, &body);
        (status, body)
    }

    async fn post(&mut self, path: &str, bearer: Option<&str>, body: &Value) -> (u16, Value) {
        let request = self.request(Method::POST, path).json(body);
        self.send(if let Some(token) = bearer { request.bearer_auth(token) } else { request }).await
    }

    async fn done(&mut self, status: u16, path: &str, bearer: Option<&str>, body: &Value) -> Value {
        let (told, answer) = self.post(path, bearer, body).await;
        assert_eq!(told, status, "{path}: {answer}");
        answer["data"].clone()
    }

    pub(crate) async fn sign_up(&mut self) -> (String, String) {
        let wish = json!({ "email": EMAIL, "password": PASSWORD });
        pair(&self.done(201, "/api/v1/auth/signup", None, &wish).await)
    }

    /// Wrong passwords, in every place where one can be written.
    pub(crate) async fn mistype(&mut self) {
        let wrong = json!({ "email": EMAIL, "password": WRONG });
        self.done(401, "/api/v1/auth/login", None, &wrong).await;
        self.done(401, "/auth/signin", None, &wrong).await;
        let form = format!("grant_type=password&username={EMAIL}&password={}", WRONG.replace(' ', "+"));
        let form = self.request(Method::POST, "/api/v1/auth/token").body(form);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(self.send(form).await.0, 400);
        // Bodies that cannot be read, and members that should not be there.
        let broken =
            self.request(Method::POST, "/api/v1/auth/login").header("content-type", "application/json");
        assert_eq!(self.send(broken.body(format!("{{\"password\": \"{WRONG}\""))).await.0, 400);
        let odd = json!({ "email": { "password": WRONG }, "password": [WRONG], WRONG: 1 });
        assert_eq!(self.post("/api/v1/auth/login", None, &odd).await.0, 422);
        let basic = self.request(Method::GET, "/api/v1/auth/me").basic_auth(EMAIL, Some(WRONG));
        assert_eq!(self.send(basic).await.0, 401);
    }

    /// Wrong passwords, one after the other.
    pub(crate) async fn guess(&mut self, times: usize) {
        for _ in 0..times {
            let wrong = json!({ "email": EMAIL, "password": WRONG });
            assert!([401, 429].contains(&self.post("/api/v1/auth/login", None, &wrong).await.0));
        }
    }

    /// Refreshes, also with what is no refresh token any more.
    pub(crate) async fn refresh(&mut self, refresh: &str) -> (String, String) {
        let exchange = json!({ "refresh_token": refresh });
        let pair = pair(&self.done(200, "/api/v1/auth/refresh", None, &exchange).await);
        self.done(200, "/api/v1/auth/refresh", None, &exchange).await;
        let forged = format!("{refresh}x");
        self.done(401, "/api/v1/auth/refresh", None, &json!({ "refresh_token": forged })).await;
        pair
    }

    /// Tokens that are none, in headers and in places where they do not belong.
    pub(crate) async fn forge(&mut self, access: &str) {
        let (head, tail) = access.rsplit_once('.').unwrap();
        let forged = [
            format!("{head}.{}", tail.chars().rev().collect::<String>()),
            format!("{access}{access}"),
            "x".repeat(9_000),
        ];
        for token in &forged {
            let request = self.request(Method::GET, "/api/v1/auth/me").bearer_auth(token);
            assert_eq!(self.send(request).await.0, 401);
        }
        self.secrets.extend(forged);
        let twice = self
            .request(Method::GET, "/api/v1/auth/me")
            .bearer_auth(access)
            .header("authorization", "Bearer x");
        assert_eq!(self.send(twice).await.0, 401);
        for path in [
            format!("/api/v1/tasks?access_token={access}"),
            format!("/api/v1/tasks/{access}"),
            format!("/{access}"),
        ] {
            let request = self.request(Method::GET, &path).header("cookie", format!("session={access}"));
            assert_ne!(self.send(request).await.0, 200);
        }
    }

    /// A new password by a link in a mail, which is a file in `directory`.
    pub(crate) async fn reset(&mut self, directory: &Path) -> (String, String) {
        self.done(202, "/api/v1/auth/password/forgot", None, &json!({ "email": EMAIL })).await;
        let token = self.link(directory, "/reset-password?token=").await;
        let reset = json!({ "token": token, "new_password": RESET });
        self.done(200, "/api/v1/auth/password/reset", None, &reset).await;
        self.post("/api/v1/auth/password/reset", None, &reset).await;
        let wish = json!({ "email": EMAIL, "password": RESET });
        let (access, _) = pair(&self.done(200, "/api/v1/auth/login", None, &wish).await);
        let change = json!({ "current_password": RESET, "new_password": CHANGED });
        pair(&self.done(200, "/api/v1/auth/password", Some(&access), &change).await)
    }

    async fn link(&mut self, directory: &Path, before: &str) -> String {
        loop {
            let files = fs::read_dir(directory.join("data/mail")).into_iter().flatten();
            let mails: Vec<String> =
                files.filter_map(|file| fs::read_to_string(file.unwrap().path()).ok()).collect();
            let tokens = |mail: &String| mail.split("?token=").nth(1).map(token);
            self.secrets.extend(mails.iter().filter_map(tokens));
            if let Some(found) = mails.iter().find_map(|mail| mail.split(before).nth(1).map(token)) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Enrols a second factor and signs in with a recovery code; answers the access token and a code that is not used yet.
    pub(crate) async fn second_factor(&mut self, access: &str, now: i64) -> (String, String) {
        let place = "/api/v1/auth/second-factor";
        let enrolment = self.done(200, place, Some(access), &json!({ "password": CHANGED })).await;
        let authenticator = Authenticator::new(enrolment["secret"].as_str().unwrap());
        self.secrets.insert(authenticator.secret());
        let code = authenticator.code(now);
        let confirmed =
            self.done(200, &format!("{place}/confirm"), Some(access), &json!({ "code": code })).await;
        let recovery = confirmed["recovery_codes"][0].clone();
        let wish = |code: &Value| json!({ "email": EMAIL, "password": CHANGED, "code": code });
        self.done(401, "/api/v1/auth/login", None, &wish(&json!("000000"))).await;
        let (access, _) = pair(&self.done(200, "/api/v1/auth/login", None, &wish(&recovery)).await);
        (access, confirmed["recovery_codes"][1].as_str().unwrap().to_owned())
    }

    /// A personal access token, at work and where it is not taken; and everything that the account holds.
    pub(crate) async fn scripts_and_export(&mut self, access: &str, recovery: &str) {
        let wish =
            json!({ "name": "backup", "scopes": ["tasks:read"], "password": CHANGED, "code": recovery });
        let made = self.done(201, "/api/v1/auth/tokens", Some(access), &wish).await;
        let token = made["token"].as_str().unwrap().to_owned();
        let expected = [("/api/v1/tasks", 200), ("/api/v1/auth/me", 403)];
        for (path, status) in expected {
            let request = self.request(Method::GET, path).bearer_auth(&token);
            assert_eq!(self.send(request).await.0, status, "{path}");
        }
        let faulty = self.request(Method::GET, "/api/v1/tasks").bearer_auth(format!("{token}0"));
        assert_eq!(self.send(faulty).await.0, 401);
        let export = self.request(Method::GET, "/api/v1/users/me/export").bearer_auth(access);
        assert_eq!(self.send(export).await.0, 200);
    }
}

fn token(rest: &str) -> String {
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn pair(data: &Value) -> (String, String) {
    let text = |name: &str| data[name].as_str().unwrap_or_else(|| panic!("{name} in {data}")).to_owned();
    (text("access_token"), text("refresh_token"))
}

fn note(secrets: &mut BTreeSet<String>, body: &Value) {
    match body {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        secrets.insert(text.clone());
                    }
                    Value::Array(texts) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        secrets.extend(texts.iter().filter_map(Value::as_str).map(ToOwned::to_owned));
                    }
                    other => note(secrets, other),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| note(secrets, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
