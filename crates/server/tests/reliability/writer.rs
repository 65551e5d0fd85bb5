//! Clients as careful as we tell ours to be: creates carry an `Idempotency-Key`, changes an `If-Match`, and whatever had
//! no answer, or a 503, is repeated. They remember what they were told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    DEADLINE,
    chance::Chance,
    scene::Scene,
    tally::{Expected, Tally, title},
};

const PASSWORD: &str = "correct horse battery staple";
const TASKS: &str = "/api/v1/tasks";
/// Before a repeat: shorter than any server asks for, so that more of them meet the fault.
const PAUSE: Duration = Duration::from_millis(25);

/// All writers of a scene.
pub(crate) struct Writers {
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<Expected>>,
}

impl Writers {
    /// So many writers, each with an account of its own, who begin at once.
    pub(crate) async fn start(scene: &Scene, tally: &Arc<Tally>, count: usize) -> Self {
        let stop = Arc::new(AtomicBool::default());
        let mut running = Vec::new();
        for number in 0..count {
            let writer = Writer::sign_up(number, scene, tally.clone()).await;
            running.push(tokio::spawn(writer.write_until(stop.clone())));
        }
        Self { stop, running }
    }

    /// Lets everybody finish what was begun, and tells what must be there.
    pub(crate) async fn finish(self) -> Expected {
        self.stop.store(true, Ordering::SeqCst);
        let mut expected = Expected::new();
        for writer in self.running {
            expected.extend(writer.await.unwrap());
        }
        expected
    }
}

struct Answer {
    status: u16,
    body: Value,
    retry_after: bool,
}

/// A final answer, and whether an earlier try may have had its effect already.
struct Told {
    answer: Answer,
    repeated: bool,
}

struct Task {
    path: String,
    version: u32,
}

struct Writer {
    number: usize,
    client: Client,
    base: watch::Receiver<String>,
    tally: Arc<Tally>,
    chance: Chance,
    access: String,
    refresh: String,
    created: u64,
    tasks: BTreeMap<String, Task>,
    deleted: Vec<String>,
}

impl Writer {
    async fn sign_up(number: usize, scene: &Scene, tally: Arc<Tally>) -> Self {
        let mut writer = Self {
            number,
            client: Client::builder().no_proxy().build().unwrap(),
            base: scene.server.base(),
            tally,
            chance: Chance::new(number as u64),
            access: String::new(),
            refresh: String::new(),
            created: 0,
            tasks: BTreeMap::new(),
            deleted: Vec::new(),
        };
        let wish = json!({ "email": format!("writer{number}@example.com"), "password": PASSWORD });
        let told = writer.insist(Method::POST, "/api/v1/auth/signup", |request| request.json(&wish)).await;
        // On a busy machine the first try may be told as unavailable, and be done all the same.
        let told = match (told.answer.status, told.repeated) {
            (409, true) => {
                writer.insist(Method::POST, "/api/v1/auth/login", |request| request.json(&wish)).await
            }
            _ => told,
        };
        assert!([200, 201].contains(&told.answer.status), "{}", told.answer.body);
        writer.keep_tokens(&told.answer.body);
        writer
    }

    async fn write_until(mut self, stop: Arc<AtomicBool>) -> Expected {
        while !stop.load(Ordering::SeqCst) {
            match self.chance.below(16) {
                0 => self.rotate().await,
                1..=6 => self.create().await,
                7..=12 => self.change().await,
                _ => self.delete().await,
            }
        }
        let live = self.tasks.into_iter().map(|(name, task)| (name, Some(task.version)));
        live.chain(self.deleted.into_iter().map(|name| (name, None))).collect()
    }

    async fn create(&mut self) {
        self.created += 1;
        let name = format!("{}-{}", self.number, self.created);
        let key = format!("\"{name}\"");
        let body = json!({ "title": title(&name, 0) });
        let told = self
            .insist(Method::POST, TASKS, |request| request.header("Idempotency-Key", &key).json(&body))
            .await;
        if told.answer.status != 201 {
            return self.wrong("a create", &told.answer);
        }
        self.tally.acknowledge();
        let id = told.answer.body["data"]["id"].as_str().unwrap();
        let task = Task { path: format!("{TASKS}/{id}"), version: 0 };
        self.shows(&name, &task).await;
        self.tasks.insert(name, task);
    }

    async fn change(&mut self) {
        let Some((name, mut task)) = self.any_task() else { return self.create().await };
        let (expected, next) = (format!("\"r{}\"", task.version + 1), title(&name, task.version + 1));
        let body = json!({ "title": next });
        let told = self
            .insist(Method::PATCH, &task.path, |request| request.header("If-Match", &expected).json(&body))
            .await;
        let by_an_earlier_try = told.repeated && told.answer.status == 412;
        if told.answer.status != 200 && !by_an_earlier_try {
            self.wrong("a change", &told.answer);
        } else {
            self.tally.acknowledge();
            task.version += 1;
            self.shows(&name, &task).await;
        }
        self.tasks.insert(name, task);
    }

    async fn delete(&mut self) {
        let Some((name, task)) = self.any_task() else { return self.create().await };
        let told = self.insist(Method::DELETE, &task.path, |request| request).await;
        let by_an_earlier_try = told.repeated && told.answer.status == 404;
        if told.answer.status != 200 && !by_an_earlier_try {
            self.wrong("a deletion", &told.answer);
        }
        self.tally.acknowledge();
        self.deleted.push(name);
    }

    async fn rotate(&mut self) {
        let wish = json!({ "refresh_token": self.refresh });
        let told = self.insist(Method::POST, "/api/v1/auth/refresh", |request| request.json(&wish)).await;
        match told.answer.status {
            200 => self.keep_tokens(&told.answer.body),
            // A session may be refreshed ten times a minute, whatever else is switched off. The token stays good.
            429 => {}
            401 => self.tally.signed_out(format!("writer {}: {}", self.number, told.answer.body)),
            _ => self.wrong("a refresh", &told.answer),
        }
    }

    /// What was acknowledged is seen by whoever asks next.
    async fn shows(&mut self, name: &str, task: &Task) {
        let told = self.insist(Method::GET, &task.path, |request| request).await;
        let seen = &told.answer.body["data"]["title"];
        if told.answer.status != 200 || *seen != title(name, task.version).as_str() {
            self.tally.lost(format!("{name} v{}: {} {seen}", task.version, told.answer.status));
        }
    }

    fn any_task(&mut self) -> Option<(String, Task)> {
        let count = u64::try_from(self.tasks.len()).unwrap();
        let nth = usize::try_from(self.chance.below(count.max(1))).unwrap();
        let name = self.tasks.keys().nth(nth)?.clone();
        self.tasks.remove_entry(&name)
    }

    fn keep_tokens(&mut self, body: &Value) {
        let text = |name: &str| body["data"][name].as_str().unwrap().to_owned();
        (self.access, self.refresh) = (text("access_token"), text("refresh_token"));
    }

    fn wrong(&self, what: &str, answer: &Answer) {
        self.tally.wrong(format!("{what} is answered by {} {}", answer.status, answer.body));
    }

    /// Repeats a request until it has an answer that settles it.
    async fn insist(
        &self,
        method: Method,
        path: &str,
        shape: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Told {
        let mut repeated = false;
        let settled = async {
            loop {
                let url = format!("{}{path}", *self.base.borrow());
                let request = self.client.request(method.clone(), url).bearer_auth(&self.access);
                if let Some(answer) = self.ask(shape(request)).await
                    && !is_passing(&answer)
                {
                    return answer;
                }
                repeated = true;
                sleep(PAUSE).await;
            }
        };
        let answer = timeout(DEADLINE, settled).await;
        let answer = answer.unwrap_or_else(|_| panic!("{method} {path} is never answered: {:?}", self.tally));
        Told { answer, repeated }
    }

    /// One exchange, counted; nothing when the connection ended without an answer.
    async fn ask(&self, request: RequestBuilder) -> Option<Answer> {
        let begun = Instant::now();
        let answer = timeout(DEADLINE, exchange(request)).await;
        let Some(answer) = answer.unwrap_or_else(|_| panic!("an open connection and no answer")) else {
            self.tally.unanswered();
            return None;
        };
        self.tally.answered(begun.elapsed());
        match answer.status {
            503 if answer.retry_after && answer.body["error_code"] == "SERVICE_UNAVAILABLE" => {
                self.tally.unavailable();
            }
            500.. => self.wrong("a request", &answer),
            _ => {}
        }
        Some(answer)
    }
}

async fn exchange(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let status = response.status().as_u16();
    let retry_after = response.headers().contains_key("retry-after");
    let text = response.text().await.ok()?;
    Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), retry_after })
}

/// Whether to come again: the server could not, or is still at it.
fn is_passing(answer: &Answer) -> bool {
    answer.status >= 500 || answer.body["error_code"] == "IDEMPOTENCY_KEY_IN_USE"
}
