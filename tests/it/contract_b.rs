//! The contract of surface B (everything under `/api/v1`, as the later front end reads it), line by line. See
//! `contract_a` for how rows are read.

use serde_json::{Value, json};

use crate::contract::{Form, Row, contract, row};

const FLAT: &str =
    "id email email_verified name image role banned ban_reason ban_expires created_at updated_at";
const TASK: &str = "title description due_datetime priority is_completed id user_id created_at updated_at";
const SESSION: &str = "id device user_agent ip_prefix created_at last_used_at expires_at is_current";

fn accounts() -> Vec<Row> {
    vec![
        row("sign-up answers token, user_id, expires_at", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "new.{ada_email}", "password": "{password}" }))
            .gives(201)
            .is("/success", true)
            .has("/data", "token user_id expires_at")
            .looks("/data/token", Form::Text)
            .looks("/data/expires_at", Form::Zoned)
            .decided("201 as written"),
        row("an address that is taken", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "{password}" }))
            .gives(409)
            .is("/error_code", "EMAIL_EXISTS")
            .is("/success", false)
            .decided("409 as A"),
        row("an address that is none", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "x", "password": "{password}" }))
            .gives(422)
            .is("/error_code", "VALIDATION_ERROR"),
        row("a short password", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "s.{ada_email}", "password": "Ab1" }))
            .gives(422)
            .looks("/error", Form::Text)
            .looks("/detail", Form::Text),
        row("sign-in answers the same", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "{password}" }))
            .is("/success", true)
            .is("/data/user_id", "{me}")
            .looks("/data/token", Form::Text)
            .looks("/data/expires_at", Form::Zoned),
        row("a wrong password", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "wrong" }))
            .gives(401)
            .is("/success", false)
            .is("/error_code", "INVALID_CREDENTIALS")
            .looks("/error", Form::Text)
            .decided("one text for both surfaces"),
        row("sign-in: shape faults", "POST /api/v1/auth/signin").by_nobody().json(json!({})).gives(422),
        row("me is flat", "GET /api/v1/auth/me")
            .has("", FLAT)
            .is("/id", "{me}")
            .is("/email", "{ada_email}")
            .is("/name", "Ada")
            .is("/image", Value::Null)
            .is("/email_verified", false)
            .is("/role", "user")
            .is("/banned", false)
            .is("/ban_reason", Value::Null)
            .is("/ban_expires", Value::Null)
            .looks("/created_at", Form::Zoned)
            .looks("/updated_at", Form::Zoned),
        row("me: without a token", "GET /api/v1/auth/me")
            .by_nobody()
            .gives(401)
            .is("/success", false)
            .is("/error_code", "TOKEN_MISSING")
            .tells("www-authenticate", "Bearer")
            .decided("codes of our own"),
        row("session", "GET /api/v1/auth/session")
            .members("", "session user")
            .members("/user", FLAT)
            .members("/session", "session_id user_id expires_at ip_address user_agent is_impersonated")
            .is("/session/user_id", "{me}")
            .is("/session/is_impersonated", false)
            .looks("/session/session_id", Form::Text)
            .looks("/session/expires_at", Form::Zoned)
            .is("/user/id", "{me}"),
        row("token-info", "GET /api/v1/auth/token-info")
            .members("", "user_id email role issued_at expires_at")
            .is("/user_id", "{me}")
            .is("/email", "{ada_email}")
            .is("/role", "user")
            .looks("/issued_at", Form::Zoned)
            .looks("/expires_at", Form::Zoned),
        row("verify", "POST /api/v1/auth/verify")
            .members("", "valid user_id")
            .is("/valid", true)
            .is("/user_id", "{me}"),
        row("accounts", "GET /api/v1/auth/accounts")
            .members("", "accounts")
            .looks("/accounts", Form::EmptyList),
    ]
}

fn dead_tokens() -> Vec<Row> {
    vec![
        row("session: without a token", "GET /api/v1/auth/session").by_nobody().gives(401),
        row("token-info: without a token", "GET /api/v1/auth/token-info").by_nobody().gives(401),
        row("verify: without a token", "POST /api/v1/auth/verify").by_nobody().gives(401),
        row("accounts: without a token", "GET /api/v1/auth/accounts").by_nobody().gives(401),
        row("session: a bad token is 401", "GET /api/v1/auth/session")
            .with_authorization("Bearer garbage")
            .gives(401)
            .is("/error_code", "TOKEN_INVALID"),
        row("token-info: a bad token is 401, never 500", "GET /api/v1/auth/token-info")
            .with_authorization("Bearer garbage")
            .gives(401)
            .decided("never 500"),
        row("verify: a bad token is 401, never 500", "POST /api/v1/auth/verify")
            .with_authorization("Bearer a.b.c")
            .gives(401)
            .decided("never 500"),
        row("accounts: a bad token is 401", "GET /api/v1/auth/accounts")
            .with_authorization("Bearer garbage")
            .gives(401),
        row("session answers under /api/auth, too", "GET /api/auth/session")
            .has("", "session user")
            .decided("new aliases"),
        row("token-info answers under /auth, too", "GET /auth/token-info")
            .is("/user_id", "{me}")
            .decided("new aliases"),
    ]
}

fn own_sessions() -> Vec<Row> {
    vec![
        row("another place to sign in", "POST /api/v1/auth/login")
            .by_nobody()
            .json(json!({ "username": "{ada_email}", "password": "{password}" }))
            .is("/data/token", Value::Null)
            .saves("other", "/data/access_token"),
        row("own sessions", "GET /api/v1/auth/sessions")
            .has("/data", "sessions")
            .members("/data/sessions/0", SESSION)
            .is("/data/sessions/0/is_current", false)
            .is("/data/sessions/1/is_current", true)
            .looks("/data/sessions/0/id", Form::Uuid)
            .saves("session", "/data/sessions/0/id")
            .decided("new"),
        row("somebody else's session is 404", "DELETE /api/v1/auth/sessions/{session}")
            .by_bob()
            .gives(404)
            .is("/error_code", "NOT_FOUND")
            .decided("new"),
        row("what is no id is 404", "DELETE /api/v1/auth/sessions/nonsense").gives(404).decided("new"),
        row("one of them ends", "DELETE /api/v1/auth/sessions/{session}").is("/success", true).decided("new"),
        row("once", "DELETE /api/v1/auth/sessions/{session}").gives(404).decided("new"),
        row("its token is dead", "GET /api/v1/auth/me")
            .with_authorization("Bearer {other}")
            .gives(401)
            .decided("tokens are revocable"),
        row("this one lives", "GET /api/v1/auth/me"),
    ]
}

fn tasks() -> Vec<Row> {
    let full = json!({ "title": "  Write ", "description": "d", "due_datetime": "2030-01-02T03:04:05", "priority": "urgent_important" });
    let patch = |promise, body: Value| row(promise, "PATCH /api/v1/tasks/{task}").json(body);
    vec![
        row("a new task", "POST /api/v1/tasks")
            .json(full)
            .gives(201)
            .members("", "success message data")
            .members("/data", TASK)
            .is("/success", true)
            .looks("/message", Form::Text)
            .is("/data/title", "Write")
            .is("/data/user_id", "{me}")
            .is("/data/is_completed", false)
            .is("/data/due_datetime", "2030-01-02T03:04:05Z")
            .looks("/data/created_at", Form::Zoned)
            .looks("/data/updated_at", Form::Zoned)
            .looks("/data/id", Form::Uuid)
            .saves("task", "/data/id"),
        row("a task is read", "GET /api/v1/tasks/{task}")
            .members("", "success message data")
            .members("/data", TASK)
            .is("/data/title", "Write"),
        row("a list", "GET /api/v1/tasks")
            .is("/success", true)
            .has("/data", "tasks total_count limit offset")
            .members("/data/tasks/0", TASK)
            .is("/data/total_count", 1)
            .is("/data/limit", 50)
            .is("/data/offset", 0),
        patch("only what is sent changes", json!({ "title": "Edited" }))
            .members("", "success message data")
            .looks("/message", Form::Text)
            .is("/data/title", "Edited")
            .is("/data/description", "d")
            .is("/data/due_datetime", "2030-01-02T03:04:05Z"),
        patch("null clears a description", json!({ "description": null }))
            .is("/data/description", Value::Null)
            .is("/data/title", "Edited"),
        patch("null clears a due date", json!({ "due_datetime": null }))
            .is("/data/due_datetime", Value::Null),
        patch("\"\" clears a due date", json!({ "due_datetime": "" }))
            .is("/data/due_datetime", Value::Null)
            .decided("7"),
        patch("null is nothing else's value: title", json!({ "title": null }))
            .gives(422)
            .decided("Seen: 500"),
        patch("… priority", json!({ "priority": null })).gives(422).decided("Seen: 500"),
        patch("… is_completed", json!({ "is_completed": null })).gives(422).decided("Seen: 500"),
        patch("completion", json!({ "is_completed": true })).is("/data/is_completed", true),
        patch("an unknown priority", json!({ "priority": "high" })).gives(422),
        patch("a blank title", json!({ "title": "  " })).gives(422),
        row("somebody else's task", "GET /api/v1/tasks/{task}")
            .by_bob()
            .gives(404)
            .is("/error_code", "NOT_FOUND")
            .is("/success", false),
        row("… to change", "PATCH /api/v1/tasks/{task}").by_bob().json(json!({ "title": "x" })).gives(404),
        row("… to delete", "DELETE /api/v1/tasks/{task}").by_bob().gives(404),
        row("an id may be any text", "GET /api/v1/tasks/nonsense").gives(404).is("/error_code", "NOT_FOUND"),
        row("PUT replaces, too", "PUT /api/v1/tasks/{task}")
            .json(json!({ "title": "Whole" }))
            .is("/data/priority", "not_urgent_not_important")
            .is("/data/is_completed", false)
            .decided("new"),
        row("complete, too", "PATCH /api/v1/tasks/{task}/complete")
            .json(json!({ "completed": true }))
            .is("/data/is_completed", true)
            .decided("new"),
        row("without a token", "GET /api/v1/tasks").by_nobody().gives(401),
        row("deletion answers 200 and null", "DELETE /api/v1/tasks/{task}")
            .members("", "success message data")
            .is("/success", true)
            .is("/data", Value::Null)
            .looks("/message", Form::Text),
        row("a deleted task is 404", "DELETE /api/v1/tasks/{task}").gives(404).is("/error_code", "NOT_FOUND"),
    ]
}

fn creating() -> Vec<Row> {
    let new = |promise, body: Value| row(promise, "POST /api/v1/tasks").json(body);
    let titled = |title: String| json!({ "title": title, "priority": "urgent_important" });
    vec![
        new("title is required", json!({ "priority": "urgent_important" })).gives(422).is("/error_code", "VALIDATION_ERROR"),
        new("255 code points are a title", titled("ü".repeat(255))).gives(201),
        new("256 are not", titled("ü".repeat(256))).gives(422),
        new("an empty title", titled(String::new())).gives(422),
        new("a blank title", titled("   ".into())).gives(422).decided("14"),
        new("5,000 code points are a description", json!({ "title": "t", "priority": "urgent_important", "description": "ü".repeat(5_000) })).gives(201),
        new("5,001 are not", json!({ "title": "t", "priority": "urgent_important", "description": "ü".repeat(5_001) })).gives(422),
        new("priority may be missing", json!({ "title": "t" })).gives(201).is("/data/priority", "not_urgent_not_important").decided("4"),
        new("an unknown priority", json!({ "title": "t", "priority": "high" })).gives(422),
        new("due_datetime \"\" is null", json!({ "title": "t", "priority": "urgent_important", "due_datetime": "" })).gives(201).is("/data/due_datetime", Value::Null).decided("7"),
        new("a zone is converted", json!({ "title": "t", "priority": "urgent_important", "due_datetime": "2030-01-02T03:04:05+02:00" })).gives(201).is("/data/due_datetime", "2030-01-02T01:04:05Z"),
        new("is_completed is honoured", json!({ "title": "t", "priority": "urgent_important", "is_completed": true })).gives(201).is("/data/is_completed", true).decided("4"),
        new("unknown members are ignored", json!({ "title": "t", "priority": "urgent_important", "user_id": "x", "foo": [1] })).gives(201).is("/data/user_id", "{me}"),
    ]
}

fn lists() -> Vec<Row> {
    let new = |title: &str, priority: &str, due: Value| {
        row("tasks to list", "POST /api/v1/tasks")
            .gives(201)
            .json(json!({ "title": title, "priority": priority, "due_datetime": due }))
    };
    vec![
        new("b", "not_urgent_important", json!("2030-01-02T00:00:00Z")),
        new("a", "urgent_important", Value::Null).saves("a", "/data/id"),
        new("c", "urgent_not_important", json!("2030-01-01T00:00:00Z")),
        row("one of them is done", "PATCH /api/v1/tasks/{a}").json(json!({ "is_completed": true })),
        row("newest first", "GET /api/v1/tasks").titles("c,a,b"),
        row("title sorts", "GET /api/v1/tasks?sort_by=title&sort_order=asc").titles("a,b,c"),
        row("priority sorts by rank", "GET /api/v1/tasks?sort_by=priority&sort_order=asc")
            .titles("a,b,c")
            .decided("rank, not the alphabet"),
        row("due dates: none is last upwards", "GET /api/v1/tasks?sort_by=due_datetime&sort_order=asc")
            .titles("c,b,a"),
        row("updated_at", "GET /api/v1/tasks?sort_by=updated_at&sort_order=desc").titles("a,c,b"),
        row("is_completed filters", "GET /api/v1/tasks?is_completed=true")
            .titles("a")
            .is("/data/total_count", 1),
        row("… the other way", "GET /api/v1/tasks?is_completed=false").titles("c,b"),
        row("priority filters", "GET /api/v1/tasks?priority=urgent_not_important").titles("c"),
        row("pages", "GET /api/v1/tasks?limit=1&offset=1")
            .titles("a")
            .is("/data/total_count", 3)
            .is("/data/limit", 1)
            .is("/data/offset", 1),
        row("an unknown priority", "GET /api/v1/tasks?priority=high")
            .gives(422)
            .is("/error_code", "VALIDATION_ERROR"),
        row("an unknown sort_by", "GET /api/v1/tasks?sort_by=id").gives(422),
        row("an unknown sort_order", "GET /api/v1/tasks?sort_order=up").gives(422),
        row("limit 0", "GET /api/v1/tasks?limit=0").gives(422),
        row("limit 101", "GET /api/v1/tasks?limit=101").gives(422),
        row("a negative offset", "GET /api/v1/tasks?offset=-1").gives(422),
        row("nobody else sees them", "GET /api/v1/tasks").by_bob().is("/data/total_count", 0),
    ]
}

fn users() -> Vec<Row> {
    let refused = |promise, request| {
        row(promise, request)
            .gives(403)
            .is("/error_code", "FORBIDDEN")
            .is("/success", false)
            .decided("FORBIDDEN as written")
    };
    vec![
        row("oneself", "GET /api/v1/users/{me}")
            .members("", FLAT)
            .is("/id", "{me}")
            .is("/email", "{ada_email}")
            .looks("/created_at", Form::Zoned),
        row("oneself as me", "GET /api/v1/users/me").members("", FLAT).is("/id", "{me}").decided("new"),
        row("oneself, changed", "PATCH /api/v1/users/{me}")
            .json(json!({ "name": "Ada L.", "image": "https://example.com/a.png", "role": "admin" }))
            .members("", FLAT)
            .is("/name", "Ada L.")
            .is("/image", "https://example.com/a.png")
            .is("/role", "user"),
        row("one's sessions", "GET /api/v1/users/{me}/sessions")
            .members("", "sessions total")
            .is("/total", 1)
            .members("/sessions/0", SESSION),
        row("one's links", "GET /api/v1/users/{me}/accounts")
            .members("", "accounts")
            .looks("/accounts", Form::EmptyList),
        refused("somebody else", "GET /api/v1/users/{bob}"),
        refused("nobody", "GET /api/v1/users/00000000-0000-4000-8000-000000000000"),
        refused("what is no id", "GET /api/v1/users/nonsense"),
        refused("somebody else, changed", "PATCH /api/v1/users/{bob}").json(json!({ "name": "x" })),
        refused("a role", "PUT /api/v1/users/{me}/role").json(json!({ "role": "admin" })),
        refused("a ban", "POST /api/v1/users/{bob}/ban").json(json!({ "reason": "x" })),
        refused("the end of a ban", "DELETE /api/v1/users/{bob}/ban"),
        refused("somebody's sessions", "GET /api/v1/users/{bob}/sessions"),
        refused("their end", "DELETE /api/v1/users/{bob}/sessions"),
        refused("the end of one", "DELETE /api/v1/users/{bob}/sessions/00000000-0000-4000-8000-000000000000"),
        refused("somebody's links", "GET /api/v1/users/{bob}/accounts"),
        refused("all accounts", "GET /api/v1/users"),
        row("without a token", "GET /api/v1/users").by_nobody().gives(401),
    ]
}

fn administration() -> Vec<Row> {
    let missing =
        |promise, request| row(promise, request).by_admin().gives(404).is("/error_code", "NOT_FOUND");
    vec![
        row("all accounts", "GET /api/v1/users")
            .by_admin()
            .members("", "items pagination")
            .members("/items/0", FLAT)
            .members("/pagination", "page per_page total total_pages")
            .is("/pagination/page", 1),
        row("pages", "GET /api/v1/users?page=2&per_page=1")
            .by_admin()
            .is("/pagination/page", 2)
            .is("/pagination/per_page", 1)
            .members("/items/0", FLAT),
        row("per_page has a limit", "GET /api/v1/users?per_page=101").by_admin().gives(422),
        row("by role", "GET /api/v1/users?role=admin&per_page=1").by_admin().is("/items/0/role", "admin"),
        row("an unknown role", "GET /api/v1/users?role=root").by_admin().gives(422),
        row("somebody", "GET /api/v1/users/{bob}").by_admin().members("", FLAT).is("/id", "{bob}"),
        missing("nobody", "GET /api/v1/users/00000000-0000-4000-8000-000000000000"),
        missing("what is no id", "GET /api/v1/users/nonsense"),
        missing("a role for nobody", "PUT /api/v1/users/00000000-0000-4000-8000-000000000000/role")
            .json(json!({ "role": "user" })),
        missing("a ban for nobody", "POST /api/v1/users/00000000-0000-4000-8000-000000000000/ban"),
        row("somebody, changed", "PATCH /api/v1/users/{bob}")
            .by_admin()
            .json(json!({ "name": "Robert" }))
            .is("/name", "Robert"),
        row("a ban", "POST /api/v1/users/{bob}/ban")
            .by_admin()
            .json(json!({ "reason": "spam", "expires_at": "2999-01-01T00:00:00Z" }))
            .members("", FLAT)
            .is("/banned", true)
            .is("/ban_reason", "spam")
            .is("/ban_expires", "2999-01-01T00:00:00Z"),
        row("a ban ends sessions", "GET /api/v1/auth/me")
            .by_bob()
            .gives(401)
            .decided("B answered 403 while the token lived"),
        row("a banned person is told after the right password", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{bob_email}", "password": "{password}" }))
            .gives(403)
            .is("/error_code", "ACCOUNT_BANNED"),
        row("… and not after a wrong one", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{bob_email}", "password": "wrong" }))
            .gives(401),
        row("the banned are listed", "GET /api/v1/users?banned=true&per_page=1")
            .by_admin()
            .is("/items/0/banned", true),
        row("the end of a ban", "DELETE /api/v1/users/{bob}/ban")
            .by_admin()
            .is("/banned", false)
            .is("/ban_reason", Value::Null)
            .is("/ban_expires", Value::Null),
        row("an end that lies behind", "POST /api/v1/users/{bob}/ban")
            .by_admin()
            .json(json!({ "expires_at": "2001-01-01T00:00:00Z" }))
            .gives(422)
            .decided("a ban ends after it begins"),
        row("in again", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{bob_email}", "password": "{password}" }))
            .saves("bobs", "/data/token"),
        row("somebody's sessions", "GET /api/v1/users/{bob}/sessions")
            .by_admin()
            .members("", "sessions total")
            .is("/total", 1)
            .saves("session", "/sessions/0/id"),
        row("the end of one", "DELETE /api/v1/users/{bob}/sessions/{session}").by_admin().has("", "message"),
        row("its token is dead", "GET /api/v1/auth/me").with_authorization("Bearer {bobs}").gives(401),
        row("the end of all", "DELETE /api/v1/users/{me}/sessions").by_admin().has("", "message"),
        row("their tokens are dead", "GET /api/v1/auth/me").gives(401),
        row("another role", "PUT /api/v1/users/{me}/role")
            .by_admin()
            .json(json!({ "role": "admin" }))
            .members("", FLAT)
            .is("/role", "admin"),
        row("an unknown role", "PUT /api/v1/users/{me}/role")
            .by_admin()
            .json(json!({ "role": "root" }))
            .gives(422),
        row("a role counts from the next sign-in", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "{password}" }))
            .saves("adas", "/data/token"),
        row("for all accounts", "GET /api/v1/users").with_authorization("Bearer {adas}"),
        row("the role goes again", "PUT /api/v1/users/{me}/role")
            .by_admin()
            .json(json!({ "role": "user" }))
            .is("/role", "user"),
        row("and its tokens with it", "GET /api/v1/users").with_authorization("Bearer {adas}").gives(401),
        row("links", "GET /api/v1/users/{bob}/accounts").by_admin().members("", "accounts"),
    ]
}

fn leaving() -> Vec<Row> {
    vec![
        row("a task that goes along", "POST /api/v1/tasks")
            .json(json!({ "title": "t", "priority": "urgent_important" }))
            .gives(201)
            .decided("new"),
        row("the password confirms it", "DELETE /api/v1/users/me").json(json!({})).gives(422).decided("new"),
        row("the right one", "DELETE /api/v1/users/me")
            .json(json!({ "password": "wrong" }))
            .gives(401)
            .is("/error_code", "INVALID_CREDENTIALS")
            .decided("new"),
        row("the account is deleted", "DELETE /api/v1/users/me")
            .json(json!({ "password": "{password}" }))
            .is("/success", true)
            .decided("new"),
        row("its token is dead", "GET /api/v1/auth/me").gives(401).decided("new"),
        row("its address is free", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "{password}" }))
            .gives(201)
            .saves("again", "/data/token")
            .decided("new"),
        row("its tasks are gone", "GET /api/v1/tasks")
            .with_authorization("Bearer {again}")
            .is("/data/total_count", 0)
            .decided("new"),
    ]
}

fn http() -> Vec<Row> {
    vec![
        row("the greeting", "GET /").by_nobody().has("", "message version"),
        row("documentation", "GET /api/v1/docs").by_nobody().tells("content-type", "text/html"),
        row("the other documentation", "GET /api/v1/redoc").by_nobody().tells("content-type", "text/html"),
        row("OpenAPI", "GET /api/v1/openapi.json").by_nobody().looks("/openapi", Form::Text),
        row("health", "GET /health").by_nobody().looks("/status", Form::Text),
        row("health of the database", "GET /health/db").by_nobody().looks("/status", Form::Text),
        row("an unknown path", "GET /api/v1/nothing").gives(404).looks("/detail", Form::Text),
        row("a wrong method", "DELETE /api/v1/tasks").gives(405).tells("allow", "POST"),
        row("a preflight", "OPTIONS /api/v1/tasks")
            .by_nobody()
            .header("origin", "http://localhost:3000")
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "Content-Type, Authorization, Accept, Origin, X-Requested-With",
            )
            .tells("access-control-allow-origin", "http://localhost:3000")
            .tells("access-control-allow-methods", "PATCH")
            .tells("access-control-allow-headers", "x-requested-with")
            .tells("access-control-max-age", "600"),
    ]
}

contract!(accounts, dead_tokens, own_sessions, tasks, creating, lists, users, administration, leaving, http);
