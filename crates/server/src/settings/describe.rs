//! The effective settings as rows to show, secrets redacted. Printing them is the CLI's.

use std::fmt;

use serde::Serialize;

use super::reader::Reader;
use super::sources::Origin;
use super::variables;

/// What a section holds, by variable, already safe to show; `None` where nothing is set.
pub(super) type Effective = Vec<(&'static str, Option<String>)>;

/// One variable as it takes effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The variable's name.
    pub variable: &'static str,
    /// The value that holds, a secret as `[redacted]`; `None` where there is none.
    pub value: Option<String>,
    /// `default`, the file's name, or `environment`.
    pub source: &'static str,
}

/// All variables, in the order of the documentation: aligned text by `Display`, rows in JSON by serde.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Description(Vec<Row>);

impl Description {
    pub(super) fn new(reader: &Reader, sections: impl IntoIterator<Item = Effective>) -> Self {
        let mut rows: Vec<Row> = sections
            .into_iter()
            .flatten()
            .map(|(variable, value)| Row {
                variable,
                value,
                source: reader.set(variable).map_or(Origin::Default, |entry| entry.origin).label(),
            })
            .collect();
        rows.sort_by_key(|row| variables::position(row.variable));
        Self(rows)
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|row| row.variable.len()).max().unwrap_or_default();
        for Row { variable, value, source } in &self.0 {
            let value = value.as_deref().unwrap_or("-");
            writeln!(f, "{variable:width$}  {value}  ({source})")?;
        }
        Ok(())
    }
}

/// A list as it is written in a variable.
pub(super) fn list<T: ToString>(entries: &[T]) -> Option<String> {
    (!entries.is_empty()).then(|| entries.iter().map(T::to_string).collect::<Vec<_>>().join(","))
}
