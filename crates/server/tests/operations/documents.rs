//! What is written about metrics agrees with what the real program tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use tempfile::TempDir;

use super::{journey::Traveller, page::Page, server::Server};

/// A page after some use, so that families with labels have series.
async fn live() -> Page {
    let directory = TempDir::new().unwrap();
    let variables = [
        ("OPS_ADDRESS", "127.0.0.1:0"),
        ("RATE_LIMIT_SIGN_IN_BURST", "3"),
        // Of no use, which is told as well.
        ("REDIS_URL", "redis+unix:///nowhere"),
    ];
    let server = Server::start(directory.path(), &variables);
    let mut ada = Traveller::new(&server.base);
    let (_, refresh) = ada.sign_up().await;
    ada.refresh(&refresh).await;
    ada.guess(5).await;
    loop {
        let page = Page::of(&server.operations).await;
        // Until the first poll nothing is known about revocations.
        if page.series.contains_key("holdfast_revocations_age_seconds") {
            return page;
        }
    }
}

fn document(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Type and labels by family.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

/// As the table of `docs/operations.md` has them.
fn documented(text: &str) -> Table {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [name, kind, labels, _meaning, ""] = cells[..] else { return None };
        let kinds = ["counter", "gauge", "histogram"];
        let labels = labels.split('`').filter(|label| !label.trim_matches([' ', ',', '–']).is_empty());
        let labels = labels.map(ToOwned::to_owned).collect();
        kinds.contains(&kind).then(|| (name.trim_end_matches('`').to_owned(), (kind.to_owned(), labels)))
    })
    .collect()
}

#[tokio::test]
async fn the_table_of_metrics_is_what_the_program_tells() {
    let page = live().await;
    let labels = page.labels();
    let told: Table = page
        .families
        .iter()
        .map(|(family, kind)| {
            let labels = labels[family.as_str()].iter().map(|label| (*label).to_owned()).collect();
            (family.clone(), (kind.clone(), labels))
        })
        .collect();
    let documented = documented(&document("docs/operations.md"));
    let differing = |one: &Table, other: &Table| -> Vec<String> {
        one.iter()
            .filter(|(name, row)| other.get(*name) != Some(row))
            .map(|(name, row)| format!("{name}: {row:?}"))
            .collect()
    };
    let (undocumented, untold) = (differing(&told, &documented), differing(&documented, &told));
    assert!(undocumented.is_empty() && untold.is_empty(), "told: {undocumented:#?}\ndocumented: {untold:#?}");
}

#[tokio::test]
async fn every_metric_that_dashboards_and_alerts_ask_for_is_told() {
    let page = live().await;
    let names = page.names();
    for file in ["ops/prometheus/rules.yml", "ops/prometheus/rules_test.yml", "ops/grafana/holdfast.json"] {
        let text = document(file);
        let words: BTreeSet<&str> =
            text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).collect();
        let ours = ["holdfast_", "http_server_", "db_client_", "process_"];
        // Labels begin like the metrics that have them.
        let asked = words.iter().filter(|word| ours.iter().any(|begin| word.starts_with(begin)));
        let asked: BTreeSet<&str> =
            asked.copied().filter(|word| *word != "db_client_connection_state").collect();
        assert!(asked.len() > 3, "{file} asks for {asked:?}");
        let unknown: Vec<_> = asked.difference(&names).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}");
    }
}

#[test]
fn every_alert_has_its_section_in_the_runbook() {
    let (rules, runbook) = (document("ops/prometheus/rules.yml"), document("docs/operations.md"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in &alerts {
        assert!(runbook.lines().any(|line| line == format!("### {alert}")), "{alert} has no section");
    }
    let sections = runbook.lines().filter_map(|line| line.strip_prefix("### Holdfast"));
    let stale: Vec<_> =
        sections.filter(|name| !alerts.contains(&format!("Holdfast{name}").as_str())).collect();
    assert!(stale.is_empty(), "there are no such alerts: {stale:?}");
}
