//! Every row of a table, one after another: never more of them in memory than the driver keeps ready.

use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Row as _};

use super::codec;
use super::error::TransferError;
use super::format::TableSum;
use super::layout::Table;
use super::session::{Line, Session};
use super::value::{Kind, Value, write_row};
use super::writer::Sum;

/// Shows each row to `visit`, in order of the primary key.
pub(crate) async fn each_row(
    session: &mut Session,
    table: &Table,
    mut visit: impl FnMut(&[Value]) -> Result<(), TransferError>,
) -> Result<(), TransferError> {
    let sql = AssertSqlSafe(table.select(session.engine()));
    let mut values = Vec::with_capacity(table.columns.len());
    match &mut session.line {
        Line::Postgres(line) => {
            let mut rows = sqlx::query(sql).fetch(&mut **line);
            while let Some(row) = rows.try_next().await? {
                codec::read_row(&row, table, &mut values)?;
                visit(&values)?;
            }
        }
        Line::Sqlite(line) => {
            let mut rows = sqlx::query(sql).fetch(&mut **line);
            while let Some(row) = rows.try_next().await? {
                read_sqlite(&row, table, &mut values)?;
                visit(&values)?;
            }
        }
    }
    Ok(())
}

/// What the rows of a table come to, as the database has them now.
pub(crate) async fn sum(session: &mut Session, table: &Table) -> Result<TableSum, TransferError> {
    let (mut sum, mut line) = (Sum::default(), Vec::new());
    each_row(session, table, |row| {
        line.clear();
        write_row(&mut line, row);
        sum.add(&line);
        Ok(())
    })
    .await?;
    Ok(sum.finish(&table.name))
}

fn read_sqlite(
    row: &sqlx::sqlite::SqliteRow,
    table: &Table,
    values: &mut Vec<Value>,
) -> Result<(), TransferError> {
    values.clear();
    for (place, column) in table.columns.iter().enumerate() {
        let value = match column.kind {
            Kind::Integer => {
                row.try_get_unchecked::<Option<i64>, _>(place).map(|value| value.map(Value::Integer))
            }
            Kind::Text => {
                row.try_get_unchecked::<Option<String>, _>(place).map(|value| value.map(Value::Text))
            }
            Kind::Blob => {
                row.try_get_unchecked::<Option<Vec<u8>>, _>(place).map(|value| value.map(Value::Blob))
            }
        };
        let unfit = |_| TransferError::Value {
            table: table.name.clone(),
            column: column.name.clone(),
            fault: "it cannot be read",
        };
        values.push(value.map_err(unfit)?.unwrap_or(Value::Null));
    }
    Ok(())
}
