//! Writing a dump, line by line. Where the bytes go is the caller's.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::format::{Header, TableSum, Trailer};
use super::value::{Value, hex, write_row};

/// Sums up the rows of one table.
#[derive(Default)]
pub(crate) struct Sum {
    rows: u64,
    hash: Sha256,
}

impl Sum {
    pub(crate) fn add(&mut self, line: &[u8]) {
        self.rows += 1;
        self.hash.update(line);
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn finish(self, table: &str) -> TableSum {
        let Self { rows, hash } = self;
        TableSum { table: table.to_owned(), rows, sha256: hex(&hash.finalize()) }
    }
}

/// A dump that is being written.
pub(crate) struct DumpWriter<W: Write> {
    out: GzEncoder<W>,
    hash: Sha256,
    line: Vec<u8>,
    table: Sum,
    sums: Vec<TableSum>,
}

impl<W: Write> DumpWriter<W> {
    pub(crate) fn begin(out: W, header: &Header) -> io::Result<Self> {
        // The fast level: the better ones take several times as long for a tenth of the size.
        let out = GzEncoder::new(out, Compression::fast());
        let (hash, table) = (Sha256::new(), Sum::default());
        let mut writer = Self { out, hash, line: Vec::new(), table, sums: Vec::new() };
        writer.json(header)?;
        Ok(writer)
    }

    pub(crate) fn row(&mut self, row: &[Value]) -> io::Result<()> {
        self.line.clear();
        write_row(&mut self.line, row);
        self.table.add(&self.line);
        self.put()
    }

    /// How many rows the table at hand has so far.
    pub(crate) fn rows(&self) -> u64 {
        self.table.rows()
    }

    pub(crate) fn end_table(&mut self, name: &str) -> io::Result<()> {
        let sum = std::mem::take(&mut self.table).finish(name);
        self.json(&sum)?;
        self.sums.push(sum);
        Ok(())
    }

    /// Ends the dump, and gives back what it was written to, its sums, and the sum of the whole.
    pub(crate) fn end(mut self) -> io::Result<(W, Vec<TableSum>, String)> {
        let sha256 = hex(&self.hash.clone().finalize());
        let rows = self.sums.iter().map(|sum| sum.rows).sum();
        self.json(&Trailer { tables: self.sums.len() as u64, rows, sha256: sha256.clone() })?;
        let Self { out, hash: _, line: _, table: _, sums } = self;
        Ok((out.finish()?, sums, sha256))
    }

    fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.put()
    }

    fn put(&mut self) -> io::Result<()> {
        self.hash.update(&self.line);
        self.out.write_all(&self.line)
    }
}
