//! Limits that several servers share through Redis, as clients and operators meet them: counted together, the same as without it,
//! and each server for itself while Redis is gone. Says so and passes where there is no `redis-server`, unless `REQUIRE_REDIS=1`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use holdfast_testkit::{RedisServer, postgres::Authority};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const SECRET: &str = "redis-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789-x";
const OTHER_SECRET: &str = "redis-tests-too-9876543210-abcdefghijklmnopqrstuvwxyz-0123456789-y";
/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
const BURST: usize = 20;
/// So slow that a busy machine sees none of it come back.
const SLOW: (&str, &str) = ("RATE_LIMIT_SIGN_IN_PER_MINUTE", "1");

/// The program in `folder`, with these variables and no others.
fn holdfast(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.env_clear().current_dir(folder).env("JWT_SECRET", SECRET).envs(variables.iter().copied());
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The program while it serves; killed when dropped.
struct Server {
    child: Child,
    base: String,
    said: Arc<Mutex<Vec<String>>>,
    client: Client,
    _folder: TempDir,
}

/// What a client is told of a limit.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    status: u16,
    limit: String,
    policy: String,
    retry_after: String,
    kind: String,
    body: Value,
}

impl Server {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_in(TempDir::new().unwrap(), &[&[SLOW], variables].concat())
    }

    fn start_in(folder: TempDir, variables: &[(&str, &str)]) -> Self {
        let own = [("PORT", "0"), ("TRUSTED_PROXIES", "127.0.0.1")];
        let mut command = holdfast(folder.path(), &[&own, variables].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let said = Arc::new(Mutex::new(Vec::new()));
        let base = lines.by_ref().find_map(|line| {
            let base = line.split("API: ").nth(1).and_then(|rest| rest.split("/api/v1").next());
            let base = base.map(ToOwned::to_owned);
            said.lock().unwrap().push(line);
            base
        });
        let base = base.unwrap_or_else(|| panic!("the server said only: {:#?}", said.lock().unwrap()));
        let heard = Arc::clone(&said);
        // Whoever writes logs needs somebody who reads them.
        thread::spawn(move || lines.for_each(|line| heard.lock().unwrap().push(line)));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { child, base, said, client, _folder: folder }
    }

    /// One drawing from the bucket of sign-ins, which costs no more than that: nobody is named.
    async fn draw(&self, client: &str) -> Response {
        self.draw_at("/api/v1/auth/login", client).await
    }

    async fn draw_at(&self, path: &str, client: &str) -> Response {
        let request = self.client.post(format!("{}{path}", self.base)).header("x-forwarded-for", client);
        request.json(&json!({})).send().await.unwrap()
    }

    /// What `decided` the drawings so far.
    async fn draws(&self, decided: &str) -> u64 {
        self.figure(&format!("holdfast_shared_buckets_draws_total{{decided=\"{decided}\"}}")).await.unwrap()
    }

    async fn figure(&self, name: &str) -> Option<u64> {
        let page = self.client.get(format!("{}/metrics", self.base)).send().await.unwrap();
        let page = page.text().await.unwrap();
        let mut values = page.lines().filter_map(|line| line.strip_prefix(name));
        let value = values.next()?.trim();
        let whole = value.strip_suffix(".0").unwrap_or(value);
        Some(whole.parse().unwrap_or_else(|_| panic!("{name}{value}")))
    }

    async fn until_redis_decides(&self, decides: bool) {
        let begun = Instant::now();
        while self.figure("holdfast_shared_buckets_reachable ").await != Some(decides.into()) {
            assert!(begun.elapsed() < DEADLINE, "Redis decides: {}: {:#?}", !decides, self.said.lock());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// How often it said a line with this in it.
    fn count(&self, part: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    async fn until_it_says(&self, part: &str) {
        let begun = Instant::now();
        while self.count(part) == 0 {
            assert!(begun.elapsed() < DEADLINE, "it does not say {part:?}: {:#?}", self.said.lock());
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn reload(&self) {
        let status = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// What is told, with a wait that is the same wherever it is told, and told as `…` because time goes on.
async fn told(answer: Response) -> Told {
    let mut told = Told {
        status: answer.status().as_u16(),
        limit: header(&answer, "ratelimit"),
        policy: header(&answer, "ratelimit-policy"),
        retry_after: header(&answer, "retry-after"),
        kind: header(&answer, "content-type"),
        body: answer.json().await.unwrap(),
    };
    // Names the request.
    told.body.as_object_mut().unwrap().retain(|name, _| name != "request_id" && name != "instance");
    if told.status == 429 {
        let wait: u64 = told.retry_after.parse().unwrap();
        assert!((1..=60).contains(&wait), "{told:?}");
        assert_eq!(told.limit, format!("\"sign-in\";r=0;t={wait}"));
        let detail = told.body["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail, format!("Too many attempts; try again in {wait} s"));
        (told.limit, told.retry_after, told.body) = ("…".to_owned(), "…".to_owned(), Value::Null);
    }
    told
}

/// A round in which Redis decided everything; on a slow machine it may be late, and then the round shows nothing.
async fn decided_by_redis<T>(servers: &[Server], mut round: impl AsyncFnMut(String) -> T) -> T {
    for n in 0..200 {
        let by_instance = async || {
            for server in servers {
                server.until_redis_decides(true).await;
            }
            join_all(servers.iter().map(|server| server.draws("instance"))).await
        };
        let before = by_instance().await;
        let shown = round(format!("203.0.113.{n}")).await;
        if by_instance().await == before {
            return shown;
        }
    }
    panic!("Redis was late in every round")
}

#[tokio::test]
async fn two_servers_that_share_redis_let_a_client_in_twenty_times_together() {
    let Some(redis) = RedisServer::start("server: redis", &[]) else { return };
    let url = redis.url();
    let servers = [1, 2].map(|_| Server::start(&[("REDIS_URL", &url)]));
    let answers = decided_by_redis(&servers, async |client| {
        join_all((0..2 * BURST).map(|n| servers[n % 2].draw(&client))).await
    })
    .await;
    let (refused, let_in): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status() == 429);
    let mut left: Vec<_> = let_in.iter().map(|answer| header(answer, "ratelimit")).collect();
    let mut expected: Vec<_> = (0..BURST).map(|n| format!("\"sign-in\";r={n};t=60")).collect();
    left.sort_unstable();
    expected.sort_unstable();
    assert_eq!(left, expected);
    for answer in refused {
        told(answer).await;
    }
    let keys = redis.ask("KEYS *");
    assert!(keys.contains("holdfast:bucket:sign-in:20:") && !keys.contains("203.0.113"), "{keys}");
}

#[tokio::test]
async fn a_client_is_told_the_same_with_redis_and_without() {
    let Some(redis) = RedisServer::start("server: redis", &[]) else { return };
    let servers = [Server::start(&[("REDIS_URL", &redis.socket_url())])];
    let alone = Server::start(&[]);
    let paths = [
        "/api/v1/auth/login",
        "/api/v1/auth/signup",
        "/api/v1/auth/token",
        "/api/auth/login",
        "/api/v1/auth/refresh",
        "/api/v1/auth/login?x=1",
    ];
    decided_by_redis(&servers, async |client| {
        for n in 0..40 {
            let path = paths[n % paths.len()];
            let [own, shared] = [&alone, &servers[0]].map(|server| server.draw_at(path, &client));
            assert_eq!(told(shared.await).await, told(own.await).await, "{n}: {path}");
        }
        for path in ["/api/v1/users/me", "/api/v1/auth/login"] {
            let ask = async |server: &Server| {
                let request = server.client.get(format!("{}{path}", server.base));
                told(request.header("x-forwarded-for", &client).send().await.unwrap()).await
            };
            assert_eq!(ask(&servers[0]).await, ask(&alone).await, "what is not counted");
        }
    })
    .await;
    assert_eq!(alone.figure("holdfast_shared_buckets_reachable ").await, None);
    assert_eq!(alone.figure("holdfast_shared_buckets_draws_total").await, None);
}

#[tokio::test]
async fn while_redis_is_gone_a_server_counts_by_itself_and_nothing_fails() {
    const CLIENT: &str = "203.0.113.7";
    let Some(redis) = RedisServer::start("server: redis", &[]) else { return };
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("redis-url"), redis.url()).unwrap();
    let server = Server::start_in(folder, &[SLOW, ("REDIS_URL_FILE", "redis-url")]);
    for (n, (begin, end)) in [
        (RedisServer::kill as fn(&_), RedisServer::start_again as fn(&_)),
        (RedisServer::pause, RedisServer::resume),
    ]
    .into_iter()
    .enumerate()
    {
        server.until_redis_decides(true).await;
        let client = format!("{CLIENT}{n}");
        for _ in 0..5 {
            assert_eq!(server.draw(&client).await.status(), 422);
        }
        begin(&redis);
        let statuses: Vec<_> = join_all((0..60).map(|_| server.draw(&client))).await;
        let statuses: Vec<_> = statuses.iter().map(|answer| answer.status().as_u16()).collect();
        // What was let in while Redis was there counts as well.
        assert_eq!(statuses.iter().filter(|status| **status == 422).count(), BURST - 5, "{statuses:?}");
        assert!(statuses.iter().all(|status| [422, 429].contains(status)), "{statuses:?}");
        server.until_redis_decides(false).await;
        assert!(server.draws("instance").await > 0);
        end(&redis);
    }
    server.until_redis_decides(true).await;
    server.until_it_says("Redis is back").await;
    // Each time that it is lost it is told once, and that it is found, too.
    let [lost, found] = ["Redis is of no use", "Redis is back"].map(|part| server.count(part));
    assert!((2..60).contains(&lost) && found + 1 >= lost, "{lost} {found}");
}

#[tokio::test]
async fn a_server_starts_and_limits_without_the_redis_that_it_was_told_of() {
    let server = Server::start(&[("REDIS_URL", "redis+unix:///nowhere/redis.sock?pass=hunter2")]);
    let answers = join_all((0..2 * BURST).map(|_| server.draw("203.0.113.7"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 422).count(), BURST, "{answers:?}");
    server.until_it_says("Redis is of no use").await;
    assert_eq!(server.count("hunter2"), 0);
    assert_eq!(server.draws("instance").await, 40);
    assert_eq!(server.draws("redis").await, 0);
}

#[tokio::test]
async fn its_certificate_is_verified() {
    let authority = Authority::new().unwrap();
    let certificate = authority.for_hosts(&["localhost"]).unwrap();
    let Some(redis) = RedisServer::start_with_tls("server: redis", &certificate) else { return };
    let folder = TempDir::new().unwrap();
    let trusted = folder.path().join("authority.pem");
    fs::write(&trusted, authority.pem()).unwrap();
    let trusted = ("SSL_CERT_FILE", trusted.to_str().unwrap());
    let url = format!("rediss://localhost:{}", redis.address().port());
    Server::start(&[("REDIS_URL", &url), trusted]).until_redis_decides(true).await;
    let elsewhere = format!("rediss://127.0.0.1:{}", redis.address().port());
    for variables in [vec![("REDIS_URL", url.as_str())], vec![("REDIS_URL", elsewhere.as_str()), trusted]] {
        let server = Server::start(&variables);
        server.until_it_says("Redis is of no use").await;
        assert_eq!(server.count("certificate"), 1, "{:#?}", server.said.lock());
        assert_eq!(server.draws("redis").await, 0);
    }
}

#[tokio::test]
async fn limits_and_secrets_change_with_a_reload_while_buckets_are_shared() {
    const FIRST: (&str, &str) = ("\"sign-in\";q=3;w=180", "\"sign-in\";r=2;t=60");
    const LARGER: (&str, &str) = ("\"sign-in\";q=5;w=300", "\"sign-in\";r=4;t=60");
    let Some(redis) = RedisServer::start("server: redis", &[]) else { return };
    let folder = TempDir::new().unwrap();
    let (file, url) = (folder.path().join(".env"), redis.url());
    let write = |burst: &str, secret: &str, previous: &str| {
        let lines = format!(
            "RATE_LIMIT_SIGN_IN_BURST={burst}\nJWT_SECRET={secret}\nJWT_PREVIOUS_SECRETS={previous}\n"
        );
        fs::write(&file, lines).unwrap();
    };
    write("3", SECRET, "");
    let servers = [Server::start_in(folder, &[SLOW, ("JWT_SECRET", ""), ("REDIS_URL", &url)])];
    let server = &servers[0];
    let shown = |answer: &Response| (header(answer, "ratelimit-policy"), header(answer, "ratelimit"));
    let full = |(policy, limit): (&str, &str)| (policy.to_owned(), limit.to_owned());
    let mut reloads = 0;
    decided_by_redis(&servers, async |client| {
        let reload = async |burst: &str, secret: &str, previous: &str, reloads: &mut usize| {
            write(burst, secret, previous);
            server.reload();
            *reloads += 1;
            while server.count("the settings were reloaded") < *reloads {
                sleep(Duration::from_millis(10)).await;
            }
        };
        reload("3", SECRET, "", &mut reloads).await;
        assert_eq!(shown(&server.draw(&client).await), full(FIRST));
        for _ in 0..2 {
            assert_eq!(server.draw(&client).await.status(), 422);
        }
        assert_eq!(server.draw(&client).await.status(), 429);
        reload("5", SECRET, "", &mut reloads).await;
        assert_eq!(shown(&server.draw(&client).await), full(LARGER), "a full one of another size");
        reload("5", OTHER_SECRET, SECRET, &mut reloads).await;
        assert_eq!(shown(&server.draw(&client).await), full(LARGER), "hidden under another key");
    })
    .await;
    write("5", OTHER_SECRET, SECRET);
}

#[tokio::test]
async fn an_operator_sees_where_limits_are_counted_and_no_password() {
    let Some(redis) = RedisServer::start("server: redis", &["--requirepass", "hunter2"]) else { return };
    let folder = TempDir::new().unwrap();
    let run = |command: &str, url: &str| {
        let told = said(&holdfast(folder.path(), &[("REDIS_URL", url)]).arg(command).output().unwrap());
        assert!(!told.contains("hunter2") && !told.contains("hunter3"), "{told}");
        told
    };
    let [right, wrong] =
        ["hunter2", "hunter3"].map(|password| format!("redis://:{password}@{}/0", redis.address()));
    let shown = format!("redis://[redacted]@{}/0", redis.address());
    assert!(run("check-config", &right).contains(&shown));
    let remote = run("check-config", "redis://app:hunter2@cache.example");
    assert!(remote.contains("REDIS_URL: leads to another machine in clear text"), "{remote}");
    let well = format!("{shown} counts limits by address");
    let begun = Instant::now();
    // On a slow machine it may take longer than the second that it has.
    while !run("doctor", &right).contains(&well) {
        assert!(begun.elapsed() < DEADLINE);
    }
    let told = run("doctor", &wrong);
    assert!(told.contains(&format!("{shown}: ")) && told.contains("password in REDIS_URL"), "{told}");
}
