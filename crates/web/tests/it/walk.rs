//! A walk over every operation of the OpenAPI document: without a token, with nonsense, and as a stranger.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, Ask, TestApp};

struct Operation {
    method: Method,
    path: String,
    secured: bool,
    has_body: bool,
    has_id: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&holdfast_web::openapi_json()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let demands = |needs: &Vec<Value>| {
                needs.iter().all(|need| need.as_object().is_some_and(|it| !it.is_empty()))
            };
            operations.push(Operation {
                method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(),
                path: path.clone(),
                secured: operation["security"].as_array().is_some_and(demands),
                has_body: operation["requestBody"].is_object(),
                has_id: path.contains("{id}"),
            });
        }
    }
    assert!(operations.len() > 50, "{}", operations.len());
    operations
}

const NONSENSE: [&[u8]; 8] = [
    b"",
    b"\xff\xfe\x00",
    b"[[[[",
    b"{\"title\":{},\"email\":[],\"password\":1e309,\"completed\":\"\\u0000\"}",
    b"{\"title\":null,\"email\":null,\"password\":null,\"completed\":null,\"refresh_token\":null,\"scope\":7,\"name\":7}",
    b"{\"title\":\"\\u0000\",\"email\":\"\\u0000\",\"password\":\"\\u0000\",\"refresh_token\":\"\\u0000\",\"completed\":[],\"name\":\"\\u0000\"}",
    b"grant_type=%ff&username=&password=%zz",
    b"{\"title\":1,\"title\":2}",
];

fn is_a_problem(answer: &Answer, operation: &Operation) {
    let Operation { method, path, .. } = operation;
    let status = answer.status.as_u16();
    assert!(status < 500, "{method} {path}: {status} {}", String::from_utf8_lossy(&answer.body));
    if status >= 400 && !(path.ends_with("/token") && status == 400) {
        let code = answer.json()["error_code"].as_str().unwrap().to_owned();
        answer.problem(status, &code);
    }
}

#[actix_web::test]
async fn without_a_token_every_secured_operation_is_401() {
    let app = TestApp::new().await;
    for operation in operations().iter().filter(|operation| operation.secured) {
        let path = operation.path.replace("{id}", "nonsense").replace("{sid}", "nonsense");
        for body in NONSENSE {
            let ask = || app.ask(operation.method.clone(), &path).bytes(body);
            ask().send().await.problem(401, "TOKEN_MISSING");
            ask().bearer("nonsense").send().await.problem(401, "TOKEN_INVALID");
        }
    }
}

#[actix_web::test]
async fn nonsense_is_never_our_fault() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let (id, names) =
        ("00000000-0000-0000-0000-000000000000", ["%00", "..", "%ff", "a%2Fb", "{id}", "'; --"]);
    let queries =
        ["", "?limit=%ff", "?limit=x&offset=y&cursor=z&q=%00", "?&&=&=1", "?due_after=99999999999999"];
    for operation in &operations() {
        let send = async |ask: Ask<'_>| is_a_problem(&ask.bearer(&person.access).send().await, operation);
        for name in names.into_iter().chain([id]) {
            let name = name.replace(['\'', ' ', '{', '}'], "_");
            let path = operation.path.replace("{id}", &name).replace("{sid}", &name).replace("{file}", &name);
            for query in queries {
                send(app.ask(operation.method.clone(), &format!("{path}{query}"))).await;
            }
            for body in NONSENSE {
                for media in ["application/json", "text/plain", "application/x-www-form-urlencoded", "\u{e9}"]
                {
                    let ask =
                        app.ask(operation.method.clone(), &path).bytes(body).header("content-type", media);
                    let ask = ask.header("if-match", "\u{e9}\"").header("if-none-match", ",,,\"");
                    send(ask.header("idempotency-key", "\u{e9}\",")).await;
                }
            }
        }
    }
}

#[actix_web::test]
async fn bodies_that_are_nonsense_are_refused_wherever_one_is_read() {
    let app = TestApp::new().await;
    let person = app.person().await;
    let id = person.task(&json!({ "title": "x" })).await["id"].as_str().unwrap().to_owned();
    let readers = operations()
        .into_iter()
        .filter(|operation| operation.has_body && !operation.path.ends_with("/token"));
    for operation in readers {
        let path = operation.path.replace("{id}", &id);
        for body in NONSENSE.iter().filter(|body| !body.is_empty()) {
            let answer = person.ask(operation.method.clone(), &path).bytes(*body).send().await;
            let status = answer.status.as_u16();
            let forgiving = path.starts_with("/api/tasks") || path.ends_with("out");
            assert!(
                matches!(status, 400 | 401 | 403 | 422) || (forgiving && status == 200),
                "{path}: {status}"
            );
            is_a_problem(&answer, &operation);
        }
    }
}

#[actix_web::test]
async fn a_strangers_token_finds_nothing_under_any_id_and_may_do_nothing_to_any_account() {
    let app = TestApp::new().await;
    let (owner, stranger) = (app.person().await, app.person().await);
    let id = owner.task(&json!({ "title": "mine" })).await["id"].as_str().unwrap().to_owned();
    let body = json!({ "title": "stolen", "completed": true });
    for operation in operations().iter().filter(|operation| operation.has_id) {
        let accounts = operation.path.contains("/users/");
        for named in [id.as_str(), owner.id.as_str(), "nonsense"] {
            let path = operation.path.replace("{id}", named).replace("{sid}", named);
            let answer = stranger.ask(operation.method.clone(), &path).json(&body).send().await;
            match (accounts, named) {
                (true, _) => answer.problem(403, "FORBIDDEN"),
                (false, "nonsense") if path.starts_with("/api/tasks") => {
                    answer.problem(422, "VALIDATION_ERROR")
                }
                (false, _) => answer.problem(404, "NOT_FOUND"),
            };
        }
    }
    let task = owner.get(&format!("/api/v1/tasks/{id}")).send().await.expect(200);
    assert_eq!((&task["data"]["title"], &task["data"]["is_completed"]), (&json!("mine"), &json!(false)));
}
