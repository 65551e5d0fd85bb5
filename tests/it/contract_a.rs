//! The contract of surface A (`/api/tasks` and the auth routes of the first front end), line by line. A row is request →
//! status, members, headers; the order within a section matters, because later rows use what earlier ones made.

use serde_json::{Value, json};

use crate::contract::{Form, Row, contract, row};

const PROFILE: &str = "user_id email name is_active created_at updated_at token";
const TASK: &str = "title description due_datetime priority is_completed id user_id created_at updated_at";

fn signing_up() -> Vec<Row> {
    let wish = |email: &str| json!({ "email": email, "password": "{password}", "name": null, "extra": 1 });
    vec![
        row("sign-up answers the profile with a token", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(wish("new.{ada_email}"))
            .gives(201)
            .has("/data", PROFILE)
            .is("/success", true)
            .is("/message", Value::Null)
            .is("/data/email", "new.{ada_email}")
            .is("/data/name", Value::Null)
            .is("/data/is_active", true)
            .looks("/data/user_id", Form::Uuid)
            .looks("/data/created_at", Form::Naive)
            .looks("/data/updated_at", Form::Naive)
            .looks("/data/token", Form::Text)
            .saves("new_token", "/data/token"),
        row("the token of a sign-up is good", "GET /api/tasks").with_authorization("Bearer {new_token}"),
        row("an address that is taken is 409", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(wish("{ada_email}"))
            .gives(409),
        row("an address that differs in case alone is taken", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(wish("NEW.{ada_email}"))
            .gives(409)
            .decided("9"),
        row("sign-up: shape faults are 422", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": 1 }))
            .gives(422),
        row("sign-up: no body is refused", "POST /api/v1/auth/signup")
            .by_nobody()
            .raw(Some("application/json"), b"")
            .gives(400)
            .decided("JSON that cannot be read is 400"),
        row("sign-up: an address without @ is refused", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(wish("nobody"))
            .gives(422)
            .decided("9"),
        row("sign-up: a name of 101 code points is refused", "POST /api/v1/auth/signup")
            .by_nobody()
            .json(json!({ "email": "long.{ada_email}", "password": "{password}", "name": "ü".repeat(101) }))
            .gives(422)
            .decided("9"),
    ]
}

fn accounts() -> Vec<Row> {
    vec![
        row("sign-in answers the profile with a token", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "{password}" }))
            .has("/data", PROFILE)
            .is("/data/user_id", "{me}")
            .is("/data/email", "{ada_email}")
            .is("/data/name", "Ada")
            .is("/message", Value::Null)
            .looks("/data/token", Form::Text)
            .looks("/data/created_at", Form::Naive)
            .saves("second", "/data/token"),
        row("a wrong password is 401", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "{ada_email}", "password": "wrong" }))
            .gives(401)
            .is("/detail", "Invalid credentials"),
        row("an unknown address is the same 401", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": "nobody.{ada_email}", "password": "wrong" }))
            .gives(401)
            .is("/detail", "Invalid credentials"),
        row("sign-in: shape faults are 422", "POST /api/v1/auth/signin")
            .by_nobody()
            .json(json!({ "email": null }))
            .gives(422),
        row("me answers the profile with a null token", "GET /api/v1/auth/me")
            .has("/data", PROFILE)
            .is("/data/token", Value::Null)
            .is("/data/user_id", "{me}")
            .is("/success", true)
            .is("/message", Value::Null)
            .looks("/data/created_at", Form::Naive),
        row("me: without a token 401", "GET /api/v1/auth/me")
            .by_nobody()
            .gives(401)
            .tells("www-authenticate", "Bearer")
            .decided("1"),
        row("sign-out answers at top level", "POST /api/v1/auth/signout")
            .with_authorization("Bearer {second}")
            .members("", "success message")
            .is("/success", true)
            .is("/message", "Successfully signed out"),
        row("sign-out needs no token", "POST /api/v1/auth/signout").by_nobody().is("/success", true),
        row("sign-out does not mind a bad token", "POST /api/v1/auth/signout")
            .with_authorization("Bearer garbage")
            .is("/success", true),
        row("a token is dead after its sign-out", "GET /api/v1/auth/me")
            .with_authorization("Bearer {second}")
            .gives(401)
            .decided("tokens are revocable"),
        row("other sessions live on", "GET /api/v1/auth/me"),
        row("the auth paths answer under /api/auth, too", "GET /api/auth/me")
            .is("/data/user_id", "{me}")
            .decided("new aliases"),
        row("the auth paths answer under /auth, too", "GET /auth/me")
            .is("/data/user_id", "{me}")
            .decided("new aliases"),
    ]
}

fn tokens() -> Vec<Row> {
    let invalid = |promise, header| {
        row(promise, "GET /api/tasks")
            .with_authorization(header)
            .gives(401)
            .tells("www-authenticate", "Bearer")
            .is("/detail", "Could not validate credentials")
    };
    vec![
        row("the scheme is read in any case", "GET /api/tasks").with_authorization("bEaReR {token}"),
        invalid("garbage is 401", "Bearer garbage"),
        invalid("three empty parts are 401", "Bearer .."),
        invalid("a token that was tampered with is 401", "Bearer {token}x"),
        invalid(
            "no algorithm is no signature",
            "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJ1c2VyX2lkIjoiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIn0.",
        ),
        row("no header is 401", "GET /api/tasks")
            .by_nobody()
            .gives(401)
            .tells("www-authenticate", "Bearer")
            .decided("1"),
        row("another scheme is 401", "GET /api/tasks")
            .with_authorization("Basic YTpi")
            .gives(401)
            .tells("www-authenticate", "Bearer")
            .decided("1"),
        row("a bad token goes before a bad body", "POST /api/tasks")
            .by_nobody()
            .raw(Some("application/json"), b"[[")
            .gives(401)
            .decided("authentication first"),
    ]
}

fn tasks() -> Vec<Row> {
    let full = json!({ "title": "Write", "description": "d", "due_datetime": "2030-01-02T03:04:05", "priority": "urgent_important", "user_id": "somebody", "id": 7 });
    vec![
        row("a new task has all nine members", "POST /api/tasks").json(full).gives(201).members("", "success data").members("/data", TASK)
            .is("/success", true).is("/data/title", "Write").is("/data/description", "d").is("/data/due_datetime", "2030-01-02T03:04:05")
            .is("/data/priority", "urgent_important").is("/data/is_completed", false).is("/data/user_id", "{me}")
            .looks("/data/id", Form::Uuid).looks("/data/created_at", Form::Naive).looks("/data/updated_at", Form::Naive).saves("task", "/data/id"),
        row("a task is read", "GET /api/tasks/{task}").members("/data", TASK).is("/data/title", "Write"),
        row("the list holds whole tasks", "GET /api/tasks").members("/data", "tasks total_count limit offset").members("/data/tasks/0", TASK)
            .is("/data/total_count", 1).is("/data/limit", 50).is("/data/offset", 0),
        row("somebody else's task is 404", "GET /api/tasks/{task}").by_bob().gives(404).is("/detail", "Task not found"),
        row("a missing task has the same text", "GET /api/tasks/00000000-0000-4000-8000-000000000000").gives(404).is("/detail", "Task not found"),
        row("an id that is none is 422", "GET /api/tasks/nonsense").gives(422),
        row("foreign: PUT", "PUT /api/tasks/{task}").by_bob().json(json!({ "title": "x" })).gives(404).is("/detail", "Task not found"),
        row("foreign: complete", "PATCH /api/tasks/{task}/complete").by_bob().json(json!({ "completed": true })).gives(404),
        row("foreign: DELETE", "DELETE /api/tasks/{task}").by_bob().gives(404),
        row("foreign: nothing in the list", "GET /api/tasks").by_bob().is("/data/total_count", 0).looks("/data/tasks", Form::EmptyList),
        row("a task is completed", "PATCH /api/tasks/{task}/complete").json(json!({ "completed": true })).members("/data", TASK).is("/data/is_completed", true),
        row("and reopened", "PATCH /api/tasks/{task}/complete").json(json!({ "completed": false })).is("/data/is_completed", false),
        row("`completed` is required", "PATCH /api/tasks/{task}/complete").json(json!({})).gives(422),
        row("complete: an id that is none is 422", "PATCH /api/tasks/1/complete").json(json!({ "completed": true })).gives(422),
        row("PUT with all three clears what it leaves out", "PUT /api/tasks/{task}")
            .json(json!({ "title": "Edited", "priority": "not_urgent_important", "is_completed": true }))
            .members("/data", TASK).is("/data/title", "Edited").is("/data/description", Value::Null).is("/data/due_datetime", Value::Null)
            .is("/data/is_completed", true).is("/data/id", "{task}").is("/data/user_id", "{me}"),
        row("PUT with all three keeps what it names", "PUT /api/tasks/{task}")
            .json(json!({ "title": "Edited", "priority": "not_urgent_important", "is_completed": false, "description": "", "due_datetime": "2031-01-01T00:00" }))
            .is("/data/description", "").is("/data/due_datetime", "2031-01-01T00:00:00"),
        row("PUT of a part keeps the rest", "PUT /api/tasks/{task}").json(json!({ "title": "Part" }))
            .is("/data/title", "Part").is("/data/description", "").is("/data/due_datetime", "2031-01-01T00:00:00").decided("3"),
        row("PUT without anything keeps all", "PUT /api/tasks/{task}").json(json!({})).is("/data/title", "Part").decided("3"),
        row("PUT: null title is 422", "PUT /api/tasks/{task}").json(json!({ "title": null, "priority": "urgent_important", "is_completed": true })).gives(422).decided("3"),
        row("PUT: null priority is 422", "PUT /api/tasks/{task}").json(json!({ "title": "x", "priority": null, "is_completed": true })).gives(422).decided("3"),
        row("PUT: null completion is 422", "PUT /api/tasks/{task}").json(json!({ "title": "x", "priority": "urgent_important", "is_completed": null })).gives(422).decided("3"),
        row("PUT: null in a part is 422", "PUT /api/tasks/{task}").json(json!({ "priority": null })).gives(422).decided("3"),
        row("PUT: explicit null clears, also in a part", "PUT /api/tasks/{task}").json(json!({ "due_datetime": null, "description": null }))
            .is("/data/due_datetime", Value::Null).is("/data/description", Value::Null).is("/data/title", "Part").decided("3"),
        row("PUT: an unknown priority alone is 400", "PUT /api/tasks/{task}").json(json!({ "title": "x", "priority": "high", "is_completed": true })).gives(400),
        row("PUT: an id that is none is 422", "PUT /api/tasks/1").json(json!({ "title": "x" })).gives(422),
        row("PUT takes no other owner", "PUT /api/tasks/{task}").json(json!({ "title": "Part", "user_id": "00000000-0000-4000-8000-000000000000" })).is("/data/user_id", "{me}"),
        row("deletion answers 204 without a body", "DELETE /api/tasks/{task}").gives(204).empty(),
        row("a deleted task is 404", "DELETE /api/tasks/{task}").gives(404),
        row("DELETE: an id that is none is 422", "DELETE /api/tasks/1").gives(422),
    ]
}

fn creating() -> Vec<Row> {
    let new = |promise, body: Value| row(promise, "POST /api/tasks").json(body);
    let with = |member: &str, value: Value| {
        let mut body = json!({ "title": "t", "priority": "urgent_important" });
        body[member] = value;
        body
    };
    vec![
        new("title is required", json!({ "priority": "urgent_important" })).gives(422),
        new("title must not be null", with("title", Value::Null)).gives(422),
        new("title must be a text", with("title", json!(1))).gives(422),
        new("an empty title is kept", with("title", json!(""))).gives(201).is("/data/title", ""),
        new("a blank title is kept", with("title", json!("  "))).gives(201).is("/data/title", "  "),
        new("a padded title is kept", with("title", json!(" x "))).gives(201).is("/data/title", " x "),
        new("255 code points are a title", with("title", json!("ü".repeat(255)))).gives(201),
        new("256 are not", with("title", json!("ü".repeat(256)))).gives(422).decided("Seen: 500"),
        new("U+0000 is refused", with("title", json!("a\u{0}b")))
            .gives(422)
            .decided("U+0000 is 422 on every database"),
        new("description may be null", with("description", Value::Null))
            .gives(201)
            .is("/data/description", Value::Null),
        new("description may be empty", with("description", json!("")))
            .gives(201)
            .is("/data/description", ""),
        new("description is absent: null", json!({ "title": "t", "priority": "urgent_important" }))
            .gives(201)
            .is("/data/description", Value::Null),
        new("description has no limit but the body's", with("description", json!("x".repeat(500_000))))
            .gives(201),
        new("priority may be missing", json!({ "title": "t" }))
            .gives(201)
            .is("/data/priority", "not_urgent_not_important")
            .decided("4"),
        new("priority must not be null", with("priority", Value::Null)).gives(422),
        new("an unknown priority alone is 400", with("priority", json!("high"))).gives(400),
        new("priorities are case-sensitive", with("priority", json!("URGENT_IMPORTANT"))).gives(400),
        new("an unknown priority with another fault is 422", json!({ "priority": "high" })).gives(422),
        new("is_completed is honoured", with("is_completed", json!(true)))
            .gives(201)
            .is("/data/is_completed", true),
        new("is_completed null is false", with("is_completed", Value::Null))
            .gives(201)
            .is("/data/is_completed", false)
            .decided("4"),
        new("due_datetime \"\" is null", with("due_datetime", json!("")))
            .gives(201)
            .is("/data/due_datetime", Value::Null)
            .decided("7"),
        new("due_datetime may be null", with("due_datetime", Value::Null))
            .gives(201)
            .is("/data/due_datetime", Value::Null),
    ]
    .into_iter()
    .chain(
        ["urgent_important", "not_urgent_important", "urgent_not_important", "not_urgent_not_important"].map(
            |name| {
                new("the four priorities", with("priority", json!(name)))
                    .gives(201)
                    .is("/data/priority", name)
            },
        ),
    )
    .collect()
}

/// What is given, and what comes out.
const DATES: [(&str, &str); 25] = [
    (r#""2030-01-02T03:04:05""#, "2030-01-02T03:04:05"),
    (r#""2030-01-02T03:04""#, "2030-01-02T03:04:00"),
    (r#""2030-01-02 03:04:05""#, "2030-01-02T03:04:05"),
    (r#""2030-01-02 03:04""#, "2030-01-02T03:04:00"),
    (r#""2030-01-02t03:04:05z""#, "2030-01-02T03:04:05"),
    (r#""2030-01-02T03:04:05Z""#, "2030-01-02T03:04:05"),
    (r#""2030-01-02T03:04Z""#, "2030-01-02T03:04:00"),
    (r#""2030-01-02T03:04:05.5""#, "2030-01-02T03:04:05.500000"),
    (r#""2030-01-02T03:04:05.000000""#, "2030-01-02T03:04:05"),
    (r#""2030-01-02T03:04:05.123456""#, "2030-01-02T03:04:05.123456"),
    (r#""2030-01-02T03:04:05.123456789""#, "2030-01-02T03:04:05.123456"),
    (r#""2030-01-02T03:04:05+02:00""#, "2030-01-02T01:04:05"),
    (r#""2030-01-02T03:04:05+0200""#, "2030-01-02T01:04:05"),
    (r#""2030-01-02T03:04:05-05:30""#, "2030-01-02T08:34:05"),
    (r#""2030-01-02T03:04-0530""#, "2030-01-02T08:34:00"),
    (r#""2030-01-02""#, "2030-01-02T00:00:00"),
    (r#""0001-01-01T00:00:00""#, "0001-01-01T00:00:00"),
    (r#""9999-12-31T23:59:59.999999""#, "9999-12-31T23:59:59.999999"),
    ("1893553445", "2030-01-02T03:04:05"),
    ("1893553445.5", "2030-01-02T03:04:05.500000"),
    ("1893553445000", "2030-01-02T03:04:05"),
    (r#""1893553445""#, "2030-01-02T03:04:05"),
    (r#""1893553445000""#, "2030-01-02T03:04:05"),
    ("0", "1970-01-01T00:00:00"),
    ("-1", "1969-12-31T23:59:59"),
];

const NO_DATES: [&str; 12] = [
    r#""2030-01-02T03""#,
    r#""20300102T030405""#,
    r#""2030-01-02T24:00:00""#,
    r#""2030-01-02T23:59:60""#,
    r#""2030-02-30T00:00:00""#,
    r#""0000-01-01T00:00:00""#,
    r#""10000-01-01T00:00:00""#,
    r#""tomorrow""#,
    "true",
    "false",
    "[]",
    "{}",
];

fn date_forms() -> Vec<Row> {
    let new = |given: &str| {
        let given: Value = serde_json::from_str(given).unwrap();
        let body =
            json!({ "title": given.to_string(), "priority": "urgent_important", "due_datetime": given });
        row("dates in many forms go out in one", "POST /api/tasks").json(body)
    };
    let good = DATES.iter().map(|(given, told)| new(given).gives(201).is("/data/due_datetime", *told));
    good.chain(NO_DATES.iter().map(|given| new(given).gives(422))).collect()
}

fn booleans() -> Vec<Row> {
    let complete = |given: Value| {
        row("booleans in many forms", "PATCH /api/tasks/{task}/complete").json(json!({ "completed": given }))
    };
    let words = |yes: &[&str]| yes.iter().map(|word| json!(word)).collect::<Vec<_>>();
    let mut yes = words(&["true", "TRUE", "1", "yes", "Yes", "on", "ON", "t", "T", "y", "Y"]);
    let mut no = words(&["false", "False", "0", "no", "NO", "off", "Off", "f", "F", "n", "N"]);
    yes.extend([json!(true), json!(1), json!(1.0)]);
    no.extend([json!(false), json!(0), json!(0.0)]);
    let refused =
        [json!("maybe"), json!(""), json!(2), json!(-1), json!(0.5), json!([]), json!({}), Value::Null];
    let new = json!({ "title": "t", "priority": "urgent_important" });
    let mut rows =
        vec![row("a task to toggle", "POST /api/tasks").json(new).gives(201).saves("task", "/data/id")];
    rows.extend(yes.into_iter().map(|given| complete(given).is("/data/is_completed", true)));
    rows.extend(no.into_iter().map(|given| complete(given).is("/data/is_completed", false)));
    rows.extend(refused.into_iter().map(|given| complete(given).gives(422)));
    rows
}

fn lists() -> Vec<Row> {
    let new = |title: &str, priority: &str, due: Value, done: bool| {
        row("tasks to list", "POST /api/tasks")
            .gives(201)
            .json(json!({ "title": title, "priority": priority, "due_datetime": due, "is_completed": done }))
    };
    let list = |promise, request| row(promise, request);
    vec![
        list("an empty list", "GET /api/tasks")
            .is("/data/total_count", 0)
            .looks("/data/tasks", Form::EmptyList),
        new("b", "not_urgent_important", json!("2030-01-02T00:00:00"), false),
        new("a", "urgent_important", Value::Null, true),
        new("d", "not_urgent_not_important", json!("2030-01-01T00:00:00"), false),
        new("c", "urgent_not_important", json!("2030-01-03T00:00:00"), true),
        list("newest first when nothing is said", "GET /api/tasks")
            .titles("c,d,a,b")
            .is("/data/total_count", 4),
        list("created_at", "GET /api/tasks?sort_by=created_at&sort_order=asc").titles("b,a,d,c"),
        list("updated_at", "GET /api/tasks?sort_by=updated_at&sort_order=desc").titles("c,d,a,b"),
        list("title sorts", "GET /api/tasks?sort_by=title&sort_order=asc").titles("a,b,c,d").decided("5"),
        list("title sorts downwards when nothing is said", "GET /api/tasks?sort_by=title")
            .titles("d,c,b,a")
            .decided("5"),
        list("priority sorts by rank", "GET /api/tasks?sort_by=priority&sort_order=asc").titles("a,b,c,d"),
        list("due dates: none is last upwards", "GET /api/tasks?sort_by=due_datetime&sort_order=asc")
            .titles("d,b,c,a"),
        list("due dates: none is first downwards", "GET /api/tasks?sort_by=due_datetime&sort_order=desc")
            .titles("a,c,b,d"),
        list("the filter of priority", "GET /api/tasks?priority=urgent_important")
            .titles("a")
            .is("/data/total_count", 1),
        list("the filter of completion", "GET /api/tasks?completed=true")
            .titles("c,a")
            .is("/data/total_count", 2),
        list("… leniently", "GET /api/tasks?completed=NO").titles("d,b"),
        list("… in digits", "GET /api/tasks?completed=1").titles("c,a"),
        list("is_completed is unknown here", "GET /api/tasks?is_completed=true").is("/data/total_count", 4),
        list("is_completed is not even read", "GET /api/tasks?is_completed=nonsense")
            .is("/data/total_count", 4),
        list("sortBy and sortOrder have no effect", "GET /api/tasks?sortBy=title&sortOrder=asc")
            .titles("c,d,a,b"),
        list("user_id has no effect", "GET /api/tasks?user_id=00000000-0000-4000-8000-000000000000")
            .is("/data/total_count", 4),
        list("pages: the count is of all", "GET /api/tasks?limit=2&offset=1")
            .titles("d,a")
            .is("/data/total_count", 4)
            .is("/data/limit", 2)
            .is("/data/offset", 1),
        list("pages: past the end", "GET /api/tasks?offset=99")
            .looks("/data/tasks", Form::EmptyList)
            .is("/data/total_count", 4)
            .is("/data/offset", 99),
        list("pages: an offset beyond 2^63", "GET /api/tasks?offset=9223372036854775808")
            .looks("/data/tasks", Form::EmptyList)
            .is("/data/total_count", 4)
            .decided("Seen: 500"),
        list("of two parameters the last wins", "GET /api/tasks?limit=1&limit=3").is("/data/limit", 3),
        list("… also over a bad one", "GET /api/tasks?priority=bad&priority=urgent_important").titles("a"),
        list("an unknown priority is 400", "GET /api/tasks?priority=high").gives(400),
        list("an unknown sort_by is 400", "GET /api/tasks?sort_by=id").gives(400),
        list("sort_order is lower case", "GET /api/tasks?sort_order=ASC").gives(400),
        list("limit 0 is 422", "GET /api/tasks?limit=0").gives(422),
        list("limit 101 is 422", "GET /api/tasks?limit=101").gives(422),
        list("limit must be a number", "GET /api/tasks?limit=ten").gives(422),
        list("a negative offset is 422", "GET /api/tasks?offset=-1").gives(422),
        list("completed=null is 422", "GET /api/tasks?completed=null").gives(422),
        list("completed= is 422", "GET /api/tasks?completed=").gives(422),
        list("several faults are 422", "GET /api/tasks?priority=high&limit=0").gives(422),
        list("100 is a limit", "GET /api/tasks?limit=100").is("/data/limit", 100),
    ]
}

fn http() -> Vec<Row> {
    const TITLE: &[u8] = br#"{"title": "t", "priority": "urgent_important"}"#;
    const TWICE: &[u8] = br#"{"title": "x", "title": "last", "priority": "urgent_important"}"#;
    vec![
        row("an unknown path is 404", "GET /api/nothing").gives(404),
        row("a wrong method is 405 with Allow", "PATCH /api/tasks").gives(405).tells("allow", "GET"),
        row("… on one task", "POST /api/tasks/00000000-0000-4000-8000-000000000000")
            .gives(405)
            .tells("allow", "DELETE"),
        row("a trailing slash is 307", "GET /api/tasks/").gives(307).tells("location", "/api/tasks"),
        row("… with its query", "GET /api/tasks/?limit=1").gives(307).tells("location", "/api/tasks?limit=1"),
        row("JSON without a Content-Type is read", "POST /api/tasks").raw(None, TITLE).gives(201),
        row("a charset is no matter", "POST /api/tasks")
            .raw(Some("application/json; charset=utf-8"), TITLE)
            .gives(201),
        row("other media types are refused", "POST /api/tasks")
            .raw(Some("text/plain"), TITLE)
            .gives(415)
            .decided("18"),
        row("forms are refused", "POST /api/tasks")
            .raw(Some("application/x-www-form-urlencoded"), b"title=t")
            .gives(415)
            .decided("18"),
        row("a body that is not UTF-8 is 400", "POST /api/tasks")
            .raw(Some("application/json"), b"{\"title\": \"\xff\"}")
            .gives(400),
        row("a body that is not JSON is 400", "POST /api/tasks")
            .raw(Some("application/json"), b"{")
            .gives(400)
            .decided("JSON that cannot be read is 400"),
        row("of two members the last wins", "POST /api/tasks")
            .raw(Some("application/json"), TWICE)
            .gives(201)
            .is("/data/title", "last"),
        row("health", "GET /health").by_nobody().is("/status", "healthy"),
        row("health of the database", "GET /health/db").by_nobody().is("/status", "database connected"),
        row("health of authentication", "GET /health/auth")
            .by_nobody()
            .is("/status", "authentication system operational"),
        row("documentation", "GET /api/docs").by_nobody().tells("content-type", "text/html"),
        row("the other documentation", "GET /api/redoc").by_nobody().tells("content-type", "text/html"),
        row("OpenAPI", "GET /api/openapi.json")
            .by_nobody()
            .tells("content-type", "application/json")
            .looks("/openapi", Form::Text),
        row("a preflight is granted", "OPTIONS /api/tasks")
            .by_nobody()
            .header("origin", "http://localhost:3000")
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization,content-type,x-any")
            .tells("access-control-allow-origin", "http://localhost:3000")
            .tells("access-control-allow-credentials", "true")
            .tells("access-control-allow-methods", "PUT")
            .tells("access-control-allow-headers", "x-any")
            .tells("access-control-max-age", "600"),
        row("the other origin that is allowed", "GET /api/tasks")
            .header("origin", "http://127.0.0.1:3000")
            .tells("access-control-allow-origin", "http://127.0.0.1:3000"),
        row("errors carry the grant, too", "GET /api/tasks/1")
            .header("origin", "http://localhost:3000")
            .gives(422)
            .tells("access-control-allow-origin", "http://localhost:3000"),
        row("401 carries the grant, too", "GET /api/tasks")
            .by_nobody()
            .header("origin", "http://localhost:3000")
            .gives(401)
            .tells("access-control-allow-origin", "http://localhost:3000")
            .decided("1"),
        row("404 carries the grant, too", "GET /api/nothing")
            .header("origin", "http://localhost:3000")
            .gives(404)
            .tells("access-control-allow-origin", "http://localhost:3000"),
        row("a foreign origin gets no grant", "GET /api/tasks")
            .header("origin", "http://evil.example")
            .lacks("access-control-allow-origin"),
    ]
}

contract!(signing_up, accounts, tokens, tasks, creating, date_forms, booleans, lists, http);
