//! Points in time as column values: `timestamptz` on PostgreSQL, integer microseconds on SQLite.

use chrono::{DateTime, Utc};
use holdfast_application::domain::Timestamp;
use sea_orm::{
    ColIdx, ColumnType, DbErr, QueryResult, TryGetError, TryGetable, Value,
    sea_query::{ArrayType, Nullable, ValueType, ValueTypeErr},
};

/// A [`Timestamp`] in a row. As a value it is a date-time, which `dialect::bound` turns into what the engine stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Micros(pub(super) Timestamp);

impl From<Micros> for Value {
    fn from(Micros(at): Micros) -> Self {
        Self::ChronoDateTimeUtc(Some(at.datetime()))
    }
}

impl Nullable for Micros {
    fn null() -> Value {
        Value::ChronoDateTimeUtc(None)
    }
}

impl ValueType for Micros {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::ChronoDateTimeUtc(Some(at)) => {
                Timestamp::from_datetime(at).map(Self).map_err(|_| ValueTypeErr)
            }
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        "Micros".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::ChronoDateTimeUtc
    }

    fn column_type() -> ColumnType {
        ColumnType::TimestampWithTimeZone
    }
}

impl TryGetable for Micros {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        // Never a date-time on SQLite: sqlx would take the integer for seconds.
        let at = if row.try_as_sqlite_row().is_some() {
            Timestamp::from_micros(i64::try_get_by(row, index)?)
        } else {
            Timestamp::from_datetime(DateTime::<Utc>::try_get_by(row, index)?)
        };
        at.map(Self).map_err(|error| TryGetError::DbErr(DbErr::Type(error.to_string())))
    }
}
