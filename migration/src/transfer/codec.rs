//! PostgreSQL's own form of each value, in the rows that it sends and in the `COPY` that it takes: nothing is rounded and
//! nothing is parsed, so that every bit arrives.

use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::{Row as _, ValueRef as _};

use super::error::TransferError;
use super::layout::{Column, Table};
use super::value::{Kind, Value};

/// Microseconds from the Unix epoch to PostgreSQL's, the year 2000.
const EPOCH: i64 = 946_684_800_000_000;
/// How a binary `COPY` begins: its signature, no flags, and no extension.
pub(crate) const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How it ends.
pub(crate) const COPY_END: [u8; 2] = (-1_i16).to_be_bytes();

/// The types that a column may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostgresType {
    Uuid,
    Bytes,
    Text,
    Time,
    Boolean,
    Small,
    Normal,
    Big,
}

impl PostgresType {
    /// By its name in `pg_type`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes,
            "text" | "varchar" => Self::Text,
            "timestamptz" => Self::Time,
            "bool" => Self::Boolean,
            "int2" => Self::Small,
            "int4" => Self::Normal,
            "int8" => Self::Big,
            _ => return None,
        })
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Uuid | Self::Bytes => Kind::Blob,
            Self::Text => Kind::Text,
            Self::Time | Self::Boolean | Self::Small | Self::Normal | Self::Big => Kind::Integer,
        }
    }

    fn read(self, bytes: &[u8]) -> Result<Value, &'static str> {
        const LENGTH: &str = "it has another length than its type";
        Ok(match self {
            Self::Uuid | Self::Bytes => Value::Blob(bytes.to_vec()),
            Self::Text => Value::Text(str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?.to_owned()),
            Self::Time => match i64::from_be_bytes(bytes.try_into().map_err(|_| LENGTH)?) {
                i64::MIN | i64::MAX => return Err("infinity is no time"),
                micros => Value::Integer(micros.checked_add(EPOCH).ok_or("the time is out of range")?),
            },
            Self::Boolean => {
                Value::Integer(i64::from(u8::from_be_bytes(bytes.try_into().map_err(|_| LENGTH)?)))
            }
            Self::Small => Value::Integer(i16::from_be_bytes(bytes.try_into().map_err(|_| LENGTH)?).into()),
            Self::Normal => Value::Integer(i32::from_be_bytes(bytes.try_into().map_err(|_| LENGTH)?).into()),
            Self::Big => Value::Integer(i64::from_be_bytes(bytes.try_into().map_err(|_| LENGTH)?)),
        })
    }

    fn write(self, value: &Value, out: &mut Vec<u8>) -> Result<(), &'static str> {
        const RANGE: &str = "the number is out of range";
        match (self, value) {
            (_, Value::Null) => out.extend((-1_i32).to_be_bytes()),
            (Self::Uuid, Value::Blob(bytes)) if bytes.len() != 16 => return Err("it is no UUID"),
            (Self::Uuid | Self::Bytes, Value::Blob(bytes)) => field(out, bytes)?,
            (Self::Text, Value::Text(text)) if text.contains('\0') => return Err("it contains U+0000"),
            (Self::Text, Value::Text(text)) => field(out, text.as_bytes())?,
            (Self::Time, Value::Integer(micros)) => {
                let since = micros.checked_sub(EPOCH).ok_or("the time is out of range")?;
                field(out, &since.to_be_bytes())?;
            }
            (Self::Boolean, Value::Integer(flag @ 0..=1)) => field(out, &[u8::from(*flag == 1)])?,
            (Self::Boolean, Value::Integer(_)) => return Err("it is neither 0 nor 1"),
            (Self::Small, Value::Integer(number)) => {
                field(out, &i16::try_from(*number).map_err(|_| RANGE)?.to_be_bytes())?;
            }
            (Self::Normal, Value::Integer(number)) => {
                field(out, &i32::try_from(*number).map_err(|_| RANGE)?.to_be_bytes())?;
            }
            (Self::Big, Value::Integer(number)) => field(out, &number.to_be_bytes())?,
            (
                Self::Uuid
                | Self::Bytes
                | Self::Text
                | Self::Time
                | Self::Boolean
                | Self::Small
                | Self::Normal
                | Self::Big,
                Value::Integer(_) | Value::Text(_) | Value::Blob(_),
            ) => return Err("it is of another kind"),
        }
        Ok(())
    }
}

/// Reads a row that the server sent.
pub(crate) fn read_row(row: &PgRow, table: &Table, values: &mut Vec<Value>) -> Result<(), TransferError> {
    values.clear();
    for (place, column) in table.columns.iter().enumerate() {
        let value = row.try_get_raw(place)?;
        values.push(read(column, &value).map_err(unfit(table, column))?);
    }
    Ok(())
}

fn read(column: &Column, value: &PgValueRef<'_>) -> Result<Value, &'static str> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    let bytes = value.as_bytes().map_err(|_| "it cannot be read")?;
    column.postgres.ok_or("its type is not known")?.read(bytes)
}

/// Writes a row as a binary `COPY` takes it.
pub(crate) fn write_row(row: &[Value], table: &Table, out: &mut Vec<u8>) -> Result<(), TransferError> {
    // PostgreSQL has 1,600 columns at most.
    out.extend(u16::try_from(row.len()).unwrap_or(u16::MAX).to_be_bytes());
    for (value, column) in row.iter().zip(&table.columns) {
        let written =
            column.postgres.ok_or("its type is not known").and_then(|known| known.write(value, out));
        written.map_err(unfit(table, column))?;
    }
    Ok(())
}

fn field(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), &'static str> {
    out.extend(i32::try_from(bytes.len()).map_err(|_| "it is too long")?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// For a value that does not fit into its column.
fn unfit(table: &Table, column: &Column) -> impl FnOnce(&'static str) -> TransferError {
    let (table, column) = (table.name.clone(), column.name.clone());
    move |fault| TransferError::Value { table, column, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_from_its_binary_form() {
        for (known, value) in [
            (PostgresType::Uuid, Value::Blob(vec![7; 16])),
            (PostgresType::Bytes, Value::Blob(vec![])),
            (PostgresType::Text, Value::Text("ä🦀".to_owned())),
            (PostgresType::Time, Value::Integer(-1)),
            (PostgresType::Time, Value::Integer(1_795_000_000_123_457)),
            (PostgresType::Boolean, Value::Integer(0)),
            (PostgresType::Boolean, Value::Integer(1)),
            (PostgresType::Small, Value::Integer(i16::MIN.into())),
            (PostgresType::Normal, Value::Integer(i32::MAX.into())),
            (PostgresType::Big, Value::Integer(i64::MIN)),
        ] {
            let mut out = Vec::new();
            known.write(&value, &mut out).unwrap();
            assert_eq!(known.read(&out[4..]).unwrap(), value, "{known:?}");
            assert_eq!(out[..4], u32::try_from(out.len() - 4).unwrap().to_be_bytes());
        }
    }

    #[test]
    fn what_a_column_cannot_hold_is_refused() {
        for (known, value) in [
            (PostgresType::Uuid, Value::Blob(vec![7; 15])),
            (PostgresType::Text, Value::Text("a\0".to_owned())),
            (PostgresType::Time, Value::Integer(i64::MIN)),
            (PostgresType::Boolean, Value::Integer(2)),
            (PostgresType::Small, Value::Integer(32_768)),
            (PostgresType::Normal, Value::Integer(1 << 31)),
            (PostgresType::Big, Value::Text("1".to_owned())),
        ] {
            known.write(&value, &mut Vec::new()).unwrap_err();
        }
        PostgresType::Time.read(&i64::MAX.to_be_bytes()).unwrap_err();
    }
}
