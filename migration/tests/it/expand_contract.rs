//! Every step up is one that the version before can live with. Steps back, which end that version's use, are not looked at.

mod rules;

use migration::{Engine, Migrator, PlannedMigration, SqlMigration, Statements};

use rules::faults;

#[test]
fn every_migration_only_expands_or_names_the_release_that_may_contract() {
    let faults: Vec<String> = Migrator::planned().iter().flat_map(|migration| faults(&**migration)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A migration of one statement on tables that are there, and on one that it makes itself.
fn one(statement: &'static str) -> SqlMigration {
    let up: &'static [&'static str] =
        Box::leak(Box::new(["CREATE TABLE fresh (id integer, a text)", statement]));
    let statements = Statements { up, down: &[] };
    SqlMigration {
        name: "m99990101_000001_one",
        creates: &["fresh"],
        postgres: statements,
        sqlite: statements,
    }
}

#[test]
fn what_the_version_before_cannot_live_with_is_refused() {
    for (statement, expected) in [
        ("DROP TABLE tasks", "DROP TABLE tasks"),
        ("DROP VIEW tasks_view", "DROP VIEW"),
        ("TRUNCATE tasks", "TRUNCATE"),
        ("ALTER TABLE tasks DROP COLUMN title", "DROP COLUMN"),
        ("ALTER TABLE tasks RENAME COLUMN title TO name", "RENAME"),
        ("ALTER TABLE tasks RENAME TO jobs", "RENAME"),
        ("ALTER TABLE tasks RENAME CONSTRAINT a TO b", "RENAME"),
        ("ALTER TABLE tasks ALTER COLUMN title SET NOT NULL", "SET NOT NULL"),
        ("ALTER TABLE tasks ALTER COLUMN title TYPE varchar(10)", "TYPE"),
        ("ALTER TABLE tasks ALTER COLUMN title SET DATA TYPE text USING title::text", "TYPE"),
        ("ALTER TABLE tasks ALTER COLUMN title DROP DEFAULT", "DROP DEFAULT"),
        ("ALTER TABLE tasks ADD COLUMN colour text NOT NULL", "ADD COLUMN"),
        ("ALTER TABLE tasks ADD COLUMN colour text, ADD COLUMN shade text NOT NULL", "shade"),
        ("ALTER TABLE tasks ADD COLUMN colour text UNIQUE", "ADD COLUMN"),
        ("ALTER TABLE tasks ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()", "ADD COLUMN"),
        ("ALTER TABLE tasks ADD CONSTRAINT c CHECK (priority < 9)", "NOT VALID"),
        ("ALTER TABLE tasks ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES users (id)", "NOT VALID"),
        ("ALTER TABLE tasks ADD CONSTRAINT u UNIQUE (title)", "UNIQUE"),
        ("CREATE INDEX i ON tasks (title)", "CONCURRENTLY"),
        ("CREATE UNIQUE INDEX i ON \"tasks\" (title)", "CONCURRENTLY"),
        ("CREATE INDEX CONCURRENTLY i ON tasks (title)", "transaction"),
        ("ALTER TABLE tasks VALIDATE CONSTRAINT c", "VALIDATE"),
        ("ALTER TYPE mood ADD VALUE 'x'", "ALTER TYPE"),
        ("ALTER INDEX tasks_pkey RENAME TO p", "ALTER INDEX"),
        ("UPDATE tasks SET title = ''", "UPDATE"),
        ("DELETE FROM tasks", "DELETE"),
        ("THIS IS NO SQL", "cannot be parsed"),
    ] {
        let found = faults(&one(statement));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{statement}: {found:?}");
        // An annotation excuses whatever is understood; SQLite has not every one of them.
        let excused = faults(&one(statement).contract_since("1.2.0"));
        assert!(
            excused
                .iter()
                .all(|fault| fault.contains("cannot be parsed") || fault.contains("does not contract")),
            "{excused:?}"
        );
    }
}

#[test]
fn what_it_can_live_with_is_not() {
    for statement in [
        "CREATE TABLE other (id integer NOT NULL PRIMARY KEY, owner uuid REFERENCES users (id))",
        "CREATE INDEX i ON fresh (a)",
        "ALTER TABLE fresh ALTER COLUMN a SET NOT NULL",
        "ALTER TABLE tasks ADD COLUMN colour text",
        "ALTER TABLE tasks ADD COLUMN colour text NOT NULL DEFAULT 'red'",
        "ALTER TABLE tasks ADD COLUMN colour text CONSTRAINT c CHECK (length(colour) = 3)",
        "ALTER TABLE tasks ADD CONSTRAINT c CHECK (priority < 9) NOT VALID",
        "ALTER TABLE tasks ALTER COLUMN title DROP NOT NULL",
        "ALTER TABLE tasks ALTER COLUMN title SET DEFAULT ''",
        "ALTER TABLE tasks DROP CONSTRAINT c",
        "DROP INDEX tasks_due_idx",
    ] {
        assert_eq!(faults(&one(statement)), Vec::<String>::new(), "{statement}");
    }
}

#[test]
fn an_annotation_names_a_release_and_is_not_given_for_nothing() {
    for release in ["soon", "1.2", "v1.2.0", "1.2.x"] {
        let found = faults(&one("DROP TABLE tasks").contract_since(release));
        assert!(found.iter().any(|fault| fault.contains(release)), "{found:?}");
    }
    let found = faults(&one("CREATE INDEX i ON fresh (a)").contract_since("1.2.0"));
    assert!(found.iter().any(|fault| fault.contains("does not contract")), "{found:?}");
}

#[test]
fn both_engines_are_looked_at() {
    let harmless = Statements { up: &["CREATE TABLE fresh (id integer)"], down: &[] };
    let contracting = Statements { up: &["DROP TABLE tasks"], down: &[] };
    for (engine, postgres, sqlite) in
        [(Engine::Postgres, contracting, harmless), (Engine::Sqlite, harmless, contracting)]
    {
        let migration = SqlMigration { name: "m99990101_000001_one", creates: &["fresh"], postgres, sqlite };
        let found = faults(&migration as &dyn PlannedMigration);
        assert!(found.len() == 1 && found[0].contains(&format!("{engine:?}")), "{found:?}");
    }
}
