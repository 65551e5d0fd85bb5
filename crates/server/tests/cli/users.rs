//! `holdfast user …` beside a running server: what the operator does at the command line holds there as well.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{PASSWORD, Scene, Server};

/// Running servers learn of the end of a session within 2 s; this much later a test gives up.
const DEADLINE: Duration = Duration::from_mins(2);

/// Waits until the server refuses the token.
#[expect(clippy::disallowed_methods, reason = "the clock of a test, which only ends it")]
async fn is_refused(server: &Server, token: &str) {
    let begun = Instant::now();
    while server.tasks(token).await.0 != 401 {
        assert!(begun.elapsed() < DEADLINE, "the token is still good");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn account(scene: &Scene, whom: &str) -> Value {
    scene.run(&["user", "show", whom, "--json"]).json()
}

async fn administered(scene: &Scene) {
    let server = scene.serve();
    let token = server.sign_up("Ada@example.com").await;
    let shown = account(scene, "ada@EXAMPLE.com");
    assert_eq!((&shown["state"], &shown["live_sessions"]), (&"active".into(), &1.into()), "{shown}");

    let said = scene.done(&["user", "ban", "ada@example.com", "--reason", "spam\u{1b}[31m"]);
    assert!(said.contains("is banned until it is lifted") && !said.contains('\u{1b}'), "{said}");
    is_refused(&server, &token).await;
    assert_eq!(server.sign_in("ada@example.com", PASSWORD).await, 403);
    let id = shown["id"].as_str().unwrap();
    let banned = account(scene, id);
    assert_eq!((&banned["state"], &banned["live_sessions"]), (&"banned".into(), &0.into()), "{banned}");
    let unbanned = scene.run(&["user", "unban", id, "--json"]).json();
    assert_eq!((&unbanned["state"], &unbanned["ban"]), (&"active".into(), &Value::Null));
    assert_eq!(server.sign_in("ada@example.com", PASSWORD).await, 200);
}

#[tokio::test]
async fn a_ban_by_the_operator_ends_the_sessions_of_a_running_server() {
    administered(&Scene::new()).await;
}

#[tokio::test]
async fn a_ban_by_the_operator_ends_the_sessions_of_a_running_server_on_postgres() {
    let Some(scene) = Scene::on_postgres().await else { return };
    scene.done(&["migrate", "up"]);
    administered(&scene).await;
}

#[tokio::test]
async fn a_password_of_the_operators_replaces_the_old_one_and_ends_sessions() {
    let scene = Scene::new();
    let server = scene.serve();
    let token = server.sign_up("ada@example.com").await;
    let reset = ["user", "reset-password", "ada@example.com"];
    for (input, told) in [("short\n", "the password"), ("", "the password")] {
        let answer = scene.run_with(&reset, input);
        assert!(answer.code == Some(1) && answer.stderr.contains(told), "{answer:?}");
    }
    let answer = scene.run_with(&reset, "quite another staple\n");
    assert!(answer.code == Some(0) && answer.stdout.contains("sessions that ended: 1"), "{answer:?}");
    assert!(!format!("{answer:?}").contains("another staple"), "{answer:?}");
    is_refused(&server, &token).await;
    assert_eq!(server.sign_in("ada@example.com", PASSWORD).await, 401);
    assert_eq!(server.sign_in("ada@example.com", "quite another staple").await, 200);
}

#[tokio::test]
async fn a_link_goes_out_by_mail_and_changes_nothing_yet() {
    let scene = Scene::new();
    let server = scene.serve();
    let token = server.sign_up("ada@example.com").await;
    scene.done(&["user", "reset-password", "ada@example.com", "--link"]);
    let mails = std::fs::read_dir(scene.path().join("data/mail")).unwrap();
    let texts = mails.map(|mail| std::fs::read_to_string(mail.unwrap().path()).unwrap());
    assert!(texts.into_iter().any(|text| text.contains("/reset-password?token=")));
    assert_eq!(server.tasks(&token).await.0, 200);
    scene.refused(&["user", "reset-password", "nobody@example.com", "--link"], "there is no account");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let scene = Scene::new();
    let server = scene.serve();
    let token = server.sign_up("ada@example.com").await;
    for _ in 0..2 {
        assert_eq!(server.sign_in("ada@example.com", PASSWORD).await, 200);
    }
    let listed = scene.done(&["user", "sessions", "ada@example.com", "--json"]);
    let sessions: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sessions.len(), 3, "{listed}");
    let one = sessions[0]["id"].as_str().unwrap();
    scene.done(&["user", "sessions", "ada@example.com", "--end", one]);
    scene.refused(&["user", "sessions", "ada@example.com", "--end", one], "Session not found");
    assert_eq!(scene.done(&["user", "sessions", "ada@example.com"]).lines().count(), 3);
    let ended = scene.run(&["user", "sessions", "ada@example.com", "--all", "--json"]).json();
    assert_eq!(ended["ended"], 2);
    is_refused(&server, &token).await;
}

#[tokio::test]
async fn roles_are_given_and_the_last_administrator_stays() {
    let scene = Scene::new();
    let server = scene.serve();
    for email in ["ada@example.com", "bob@example.com"] {
        server.sign_up(email).await;
    }
    let said = scene.done(&["user", "create-admin", "--email", "ada@example.com"]);
    assert!(said.contains("is admin now"), "{said}");
    let last = "This is the last administrator";
    scene.refused(&["user", "set-role", "ada@example.com", "user"], last);
    scene.refused(&["user", "ban", "ada@example.com"], last);
    scene.done(&["user", "set-role", "bob@example.com", "admin"]);
    scene.done(&["user", "set-role", "ada@example.com", "user"]);
    let admins = scene.done(&["user", "list", "--role", "admin", "--json"]);
    assert!(admins.lines().count() == 1 && admins.contains("bob@example.com"), "{admins}");
}

#[tokio::test]
async fn accounts_are_listed_by_role_state_and_address() {
    let scene = Scene::new();
    let server = scene.serve();
    for email in ["ada@example.com", "adam@example.com", "bob@example.com"] {
        server.sign_up(email).await;
    }
    scene.done(&["user", "ban", "adam@example.com", "--until", "2999-01-01T00:00:00Z"]);
    for (arguments, expected) in [
        (vec![], vec!["bob@example.com", "adam@example.com", "ada@example.com"]),
        (vec!["--limit", "1"], vec!["bob@example.com"]),
        (vec!["--limit", "0"], vec![]),
        (vec!["--email", "ADA"], vec!["adam@example.com", "ada@example.com"]),
        (vec!["--state", "banned"], vec!["adam@example.com"]),
        (vec!["--email", "ada", "--state", "active"], vec!["ada@example.com"]),
        (vec!["--role", "admin"], vec![]),
    ] {
        let listed = scene.done(&[&["user", "list", "--json"], arguments.as_slice()].concat());
        let emails: Vec<String> = listed
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["email"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(emails, expected, "{arguments:?}");
        let text = scene.done(&[&["user", "list"], arguments.as_slice()].concat());
        assert_eq!(text.lines().count(), expected.len() + 1, "{text}");
    }
}

#[test]
fn what_is_not_there_is_told_and_what_is_wrong_is_refused() {
    let scene = Scene::new();
    let nobody = "there is no account with the e-mail address nobody@example.com";
    for command in ["show", "ban", "unban", "sessions", "reset-password"] {
        scene.refused(&["user", command, "nobody@example.com"], nobody);
    }
    let id = "0197f6a4-5d6e-7c0a-9d1c-3b1f6e1d2c3b";
    scene.refused(&["user", "set-role", id, "admin"], &format!("there is no account with the id {id}"));
    for arguments in [
        vec!["user"],
        vec!["user", "ban"],
        vec!["user", "ban", "ada@example.com", "--until", "tomorrow"],
        vec!["user", "set-role", "ada@example.com", "root"],
        vec!["user", "sessions", "ada@example.com", "--end", "x"],
        vec!["user", "list", "--state", "gone"],
        vec!["user", "reset-password", "ada@example.com", "hunter2"],
    ] {
        assert_eq!(scene.run(&arguments).code, Some(2), "{arguments:?}");
    }
    let over = scene.run(&["user", "ban", "ada@example.com", "--until", "2001-01-01T00:00:00Z"]);
    assert_eq!(over.code, Some(1));
}
