//! Up, down and up again, with rows in place.

use migration::{Migrator, Runner};

use crate::support::{ADOPTION, Fixture, ROWS, migration_count, on_both_engines};

on_both_engines!(
    every_migration_goes_down_and_up_again_and_leaves_all_other_rows_as_they_were,
    all_the_way_down_leaves_no_table_but_the_journal,
    both_ways_lead_to_the_same_schema,
    fresh_empties_every_table,
);

#[test]
fn every_table_has_a_row_in_place() {
    let made =
        Migrator::planned().iter().flat_map(|migration| migration.creates().to_vec()).collect::<Vec<_>>();
    let without: Vec<_> = made
        .iter()
        .filter(|table| !ROWS.iter().chain([&ADOPTION]).any(|(filled, _)| filled == *table))
        .collect();
    assert!(without.is_empty(), "{without:?} have no row in `support::ROWS`");
}

async fn every_migration_goes_down_and_up_again_and_leaves_all_other_rows_as_they_were(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    assert_eq!(runner.up(None).await.unwrap().len(), migration_count());
    // The migration that adopts is the sixth.
    let before_the_adoption = migration_count() - 6;
    for steps in 1..=migration_count() {
        let mut before = Vec::new();
        let mut rows = ROWS.to_vec();
        if steps <= before_the_adoption {
            rows.push(ADOPTION);
        } else {
            fixture.execute("DELETE FROM adoptions").await.unwrap();
        }
        for (table, insert) in rows {
            if fixture.checksum(table).await.starts_with('0') {
                fixture.execute(insert).await.unwrap();
            }
            before.push((table, fixture.column_checksums(table).await));
        }
        let count = u32::try_from(steps).unwrap();
        assert_eq!(runner.down(Some(count)).await.unwrap().len(), steps);
        let tables = fixture.tables().await;
        before.retain(|(table, _)| tables.iter().any(|left| left == table));
        for (table, before) in &mut before {
            let after = fixture.column_checksums(table).await;
            // A column that the migration had added is gone; no other value may differ.
            before.retain(|column, _| after.contains_key(column));
            assert_eq!(&after, before, "{table} after {steps} down");
        }
        assert_eq!(runner.up(None).await.unwrap().len(), steps);
        for (table, before) in before {
            let mut after = fixture.column_checksums(table).await;
            after.retain(|column, _| before.contains_key(column));
            assert_eq!(after, before, "{table} after {steps} up");
        }
    }
}

async fn all_the_way_down_leaves_no_table_but_the_journal(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    let names = runner.down(None).await.unwrap();
    assert!(
        names.is_sorted_by(|newer, older| newer > older) && names.len() == migration_count(),
        "{names:?}"
    );
    assert_eq!(fixture.tables().await, ["seaql_migrations"]);
    assert!(fixture.texts("SELECT version FROM seaql_migrations").await.is_empty());
    assert!(runner.down(None).await.unwrap().is_empty());
}

async fn both_ways_lead_to_the_same_schema(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.up(None).await.unwrap();
    let at_once = fixture.schema().await;
    runner.down(None).await.unwrap();
    while !runner.up(Some(1)).await.unwrap().is_empty() {}
    assert_eq!(fixture.schema().await, at_once);
}

async fn fresh_empties_every_table(fixture: Fixture) {
    let runner = Runner::new(&fixture.url);
    runner.fresh(false).await.unwrap();
    let schema = fixture.schema().await;
    for (_, insert) in ROWS {
        fixture.execute(insert).await.unwrap();
    }
    assert_eq!(runner.fresh(false).await.unwrap().len(), 2 * migration_count());
    assert_eq!(fixture.schema().await, schema);
    assert!(fixture.texts("SELECT email FROM users").await.is_empty());
}
