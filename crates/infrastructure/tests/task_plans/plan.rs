//! Plans as PostgreSQL tells them beside the answer of each statement, and what can be asked of one.

use std::{
    collections::BTreeSet,
    fmt::{Debug, Formatter, Result},
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
};

/// What the driver passes on of the server's notices.
#[derive(Clone, Default)]
pub(crate) struct Notices(Arc<Mutex<Vec<String>>>);

impl Notices {
    /// Listens from now on, in every thread of this process.
    pub(crate) fn listen() -> Self {
        let notices = Self::default();
        let subscriber = tracing_subscriber::registry().with(notices.clone());
        tracing::subscriber::set_global_default(subscriber).unwrap();
        notices
    }

    /// The plans that were told since the last time, in their order.
    pub(crate) fn take(&self) -> Vec<Plan> {
        let told = std::mem::take(&mut *self.0.lock().unwrap());
        told.iter().map(|notice| Plan::told(notice)).collect()
    }
}

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Notices {
    fn record_str(&mut self, field: &Field, text: &str) {
        if field.name() == "message" && text.contains("plan:") {
            self.0.lock().unwrap().push(text.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, text: &dyn Debug) {
        self.record_str(field, &format!("{text:?}"));
    }
}

/// One statement as it was carried out.
pub(crate) struct Plan {
    statement: String,
    nodes: Vec<Value>,
}

impl Plan {
    fn told(notice: &str) -> Self {
        let json = &notice[notice.find('{').unwrap()..];
        let mut told: Value = serde_json::from_str(json).unwrap();
        let mut nodes = Vec::new();
        let mut left = vec![told["Plan"].take()];
        while let Some(mut node) = left.pop() {
            if let Value::Array(children) = node["Plans"].take() {
                left.extend(children);
            }
            nodes.push(node);
        }
        Self { statement: told["Query Text"].as_str().unwrap().to_owned(), nodes }
    }

    fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let kind = kind.to_owned();
        self.nodes.iter().filter(move |node| node["Node Type"].as_str().unwrap().contains(&kind))
    }

    /// The tables that rows are read from.
    pub(crate) fn tables(&self) -> BTreeSet<String> {
        let names = self.all("Scan").filter_map(|node| node["Relation Name"].as_str());
        names.map(str::to_owned).collect()
    }

    /// Whether every row comes from an index, by its owner.
    pub(crate) fn is_bound_to_the_owner(&self) -> bool {
        let by_owner = |node: &Value| {
            let condition = node.get("Index Cond").or(node.get("Recheck Cond"));
            condition.and_then(Value::as_str).is_some_and(|condition| condition.contains("owner_id = "))
        };
        self.all("Scan").count() > 0 && self.all("Scan").all(by_owner)
    }

    /// Whether the index alone answers, without a look at any row.
    pub(crate) fn is_index_only(&self) -> bool {
        self.all("Scan").all(|node| node["Node Type"] == "Index Only Scan" && node.get("Filter").is_none())
    }

    /// How many rows the largest sort has taken in.
    pub(crate) fn sorted(&self) -> u64 {
        let below = self.nodes.iter().filter(|node| node["Parent Relationship"] == "Outer");
        if self.all("Sort").count() == 0 { 0 } else { below.map(rows).max().unwrap_or_default() }
    }

    /// How many rows were looked at and found not to match.
    pub(crate) fn looked_at_for_nothing(&self) -> u64 {
        let removed = |node: &Value| node["Rows Removed by Filter"].as_u64().unwrap_or_default();
        self.nodes.iter().map(removed).sum()
    }
}

/// From PostgreSQL 18 on they are told with decimals.
fn rows(node: &Value) -> u64 {
    let told = node["Actual Rows"].to_string();
    told.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default()
}

impl Debug for Plan {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        let nodes = serde_json::to_string_pretty(&self.nodes).unwrap();
        write!(formatter, "{}\n{nodes}", self.statement)
    }
}
