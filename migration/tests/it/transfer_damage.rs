//! Dumps that are cut off, damaged, or something else: each is refused, and the target is as it was.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use migration::transfer::{Rules, Source, Transfer, TransferError};
use migration::{Engine, Runner};

use crate::support::{Fixture, on_both_engines, sqlite};
use crate::transfer::filled;

on_both_engines!(a_damaged_dump_leaves_an_empty_target_empty, rows_that_break_a_rule_come_in_nowhere);

fn check(bytes: &[u8], folder: &Path) -> Result<migration::transfer::Dump, TransferError> {
    let path = folder.join("damaged.dump");
    std::fs::write(&path, bytes).unwrap();
    // A dump is checked without any database.
    Transfer::new(&sqlite().url).check(&Source::File(path))
}

async fn dump_of(source: &Fixture) -> Vec<u8> {
    filled(source).await;
    // Noise, so that it takes some blocks.
    source
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 160) \
             INSERT INTO auth_events (user_id, id, kind, at) SELECT randomblob(16), randomblob(16), hex(randomblob(30)), i + 1 FROM n",
        )
        .await
        .unwrap();
    source.export().await;
    std::fs::read(source.dump()).unwrap()
}

#[tokio::test]
async fn a_dump_that_is_cut_off_anywhere_is_refused() {
    let source = sqlite();
    let whole = dump_of(&source).await;
    assert!(whole.len() > 8 << 10);
    for length in (0..whole.len()).step_by(1 << 10).chain(whole.len() - 20..whole.len()) {
        let error = check(&whole[..length], source.folder.path()).unwrap_err();
        assert!(
            matches!(error, TransferError::Damaged(_))
                || (length < 2 && matches!(error, TransferError::Foreign(_))),
            "{length}: {error}"
        );
    }
    check(&whole, source.folder.path()).unwrap();
}

#[tokio::test]
async fn a_dump_with_a_byte_that_flipped_is_refused_or_is_none_the_worse() {
    let source = sqlite();
    let whole = dump_of(&source).await;
    let sums = check(&whole, source.folder.path()).unwrap();
    for place in (0..24).chain((24..whole.len()).step_by(211)).chain(whole.len() - 9..whole.len()) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        match check(&damaged, source.folder.path()) {
            Err(_) => {}
            // Some bits mean nothing to anybody: the time and the system in the head of gzip, the code of a byte that
            // does not occur. What is read is the same to the last byte.
            Ok(read) => assert_eq!(read, sums, "{place}"),
        }
    }
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(check(&longer, source.folder.path()), Err(TransferError::Damaged(_))));
    let twice = [whole.as_slice(), whole.as_slice()].concat();
    assert!(matches!(check(&twice, source.folder.path()), Err(TransferError::Damaged(_))));
}

fn text_of(dump: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(dump).read_to_string(&mut text).unwrap();
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn a_line_that_was_changed_added_or_taken_away_is_found_although_gzip_is_content() {
    let source = sqlite();
    let text = text_of(&dump_of(&source).await);
    let folder = source.folder.path();
    check(&packed(&text), folder).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for place in (1..lines.len()).filter(|place| place % 29 == 0 || lines[*place].starts_with('{')) {
        let without = lines.iter().enumerate().filter(|(number, _)| *number != place).map(|(_, line)| *line);
        let without: Vec<&str> = without.collect();
        check(&packed(&(without.join("\n") + "\n")), folder).unwrap_err();
    }
    for (what, with) in [("Ölwechsel", "Oelwechsel"), ("\"rows\":1,", "\"rows\":2,"), ("null", "1")] {
        check(&packed(&text.replacen(what, with, 1)), folder).unwrap_err();
    }
}

#[tokio::test]
async fn what_is_no_dump_or_one_of_a_later_format_is_named_as_that() {
    let source = sqlite();
    let text = text_of(&dump_of(&source).await);
    let folder = source.folder.path();
    for foreign in [
        b"".to_vec(),
        b"-- PostgreSQL database dump\n".to_vec(),
        std::fs::read(source.file().unwrap()).unwrap(),
        packed("{}\n"),
        packed("{\"format\":\"other\",\"version\":1}\n"),
        packed("hello\n"),
    ] {
        let error = check(&foreign, folder).unwrap_err();
        assert!(matches!(error, TransferError::Foreign(_)), "{error}");
    }
    let error = check(&packed(&text.replacen("\"version\":1", "\"version\":2", 1)), folder).unwrap_err();
    assert!(matches!(error, TransferError::NewerFormat { found: 2, known: 1, .. }), "{error}");
    let error =
        check(&packed("{\"format\":\"holdfast-dump\",\"version\":7,\"new\":[]}\n"), folder).unwrap_err();
    assert!(matches!(error, TransferError::NewerFormat { found: 7, .. }), "{error}");
    let missing = text.replacen("m20261121_000002_create_sessions", "m20261121_000001_create_users", 1);
    check(&packed(&missing), folder).unwrap_err();
}

async fn a_damaged_dump_leaves_an_empty_target_empty(target: Fixture) {
    let source = sqlite();
    let whole = dump_of(&source).await;
    File::create(source.dump()).unwrap().write_all(&whole[..whole.len() - 30]).unwrap();
    for force in [false, true] {
        let error = target.import(&source, Rules { force, ..Rules::default() }).await.unwrap_err();
        assert!(matches!(error, TransferError::Damaged(_)), "{error}");
    }
    // Not even a schema, or a file, came into being.
    match target.engine() {
        Engine::Sqlite => assert!(!target.file().unwrap().exists()),
        Engine::Postgres => assert_eq!(target.tables().await, Vec::<String>::new()),
    }
}

/// A file is made by somebody who edits the source with foreign keys off.
async fn rows_that_break_a_rule_come_in_nowhere(target: Fixture) {
    let source = sqlite();
    filled(&source).await;
    source.execute("PRAGMA foreign_keys = OFF; UPDATE tasks SET owner_id = {id:9}").await.unwrap();
    source.export().await;
    Runner::new(&target.url).up(None).await.unwrap();
    target.import(&source, Rules::default()).await.unwrap_err();
    assert_eq!(target.texts("SELECT email FROM users").await, Vec::<String>::new());
    target.import(&source, Rules { force: true, ..Rules::default() }).await.unwrap_err();
    assert!(Runner::new(&target.url).pending().await.unwrap().is_empty());
}
