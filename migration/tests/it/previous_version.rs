//! The version before works on this schema: every statement that it sends is understood here.
//!
//! `fixtures/record_statements.py` records them, on the day of a release. What they mean is not looked at: that is the
//! conformance kit's, and no step may change it (`expand_contract`).

use migration::{Engine, Runner};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::support::{Fixture, on_both_engines};

on_both_engines!(every_statement_of_the_version_before_is_understood, a_statement_that_is_not_would_be_seen);

/// By the version that sent them, and the engine.
const RECORDED: [(&str, &str, &str); 1] = [(
    "4b022ea",
    include_str!("../fixtures/statements_4b022ea.postgres.sql"),
    include_str!("../fixtures/statements_4b022ea.sqlite.sql"),
)];

async fn every_statement_of_the_version_before_is_understood(fixture: Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    for (version, postgres, sqlite) in RECORDED {
        let statements: Vec<&str> = match fixture.engine() {
            Engine::Postgres => postgres.lines().collect(),
            Engine::Sqlite => sqlite.lines().collect(),
        };
        for table in ["users", "sessions", "tasks", "auth_events", "throttles", "idempotency_keys"] {
            assert!(statements.iter().any(|sql| sql.contains(table)), "nothing is recorded of {table}");
        }
        let failed = not_understood(&fixture, &statements).await;
        assert!(failed.is_empty(), "of {version}: {failed:#?}");
    }
}

async fn a_statement_that_is_not_would_be_seen(fixture: Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    let statements = [
        "SELECT title FROM tasks WHERE owner_id = $1",
        "SELECT colour FROM tasks WHERE owner_id = $1",
        "INSERT INTO jobs (id) VALUES ($1)",
    ];
    let failed = not_understood(&fixture, &statements).await;
    assert!(failed.len() == 2 && failed[0].contains("colour") && failed[1].contains("jobs"), "{failed:#?}");
}

/// Names, types and syntax are checked; nothing is run.
async fn not_understood(fixture: &Fixture, statements: &[&str]) -> Vec<String> {
    let mut failed = Vec::new();
    match fixture.engine() {
        Engine::Postgres => {
            let mut connection = sqlx::PgConnection::connect(&fixture.url.connect_url()).await.unwrap();
            for sql in statements {
                // The types of its values, as they were bound, stand before it.
                let (types, sql) = sql.split_once('\t').unwrap_or(("", sql));
                let prepare = AssertSqlSafe(format!("PREPARE recorded {types} AS {sql}"));
                match sqlx::raw_sql(prepare).execute(&mut connection).await {
                    Ok(_) => {
                        sqlx::raw_sql("DEALLOCATE recorded").execute(&mut connection).await.unwrap();
                    }
                    Err(error) => failed.push(format!("{sql}: {error}")),
                }
            }
        }
        Engine::Sqlite => {
            let mut connection = sqlx::SqliteConnection::connect(&fixture.url.connect_url()).await.unwrap();
            for sql in statements {
                let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
                if let Err(error) = sqlx::raw_sql(explain).execute(&mut connection).await {
                    failed.push(format!("{sql}: {error}"));
                }
            }
        }
    }
    failed
}
