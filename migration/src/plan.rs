//! What a command comes to, given what has been applied: which steps, in which order, and which of them share a
//! transaction. Nothing is run here.

use crate::Engine;
use crate::error::MigrationError;
use crate::journal::Entry;
use crate::sql_migration::{Direction, PlannedMigration};

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Batch<'a> {
    Up(Option<u32>),
    Down(Reach<'a>, Newer),
    Fresh,
    /// Everything pending, and an adoption where none was recorded yet.
    Adopt,
}

/// How far back.
#[derive(Clone, Copy)]
pub(crate) enum Reach<'a> {
    All,
    Steps(u32),
    /// What is newer than this migration; it stays itself.
    To(&'a str),
}

impl From<Option<u32>> for Reach<'_> {
    fn from(steps: Option<u32>) -> Self {
        steps.map_or(Self::All, Self::Steps)
    }
}

/// What becomes of rows that are newer than an adoption when it is taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newer {
    Refuse,
    Discard,
}

pub(crate) type Step<'a> = (Direction, &'a dyn PlannedMigration);

/// Steps that happen together or not at all.
pub(crate) enum Segment<'a> {
    /// In one transaction.
    Together(Vec<Step<'a>>),
    /// One migration, outside of any transaction, on tables that others use meanwhile.
    Online(&'a dyn PlannedMigration),
}

/// What is asked for, step by step.
pub(crate) fn steps<'a>(
    migrations: &'a [Box<dyn PlannedMigration>],
    batch: Batch<'_>,
    entries: &[Entry],
) -> Result<Vec<Step<'a>>, MigrationError> {
    let applied =
        |migration: &&dyn PlannedMigration| entries.iter().any(|entry| entry.name == migration.name());
    let known = || migrations.iter().map(AsRef::as_ref);
    let newer: Vec<String> =
        entries.iter().map(|entry| entry.name.clone()).filter(|name| !knows(migrations, name)).collect();
    if matches!(batch, Batch::Down(..) | Batch::Fresh) && !newer.is_empty() {
        return Err(MigrationError::NewerMigrations { migrations: newer });
    }
    let pending = |limit| {
        let steps = known().filter(|migration| !applied(migration)).take(limit);
        steps.map(|migration| (Direction::Up, migration)).collect()
    };
    Ok(match batch {
        Batch::Up(steps) => pending(limit(steps)),
        Batch::Adopt => pending(usize::MAX),
        Batch::Down(reach, _) => {
            let newest_first = known().rev().filter(applied).map(|migration| (Direction::Down, migration));
            match reach {
                Reach::All => newest_first.collect(),
                Reach::Steps(steps) => newest_first.take(limit(Some(steps))).collect(),
                Reach::To(name) => {
                    let point = named(migrations, entries, name)?;
                    newest_first.take_while(|(_, migration)| migration.name() != point).collect()
                }
            }
        }
        Batch::Fresh => {
            let down = known().rev().filter(applied).map(|migration| (Direction::Down, migration));
            down.chain(known().map(|migration| (Direction::Up, migration))).collect()
        }
    })
}

/// Which of the steps share a transaction. An online step stands alone, unless the same transaction has just made every
/// table that it works on: nobody can be using them, and so a new database is still made at once or not at all. On the
/// way down nothing is online: what goes, goes fast. The last segment is a transaction, if only an empty one.
pub(crate) fn segments(steps: Vec<Step<'_>>, engine: Engine) -> Vec<Segment<'_>> {
    let (mut segments, mut together, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for (direction, migration) in steps {
        let online = match direction {
            Direction::Up => migration.online(engine),
            Direction::Down => None,
        };
        if online.is_some_and(|step| !step.tables().iter().all(|table| made.contains(table))) {
            if !together.is_empty() {
                segments.push(Segment::Together(std::mem::take(&mut together)));
            }
            made.clear();
            segments.push(Segment::Online(migration));
            continue;
        }
        if direction == Direction::Up {
            made.extend(migration.creates().iter().copied());
        }
        together.push((direction, migration));
    }
    segments.push(Segment::Together(together));
    segments
}

/// Whether this binary has the migration.
pub(crate) fn knows(migrations: &[Box<dyn PlannedMigration>], name: &str) -> bool {
    migrations.iter().any(|migration| migration.name() == name)
}

/// The applied migration that has this name, or the only one whose name begins like this.
fn named<'a>(
    migrations: &'a [Box<dyn PlannedMigration>],
    entries: &[Entry],
    name: &str,
) -> Result<&'a str, MigrationError> {
    let names: Vec<&str> = migrations.iter().map(|migration| migration.name()).collect();
    let begins: Vec<&str> = names.iter().copied().filter(|known| known.starts_with(name)).collect();
    let found = match (names.iter().find(|known| **known == name), begins.as_slice()) {
        (Some(exact), _) => Some(*exact),
        (None, [only]) => Some(*only),
        (None, _) => None,
    };
    found.filter(|found| entries.iter().any(|entry| entry.name == *found)).ok_or_else(|| {
        MigrationError::NoSuchPoint {
            name: name.to_owned(),
            applied: entries.iter().map(|entry| entry.name.clone()).collect(),
        }
    })
}

fn limit(steps: Option<u32>) -> usize {
    steps.map_or(usize::MAX, |steps| usize::try_from(steps).unwrap_or(usize::MAX))
}
