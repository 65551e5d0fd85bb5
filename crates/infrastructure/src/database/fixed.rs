//! Statements of one shape whose text is made once: a query builder takes longer for it than the database for the answer.

use std::sync::OnceLock;

use sea_orm::{DbBackend, Statement, StatementBuilder, Value, Values};

/// The text of one statement, per engine.
pub(super) struct Fixed {
    postgres: OnceLock<String>,
    sqlite: OnceLock<String>,
}

impl Fixed {
    pub(super) const fn new() -> Self {
        Self { postgres: OnceLock::new(), sqlite: OnceLock::new() }
    }

    /// The statement with `values` in the places of those that `shape` was built with. `shape` is asked once per engine.
    pub(super) fn with<S: StatementBuilder>(
        &self,
        backend: DbBackend,
        values: Vec<Value>,
        shape: impl FnOnce() -> S,
    ) -> Statement {
        let text = match backend {
            DbBackend::Sqlite => &self.sqlite,
            _ => &self.postgres,
        };
        let text = text.get_or_init(|| {
            let built = StatementBuilder::build(&shape(), &backend);
            debug_assert_eq!(built.values.map_or(0, |values| values.0.len()), values.len());
            built.sql
        });
        Statement { sql: text.clone(), values: Some(Values(values)), db_backend: backend }
    }
}
