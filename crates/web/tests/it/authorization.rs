//! Who may do what to whom: one row per operation of the OpenAPI document, one column per caller and object, each cell
//! called. An operation without a row fails here, so that nobody adds a route without saying who may use it.

use std::collections::BTreeSet;

use actix_web::http::Method;
use holdfast_testkit::fixtures::PASSWORD;
use serde_json::{Value, json};

use crate::app::{Ask, Person, TestApp};

/// Statuses; `-` where there is no such case. Aliases are held to the row of their canonical path.
///
/// - `nobody`: without a token
/// - `dead`: a token of an account that is banned, deleted or demoted, or of a session that ended
/// - `own`, `foreign`, `absent`: a user, on what is theirs, on somebody else's, on what does not exist
/// - `admin`, `adm.abs`: an administrator, on somebody else's and on what does not exist
///
/// Where the path names no object, `own` is any user and `admin` any administrator. `{own}` is the caller's own account
/// in the place of `{id}`. Links of mails are credentials of their own; the ones here are none, so that nobody gets in.
const TABLE: &str = "
                                                     nobody dead  own  foreign absent admin adm.abs
    GET    /                                            200  200  200        -      -   200       -
    GET    /.well-known/jwks.json                       200  200  200        -      -   200       -
    GET    /api/docs                                    200  200  200        -      -   200       -
    GET    /api/docs/{file}                             200  200  200        -    404   200     404
    GET    /api/openapi.json                            200  200  200        -      -   200       -
    GET    /health                                      200  200  200        -      -   200       -
    GET    /health/auth                                 200  200  200        -      -   200       -
    GET    /health/db                                   200  200  200        -      -   200       -
    GET    /health/live                                 200  200  200        -      -   200       -
    GET    /health/ready                                200  200  200        -      -   200       -

    POST   /api/v1/auth/signup                          201  201  201        -      -   201       -
    POST   /api/v1/auth/signin                          200  200  200        -      -   200       -
    POST   /api/v1/auth/login                           200  200  200        -      -   200       -
    POST   /api/v1/auth/token                           200  200  200        -      -   200       -
    POST   /api/v1/auth/refresh                         200  200  200        -      -   200       -
    POST   /api/v1/auth/logout                          200  200  200        -      -   200       -
    GET    /api/v1/auth/me                              401  401  200        -      -   200       -
    GET    /api/v1/auth/session                         401  401  200        -      -   200       -
    GET    /api/v1/auth/token-info                      401  401  200        -      -   200       -
    POST   /api/v1/auth/verify                          401  401  200        -      -   200       -
    GET    /api/v1/auth/accounts                        401  401  200        -      -   200       -
    POST   /api/v1/auth/password                        401  401  200        -      -   200       -
    GET    /api/v1/auth/second-factor                   401  401  200        -      -   200       -
    POST   /api/v1/auth/second-factor                   401  401  200        -      -   200       -
    DELETE /api/v1/auth/second-factor                   401  401  409        -      -   409       -
    POST   /api/v1/auth/second-factor/confirm           401  401  409        -      -   409       -
    POST   /api/v1/auth/second-factor/recovery-codes    401  401  409        -      -   409       -
    POST   /api/v1/auth/password/forgot                 202  202  202        -      -   202       -
    POST   /api/v1/auth/password/reset                  400  400  400        -      -   400       -
    POST   /api/v1/auth/email/verify                    400  400  400        -      -   400       -
    POST   /api/v1/auth/email/verify/request            401  401  202        -      -   202       -
    POST   /api/v1/auth/email/confirm                   400  400  400        -      -   400       -
    GET    /api/v1/auth/sessions                        401  401  200        -      -   200       -
    GET    /api/v1/auth/events                          401  401  200        -      -   200       -
    GET    /api/v1/auth/tokens                          401  401  200        -      -   200       -
    POST   /api/v1/auth/tokens                          401  401  201        -      -   201       -
    DELETE /api/v1/auth/tokens/{id}                     401  401  200      404    404   404     404
    DELETE /api/v1/auth/sessions/{id}                   401  401  200      404    404   404     404

    GET    /api/v1/users/me                             401  401  200        -      -   200       -
    PATCH  /api/v1/users/me                             401  401  200        -      -   200       -
    DELETE /api/v1/users/me                             401  401  200        -      -   200       -
    POST   /api/v1/users/me/email                       401  401  202        -      -   202       -
    GET    /api/v1/users/me/export                      401  401  200        -      -   200       -
    GET    /api/v1/users/events/export                  401  401  403        -      -   200       -
    GET    /api/v1/users                                401  401  403        -      -   200       -
    GET    /api/v1/users/{id}                           401  401  200      403    403   200     404
    PATCH  /api/v1/users/{id}                           401  401  200      403    403   200     404
    PUT    /api/v1/users/{id}/role                      401  401  403      403    403   200     404
    PUT    /api/v1/users/{own}/role                       -    -  403        -      -   409       -
    POST   /api/v1/users/{id}/ban                       401  401  403      403    403   200     404
    POST   /api/v1/users/{own}/ban                        -    -  403        -      -   409       -
    DELETE /api/v1/users/{id}/ban                       401  401  403      403    403   200     404
    GET    /api/v1/users/{id}/accounts                  401  401  200      403    403   200     404
    GET    /api/v1/users/{id}/events                    401  401  200      403    403   200     404
    GET    /api/v1/users/{id}/sessions                  401  401  200      403    403   200     404
    DELETE /api/v1/users/{id}/sessions                  401  401  200      403    403   200     404
    DELETE /api/v1/users/{id}/sessions/{sid}            401  401  200      403    403   200     404
    DELETE /api/v1/users/{own}/sessions/{sid}             -    -  200      404    404   404     404

    GET    /api/v1/tasks                                401  401  200        -      -   200       -
    POST   /api/v1/tasks                                401  401  201        -      -   201       -
    GET    /api/v1/tasks/{id}                           401  401  200      404    404   404     404
    PUT    /api/v1/tasks/{id}                           401  401  200      404    404   404     404
    PATCH  /api/v1/tasks/{id}                           401  401  200      404    404   404     404
    DELETE /api/v1/tasks/{id}                           401  401  200      404    404   404     404
    PATCH  /api/v1/tasks/{id}/complete                  401  401  200      404    404   404     404

    GET    /api/tasks                                   401  401  200        -      -   200       -
    POST   /api/tasks                                   401  401  201        -      -   201       -
    GET    /api/tasks/{id}                              401  401  200      404    404   404     404
    PUT    /api/tasks/{id}                              401  401  200      404    404   404     404
    DELETE /api/tasks/{id}                              401  401  204      404    404   404     404
    PATCH  /api/tasks/{id}/complete                     401  401  200      404    404   404     404
";

/// What an operation is called with, by its canonical path.
fn body(method: &str, path: &str, somebody: &Person<'_>) -> Option<Body> {
    let tail = path.trim_start_matches("/api/v1");
    Some(Body::Json(match (method, tail) {
        ("POST", "/auth/signup") => {
            json!({ "email": format!("new-{}", somebody.email), "password": PASSWORD })
        }
        ("POST", "/auth/signin" | "/auth/login") => {
            json!({ "email": somebody.email, "password": PASSWORD })
        }
        ("POST", "/auth/refresh") => json!({ "refresh_token": somebody.refresh }),
        ("POST", "/auth/token") => {
            let grant = format!("grant_type=refresh_token&refresh_token={}", somebody.refresh);
            return Some(Body::Form(grant));
        }
        ("POST", "/auth/password") => {
            json!({ "current_password": PASSWORD, "new_password": format!("{PASSWORD} 2") })
        }
        ("POST", "/auth/tokens") => {
            json!({ "name": "backup", "scopes": ["tasks:read"], "password": PASSWORD })
        }
        ("POST" | "DELETE", "/auth/second-factor") | ("POST", "/auth/second-factor/recovery-codes") => {
            json!({ "password": PASSWORD })
        }
        ("POST", "/auth/second-factor/confirm") => json!({ "code": "000000" }),
        ("POST", "/auth/password/forgot") => json!({ "email": somebody.email }),
        ("POST", "/auth/password/reset") => {
            json!({ "token": NO_LINK, "new_password": format!("{PASSWORD} 2") })
        }
        ("POST", "/auth/email/verify" | "/auth/email/confirm") => json!({ "token": NO_LINK }),
        ("POST", "/users/me/email") => {
            json!({ "email": format!("other-{}", somebody.email), "password": PASSWORD })
        }
        ("DELETE", "/users/me") => json!({ "password": PASSWORD }),
        ("PATCH", "/users/me" | "/users/{id}") => json!({ "name": "Ada" }),
        ("PUT", "/users/{id}/role") => json!({ "role": "user" }),
        ("POST", "/users/{id}/ban") => json!({ "reason": "spam" }),
        ("POST", "/tasks" | "/api/tasks") => json!({ "title": "x", "priority": "urgent_important" }),
        ("PUT", "/tasks/{id}" | "/api/tasks/{id}") => {
            json!({ "title": "x", "priority": "urgent_important", "is_completed": true })
        }
        ("PATCH", "/tasks/{id}") => json!({ "title": "x" }),
        ("PATCH", "/tasks/{id}/complete" | "/api/tasks/{id}/complete") => json!({ "completed": true }),
        _ => return None,
    }))
}

enum Body {
    Json(Value),
    Form(String),
}

const COLUMNS: [&str; 7] = ["nobody", "dead", "own", "foreign", "absent", "admin", "adm.abs"];
/// Formed like the token of a link, and none.
const NO_LINK: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const ABSENT: &str = "01900000-0000-7000-8000-000000000000";

struct Row {
    method: String,
    /// With `{id}`, as the document has it.
    path: String,
    /// Whether `{id}` stands for the caller's own account.
    own_account: bool,
    statuses: [Option<u16>; 7],
}

fn table() -> Vec<Row> {
    let lines = TABLE.lines().map(str::trim).filter(|line| line.contains('/'));
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            words.len(),
            2 + COLUMNS.len(),
            "a row is a method, a path and a status per column: {line}"
        );
        let status = |index: usize| words[2 + index].parse::<u16>().ok();
        Row {
            method: words[0].to_owned(),
            path: words[1].replace("{own}", "{id}"),
            own_account: words[1].contains("{own}"),
            statuses: std::array::from_fn(status),
        }
    };
    lines.map(row).collect()
}

/// An operation as the running application documents it.
struct Operation {
    method: String,
    path: String,
    /// The path whose alias this is, or the same.
    canonical: String,
    needs_body: bool,
}

async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.get("/api/openapi.json").send().await.expect(200);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let description = operation["description"].as_str().unwrap_or_default();
            let alias = description.strip_prefix("The same as `").and_then(|rest| rest.strip_suffix("`."));
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                canonical: alias.unwrap_or(path).to_owned(),
                needs_body: operation["requestBody"]["required"] == json!(true),
            });
        }
    }
    assert!(operations.len() > 80, "the document has only {} operations", operations.len());
    operations
}

#[actix_web::test]
async fn every_operation_has_a_row_and_every_row_an_operation() {
    let app = TestApp::new().await;
    let of_row = |row: Row| (row.method, row.path);
    let of_operation = |operation: Operation| (operation.method, operation.canonical);
    let rows: BTreeSet<_> = table().into_iter().map(of_row).collect();
    let documented: BTreeSet<_> = operations(&app).await.into_iter().map(of_operation).collect();
    let new: Vec<_> = documented.difference(&rows).collect();
    assert!(new.is_empty(), "who may use these? Add a row to TABLE in {}: {new:?}", file!());
    let gone: Vec<_> = rows.difference(&documented).collect();
    assert!(gone.is_empty(), "these rows of TABLE in {} are about nothing: {gone:?}", file!());
}

#[actix_web::test]
async fn every_cell_answers_as_the_table_says() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let dead = dead_tokens(&app, &root).await;
    let table = table();
    for operation in operations(&app).await {
        let Operation { method, path, canonical, .. } = &operation;
        for row in table.iter().filter(|row| row.method == *method && row.path == *canonical) {
            for (column, status) in COLUMNS.iter().zip(row.statuses) {
                let Some(status) = status else { continue };
                let tokens: Vec<(&str, &str)> = match *column {
                    "dead" => dead.iter().map(|(why, token)| (*why, token.as_str())).collect(),
                    _ => vec![("", "")],
                };
                for (why, token) in tokens {
                    let answered = cell(&app, &operation, row, column, token).await;
                    assert_eq!(answered, status, "{method} {path}: {column} {why}");
                }
            }
        }
    }
}

/// Calls one cell with people of its own; what is refused must leave everything as it was.
async fn cell(app: &TestApp, operation: &Operation, row: &Row, column: &str, dead: &str) -> u16 {
    let Operation { method, path, canonical, needs_body } = operation;
    let (caller, owner, somebody) = (caller(app, column).await, app.person().await, app.person().await);
    let object = match column {
        "own" => Object::of(&caller).await,
        "absent" | "adm.abs" => Object::absent(),
        _ => Object::of(&owner).await,
    };
    let filled = if row.own_account { path.replace("{id}", &caller.id) } else { path.clone() };
    let ask = app.ask(method.parse::<Method>().unwrap(), &object.fill(&filled));
    let ask = match column {
        "nobody" => ask,
        "dead" => ask.bearer(dead),
        _ => ask.bearer(&caller.access),
    };
    let body = body(method, canonical, &somebody);
    assert!(
        body.is_some() || !needs_body,
        "{method} {canonical} needs a body: add it to `body` in {}",
        file!()
    );
    let before = belongings(&owner).await;
    let status = send(ask, body).await;
    if status >= 400 {
        assert_eq!(
            belongings(&owner).await,
            before,
            "{method} {path}: refused to {column} and done all the same"
        );
    }
    status
}

/// All that a person has.
async fn belongings(owner: &Person<'_>) -> [Value; 4] {
    let mut told = [Value::Null, Value::Null, Value::Null, Value::Null];
    let paths = ["/api/v1/users/me", "/api/v1/auth/sessions", "/api/v1/auth/tokens", "/api/v1/tasks"];
    for (told, path) in told.iter_mut().zip(paths) {
        *told = owner.get(path).send().await.expect(200);
    }
    told
}

async fn send(ask: Ask<'_>, body: Option<Body>) -> u16 {
    let ask = match body {
        None => ask,
        Some(Body::Json(json)) => ask.json(&json),
        Some(Body::Form(form)) => ask.header("content-type", "application/x-www-form-urlencoded").bytes(form),
    };
    ask.send().await.status.as_u16()
}

async fn caller<'a>(app: &'a TestApp, column: &str) -> Person<'a> {
    if column.starts_with("adm") { app.admin().await } else { app.person().await }
}

/// What the placeholders of a path stand for.
struct Object {
    account: String,
    task: String,
    session: String,
    token: String,
    file: &'static str,
}

impl Object {
    /// The current session of a person, and a task and a token, which are made.
    async fn of(owner: &Person<'_>) -> Self {
        let sessions = owner.get("/api/v1/auth/sessions").send().await.expect(200);
        let session = sessions["data"]["sessions"][0]["id"].as_str().unwrap().to_owned();
        let task = owner.task(&json!({ "title": "mine" })).await["id"].as_str().unwrap().to_owned();
        let token = token(owner, &["tasks:read"]).await["id"].as_str().unwrap().to_owned();
        Self { account: owner.id.clone(), task, session, token, file: "swagger-ui.css" }
    }

    fn absent() -> Self {
        let absent = || ABSENT.to_owned();
        Self { account: absent(), task: absent(), session: absent(), token: absent(), file: "nothing.css" }
    }

    fn fill(&self, path: &str) -> String {
        let Self { account, task, session, token, file } = self;
        let filled = path
            .replace("/tasks/{id}", &format!("/tasks/{task}"))
            .replace("/users/{id}", &format!("/users/{account}"))
            .replace("/sessions/{id}", &format!("/sessions/{session}"))
            .replace("/tokens/{id}", &format!("/tokens/{token}"))
            .replace("{sid}", session)
            .replace("{file}", file);
        assert!(!filled.contains('{'), "say in `Object` what the placeholder stands for: {path}");
        filled
    }
}

/// A new personal access token of the person; answers what is told of it.
async fn token(owner: &Person<'_>, scopes: &[&str]) -> Value {
    let wish = json!({ "name": "backup", "scopes": scopes, "password": PASSWORD });
    owner.post("/api/v1/auth/tokens", &wish).send().await.expect(201)["data"].clone()
}

/// What personal access tokens open, by canonical path: the scope that it takes, and the answer on what is the owner's. All
/// else is closed to them, unless it is open to everybody.
const OPEN_TO_TOKENS: &str = "
    GET    /api/v1/tasks                 tasks:read   200
    POST   /api/v1/tasks                 tasks:write  201
    GET    /api/v1/tasks/{id}            tasks:read   200
    PUT    /api/v1/tasks/{id}            tasks:write  200
    PATCH  /api/v1/tasks/{id}            tasks:write  200
    DELETE /api/v1/tasks/{id}            tasks:write  200
    PATCH  /api/v1/tasks/{id}/complete   tasks:write  200

    GET    /api/tasks                    tasks:read   200
    POST   /api/tasks                    tasks:write  201
    GET    /api/tasks/{id}               tasks:read   200
    PUT    /api/tasks/{id}               tasks:write  200
    DELETE /api/tasks/{id}               tasks:write  204
    PATCH  /api/tasks/{id}/complete      tasks:write  200
";

/// The scope and the status of an operation that takes personal access tokens.
fn open_to_tokens(method: &str, canonical: &str) -> Option<(&'static str, u16)> {
    let rows = OPEN_TO_TOKENS.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut of_operation = rows.filter(|row| row.len() == 4 && row[0] == method && row[1] == canonical);
    of_operation.next().map(|row| (row[2], row[3].parse().unwrap()))
}

#[actix_web::test]
async fn a_personal_token_opens_what_its_scope_says_and_nothing_else() {
    let app = TestApp::new().await;
    let table = table();
    let mut opened = 0;
    for operation in operations(&app).await {
        let Operation { method, path, canonical, .. } = &operation;
        let mut rows = table.iter().filter(|row| row.method == *method && row.path == *canonical);
        let nobody = rows.find_map(|row| row.statuses[0]).unwrap();
        for given in ["tasks:read", "tasks:write"] {
            let expected = match open_to_tokens(method, canonical) {
                Some((scope, status)) if scope == given => status,
                Some(_) => 403,
                None if nobody == 401 => 403,
                None => nobody,
            };
            // Not even an administrator's token does what is an administrator's to do.
            for column in ["own", "admin"] {
                let (owner, somebody) = (caller(&app, column).await, app.person().await);
                let token = token(&owner, &[given]).await["token"].as_str().unwrap().to_owned();
                let filled = Object::of(&owner).await.fill(path);
                let before = belongings(&owner).await;
                let ask = app.ask(method.parse::<Method>().unwrap(), &filled).bearer(&token);
                let answered = send(ask, body(method, canonical, &somebody)).await;
                assert_eq!(answered, expected, "{method} {path}: {column}, {given}");
                if expected >= 400 {
                    let after = belongings(&owner).await;
                    assert_eq!(after, before, "{method} {path}: refused to {given} and done all the same");
                }
            }
            opened += usize::from(open_to_tokens(method, canonical).is_some_and(|(scope, _)| scope == given));
        }
    }
    assert_eq!(opened, OPEN_TO_TOKENS.matches("tasks:").count());
}

/// Tokens that were good once, one for every way in which they end.
async fn dead_tokens(app: &TestApp, root: &Person<'_>) -> Vec<(&'static str, String)> {
    let (banned, deleted, out, ended, demoted) =
        (app.person().await, app.person().await, app.person().await, app.person().await, app.admin().await);
    let of = |person: &Person<'_>, rest: &str| format!("/api/v1/users/{}{rest}", person.id);
    root.post(&of(&banned, "/ban"), &json!({})).send().await.expect(200);
    deleted.delete("/api/v1/users/me").json(&json!({ "password": PASSWORD })).send().await.expect(200);
    out.post("/api/v1/auth/logout", &json!({})).send().await.expect(200);
    root.delete(&of(&ended, "/sessions")).send().await.expect(200);
    root.put(&of(&demoted, "/role"), &json!({ "role": "user" })).send().await.expect(200);
    let dead = [
        ("banned", banned),
        ("deleted", deleted),
        ("signed out", out),
        ("ended by an administrator", ended),
        ("demoted", demoted),
    ];
    dead.map(|(why, person)| (why, person.access)).into()
}
