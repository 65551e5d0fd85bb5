//! The effective settings as rows to show, secrets redacted. Printing them is the CLI's.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::reader::Reader;
use super::secret::Secret;
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
    /// `default`, the file's name, `environment`, or `file` and the path of a secret's file.
    pub source: String,
}

/// All variables, in the order of the documentation: aligned text by `Display`, rows in JSON by serde.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Description {
    rows: Vec<Row>,
    /// The secrets that somebody set, to tell a change by. They are shown nowhere.
    #[serde(skip)]
    secrets: BTreeMap<&'static str, Secret>,
}

impl Description {
    pub(super) fn new(reader: &Reader, sections: impl IntoIterator<Item = Effective>) -> Self {
        let mut rows: Vec<Row> = sections
            .into_iter()
            .flatten()
            .map(|(variable, value)| Row {
                variable,
                value,
                source: reader
                    .set(variable)
                    .map_or(&Origin::Default, |entry| &entry.origin)
                    .label()
                    .into_owned(),
            })
            .collect();
        rows.sort_by_key(|row| variables::position(row.variable));
        let secrets = variables::ALL.iter().filter(|variable| variable.is_secret());
        let given = secrets.filter_map(|variable| {
            Some((variable.name, Secret::new(reader.set(variable.name)?.value.clone())))
        });
        Self { secrets: given.collect(), rows }
    }

    /// The row of a variable.
    pub(super) fn row(&self, variable: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.variable == variable)
    }

    /// The secret that somebody set.
    pub(super) fn secret(&self, variable: &str) -> Option<&Secret> {
        self.secrets.get(variable)
    }

    /// This one with the rows of `names` as `new` has them.
    pub(super) fn with(&self, names: &[&str], new: &Self) -> Self {
        let taken = new.only(|name| names.contains(&name));
        let kept = self.only(|name| !names.contains(&name));
        let mut rows = [kept.rows, taken.rows].concat();
        rows.sort_by_key(|row| variables::position(row.variable));
        Self { rows, secrets: kept.secrets.into_iter().chain(taken.secrets).collect() }
    }

    fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let Self { rows, secrets } = self;
        Self {
            rows: rows.iter().filter(|row| keep(row.variable)).cloned().collect(),
            secrets: secrets
                .iter()
                .filter(|(name, _)| keep(name))
                .map(|(name, it)| (*name, it.clone()))
                .collect(),
        }
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.variable.len()).max().unwrap_or_default();
        for Row { variable, value, source } in &self.rows {
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
