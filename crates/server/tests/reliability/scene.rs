//! A running server, its database, and what lies between them.

use holdfast_testkit::{
    ChaosProxy,
    postgres::{Durability, PgBouncer, PostgresServer, TestDatabase},
};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::process::Server;

/// What can be struck. The server ends first, then what it depends on.
pub(crate) struct Scene {
    name: &'static str,
    pub(crate) server: Server,
    pub(crate) storage: Storage,
}

pub(crate) enum Storage {
    Postgres(Box<Postgres>),
    Sqlite { url: String },
}

/// A cluster of this scene's own, and the way to it.
pub(crate) struct Postgres {
    pub(crate) network: ChaosProxy,
    pub(crate) pooler: Option<PgBouncer>,
    database: TestDatabase,
    pub(crate) cluster: PostgresServer,
}

impl Scene {
    /// The server, a network that fails, PostgreSQL.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let (cluster, database) = durable_database().await?;
        let (network, url) = ChaosProxy::before(database.url()).unwrap();
        let postgres = Postgres { network, pooler: None, database, cluster };
        Some(Self::new("PostgreSQL", vec![("DATABASE_URL", url)], Storage::Postgres(Box::new(postgres))))
    }

    /// The server, a network that fails, PgBouncer, PostgreSQL. Migrations go to the database directly.
    pub(crate) async fn behind_a_pooler() -> Option<Self> {
        let (cluster, database) = durable_database().await?;
        let pooler = PgBouncer::in_front_of(database.url(), "reliability").unwrap()?;
        let (network, url) = ChaosProxy::before(&pooler.declared_url()).unwrap();
        let variables = vec![
            ("DATABASE_URL", url),
            ("DATABASE_URL_UNPOOLED", database.url().to_owned()),
            ("DATABASE_STATEMENT_CACHE", "0".to_owned()),
        ];
        let postgres = Postgres { network, pooler: Some(pooler), database, cluster };
        Some(Self::new("PgBouncer", variables, Storage::Postgres(Box::new(postgres))))
    }

    /// The server and a file.
    pub(crate) fn on_sqlite() -> Self {
        let directory = TempDir::new().unwrap();
        let url = format!("sqlite://{}", directory.path().join("holdfast.db").display());
        let server = Server::start(directory, vec![("DATABASE_URL", url.clone())]);
        Self { name: "SQLite", server, storage: Storage::Sqlite { url } }
    }

    fn new(name: &'static str, variables: Vec<(&'static str, String)>, storage: Storage) -> Self {
        Self { name, server: Server::start(TempDir::new().unwrap(), variables), storage }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Title and revision of every task, as the database itself tells.
    pub(crate) async fn rows(&self) -> Vec<(String, i64)> {
        const EVERY_TASK: &str = "SELECT title, revision FROM tasks";
        match &self.storage {
            Storage::Postgres(postgres) => {
                let mut connection = sqlx::PgConnection::connect(postgres.database.url()).await.unwrap();
                sqlx::query_as(EVERY_TASK).fetch_all(&mut connection).await.unwrap()
            }
            Storage::Sqlite { url } => {
                let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
                sqlx::query_as(EVERY_TASK).fetch_all(&mut connection).await.unwrap()
            }
        }
    }
}

async fn durable_database() -> Option<(PostgresServer, TestDatabase)> {
    let started = tokio::task::block_in_place(|| PostgresServer::private("reliability", Durability::Durable));
    let cluster = started.unwrap()?;
    let database = cluster.create_database().await;
    Some((cluster, database))
}
