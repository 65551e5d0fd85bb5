//! Rows that move from one engine to the other and back: every table, every column, every bit.

use std::collections::BTreeSet;
use std::path::PathBuf;

use migration::transfer::{Destination, Dump, Restored, Rules, Source, Transfer, TransferError};
use migration::{Engine, Migrator, PlannedMigration, Runner, SqlMigration, Statements};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{ADOPTION, Fixture, ROWS, on_both_engines, postgres, sqlite};

on_both_engines!(
    every_table_of_a_migrated_database_travels_or_is_named_as_left_out,
    a_table_that_a_new_migration_makes_travels_by_itself,
    a_dump_of_an_older_schema_comes_to_the_newest,
    the_end_of_sessions_ends_all_of_them_and_tells_so,
    what_is_replaced_is_gone,
);

/// More rows than go into one batch.
const MANY: u32 = 1_500;

/// With one row and more in every table.
pub(crate) async fn filled(fixture: &Fixture) {
    Runner::new(&fixture.url).up(None).await.unwrap();
    for (_, insert) in ROWS.iter().chain([&ADOPTION]) {
        fixture.execute(insert).await.unwrap();
    }
}

impl Fixture {
    pub(crate) fn dump(&self) -> PathBuf {
        self.folder.path().join("it.dump")
    }

    pub(crate) async fn export(&self) -> Dump {
        let to = Destination::File { path: self.dump(), replace: true };
        Transfer::new(&self.url).export(&to).await.unwrap()
    }

    pub(crate) async fn import(&self, from: &Fixture, rules: Rules) -> Result<Restored, TransferError> {
        Transfer::new(&self.url).import(&Source::File(from.dump()), rules).await
    }
}

fn text(runner: &mut TestRunner) -> String {
    let strategy = proptest::collection::vec(any::<char>().prop_filter("PostgreSQL", |c| *c != '\0'), 0..40);
    strategy.new_tree(runner).unwrap().current().into_iter().collect()
}

/// Tasks with every kind of text, and numbers and times to the ends of their range.
async fn strange_tasks(fixture: &Fixture) {
    let mut runner = TestRunner::deterministic();
    let mut connection = SqliteConnection::connect(&fixture.url.connect_url()).await.unwrap();
    let mut transaction = connection.begin().await.unwrap();
    // The years 1 to 9999 are what the tables take.
    let times: [i64; 5] = [-62_135_596_800_000_000, -1, 0, 1, 253_402_300_799_999_999];
    for number in 0..MANY {
        let at = any::<proptest::sample::Index>().new_tree(&mut runner).unwrap().current();
        let title = text(&mut runner);
        sqlx::query(
            "INSERT INTO tasks (owner_id, id, title, title_sort, description, search_text, due_at, priority, is_completed, \
             revision, created_at, updated_at) VALUES (x'00000001000070008000000000000000', $1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes().to_vec())
        .bind(title)
        .bind((number % 3 > 0).then(|| text(&mut runner)))
        .bind(text(&mut runner))
        .bind((number % 2 > 0).then(|| times[at.index(times.len())]))
        .bind(i64::from(number % 4))
        .bind(number % 2 == 0)
        .bind(if number % 5 == 0 { i64::MAX } else { i64::from(number) + 1 })
        .bind(times[at.index(times.len())])
        .bind(1_795_283_511_966_357_i64 + i64::from(number))
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    transaction.commit().await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn every_row_survives_the_way_to_postgres_and_back() {
    let Some(middle) = postgres("transfer: both ways").await else { return };
    let (first, last) = (sqlite(), sqlite());
    filled(&first).await;
    strange_tasks(&first).await;
    let there = first.export().await;
    assert!(there.tables.iter().all(|table| table.rows > 0), "{:?}", there.tables);
    let arrived = middle.import(&first, Rules::default()).await.unwrap();
    assert_eq!(arrived.tables, there.tables);
    // What PostgreSQL makes of it, asked in its own words.
    let sql = "SELECT title FROM tasks WHERE created_at = {at:1} AND due_at = {at:7} AND NOT is_completed AND id = {id:6}";
    assert_eq!(middle.texts(sql).await, ["Ölwechsel"]);
    let back = middle.export().await;
    assert_eq!(back.tables, there.tables, "the same rows have the same sums on both engines");
    assert_eq!(last.import(&middle, Rules::default()).await.unwrap().tables, there.tables);
    for (table, _) in ROWS.iter().chain([&ADOPTION]).filter(|(table, _)| *table != "leases") {
        assert_eq!(last.checksum(table).await, first.checksum(table).await, "{table}");
    }
    assert_eq!(last.schema().await, first.schema().await);
    Runner::new(&middle.url).up(None).await.unwrap();
}

async fn every_table_of_a_migrated_database_travels_or_is_named_as_left_out(fixture: Fixture) {
    filled(&fixture).await;
    let dump = fixture.export().await;
    let journals = ["seaql_migrations", "holdfast_migration_checksums"].map(ToOwned::to_owned);
    let travelling = dump.tables.iter().map(|table| table.table.clone());
    let known: BTreeSet<String> = travelling.chain(dump.left_out.clone()).chain(journals).collect();
    assert_eq!(known, fixture.tables().await.into_iter().collect());
    assert_eq!(dump.left_out, ["leases"]);
    assert!(dump.tables.iter().all(|table| table.rows > 0), "{:?}", dump.tables);
}

const NOTES: SqlMigration = SqlMigration {
    name: "m99990101_000001_create_notes",
    creates: &["notes"],
    postgres: Statements {
        up: &[
            "CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY, parent bigint REFERENCES notes, body text, PRIMARY KEY (id))",
        ],
        down: &["DROP TABLE notes"],
    },
    sqlite: Statements {
        up: &[
            "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES notes, body TEXT) STRICT",
        ],
        down: &["DROP TABLE notes"],
    },
};

fn with_notes() -> Vec<Box<dyn PlannedMigration>> {
    let mut migrations = Migrator::planned();
    migrations.push(Box::new(NOTES));
    migrations
}

async fn a_table_that_a_new_migration_makes_travels_by_itself(target: Fixture) {
    let source = sqlite();
    Runner::with_migrations(&source.url, with_notes()).up(None).await.unwrap();
    source
        .execute("INSERT INTO notes (id, parent, body) VALUES (41, NULL, 'x'), (43, 41, NULL)")
        .await
        .unwrap();
    let transfer = Transfer::with_migrations(&source.url, with_notes);
    let to = Destination::File { path: source.dump(), replace: false };
    let dump = transfer.export(&to).await.unwrap();
    assert_eq!(dump.migration, NOTES.name);
    let from = Source::File(source.dump());
    let restored =
        Transfer::with_migrations(&target.url, with_notes).import(&from, Rules::default()).await.unwrap();
    assert_eq!(restored.tables, dump.tables);
    target.execute("INSERT INTO notes (body) VALUES ('next')").await.unwrap();
    let next = target.texts("SELECT CAST(id AS TEXT) FROM notes WHERE body = 'next'").await;
    assert_eq!(next, ["44"], "the sequence goes on behind what was imported");
    // Without that migration, the schema is one of a later release.
    let error = sqlite().import(&source, Rules::default()).await.unwrap_err();
    assert!(matches!(&error, TransferError::NewerSchema(names) if names == &[NOTES.name]), "{error}");
}

async fn a_dump_of_an_older_schema_comes_to_the_newest(target: Fixture) {
    let source = sqlite();
    let runner = Runner::new(&source.url);
    filled(&source).await;
    source.execute("DELETE FROM adoptions").await.unwrap();
    runner.down_to("m20261121_000012", false).await.unwrap();
    let dump = source.export().await;
    assert!(dump.migration.starts_with("m20261121_000012"));
    assert!(!dump.tables.iter().any(|table| table.table == "personal_tokens"));
    let restored = target.import(&source, Rules::default()).await.unwrap();
    assert_eq!(restored.tables, dump.tables);
    assert!(Runner::new(&target.url).pending().await.unwrap().is_empty());
    assert_eq!(target.texts("SELECT title FROM tasks WHERE id = {id:6}").await, ["Ölwechsel"]);
}

async fn the_end_of_sessions_ends_all_of_them_and_tells_so(target: Fixture) {
    let source = sqlite();
    filled(&source).await;
    source.export().await;
    target.import(&source, Rules { end_sessions: true, ..Rules::default() }).await.unwrap();
    let ended = "SELECT revoked_reason FROM sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(target.texts(ended).await, ["administrator"]);
    let told = "SELECT kind FROM auth_events WHERE user_id = {id:1} AND kind = 'session_ended'";
    assert_eq!(target.texts(told).await, ["session_ended"]);
    for left in [
        "SELECT key_id FROM sessions WHERE revoked_at IS NULL",
        "SELECT purpose FROM one_time_tokens WHERE used_at IS NULL",
        "SELECT email FROM users WHERE legacy_tokens_refused_at IS NULL",
    ] {
        assert_eq!(target.texts(left).await, Vec::<String>::new(), "{left}");
    }
}

async fn what_is_replaced_is_gone(target: Fixture) {
    let source = sqlite();
    filled(&source).await;
    source.export().await;
    filled(&target).await;
    target.execute("UPDATE tasks SET title = 'of the target', title_sort = 'of the target'").await.unwrap();
    target.import(&source, Rules { force: true, ..Rules::default() }).await.unwrap();
    assert_eq!(
        target.texts("SELECT title FROM tasks WHERE title = 'of the target'").await,
        Vec::<String>::new()
    );
    assert_eq!(target.export().await.tables, source.export().await.tables);
    if target.engine() == Engine::Sqlite {
        let names: BTreeSet<_> =
            target.folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["holdfast.db", "it.dump"].map(Into::into).into(), "nothing else is left behind");
    }
}
