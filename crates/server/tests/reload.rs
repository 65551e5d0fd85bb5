//! Settings that change while the server runs: the program itself, its files, and SIGHUP. What was reloaded is read from the log,
//! and seen over HTTP.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::Duration,
};

use jsonwebtoken::decode_header;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "reload-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-0123456789";
/// Turns a hang into a failure.
const PATIENCE: Duration = Duration::from_mins(2);
const ORIGIN: &str = "https://new.example";

/// A working directory and a server in it; killed when dropped.
struct Server {
    directory: TempDir,
    child: Child,
    base: String,
    lines: Receiver<String>,
    client: Client,
}

impl Server {
    /// Serves with `text` as its `.env` and with files beside it.
    fn start(text: &str, files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join(".env"), text).unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self::start_in(directory)
    }

    fn start_in(directory: TempDir) -> Self {
        let mut child = holdfast(directory.path(), &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let (told, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Whoever writes logs needs somebody who reads them.
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).for_each(|line| drop(told.send(line)));
        });
        let client = Client::builder().no_proxy().build().unwrap();
        let mut server = Self { directory, child, base: String::new(), lines, client };
        let up = server.until("API: ").pop().unwrap();
        let base = up.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
        base.unwrap().clone_into(&mut server.base);
        server
    }

    /// What was logged, up to a line that holds `text`.
    fn until(&self, text: &str) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => said.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text:?} was not logged, but {said:#?}")
                }
            }
            if said.last().is_some_and(|line| line.contains(text)) {
                return said;
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Asks for a reload, and gives what was logged about it.
    fn reload(&self, ends: &str) -> String {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        self.until(ends).join("\n")
    }

    fn reloaded(&self) -> String {
        self.reload("the settings were reloaded")
    }

    fn keys(&self, arguments: &[&str]) {
        let output = holdfast(self.directory.path(), &[&["keys"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.base)).json(body).send().await.unwrap()
    }

    async fn sign_up(&self, email: &str) -> Value {
        let answer = self.post("/api/v1/auth/signup", &json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["data"].clone()
    }

    /// As a client that a proxy on this machine speaks for.
    async fn sign_in_from(&self, address: &str, email: &str, password: &str) -> u16 {
        let wish = json!({ "email": email, "password": password });
        let request = self.client.post(format!("{}/api/v1/auth/signin", self.base));
        request.header("x-forwarded-for", address).json(&wish).send().await.unwrap().status().as_u16()
    }

    async fn sign_in(&self, email: &str) -> u16 {
        self.sign_in_from("192.0.2.1", email, PASSWORD).await
    }

    async fn me(&self, token: &str) -> u16 {
        let request = self.client.get(format!("{}/api/v1/auth/me", self.base)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    }

    /// What the JWKS publishes, in its order.
    async fn published(&self) -> Vec<String> {
        let answer = self.client.get(format!("{}/.well-known/jwks.json", self.base)).send().await.unwrap();
        let set: Value = answer.json().await.unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    async fn grants(&self, origin: &str) -> bool {
        let request = self.client.get(format!("{}/health", self.base)).header("origin", origin);
        request.send().await.unwrap().headers().contains_key("access-control-allow-origin")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn holdfast(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_clear().env("PORT", "0").env("ENVIRONMENT", "development");
    command.current_dir(directory).args(arguments);
    command
}

fn kid(token: &Value) -> String {
    decode_header(token.as_str().unwrap()).unwrap().kid.unwrap()
}

#[tokio::test]
async fn the_level_an_origin_and_a_limit_change_and_the_log_tells_what_did() {
    let limited = |rest: &str| format!("JWT_SECRET={SECRET}\nRATE_LIMIT_SIGN_IN_PER_MINUTE=1\n{rest}");
    let server = Server::start(&limited("LOG_LEVEL=info\n"), &[]);
    assert!(!server.grants(ORIGIN).await);

    let text = format!(
        "LOG_LEVEL=error\nALLOWED_ORIGINS={ORIGIN}\nRATE_LIMIT_SIGN_IN_BURST=2\nDATABASE_POOL_SIZE=11\nPASSWORD_PEPPER={SECRET}-x\nHASH_CONCURRENCY=3\n"
    );
    server.write(".env", &limited(&text));
    let told = server.reloaded();
    for expected in [
        "reloaded LOG_LEVEL: info → error",
        "reloaded ALLOWED_ORIGINS: http://localhost:3000,http://127.0.0.1:3000 → https://new.example",
        "reloaded RATE_LIMIT_SIGN_IN_BURST: 20 → 2",
        "not reloaded, needs a restart: DATABASE_POOL_SIZE: 10 → 11",
        "reloaded PASSWORD_PEPPER: set",
        "not reloaded, needs a restart: HASH_CONCURRENCY: ",
    ] {
        assert!(told.contains(expected), "{told}\nnot: {expected}");
    }
    assert!(!told.contains(SECRET), "{told}");
    // Signals are acted upon one after the other: once this one is refused, the one before it is done with.
    server.write(".env", &limited("DATABASE_POOL_SIZE=x\n"));
    server.reload("the settings were not reloaded");
    assert!(server.grants(ORIGIN).await && !server.grants("http://localhost:3000").await);
    let mut statuses = Vec::new();
    for n in 0..3 {
        let wish = json!({ "email": format!("nobody{n}@example.com"), "password": "wrong password" });
        statuses.push(server.post("/api/v1/auth/signin", &wish).await.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429]);

    server.write(".env", &limited("LOG_LEVEL=info\nRATE_LIMIT=off\n"));
    let told = server.reloaded();
    assert!(!told.contains("answered"), "{told}");
    assert!(told.contains("LOG_LEVEL: error → info") && told.contains("RATE_LIMIT: on → off"), "{told}");
    let wish = json!({ "email": "nobody9@example.com", "password": "wrong password" });
    assert_eq!(server.post("/api/v1/auth/signin", &wish).await.status(), 401, "the limit still counts");
    server.until("answered");
}

/// Publish, sign, retire: each step is one command and one signal.
#[tokio::test]
async fn keys_are_published_sign_and_go_without_a_restart() {
    let directory = TempDir::new().unwrap();
    let text = "JWT_ALGORITHM=EdDSA\nJWT_KEY_DIRECTORY=keys\nREFRESH_REUSE_SECONDS=0\n";
    fs::write(directory.path().join(".env"), text).unwrap();
    assert!(holdfast(directory.path(), &["keys", "generate"]).output().unwrap().status.success());
    let server = Server::start_in(directory);

    let old = server.sign_up("ada@example.com").await;
    let first = kid(&old["access_token"]);
    assert_eq!(server.published().await, [first.as_str()]);

    server.keys(&["generate"]);
    assert_eq!(server.published().await.len(), 1, "nobody has asked for a reload");
    let told = server.reloaded();
    assert!(told.contains("reloaded JWT_KEY_DIRECTORY: ./keys ("), "{told}");
    let published = server.published().await;
    assert_eq!((published.len(), &published[0]), (2, &first));
    assert_eq!(
        kid(&server.sign_up("bob@example.com").await["access_token"]),
        first,
        "a new key does not sign yet"
    );

    server.keys(&["rotate"]);
    server.reloaded();
    let second = published[1].clone();
    assert_eq!(server.published().await, [second.clone(), first.clone()]);
    let new = server.sign_up("cyd@example.com").await;
    assert_eq!(kid(&new["access_token"]), second);
    let access = |account: &Value| account["access_token"].as_str().unwrap().to_owned();
    assert_eq!((server.me(&access(&old)).await, server.me(&access(&new)).await), (200, 200));
    let refreshed =
        server.post("/api/v1/auth/refresh", &json!({ "refresh_token": old["refresh_token"] })).await;
    assert_eq!(refreshed.status(), 200);
    let refreshed = refreshed.json::<Value>().await.unwrap()["data"].clone();
    assert_eq!(kid(&refreshed["access_token"]), second);

    server.keys(&["retire", &first, "--now"]);
    server.reloaded();
    assert_eq!(server.published().await, [second]);
    assert_eq!((server.me(&access(&old)).await, server.me(&access(&refreshed)).await), (401, 200));
}

#[tokio::test]
async fn a_secret_in_a_file_is_rotated_without_signing_anybody_out() {
    let text = "JWT_SECRET_FILE=./now\nJWT_PREVIOUS_SECRETS_FILE=./before\n";
    let next = SECRET.replace("reload", "second");
    let server = Server::start(text, &[("now", SECRET), ("before", &next)]);
    let old = server.sign_up("ada@example.com").await;
    server.write("now", &format!("{next}\n"));
    server.write("before", &format!("{SECRET}\n"));
    let told = server.reloaded();
    assert!(told.contains("reloaded JWT_SECRET: changed"), "{told}");
    assert!(told.contains("reloaded JWT_PREVIOUS_SECRETS: changed"), "{told}");
    assert!(!told.contains(SECRET) && !told.contains(&next), "{told}");
    let new = server.sign_up("bob@example.com").await;
    assert_ne!(kid(&old["access_token"]), kid(&new["access_token"]));
    for account in [&old, &new] {
        assert_eq!(server.me(account["access_token"].as_str().unwrap()).await, 200);
    }
}

#[tokio::test]
async fn a_faulty_file_changes_nothing_and_is_told_like_at_a_start() {
    let server = Server::start(&format!("JWT_SECRET={SECRET}\nLOG_LEVEL=info\n"), &[]);
    let ada = server.sign_up("ada@example.com").await;
    let faulty = format!(
        "LOG_LEVEL=loud\nALLOWED_ORIGINS={ORIGIN}\nRATE_LIMIT_SIGN_IN_BURST=0\nJWT_SECRET=\"{SECRET}-x\n"
    );
    server.write(".env", &faulty);
    let told = server.reload("the settings were not reloaded");
    for expected in [
        ".env: line 4 opens a quote that is never closed; expected",
        "LOG_LEVEL: \"loud\" is not one of its words; expected",
        "RATE_LIMIT_SIGN_IN_BURST: 0 is out of range; expected",
        "faults=3",
    ] {
        assert!(told.contains(expected), "{told}\nnot: {expected}");
    }
    assert!(!told.contains(SECRET), "{told}");
    assert!(!server.grants(ORIGIN).await);
    assert_eq!(server.me(ada["access_token"].as_str().unwrap()).await, 200);

    server.write(".env", &format!("JWT_SECRET={SECRET}\nLOG_LEVEL=info\nALLOWED_ORIGINS={ORIGIN}\n"));
    assert!(server.reloaded().contains("ALLOWED_ORIGINS"));
    assert!(server.grants(ORIGIN).await);
}

#[tokio::test]
async fn a_key_of_this_machine_that_cannot_be_read_changes_nothing_and_no_key_is_told() {
    let next = SECRET.replace("reload", "second");
    let server = Server::start(&format!("JWT_SECRET={SECRET}\nENCRYPTION_KEY={SECRET}-x\n"), &[]);
    let ada = server.sign_up("ada@example.com").await;
    server.write("data/encryption-key", "too short\n");
    server.write(
        ".env",
        &format!("JWT_SECRET={next}\nJWT_PREVIOUS_SECRETS={SECRET}\nALLOWED_ORIGINS={ORIGIN}\n"),
    );
    let told = server.reload("the settings were not reloaded");
    assert!(told.contains("encryption-key holds no secret of at least 32 bytes"), "{told}");
    assert!(!told.contains("new tokens are signed") && !told.contains("are encrypted with"), "{told}");
    assert!(!server.grants(ORIGIN).await);
    let bob = server.sign_up("bob@example.com").await;
    assert_eq!(kid(&bob["access_token"]), kid(&ada["access_token"]));
    let enrol = server.client.post(format!("{}/api/v1/auth/second-factor", server.base));
    let enrol =
        enrol.bearer_auth(bob["access_token"].as_str().unwrap()).json(&json!({ "password": PASSWORD }));
    assert_eq!(enrol.send().await.unwrap().status(), 200, "secrets are still encrypted");

    fs::remove_file(server.directory.path().join("data/encryption-key")).unwrap();
    let told = server.reloaded();
    let key = told.find("secrets of second factors are encrypted with this key").unwrap();
    assert!(key < told.find("reloaded ENCRYPTION_KEY: removed").unwrap(), "{told}");
    assert!(told.contains("new tokens are signed with this key") && server.grants(ORIGIN).await, "{told}");
    let cyd = server.sign_up("cyd@example.com").await;
    assert_ne!(kid(&cyd["access_token"]), kid(&ada["access_token"]));
}

#[tokio::test]
async fn peppers_change_and_whoever_has_an_earlier_one_still_signs_in() {
    let next = SECRET.replace("reload", "second");
    let server = Server::start(&format!("JWT_SECRET={SECRET}\n"), &[]);
    server.sign_up("ada@example.com").await;
    let with = |rest: &str| {
        server.write(".env", &format!("JWT_SECRET={SECRET}\n{rest}"));
        server.reloaded()
    };
    let told = with(&format!("PASSWORD_PEPPER={SECRET}-x\n"));
    assert!(told.contains("reloaded PASSWORD_PEPPER: set"), "{told}");
    assert!(
        told.contains("new password hashes are made with this pepper") && !told.contains(SECRET),
        "{told}"
    );
    assert_eq!(server.sign_in("ada@example.com").await, 200, "hers has none yet, and gets this one");
    with("");
    assert_eq!(server.sign_in("ada@example.com").await, 401, "her pepper is not there");
    with(&format!("PASSWORD_PEPPER={next}\nPASSWORD_PREVIOUS_PEPPERS={SECRET}-x\n"));
    assert_eq!(server.sign_in("ada@example.com").await, 200);
    with(&format!("PASSWORD_PEPPER={next}\n"));
    assert_eq!(server.sign_in("ada@example.com").await, 200, "she has the new one by now");
}

#[tokio::test]
async fn proxies_are_trusted_from_a_reload_on_and_no_longer_after_another() {
    let text = format!("JWT_SECRET={SECRET}\nRATE_LIMIT_SIGN_IN_BURST=2\nRATE_LIMIT_SIGN_IN_PER_MINUTE=1\n");
    let server = Server::start(&text, &[]);
    let tries = async || {
        let mut statuses = Vec::new();
        for n in 0..4 {
            let address = format!("192.0.2.{n}");
            statuses.push(server.sign_in_from(&address, "nobody@example.com", "wrong password").await);
        }
        statuses
    };
    assert_eq!(tries().await, [401, 401, 429, 429], "all come from one address");
    server.write(".env", &format!("{text}TRUSTED_PROXIES=127.0.0.1\n"));
    assert!(server.reloaded().contains("reloaded TRUSTED_PROXIES: "));
    assert_eq!(tries().await, [401; 4]);
    server.write(".env", &text);
    server.reloaded();
    assert_eq!(tries().await, [401, 401, 429, 429]);
}

#[tokio::test]
async fn mail_goes_another_way_from_the_next_one_on() {
    let text = format!("JWT_SECRET={SECRET}\n");
    let server = Server::start(&format!("{text}MAIL_FROM=One <one@app.example>\n"), &[]);
    let mails = || {
        let Ok(folder) = fs::read_dir(server.directory.path().join("data/mail")) else { return Vec::new() };
        let texts = folder.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        texts.collect::<Vec<_>>()
    };
    let from = async |sender: &str| {
        let came = async {
            while !mails().iter().any(|mail| mail.contains(sender)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, came).await.unwrap();
    };
    server.sign_up("ada@example.com").await;
    from("From: One <one@app.example>").await;
    server.write(".env", &format!("{text}MAIL_FROM=Two <two@app.example>\n"));
    assert!(server.reloaded().contains("reloaded MAIL_FROM: One <one@app.example> → Two <two@app.example>"));
    server.sign_up("bob@example.com").await;
    from("From: Two <two@app.example>").await;

    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", relay.local_addr().unwrap());
    server.write(".env", &format!("{text}SMTP_URL={url}\nMAIL_FROM=Two <two@app.example>\n"));
    assert!(server.reloaded().contains("reloaded SMTP_URL: "));
    let before = mails().len();
    server.sign_up("cyd@example.com").await;
    timeout(PATIENCE, relay.accept()).await.unwrap().unwrap();
    assert_eq!(mails().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_of_eight_clients_fails_while_settings_are_reloaded() {
    let text =
        "JWT_SECRET_FILE=./now\nJWT_PREVIOUS_SECRETS_FILE=./before\nRATE_LIMIT_REFRESH_PER_MINUTE=1000\n";
    let next = SECRET.replace("reload", "second");
    let server = Server::start(text, &[("now", SECRET), ("before", &next)]);
    let access = server.sign_up("ada@example.com").await["access_token"].as_str().unwrap().to_owned();
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|n| {
            let (stop, answered, client) = (Arc::clone(&stop), Arc::clone(&answered), server.client.clone());
            let (base, access) = (server.base.clone(), access.clone());
            tokio::spawn(async move {
                let tasks = format!("{base}/api/v1/tasks");
                while !stop.load(Ordering::Relaxed) {
                    let request = if n % 2 == 0 {
                        client.get(&tasks)
                    } else {
                        client.post(&tasks).json(&json!({ "title": "x" }))
                    };
                    let answer = request.bearer_auth(&access).send().await.unwrap();
                    assert!(answer.status().is_success(), "{}", answer.status());
                    answer.bytes().await.unwrap();
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..10 {
        let seen = answered.load(Ordering::Relaxed);
        let (now, before) =
            if round % 2 == 0 { (&next, SECRET) } else { (&SECRET.to_owned(), next.as_str()) };
        server.write("now", now);
        server.write("before", before);
        let level = if round % 2 == 0 { "LOG_LEVEL=warn" } else { "LOG_LEVEL=debug" };
        server.write(
            ".env",
            &format!("{text}{level}\nALLOWED_ORIGINS={ORIGIN}\nRATE_LIMIT_SIGN_IN_BURST={}\n", 30 + round),
        );
        server.reloaded();
        while answered.load(Ordering::Relaxed) < seen + 8
            && clients.iter().all(|client| !client.is_finished())
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
}
