//! What is to be told of a PostgreSQL server: its version, TLS, the rights of the role, the connections, and the URLs that lead there.

use std::time::Duration;

use holdfast_infrastructure::database::PostgresFacts;
use migration::{DatabaseUrl, SslMode};

use super::finding::Finding;
use crate::settings::DatabaseSettings;

/// Beyond this a request that needs three of them is felt.
pub(super) const SLOW: Duration = Duration::from_millis(25);
/// Older ones are not maintained any more.
const OLDEST_MAINTAINED: i64 = 140_000;

pub(super) fn findings(settings: &DatabaseSettings, facts: &PostgresFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.version_number < OLDEST_MAINTAINED {
        let what = "this version of PostgreSQL gets no corrections any more";
        findings.push(Finding::warning("database", what, "move to a maintained version"));
    }
    findings.push(tls(&settings.url, facts));
    findings.extend(rights(facts));
    findings.push(connections(settings, facts));
    findings
}

fn tls(url: &DatabaseUrl, facts: &PostgresFacts) -> Finding {
    const CHECK: &str = "tls";
    let Some(version) = &facts.tls else {
        if url.is_local() {
            return Finding::ok(CHECK, "none, and the database is on this machine");
        }
        let what = "the connection to another machine is in clear text";
        return Finding::warning(CHECK, what, "set sslmode=verify-full in DATABASE_URL");
    };
    let verified = match url.sslmode() {
        Some(SslMode::VerifyFull) => "certificate and host name verified",
        Some(SslMode::VerifyCa) if !url.trusts_any_public_certificate() => {
            "certificate verified by its authority"
        }
        Some(SslMode::Disable | SslMode::Allow | SslMode::Prefer | SslMode::Require | SslMode::VerifyCa)
        | None => {
            let what = format!("{version}, and nobody verifies whose certificate it is");
            return Finding::warning(CHECK, what, "set sslmode=verify-full in DATABASE_URL");
        }
    };
    Finding::ok(CHECK, format!("{version}, {verified}"))
}

fn rights(facts: &PostgresFacts) -> Vec<Finding> {
    const CHECK: &str = "rights";
    let PostgresFacts { read_only, role, superuser, unwritable, .. } = facts;
    let mut findings = Vec::new();
    if *read_only {
        let what = "the database takes no writes";
        findings.push(Finding::failure(CHECK, what, "connect to the leader, not to a standby"));
    }
    if !unwritable.is_empty() {
        let what = format!("the role {role} may not read and write: {}", unwritable.join(", "));
        let mend = format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {role}", unwritable.join(", "));
        findings.push(Finding::failure(CHECK, what, mend));
    }
    if *superuser {
        let what =
            format!("the role {role} is a superuser: whoever gets hold of its password has the whole server");
        let mend = "make a role of its own for the server (docs/database.md)";
        findings.push(Finding::warning(CHECK, what, mend));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("the role {role} may read and write, and no more")));
    }
    findings
}

/// How many instances with this pool the server has room for.
fn connections(settings: &DatabaseSettings, facts: &PostgresFacts) -> Finding {
    const CHECK: &str = "connections";
    let PostgresFacts { connection_limit: limit, connections: now, .. } = facts;
    let pool = i64::from(settings.pool_size);
    let what =
        format!("DATABASE_POOL_SIZE is {pool}, and the role may have {limit}; in use now by all: {now}");
    if settings.url.is_pooler() {
        return Finding::ok(CHECK, format!("{what}; the pooler shares them out"));
    }
    match limit / pool.max(1) {
        0 => {
            let mend = format!("set DATABASE_POOL_SIZE to {limit} at most, or raise the limit");
            Finding::failure(CHECK, what, mend)
        }
        1 => {
            let mend = "two instances side by side, as in a rolling restart, need twice the pool: lower it, or raise the limit";
            Finding::warning(CHECK, format!("{what}: enough for one instance"), mend)
        }
        instances => Finding::ok(CHECK, format!("{what}: enough for {instances} instances")),
    }
}

/// Whether the URLs go together.
pub(super) fn urls(settings: &DatabaseSettings) -> Vec<Finding> {
    const CHECK: &str = "urls";
    let DatabaseSettings { url, migration_url, .. } = settings;
    let mut findings = Vec::new();
    if migration_url.is_pooler() {
        let what = "migrations run through a pooler";
        let mend = "set DATABASE_URL_UNPOOLED to the server itself (Neon: the same host without -pooler)";
        findings.push(Finding::warning(CHECK, what, mend));
    }
    if let (DatabaseUrl::Postgres(served), DatabaseUrl::Postgres(migrated)) = (url, migration_url)
        && served.database() != migrated.database()
    {
        let what = "DATABASE_URL and DATABASE_URL_UNPOOLED name different databases";
        findings.push(Finding::failure(CHECK, what, "name the same database in both"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> PostgresFacts {
        PostgresFacts {
            version_number: 150_004,
            tls: Some("TLSv1.3".to_owned()),
            clock_ahead_micros: 0,
            read_only: false,
            role: "app".to_owned(),
            superuser: false,
            unwritable: Vec::new(),
            connection_limit: 97,
            connections: 3,
        }
    }

    fn told(finding: &Finding) -> String {
        serde_json::to_string(finding).unwrap_or_default()
    }

    #[test]
    fn tls_is_well_where_somebody_verifies_the_certificate() {
        for (url, tls, expected) in [
            ("postgres://a@db.example/x?sslmode=verify-full", true, "host name verified"),
            ("postgres://a@db.example/x?sslmode=require", true, "nobody verifies"),
            ("postgres://a@db.example/x", false, "clear text"),
            ("postgres://a@localhost/x", false, "this machine"),
        ] {
            let facts = PostgresFacts { tls: facts().tls.filter(|_| tls), ..facts() };
            let finding = super::tls(&DatabaseUrl::parse(url).unwrap(), &facts);
            assert!(told(&finding).contains(expected), "{url}: {finding:?}");
        }
    }

    #[test]
    fn rights_that_lack_and_rights_that_are_too_many_are_told() {
        for (facts, expected) in [
            (facts(), r#""state":"ok""#),
            (PostgresFacts { superuser: true, ..facts() }, r#""state":"warning""#),
            (PostgresFacts { read_only: true, ..facts() }, r#""state":"failure""#),
            (
                PostgresFacts { unwritable: vec!["tasks".to_owned()], ..facts() },
                "GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO app",
            ),
        ] {
            let findings = rights(&facts);
            assert!(findings.len() == 1 && told(&findings[0]).contains(expected), "{findings:?}");
        }
    }
}
