//! How mail is configured: what goes out where, and what is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may fail by panicking, in its functions as in its body"
)]

use holdfast_application::mail::LinkSite;
use holdfast_server::settings::{Delivery, Faults, Loaded, MailSettings, Settings, Sources};
use tempfile::TempDir;

const STRONG: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00123456789abcdefcafe5eed0ddba11e";
const PRODUCTION: [(&str, &str); 3] = [
    ("ENVIRONMENT", "production"),
    ("JWT_SECRET", STRONG),
    ("DATABASE_URL", "postgresql://app@db.example/app?sslmode=require"),
];
const DEVELOPMENT: [(&str, &str); 1] = [("ENVIRONMENT", "development")];
const RELAY: [(&str, &str); 3] = [
    ("SMTP_URL", "smtps://app:hunter2@mail.example"),
    ("MAIL_FROM", "Holdfast <no-reply@app.example>"),
    ("PUBLIC_URL", "https://app.example/todo/"),
];

fn load(parts: &[&[(&str, &str)]]) -> Result<Loaded, Faults> {
    let pairs = parts.concat();
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let directory = TempDir::new().unwrap();
    Settings::load(&Sources { directory: directory.path().to_owned(), environment })
}

fn loaded(parts: &[&[(&str, &str)]]) -> (MailSettings, String) {
    let Loaded { settings, warnings } = load(parts).unwrap_or_else(|faults| panic!("{faults}"));
    (settings.mail, warnings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn faults(parts: &[&[(&str, &str)]]) -> String {
    let told = load(parts).map(|_| ()).unwrap_err().to_string();
    assert!(!told.contains("hunter2"), "{told}");
    told
}

#[test]
fn a_relay_is_used_everywhere() {
    for environment in [&PRODUCTION[..], &DEVELOPMENT] {
        let (mail, warnings) = loaded(&[environment, &RELAY]);
        let Delivery::Smtp(relay) = &mail.delivery else { panic!("{mail:?}") };
        assert_eq!(relay.to_string(), "smtps://[redacted]@mail.example");
        assert_eq!(mail.sender.unwrap().to_string(), "Holdfast <no-reply@app.example>");
        assert_eq!(mail.site, LinkSite::new("https://app.example/todo"));
        assert!(!warnings.contains("SMTP_URL") && !warnings.contains("MAIL_FROM"), "{warnings}");
    }
}

#[test]
fn without_a_relay_mail_is_a_file_on_a_developers_machine_and_off_elsewhere() {
    let (mail, warnings) = loaded(&[&DEVELOPMENT]);
    assert!(matches!(&mail.delivery, Delivery::Folder(folder) if folder.ends_with("data/mail")), "{mail:?}");
    assert_eq!(mail.sender.unwrap().to_string(), "Holdfast <holdfast@localhost>");
    assert_eq!(mail.site, LinkSite::new("http://localhost:3000"), "where the front end is");
    assert!(!warnings.contains("SMTP_URL"), "{warnings}");

    // A deployment that forgot ENVIRONMENT must not collect links in a folder.
    let forgotten = &PRODUCTION[1..];
    for environment in [&PRODUCTION[..], forgotten] {
        let (mail, warnings) = loaded(&[environment, &[("MAIL_FROM", "no-reply@app.example")]]);
        assert!(matches!(mail.delivery, Delivery::Off), "{mail:?}");
        assert!(warnings.contains("SMTP_URL: is not set, so that mail is off"), "{warnings}");
        assert!(warnings.contains("MAIL_FROM: has no effect without SMTP_URL"), "{warnings}");
    }
}

#[test]
fn clear_text_to_another_machine_is_refused_in_production_and_warned_of_elsewhere() {
    for url in ["smtp://app:hunter2@mail.example:587", "smtp://mail.example?tls=opportunistic"] {
        let clear = [("SMTP_URL", url)];
        let told = faults(&[&PRODUCTION, &RELAY, &clear]);
        assert!(
            told.starts_with("SMTP_URL: sends mail in clear text to another machine, in production;"),
            "{told}"
        );
        let (_, warnings) = loaded(&[&DEVELOPMENT, &RELAY, &clear]);
        assert!(warnings.contains("SMTP_URL: sends mail in clear text to another machine"), "{warnings}");
    }
    for url in ["smtp://mail.example?tls=required", "smtp://localhost:1025", "smtp://127.0.0.1"] {
        let (_, warnings) = loaded(&[&PRODUCTION, &RELAY, &[("SMTP_URL", url)]]);
        assert!(!warnings.contains("SMTP_URL"), "{url}: {warnings}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_together_and_without_secrets() {
    let told = faults(&[&PRODUCTION, &[("SMTP_URL", "smtps://hunter2@mail.example")]]);
    let variables: Vec<_> = told.lines().map(|line| line.split_once(':').unwrap().0).collect();
    assert_eq!(variables, ["PUBLIC_URL", "SMTP_URL", "MAIL_FROM"], "{told}");
    for (url, problem) in [
        ("mail.example", "is not a URL"),
        ("https://app:hunter2@mail.example", "another scheme"),
        ("smtps://mail.example?tls=hunter2", "means nothing here"),
        ("smtps://hunter2@mail.example", "a user without a password"),
    ] {
        let told = faults(&[&PRODUCTION, &RELAY, &[("SMTP_URL", url)]]);
        assert!(told.starts_with("SMTP_URL: ") && told.contains(problem) && !told.contains('\n'), "{told}");
    }
    for from in ["nobody", "a@b.c, d@e.f", "<>"] {
        let told = faults(&[&PRODUCTION, &RELAY, &[("MAIL_FROM", from)]]);
        assert!(told.starts_with("MAIL_FROM: ") && told.contains("is no address such as"), "{told}");
    }
    let (_, warnings) = loaded(&[&PRODUCTION, &RELAY, &[("PUBLIC_URL", "http://app.example")]]);
    assert!(warnings.contains("PUBLIC_URL: is not https://"), "{warnings}");
}
