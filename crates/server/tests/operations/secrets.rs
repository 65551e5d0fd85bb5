//! Whatever happens, no secret is in the log, however much is logged.

use std::{collections::BTreeSet, path::Path, time::SystemTime};

use holdfast_testkit::postgres;
use tempfile::TempDir;

use super::{
    collector::Collector,
    journey::{EMAIL, PASSWORD, Traveller, client},
    server::{SECRET, Server, holdfast, output},
};

const SETTINGS: [(&str, &str); 5] = [
    ("JWT_SECRET", SECRET),
    ("JWT_PREVIOUS_SECRETS", "previous-secret-of-tests-0123456789-abcdefghijklmnopqrstuvwxyz-012345"),
    ("BETTER_AUTH_SECRET", "legacy-secret-of-tests-0123456789-abcdefghijklmnopqrstuvwxyz-01234567"),
    ("PASSWORD_PEPPER", "pepper-of-tests-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789abcdef"),
    ("ENCRYPTION_KEY", "encryption-key-of-tests-0123456789-abcdefghijklmnopqrstuvwxyz-01234567"),
];
const DATABASE_PASSWORD: &str = "database-password-of-tests";
const MAIL_PASSWORD: &str = "mail-password-of-tests";

#[expect(clippy::disallowed_methods, reason = "the authenticator app has the clock of the real server")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Everything that a person can do with secrets; answers those that were used.
async fn travel(server: &Server, directory: &Path) -> BTreeSet<String> {
    let mut ada = Traveller::new(&server.base);
    let (access, refresh) = ada.sign_up().await;
    ada.mistype().await;
    ada.refresh(&refresh).await;
    ada.forge(&access).await;
    let (access, _) = ada.reset(directory).await;
    let (access, recovery) = ada.second_factor(&access, now()).await;
    ada.scripts_and_export(&access, &recovery).await;
    ada.secrets
}

fn assert_untold(said: &[String], secrets: &BTreeSet<String>) {
    let told = |secret: &&String| said.iter().any(|line| line.contains(secret.as_str()));
    let leaked: Vec<_> = secrets.iter().filter(told).collect();
    assert!(leaked.is_empty(), "the log tells {leaked:#?}\n{}", said.join("\n"));
    let personal = [EMAIL, "$argon2", "otpauth"];
    let leaked: Vec<_> =
        personal.iter().filter(|text| said.iter().any(|line| line.contains(**text))).collect();
    assert!(leaked.is_empty(), "the log tells {leaked:?}\n{}", said.join("\n"));
}

async fn travelled_unseen(database: &[(&str, &str)], format: &str, further: &[&str]) {
    let (directory, collector) = (TempDir::new().unwrap(), Collector::start());
    let logging = [("LOG_LEVEL", "trace"), ("LOG_FORMAT", format), ("OPS_ADDRESS", "127.0.0.1:0")];
    let traces = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100000"),
    ];
    let variables = [&SETTINGS[..], &logging, &traces, database].concat();
    let server = Server::start(directory.path(), &variables);
    let mut secrets = travel(&server, directory.path()).await;
    secrets.extend(SETTINGS.map(|(_, secret)| secret.to_owned()));
    secrets.extend(further.iter().map(|secret| (*secret).to_owned()));
    assert!(secrets.len() > 40, "{secrets:#?}");
    let pages = ["/metrics", "/health/config"].map(|page| format!("{}{page}", server.operations));
    let mut shown = Vec::new();
    for page in pages {
        shown.push(client().get(page).send().await.unwrap().text().await.unwrap());
    }
    assert_untold(&shown, &secrets);
    let said = server.stop();
    assert!(
        said.iter().any(|line| line.contains("refresh_token_reuse") || line.contains("signed_in")),
        "{said:#?}"
    );
    assert_untold(&said, &secrets);
    let exported = collector.received().into_iter().map(|received| received.body);
    let exported: Vec<_> = exported.map(|body| String::from_utf8_lossy(&body).into_owned()).collect();
    for part in
        ["POST /api/v1/auth/password/reset", "passwords.verify", "second_factors.", "INSERT INTO \"users\""]
    {
        assert!(
            exported.iter().any(|text| text.contains(part)),
            "{part} is not among {} requests",
            exported.len()
        );
    }
    assert_untold(&exported, &secrets);
}

#[tokio::test]
async fn a_whole_journey_on_sqlite_leaves_no_secret_in_the_log() {
    travelled_unseen(&[], "json", &[]).await;
}

#[tokio::test]
async fn a_whole_journey_on_postgres_leaves_no_secret_in_the_log() {
    let Some(database) = postgres::fresh_database("operations").await else { return };
    let url = url::Url::parse(database.url()).unwrap();
    let password = url.password().unwrap();
    let database =
        [("DATABASE_URL", url.as_str()), ("MIGRATE_ON_START", "true"), ("ENVIRONMENT", "development")];
    travelled_unseen(&database, "text", &[password]).await;
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_without_its_password() {
    let directory = TempDir::new().unwrap();
    let relay = format!("smtp://app:{MAIL_PASSWORD}@127.0.0.1:1?tls=required");
    let mail = [("SMTP_URL", relay.as_str()), ("MAIL_FROM", "no-reply@example.com")];
    let variables = [&[("LOG_LEVEL", "trace"), ("OPS_ADDRESS", "127.0.0.1:0")][..], &mail].concat();
    let server = Server::start(directory.path(), &variables);
    let mut ada = Traveller::new(&server.base);
    ada.sign_up().await;
    let mut secrets = ada.secrets;
    secrets.extend([MAIL_PASSWORD, DATABASE_PASSWORD, PASSWORD].map(ToOwned::to_owned));
    while super::page::Page::of(&server.operations)
        .await
        .sum("holdfast_mails_total", &[("outcome", "tried_again")])
        < 1.0
    {
        tokio::task::yield_now().await;
    }
    let said = server.stop();
    assert!(said.iter().any(|line| line.contains("no mail yet")), "{said:#?}");
    assert_untold(&said, &secrets);

    let url = format!("postgres://app:{DATABASE_PASSWORD}@127.0.0.1:1/app");
    let unreachable = [
        ("DATABASE_URL", url.as_str()),
        ("JWT_SECRET", SECRET),
        ("DATABASE_WAKE_TIMEOUT", "1"),
        ("LOG_LEVEL", "trace"),
    ];
    let (code, said) = output(directory.path(), &unreachable);
    assert_eq!(code, Some(1), "{said}");
    secrets.insert(SECRET.to_owned());
    assert_untold(&[said], &secrets);
    let checked = holdfast(directory.path(), &unreachable).args(["check-config", "--json"]).output().unwrap();
    assert_untold(&[String::from_utf8(checked.stdout).unwrap()], &secrets);
}
