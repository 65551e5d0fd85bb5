//! Which tables and columns there are, as the live schema tells it: no list of them is kept here, so that a migration
//! that adds some is covered by itself.

use std::collections::BTreeSet;

use super::codec::PostgresType;
use super::error::TransferError;
use super::format::{ColumnHead, TableHead};
use super::session::Session;
use super::value::Kind;
use crate::Engine;
use crate::journal::Entry;
use crate::sql_migration::PlannedMigration;

/// Tables whose rows mean nothing on another database, and why.
///
/// `leases`: who does the housekeeping at this moment, for seconds. A holder that is elsewhere would only keep others away.
const MOMENTARY: [&str; 1] = ["leases"];

/// A table of ours in a database.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// In order of their names, which is the same on both engines.
    pub(crate) columns: Vec<Column>,
    /// The primary key, as places in `columns`.
    pub(crate) key: Vec<usize>,
    parents: BTreeSet<String>,
}

/// A column that can be written.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// On PostgreSQL alone.
    pub(crate) postgres: Option<PostgresType>,
}

/// The tables of a schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Those that travel, parents first.
    pub(crate) tables: Vec<Table>,
    /// Those that do not.
    pub(crate) left_out: Vec<String>,
}

impl Layout {
    /// Reads what the applied migrations have made. Tables of others are none of ours.
    pub(crate) async fn read(
        session: &mut Session,
        migrations: &[Box<dyn PlannedMigration>],
        entries: &[Entry],
    ) -> Result<Self, TransferError> {
        let applied =
            migrations.iter().filter(|known| entries.iter().any(|entry| entry.name == known.name()));
        let names: BTreeSet<&str> =
            applied.flat_map(|migration| migration.creates().iter().copied()).collect();
        let mut layout = Self::default();
        for name in names {
            let Some(table) = Table::read(session, name).await? else { continue };
            if MOMENTARY.contains(&name) {
                layout.left_out.push(table.name);
            } else {
                layout.tables.push(table);
            }
        }
        layout.tables = parents_first(layout.tables);
        Ok(layout)
    }

    pub(crate) fn heads(&self) -> Vec<TableHead> {
        self.tables.iter().map(Table::head).collect()
    }

    /// Every table of ours, also those that do not travel, quoted for a list in SQL.
    pub(crate) fn quoted(&self) -> Vec<String> {
        let names = self.tables.iter().map(|table| &table.name).chain(&self.left_out);
        names.map(|name| quoted(name)).collect()
    }

    /// What the dump and these tables differ in, if in anything.
    pub(crate) fn differs_from(&self, heads: &[TableHead]) -> Option<String> {
        let ours = self.heads();
        let missing = heads.iter().find(|head| !ours.contains(head));
        let surplus = ours.iter().find(|head| !heads.contains(head));
        missing.or(surplus).map(|head| head.name.clone())
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
    async fn read(session: &mut Session, name: &str) -> Result<Option<Self>, TransferError> {
        let engine = session.engine();
        let mut columns = Vec::new();
        for fields in session.texts(columns_sql(engine), name).await? {
            let [column, found] = <[String; 2]>::try_from(fields).unwrap_or_default();
            let Some((kind, postgres)) = kind_of(engine, &found) else {
                return Err(TransferError::UnknownType { table: name.to_owned(), column, found });
            };
            columns.push(Column { name: column, kind, postgres });
        }
        if columns.is_empty() {
            return Ok(None);
        }
        columns.sort_by(|one, other| one.name.cmp(&other.name));
        let key = session.column(key_sql(engine), name).await?;
        let key: Vec<usize> =
            key.iter().filter_map(|key| columns.iter().position(|column| column.name == *key)).collect();
        if key.is_empty() {
            return Err(TransferError::NoKey(name.to_owned()));
        }
        let parents = session.column(parents_sql(engine), name).await?.into_iter().collect();
        Ok(Some(Self { name: name.to_owned(), columns, key, parents }))
    }

    pub(crate) fn head(&self) -> TableHead {
        let column =
            |Column { name, kind, postgres: _ }: &Column| ColumnHead { name: name.clone(), kind: *kind };
        TableHead {
            name: self.name.clone(),
            key: self.key.iter().map(|place| self.columns[*place].name.clone()).collect(),
            columns: self.columns.iter().map(column).collect(),
        }
    }

    pub(crate) fn column_list(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// Every row, in the same order on both engines.
    pub(crate) fn select(&self, engine: Engine) -> String {
        let order = self.key.iter().map(|place| {
            let Column { name, kind, postgres: _ } = &self.columns[*place];
            let collation = match (engine, kind) {
                (_, Kind::Integer | Kind::Blob) => "",
                (Engine::Postgres, Kind::Text) => " COLLATE \"C\"",
                (Engine::Sqlite, Kind::Text) => " COLLATE BINARY",
            };
            format!("{}{collation}", quoted(name))
        });
        let order = order.collect::<Vec<_>>().join(", ");
        format!("SELECT {} FROM {} ORDER BY {order}", self.column_list(), quoted(&self.name))
    }
}

/// As an identifier in SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table comes behind those that it refers to; among equals, by name. A circle, which the schema has none of, ends by name.
fn parents_first(mut tables: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::with_capacity(tables.len());
    while !tables.is_empty() {
        let waits = |table: &Table| {
            tables.iter().any(|other| other.name != table.name && table.parents.contains(&other.name))
        };
        let next = tables.iter().position(|table| !waits(table)).unwrap_or(0);
        ordered.push(tables.remove(next));
    }
    ordered
}

fn kind_of(engine: Engine, found: &str) -> Option<(Kind, Option<PostgresType>)> {
    match engine {
        Engine::Postgres => PostgresType::named(found).map(|known| (known.kind(), Some(known))),
        Engine::Sqlite => match found {
            "INTEGER" | "INT" => Some((Kind::Integer, None)),
            "TEXT" => Some((Kind::Text, None)),
            "BLOB" => Some((Kind::Blob, None)),
            _ => None,
        },
    }
}

fn columns_sql(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "SELECT a.attname::text, t.typname::text FROM pg_catalog.pg_attribute a \
             JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_type t ON t.oid = a.atttypid WHERE n.nspname = current_schema() AND c.relname = $1 \
             AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
        }
        Engine::Sqlite => "SELECT name, upper(type) FROM pragma_table_xinfo($1) WHERE hidden = 0",
    }
}

fn key_sql(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "SELECT a.attname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
             WHERE n.nspname = current_schema() AND c.relname = $1 AND i.indisprimary ORDER BY k.place"
        }
        Engine::Sqlite => "SELECT name FROM pragma_table_info($1) WHERE pk > 0 ORDER BY pk",
    }
}

fn parents_sql(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "SELECT DISTINCT p.relname::text FROM pg_catalog.pg_constraint k \
             JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_class p ON p.oid = k.confrelid \
             WHERE n.nspname = current_schema() AND c.relname = $1 AND k.contype = 'f'"
        }
        Engine::Sqlite => "SELECT DISTINCT \"table\" FROM pragma_foreign_key_list($1)",
    }
}
