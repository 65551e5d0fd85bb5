//! Reading a dump from end to end before anything else is done with it: whether it is whole, and what is in it.

use std::fs::File;
use std::io::Seek as _;

use super::error::TransferError;
use super::format::{Header, TableHead, TableSum};
use super::reader::DumpReader;
use super::value::{Value, hex};

/// So many places of U+0000 are named.
const NAMED: usize = 20;

/// A dump that is whole.
pub(crate) struct Checked {
    pub(crate) header: Header,
    pub(crate) sums: Vec<TableSum>,
    pub(crate) sha256: String,
    /// Texts that contain U+0000.
    pub(crate) nul: u64,
    pub(crate) nul_places: Vec<String>,
}

/// Reads all of it, and leaves the file at its beginning.
pub(crate) fn check(file: &mut File) -> Result<Checked, TransferError> {
    let (header, mut reader) = DumpReader::begin(&*file)?;
    let (mut nul, mut nul_places) = (0, Vec::new());
    for table in &header.tables {
        while let Some(row) = reader.row(table)? {
            for (place, _) in row.iter().enumerate().filter(|(_, value)| has_nul(value)) {
                nul += 1;
                if nul_places.len() < NAMED {
                    nul_places.push(name(table, &row, place));
                }
            }
        }
    }
    let (sums, sha256) = reader.end()?;
    file.rewind().map_err(|cause| TransferError::Stream { what: "the dump cannot be read again", cause })?;
    Ok(Checked { header, sums, sha256, nul, nul_places })
}

pub(crate) fn has_nul(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.contains('\0'))
}

/// Where a value is: its column, and the key of its row.
fn name(table: &TableHead, row: &[Value], place: usize) -> String {
    let keys = table.columns.iter().zip(row).filter(|(column, _)| table.key.contains(&column.name));
    let keys: Vec<String> = keys
        .map(|(column, value)| {
            let value = match value {
                Value::Null => String::new(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text.escape_debug().to_string(),
                Value::Blob(bytes) => hex(bytes),
            };
            format!("{} {value}", column.name)
        })
        .collect();
    format!("{}.{}, {}", table.name, table.columns[place].name, keys.join(", "))
}
