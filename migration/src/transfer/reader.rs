//! Reading a dump, line by line, and refusing whatever is not as it was written. Nothing here knows a database.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::error::TransferError;
use super::format::{Header, LONGEST_LINE, NAME, TableHead, TableSum, Trailer, VERSION};
use super::value::{Value, hex, read_row};
use super::writer::Sum;

/// How every gzip file begins.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A dump that is being read. The order of calls is that of the file: for each table of the header its rows, then the end.
pub(crate) struct DumpReader<R: Read> {
    lines: BufReader<GzDecoder<BufReader<R>>>,
    hash: Sha256,
    line: Vec<u8>,
    table: Sum,
    sums: Vec<TableSum>,
}

/// What every version of the form has in its header.
#[derive(Deserialize)]
struct Preface {
    format: String,
    version: u64,
    #[serde(default)]
    holdfast: String,
}

impl<R: Read> DumpReader<R> {
    pub(crate) fn begin(input: R) -> Result<(Header, Self), TransferError> {
        let mut input = BufReader::new(input);
        let start = input.fill_buf().map_err(unreadable)?;
        if start.is_empty() {
            return Err(TransferError::Foreign("it is empty".to_owned()));
        }
        if !start.starts_with(&GZIP[..start.len().min(2)]) {
            return Err(TransferError::Foreign("it is not compressed with gzip".to_owned()));
        }
        let lines = BufReader::new(GzDecoder::new(input));
        let (hash, table) = (Sha256::new(), Sum::default());
        let mut reader = Self { lines, hash, line: Vec::new(), table, sums: Vec::new() };
        reader.advance()?;
        let header = reader.header()?;
        reader.hash.update(&reader.line);
        Ok((header, reader))
    }

    /// The next row of this table; `None` once its end was read and holds what was read.
    pub(crate) fn row(&mut self, table: &TableHead) -> Result<Option<Vec<Value>>, TransferError> {
        self.advance()?;
        if self.line.first() == Some(&b'[') {
            let kinds = table.columns.iter().map(|column| column.kind);
            let row = read_row(&self.line, kinds)
                .ok_or_else(|| TransferError::Damaged(format!("a row of {} cannot be read", table.name)))?;
            self.hash.update(&self.line);
            self.table.add(&self.line);
            return Ok(Some(row));
        }
        let told: TableSum = self.json()?;
        let found = std::mem::take(&mut self.table).finish(&table.name);
        if told != found {
            return Err(TransferError::Damaged(format!("{} does not match its checksum", table.name)));
        }
        self.hash.update(&self.line);
        self.sums.push(found);
        Ok(None)
    }

    /// Reads the last line, and what must not follow it. Gives the sums, and the sum of the whole.
    pub(crate) fn end(mut self) -> Result<(Vec<TableSum>, String), TransferError> {
        self.advance()?;
        let told: Trailer = self.json()?;
        let rows = self.sums.iter().map(|sum| sum.rows).sum();
        let sha256 = hex(&self.hash.finalize());
        if told != (Trailer { tables: self.sums.len() as u64, rows, sha256: sha256.clone() }) {
            return Err(TransferError::Damaged("it does not match its checksum".to_owned()));
        }
        // Only at the end of the stream does gzip compare its own checksum.
        let more = self.lines.read(&mut [0]).map_err(damaged)?;
        let behind = self.lines.into_inner().into_inner().read(&mut [0]).map_err(unreadable)?;
        if more + behind > 0 {
            return Err(TransferError::Damaged("something follows on its end".to_owned()));
        }
        Ok((self.sums, sha256))
    }

    fn header(&self) -> Result<Header, TransferError> {
        let foreign = |_| TransferError::Foreign("it does not begin with its header".to_owned());
        let preface: Preface = serde_json::from_slice(&self.line).map_err(foreign)?;
        let Preface { format, version, holdfast: by } = preface;
        if format != NAME {
            return Err(TransferError::Foreign("it is of another format".to_owned()));
        }
        if version != VERSION {
            return Err(TransferError::NewerFormat { found: version, by, known: VERSION });
        }
        self.json()
    }

    fn advance(&mut self) -> Result<(), TransferError> {
        self.line.clear();
        let mut limited = (&mut self.lines).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut self.line).map_err(damaged)?;
        if self.line.last() == Some(&b'\n') {
            return Ok(());
        }
        Err(TransferError::Damaged(
            if self.line.is_empty() { "it ends too early" } else { "a line has no end" }.to_owned(),
        ))
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, TransferError> {
        serde_json::from_slice(&self.line)
            .map_err(|_| TransferError::Damaged("a line is not what belongs there".to_owned()))
    }
}

/// What the decoder says of bytes that are wrong or missing.
fn damaged(error: io::Error) -> TransferError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => TransferError::Damaged("it ends too early".to_owned()),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => TransferError::Damaged(error.to_string()),
        _ => unreadable(error),
    }
}

fn unreadable(cause: io::Error) -> TransferError {
    TransferError::Stream { what: "the dump cannot be read", cause }
}
