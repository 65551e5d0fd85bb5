//! Whether the schema is what this version needs.

use migration::{Engine, Status};

use super::{database::Journal, finding::Finding};
use crate::settings::DatabaseSettings;

const CHECK: &str = "migrations";

pub(super) fn findings(settings: &DatabaseSettings, journal: &Journal) -> Vec<Finding> {
    let Journal { statuses, would_adopt } = journal;
    let names = |wanted: fn(&Status) -> bool| {
        let names: Vec<&str> =
            statuses.iter().filter(|status| wanted(status)).map(|status| status.name.as_str()).collect();
        names
    };
    let pending = names(|status| status.applied_at.is_none());
    let newer = names(|status| !status.known);
    let changed = names(|status| status.changed);
    let mut findings = Vec::new();
    if let Some(form) = would_adopt {
        let what = format!("this database holds the FastAPI backend's tables: {form}");
        let mend = "`holdfast migrate adopt --check`, then `holdfast migrate up`";
        findings.push(Finding::failure(CHECK, what, mend));
    }
    if !pending.is_empty() {
        let what = format!("{} pending: {}", pending.len(), pending.join(", "));
        let by_itself = settings.migrate_on_start || settings.url.engine() == Engine::Sqlite;
        findings.push(if by_itself {
            Finding::warning(
                CHECK,
                what,
                "`holdfast serve` applies them; `holdfast migrate up` does it before",
            )
        } else {
            Finding::failure(CHECK, what, "`holdfast migrate up`")
        });
    }
    if !changed.is_empty() {
        let what = format!("applied with another text than this version's: {}", changed.join(", "));
        let mend = "find out why; then `holdfast migrate up --accept-checksums`";
        findings.push(Finding::warning(CHECK, what, mend));
    }
    if !newer.is_empty() {
        let what = format!("applied by a newer version: {}", newer.join(", "));
        findings.push(Finding::warning(
            CHECK,
            what,
            "run the newer version, or take its migrations back with it",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("all {} are applied", statuses.len())));
    }
    findings
}
