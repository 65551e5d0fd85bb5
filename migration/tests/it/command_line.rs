//! The binary: what it reads, what it prints, how it ends.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Fixture, migration_count, on_both_engines};

on_both_engines!(every_command_reports_and_ends_with_its_code);

fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
    command.env_clear().envs(variables.iter().copied()).args(arguments).current_dir(folder);
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

async fn every_command_reports_and_ends_with_its_code(fixture: Fixture) {
    let url = fixture.url.connect_url();
    let above_the_fourth = &*(migration_count() - 4).to_string();
    for (arguments, code, expected) in [
        (&["status"][..], 0, "m20261121_000001_create_users  pending"),
        (&["up", "--dry-run"], 0, "CREATE TABLE auth_events ("),
        (&["up", "1"], 0, "applied: m20261121_000001_create_users\n"),
        (&["status"], 0, "m20261121_000001_create_users  applied\nm20261121_000002_create_sessions  pending"),
        (&["up"], 0, "applied: m20261121_000004_create_auth_events"),
        (&["up"], 0, "nothing to do"),
        (&["adopt"], 1, ""),
        (&["adopt", "--check", "--delta"], 2, ""),
        (
            &["down", "--all", "--dry-run"],
            0,
            "-- m20261121_000004_create_auth_events down\nDROP TABLE auth_events;\n-- m20261121_000003",
        ),
        (&["down"], 0, "taken back: "),
        (&["up"], 0, "applied: "),
        (
            &["down", above_the_fourth],
            0,
            "taken back: m20261121_000006_adopt_fastapi_tables\ntaken back: m20261121_000005_create_linked_accounts\n",
        ),
        (&["down"], 0, "taken back: m20261121_000004_create_auth_events\n"),
        (
            &["down", "2"],
            0,
            "taken back: m20261121_000003_create_tasks\ntaken back: m20261121_000002_create_sessions\n",
        ),
        (&["fresh"], 0, "migrated: m20261121_000004_create_auth_events"),
        (&["down", "--all"], 0, "taken back: m20261121_000001_create_users"),
        (&["down", "--all"], 0, "nothing to do"),
        (&["up"], 0, "applied: "),
        (&["status", "--json"], 0, "\"name\":\"m20261121_000001_create_users\",\"state\":\"applied\""),
        (&["fresh", "--dry-run"], 0, "-- m20261121_000001_create_users up\nCREATE TABLE users"),
        (&["adopt", "--dry-run"], 1, ""),
        (&["adopt", "--write-back", "--dry-run"], 1, ""),
        (
            &["down", "--to", "m20261121_000003", "--dry-run"],
            0,
            "-- m20261121_000004_create_auth_events down\n",
        ),
        (&["down", "--to", "m20261121_000003"], 0, "taken back: m20261121_000004_create_auth_events\n"),
        (&["down", "--to", "m20261121_000003_create_tasks"], 0, "nothing to do"),
        (&["down", "--to", "m20261121_000004"], 1, ""),
        (&["down", "--to", "m20261121"], 1, ""),
        (&["down", "--to", "m20261121_000001", "--all"], 2, ""),
        (&["up", "--accept-checksums"], 0, "applied: m20261121_000004_create_auth_events"),
        (&["up", "0"], 2, ""),
        (&["down", "1", "--all"], 2, ""),
        (&[], 2, ""),
    ] {
        let (status, out, err) = run(fixture.folder.path(), &[("DATABASE_URL", &url)], arguments);
        assert_eq!(status, Some(code), "{arguments:?}: {out} {err}");
        assert!(out.contains(expected), "{arguments:?}: {out} {err}");
    }
    let production =
        [("DATABASE_URL", &*url), ("ENVIRONMENT", "production"), ("ALLOW_SQLITE_IN_PRODUCTION", "true")];
    for arguments in [&["fresh"][..], &["fresh", "--dry-run"]] {
        let (status, _, err) = run(fixture.folder.path(), &production, arguments);
        assert_eq!(status, Some(1), "{err}");
        assert!(err.contains("refused in production"), "{err}");
    }
}

#[test]
fn configuration_faults_end_with_78_and_name_their_variable() {
    let folder = tempfile::tempdir().unwrap();
    for (variables, expected) in [
        (&[("DATABASE_URL", "mysql://u:hunter2@h/d")][..], "DATABASE_URL has an unknown scheme"),
        (
            &[("NEON_DATABASE_URL", "postgres://u:hun/ter2@h/d"), ("DATABASE_URL", "sqlite://x.db")],
            "NEON_DATABASE_URL cannot",
        ),
        (&[("ENVIRONMENT", "production")], "DATABASE_URL is not set"),
        (&[("ENVIRONMENT", "produktion")], "ENVIRONMENT has an unknown value"),
        (&[("ENVIRONMENT", "production"), ("DATABASE_URL", "sqlite://x.db")], "ALLOW_SQLITE_IN_PRODUCTION"),
        (
            &[("ENVIRONMENT", "staging"), ("DATABASE_URL", "postgres://u:hunter2@h.example/d")],
            "sslmode=require",
        ),
    ] {
        let (status, _, err) = run(folder.path(), variables, &["up"]);
        assert_eq!(status, Some(78), "{variables:?}: {err}");
        assert!(err.contains(expected) && !err.contains("hunter2"), "{variables:?}: {err}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_a_url_development_gets_its_file_and_dotenv_is_read_below_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &[], &["up"]).0, Some(0));
    assert!(folder.path().join("data/holdfast.db").is_file());
    std::fs::write(folder.path().join(".env"), "DATABASE_URL=sqlite://from-file.db\n").unwrap();
    assert_eq!(run(folder.path(), &[("DATABASE_URL", "sqlite://from-process.db")], &["up"]).0, Some(0));
    assert!(folder.path().join("from-process.db").is_file() && !folder.path().join("from-file.db").exists());
    assert_eq!(run(folder.path(), &[("DATABASE_URL", "")], &["up"]).0, Some(0));
    assert!(folder.path().join("from-file.db").is_file());
    std::fs::write(folder.path().join(".env"), "A=\"x\nDATABASE_URL=postgres://u:hunter2 @h/d\n").unwrap();
    let (status, _, err) = run(folder.path(), &[], &["status"]);
    assert_eq!(status, Some(78), "{err}");
    assert!(!err.contains("hunter2"), "{err}");
}

#[test]
fn two_variables_that_differ_are_warned_about_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DATABASE_URL", "sqlite://a.db"), ("POSTGRES_URL", "postgres://u:hunter2@h/d")];
    let (status, _, err) = run(folder.path(), &variables, &["up"]);
    assert_eq!(status, Some(0), "{err}");
    assert!(err.contains("DATABASE_URL and POSTGRES_URL differ") && !err.contains("hunter2"), "{err}");
}

#[test]
fn a_file_of_the_fastapi_backend_is_not_passed_over_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.db"), "SQLite format 3\0 CREATE TABLE task (id CHAR(32))")
        .unwrap();
    for (variables, code) in [(&[][..], 78), (&[("DATABASE_URL", "sqlite://other.db")], 0)] {
        let (status, _, err) = run(folder.path(), variables, &["up"]);
        assert_eq!(status, Some(code), "{err}");
        assert!(code == 0 || (err.contains("DATABASE_URL is not set") && err.contains("app.db")), "{err}");
        assert!(!folder.path().join("data").exists());
    }
}
