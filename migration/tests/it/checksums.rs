//! What was applied is compared with what this binary would apply.

use migration::{Direction, MigrationError, PlannedMigration, Runner, SqlMigration, Statements};

use crate::support::{Fixture, migration_count, on_both_engines};

on_both_engines!(
    another_text_is_told_by_status_and_refused_by_up_until_it_is_accepted,
    comments_and_spacing_are_no_other_text,
    what_was_applied_before_there_were_checksums_is_recorded_as_it_is_now,
    the_records_follow_the_journal,
);

const TABLE: &str = "holdfast_migration_checksums";
const FIRST: Statements = Statements { up: &["CREATE TABLE t (a integer)"], down: &["DROP TABLE t"] };
const ANNOTATED: Statements = Statements {
    up: &["CREATE TABLE t /* why */ (a   integer) -- and what for", "-- nothing to run"],
    down: &["DROP TABLE t"],
};
const OTHER: Statements =
    Statements { up: &["CREATE TABLE t (a bigint)"], down: &["DROP TABLE IF EXISTS t"] };

fn runner(fixture: &Fixture, statements: Statements) -> Runner {
    let migration = SqlMigration {
        name: "m99990101_000001_t",
        creates: &["t"],
        postgres: statements,
        sqlite: statements,
    };
    Runner::with_migrations(&fixture.url, vec![Box::new(migration) as Box<dyn PlannedMigration>])
}

async fn another_text_is_told_by_status_and_refused_by_up_until_it_is_accepted(fixture: Fixture) {
    runner(&fixture, FIRST).up(None).await.unwrap();
    assert!(!runner(&fixture, FIRST).status().await.unwrap()[0].changed);
    let changed = runner(&fixture, OTHER);
    assert!(changed.status().await.unwrap()[0].changed);
    let error = changed.up(None).await.unwrap_err();
    assert!(
        matches!(&error, MigrationError::Changed { migrations } if migrations == &["m99990101_000001_t"]),
        "{error}"
    );
    assert!(error.to_string().contains("--accept-checksums"), "{error}");
    let error = changed.dry_run(Direction::Up, None).await.unwrap_err();
    assert!(matches!(error, MigrationError::Changed { .. }), "{error}");
    assert!(changed.pending().await.unwrap().is_empty());
    let accepting = runner(&fixture, OTHER).accept_changed_texts();
    assert!(accepting.up(None).await.unwrap().is_empty());
    assert!(runner(&fixture, OTHER).up(None).await.unwrap().is_empty());
    assert!(runner(&fixture, FIRST).status().await.unwrap()[0].changed);
    // The way back is open in any case.
    assert_eq!(runner(&fixture, FIRST).down(None).await.unwrap().len(), 1);
}

async fn comments_and_spacing_are_no_other_text(fixture: Fixture) {
    runner(&fixture, FIRST).up(None).await.unwrap();
    assert!(!runner(&fixture, ANNOTATED).status().await.unwrap()[0].changed);
    assert!(runner(&fixture, ANNOTATED).up(None).await.unwrap().is_empty());
}

async fn what_was_applied_before_there_were_checksums_is_recorded_as_it_is_now(fixture: Fixture) {
    let migrator = Runner::new(&fixture.url);
    migrator.up(None).await.unwrap();
    let records = format!("SELECT version || checksum || statements FROM {TABLE} ORDER BY 1");
    let before = fixture.texts(&records).await;
    assert_eq!(before.len(), migration_count());
    fixture.execute(&format!("DROP TABLE {TABLE}")).await.unwrap();
    assert!(migrator.status().await.unwrap().iter().all(|status| !status.changed));
    assert!(migrator.up(None).await.unwrap().is_empty());
    assert_eq!(fixture.texts(&records).await, before);
}

async fn the_records_follow_the_journal(fixture: Fixture) {
    let migrator = Runner::new(&fixture.url);
    migrator.up(None).await.unwrap();
    fixture.execute("INSERT INTO seaql_migrations VALUES ('m99990101_000001_newer', 7)").await.unwrap();
    assert!(migrator.up(None).await.unwrap().is_empty());
    fixture.execute("DELETE FROM seaql_migrations WHERE version = 'm99990101_000001_newer'").await.unwrap();
    migrator.down(Some(2)).await.unwrap();
    let (journal, records) = (
        "SELECT version FROM seaql_migrations ORDER BY 1",
        format!("SELECT version FROM {TABLE} ORDER BY 1"),
    );
    assert_eq!(fixture.texts(&records).await, fixture.texts(journal).await);
    migrator.down(None).await.unwrap();
    assert_eq!(fixture.tables().await, ["seaql_migrations"]);
}
