//! Into a database: the rows of a dump, in batches, inside a transaction of the caller's, and read back before it ends.

use std::fmt::Write as _;
use std::fs::File;

use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Sqlite};

use super::check::has_nul;
use super::error::TransferError;
use super::format::TableSum;
use super::layout::{Layout, Table, quoted};
use super::progress::Progress;
use super::reader::DumpReader;
use super::session::{Line, Session};
use super::value::{Value, write_row};
use super::writer::Sum;
use super::{codec, rows};

/// How much is sent at once: enough for a busy line, little for the memory.
const BATCH_BYTES: usize = 1 << 20;
/// SQLite takes 32,766 values in one statement.
const BATCH_VALUES: usize = 8_192;
/// What stands for U+0000 where that was asked for: a visible sign, one code point as well.
const NUL_SIGN: &str = "\u{2400}";

/// What has been put in.
pub(crate) struct Loaded {
    /// As the target has them now.
    pub(crate) sums: Vec<TableSum>,
    /// Texts in which U+0000 was replaced.
    pub(crate) escaped: u64,
}

/// Rows on their way.
struct Batch<'a> {
    table: &'a Table,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

/// Puts every row in and reads it back. `escape_nul` replaces U+0000.
pub(crate) async fn load(
    session: &mut Session,
    layout: &Layout,
    file: &File,
    escape_nul: bool,
) -> Result<Loaded, TransferError> {
    let (header, mut reader) = DumpReader::begin(file)?;
    if let Some(table) = layout.differs_from(&header.tables) {
        return Err(TransferError::OtherLayout(table));
    }
    let mut loaded = Loaded { sums: Vec::new(), escaped: 0 };
    let mut progress = Progress::begin("imported");
    for head in &header.tables {
        let table = layout.table(&head.name).ok_or_else(|| TransferError::OtherLayout(head.name.clone()))?;
        let (mut batch, mut sum, mut line) = (Batch::new(table), Sum::default(), Vec::new());
        while let Some(mut row) = reader.row(head)? {
            if escape_nul {
                loaded.escaped += escape(&mut row);
            }
            line.clear();
            write_row(&mut line, &row);
            sum.add(&line);
            progress.advance(&table.name, sum.rows());
            batch.add(row, line.len());
            if batch.is_full() {
                batch.send(session).await?;
            }
        }
        batch.send(session).await?;
        progress.finish(&table.name, sum.rows());
        loaded.sums.push(sum.finish(&table.name));
    }
    reader.end()?;
    for expected in &loaded.sums {
        let table = layout.table(&expected.table);
        let table = table.ok_or_else(|| TransferError::OtherLayout(expected.table.clone()))?;
        if rows::sum(session, table).await? != *expected {
            return Err(TransferError::NotTheSame(expected.table.clone()));
        }
    }
    tracing::info!("every row reads back as it was written");
    Ok(loaded)
}

/// Lets sequences go on behind the greatest number that was put in. SQLite does so by itself.
pub(crate) async fn advance_sequences(session: &mut Session, layout: &Layout) -> Result<(), TransferError> {
    if let Line::Sqlite(_) = session.line {
        return Ok(());
    }
    for table in &layout.tables {
        let sql = "SELECT a.attname::text, pg_get_serial_sequence(quote_ident($1), a.attname) \
             FROM pg_catalog.pg_attribute a WHERE a.attrelid = quote_ident($1)::regclass AND a.attnum > 0 \
             AND NOT a.attisdropped AND pg_get_serial_sequence(quote_ident($1), a.attname) IS NOT NULL";
        for fields in session.texts(sql, &table.name).await? {
            let [column, sequence] = <[String; 2]>::try_from(fields).unwrap_or_default();
            let (name, column) = (quoted(&table.name), quoted(&column));
            let sql = format!(
                "SELECT setval('{sequence}', max({column})) FROM {name} HAVING max({column}) IS NOT NULL"
            );
            session.execute(&sql).await?;
        }
    }
    Ok(())
}

fn escape(row: &mut [Value]) -> u64 {
    let mut escaped = 0;
    for value in row.iter_mut().filter(|value| has_nul(value)) {
        if let Value::Text(text) = value {
            *text = text.replace('\0', NUL_SIGN);
            escaped += 1;
        }
    }
    escaped
}

impl<'a> Batch<'a> {
    fn new(table: &'a Table) -> Self {
        Self { table, rows: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, row: Vec<Value>, bytes: usize) {
        self.rows.push(row);
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.bytes >= BATCH_BYTES || (self.rows.len() + 1) * self.table.columns.len() > BATCH_VALUES
    }

    async fn send(&mut self, session: &mut Session) -> Result<(), TransferError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(());
        }
        let (name, columns) = (quoted(&self.table.name), self.table.column_list());
        match &mut session.line {
            Line::Postgres(line) => {
                let mut bytes = codec::COPY_HEAD.to_vec();
                for row in &rows {
                    codec::write_row(row, self.table, &mut bytes)?;
                }
                bytes.extend(codec::COPY_END);
                let sql = format!("COPY {name} ({columns}) FROM STDIN (FORMAT binary)");
                let mut copy = line.copy_in_raw(&sql).await?;
                copy.send(bytes).await?;
                copy.finish().await?;
            }
            Line::Sqlite(line) => {
                let sql = format!("INSERT INTO {name} ({columns}) VALUES {}", places(&rows));
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for value in rows.into_iter().flatten() {
                    query = bind(query, value);
                }
                query.execute(&mut **line).await?;
            }
        }
        Ok(())
    }
}

/// `(?, ?), (?, ?)`
fn places(rows: &[Vec<Value>]) -> String {
    let mut places = String::new();
    for (number, row) in rows.iter().enumerate() {
        let marks = vec!["?"; row.len()].join(", ");
        // Writing to a String cannot fail.
        let _ = write!(places, "{}({marks})", if number > 0 { ", " } else { "" });
    }
    places
}

fn bind(query: Query<'_, Sqlite, SqliteArguments>, value: Value) -> Query<'_, Sqlite, SqliteArguments> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Blob(bytes) => query.bind(bytes),
    }
}
