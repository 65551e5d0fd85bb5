//! A primary with a streaming replica, whose rows tell which of the two has answered.

use std::{any::Any, future::Future, time::Duration};

use holdfast_application::{
    domain::{TaskId, UserId, tasks::Task},
    ports::{Direction, Repositories as _, SortBy, Start, TaskFilter, TaskOrder, TaskQuery},
};
use holdfast_infrastructure::database::{DatabaseOptions, ReplicaState, SeaOrmStore};
use holdfast_testkit::{
    fixtures,
    postgres::{Durability, PostgresServer, TestDatabase},
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, postgres::PgConnectOptions};
use tokio::{
    sync::{OnceCell, RwLock},
    time::{sleep, timeout},
};

use crate::stores;

/// Only to end a test that waits for what never comes: a busy machine may be slow.
const HANG: Duration = Duration::from_mins(2);

/// In the place of the table: a view that tells the server instead of the title, and a function that fails on the replica
/// in the way that the table `wish` says, so that a test has every failure at will.
const TELLTALE: &str = "ALTER TABLE tasks RENAME TO stored_tasks; \
    CREATE TABLE wish (answer text NOT NULL); INSERT INTO wish VALUES (''); \
    CREATE FUNCTION obeyed() RETURNS boolean LANGUAGE plpgsql STABLE AS $$ \
        DECLARE wished text := (SELECT answer FROM wish); \
        BEGIN \
            IF pg_is_in_recovery() AND length(wished) = 5 THEN RAISE EXCEPTION 'as wished' USING ERRCODE = wished; END IF; \
            IF pg_is_in_recovery() AND wished LIKE '0.%' THEN PERFORM pg_sleep(wished::float8); END IF; \
            RETURN true; \
        END $$; \
    CREATE VIEW tasks AS SELECT owner_id, id, CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END AS title, \
        title_sort, description, search_text, due_at, priority, is_completed, revision, created_at, updated_at \
        FROM stored_tasks WHERE obeyed(); \
    CREATE FUNCTION store() RETURNS trigger LANGUAGE plpgsql AS $$ \
        BEGIN INSERT INTO stored_tasks SELECT NEW.*; RETURN NEW; END $$; \
    CREATE TRIGGER stored INSTEAD OF INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION store()";

/// Two servers for all tests of this process: they take seconds to set up.
pub(crate) struct Servers {
    pub(crate) primary: PostgresServer,
    pub(crate) replica: PostgresServer,
}

static SERVERS: OnceCell<Option<Servers>> = OnceCell::const_new();
/// Whose test may do something to the servers that others would notice.
static TURN: RwLock<()> = RwLock::const_new(());

/// A database on both servers, whose rows tell who has answered.
pub(crate) struct Pair {
    pub(crate) database: TestDatabase,
    pub(crate) servers: &'static Servers,
    _turn: Box<dyn Any>,
}

impl Pair {
    /// For a test that leaves the servers alone. Nothing without a PostgreSQL on the machine.
    pub(crate) async fn telltale() -> Option<Self> {
        let pair = Self::plain_rows().await?;
        execute(pair.database.url(), TELLTALE).await;
        Some(pair)
    }

    /// For a test that has the servers to itself, and leaves them as they were.
    pub(crate) async fn alone() -> Option<Self> {
        let turn = TURN.write().await;
        let pair = Self::with(Box::new(turn)).await?;
        execute(pair.database.url(), TELLTALE).await;
        Some(pair)
    }

    /// Rows as they are, and the servers are left alone.
    pub(crate) async fn plain_rows() -> Option<Self> {
        let turn = TURN.read().await;
        Self::with(Box::new(turn)).await
    }

    async fn with(turn: Box<dyn Any>) -> Option<Self> {
        let start = async || {
            let primary = PostgresServer::private("infrastructure: replica", Durability::Durable).unwrap()?;
            let replica = primary.replica().unwrap();
            Some(Servers { primary, replica })
        };
        let servers = SERVERS.get_or_init(start).await.as_ref()?;
        let database = servers.primary.create_database().await;
        stores::migrate(database.url()).await;
        Some(Self { database, servers, _turn: turn })
    }

    pub(crate) fn replica_url(&self) -> String {
        self.servers.replica.url(self.database.name())
    }

    /// A store that knows the primary alone.
    pub(crate) async fn primary_store(&self) -> SeaOrmStore {
        SeaOrmStore::connect(stores::postgres_options(self.database.url())).await.unwrap()
    }

    /// A store that reads from the replica.
    pub(crate) async fn store(&self) -> SeaOrmStore {
        self.reading_from(stores::postgres_options(&self.replica_url())).await
    }

    pub(crate) async fn reading_from(&self, replica: DatabaseOptions) -> SeaOrmStore {
        self.primary_store().await.reading_from(&replica).unwrap()
    }

    /// From now on the replica fails in this way: with an SQLSTATE, by taking so many seconds for each list, or not at all.
    pub(crate) async fn wish(&self, answer: &str) {
        execute(self.database.url(), &format!("UPDATE wish SET answer = '{answer}'")).await;
    }

    /// Runs statements on the replica.
    pub(crate) async fn on_replica(&self, sql: &str) {
        execute(&self.replica_url(), sql).await;
    }
}

/// Runs statements on a connection of their own, however long they take.
pub(crate) async fn execute(url: &str, sql: &str) {
    let options = url.parse::<PgConnectOptions>().unwrap().disable_statement_logging();
    let mut connection = options.connect().await.unwrap();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.unwrap();
    connection.close().await.unwrap();
}

/// An account that has one task.
pub(crate) async fn owner(store: &SeaOrmStore) -> UserId {
    let account = fixtures::account().build();
    store.users().insert(&account).await.unwrap();
    add(store, account.user.id).await;
    account.user.id
}

pub(crate) async fn add(store: &SeaOrmStore, owner: UserId) -> TaskId {
    let task = fixtures::task(owner).build();
    store.tasks().insert(&task).await.unwrap();
    task.id
}

pub(crate) async fn list(store: &SeaOrmStore, owner: UserId) -> Vec<Task> {
    let query = TaskQuery {
        filter: TaskFilter::default(),
        order: TaskOrder { by: SortBy::CreatedAt, direction: Direction::Ascending },
        start: Start::Offset(0),
        limit: 1_000,
    };
    store.tasks().list(owner, &query).await.unwrap()
}

/// The server that answers a list of this owner's, `primary` or `replica`.
pub(crate) async fn who_answers(store: &SeaOrmStore, owner: UserId) -> String {
    let tasks = list(store, owner).await;
    tasks.first().unwrap().title.as_str().to_owned()
}

pub(crate) fn state(store: &SeaOrmStore) -> ReplicaState {
    store.replica_state().unwrap()
}

/// Lists until the replica answers.
pub(crate) async fn until_the_replica_answers(store: &SeaOrmStore, owner: UserId) {
    until(async || who_answers(store, owner).await == "replica").await;
}

/// Lists until the replica was asked and could not answer.
pub(crate) async fn until_the_primary_helps_out(store: &SeaOrmStore, owner: UserId) {
    let before = state(store).passed_on;
    until(async || {
        list(store, owner).await;
        state(store).passed_on > before
    })
    .await;
}

/// Tries again and again.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    ends(holds).await;
}

/// What does not wait for anything without a limit.
pub(crate) async fn ends<T>(future: impl Future<Output = T>) -> T {
    timeout(HANG, future).await.unwrap()
}
