//! Recognises the SQLite file that the FastAPI backend keeps when no URL is set, without opening it as a database. Taking
//! its data over is `adoption`'s.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Where that backend keeps it, below the working directory.
pub const FILE_NAME: &str = "app.db";

/// What every SQLite database begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// How much of the file is searched, in bytes.
///
/// SQLite keeps the text of each CREATE statement in the pages of its schema table. That backend
/// makes all its tables at its first start, before any row, so those pages lie at the very beginning;
/// searching the text needs neither a driver nor a lock on a file that may be in use.
const SEARCHED: u64 = 1 << 20;

/// Whether the file is a SQLite database with the FastAPI backend's `task` or `"user"` table.
/// A file that is missing is not.
///
/// # Errors
/// What the system says about a file that exists and cannot be read.
pub fn has_its_tables(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut start = Vec::new();
    file.take(SEARCHED).read_to_end(&mut start)?;
    Ok(start.starts_with(MAGIC) && creates_a_table(&String::from_utf8_lossy(&start).to_ascii_lowercase()))
}

fn creates_a_table(schema: &str) -> bool {
    // SQLite itself writes the beginning of the statement, with exactly these blanks.
    schema.match_indices("create table ").any(|(index, statement)| {
        let name = &schema[index + statement.len()..];
        ["task", "user"].iter().any(|table| {
            let name = name.trim_start_matches(['"', '`', '[']);
            name.strip_prefix(table)
                .is_some_and(|after| !after.starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        })
    })
}
