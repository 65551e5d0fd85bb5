//! Stores on fresh, migrated databases, for the tests of this folder.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{path::Path, time::Duration};

use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::postgres::{self, TestDatabase};
use migration::{DatabaseUrl, Runner};
use tempfile::TempDir;

pub(crate) fn sqlite_options(path: &Path) -> DatabaseOptions {
    options(DatabaseLocation::Sqlite { path: path.to_owned() })
}

pub(crate) fn postgres_options(url: &str) -> DatabaseOptions {
    options(DatabaseLocation::Postgres { url: url.to_owned(), pooler: false })
}

fn options(location: DatabaseLocation) -> DatabaseOptions {
    let wake_timeout = Duration::from_secs(5);
    DatabaseOptions { location, pool_size: 8, workers: 0, statement_cache: 100, wake_timeout }
}

/// A store on a new file in a folder that is deleted when it is dropped.
pub(crate) async fn sqlite() -> (SeaOrmStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holdfast.db");
    migrate(&format!("sqlite://{}", path.display())).await;
    (SeaOrmStore::connect(sqlite_options(&path)).await.unwrap(), folder)
}

/// A migrated database that is dropped with the value; nothing without a PostgreSQL on the machine.
pub(crate) async fn postgres_database() -> Option<TestDatabase> {
    let database = postgres::fresh_database("infrastructure").await?;
    migrate(database.url()).await;
    Some(database)
}

pub(crate) async fn migrate(url: &str) {
    Runner::new(&DatabaseUrl::parse(url).unwrap()).up(None).await.unwrap();
}
