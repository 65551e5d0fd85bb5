//! A file that cannot be used is told at the start: which one, what is wrong, and what to do; the file stays as it is.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use super::{
    files::{Disk, migrated, program_for_anybody},
    server::{SECRET, configured, program},
};

/// Starts the program, which must refuse with these words.
fn refuses(command: Command, folder: &Path, file: &Path, words: &[&str]) {
    let before = fs::read(file).ok();
    let output = configured(command, folder, file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    let [told] = told[..] else { panic!("{said}") };
    for word in words.iter().chain(&[file.to_str().unwrap()]) {
        assert!(told.contains(word), "{word:?} is missing in: {told}");
    }
    assert_eq!(told.matches("(code:").count(), 1, "a cause is told twice: {told}");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(fs::read(file).ok(), before, "the file was changed");
}

#[test]
fn a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    fs::write(&file, "Dear diary, ".repeat(1_000)).unwrap();
    refuses(program(), folder.path(), &file, &["is no SQLite database", "correct the path"]);
}

#[test]
fn a_damaged_file() {
    for (from, to) in [(4_096, 40_000), (8_192, 147_456)] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("holdfast.db");
        migrated(folder.path(), &file);
        let mut bytes = fs::read(&file).unwrap();
        let to = bytes.len().min(to);
        bytes[from..to].fill(0xA5);
        fs::write(&file, bytes).unwrap();
        refuses(program(), folder.path(), &file, &["malformed", "restore a backup"]);
    }
}

#[test]
fn a_file_that_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    migrated(folder.path(), &file);
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(6_000).unwrap();
    refuses(program(), folder.path(), &file, &["malformed", "restore a backup"]);
}

#[test]
fn a_file_that_may_only_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("place");
    fs::create_dir(&data).unwrap();
    let file = data.join("holdfast.db");
    migrated(folder.path(), &file);
    let command = program_for_anybody(folder.path());
    fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    refuses(command, folder.path(), &file, &["readonly", "check owner, mode and mount"]);
}

#[test]
fn a_folder_that_may_only_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("place");
    fs::create_dir(&data).unwrap();
    let file = data.join("holdfast.db");
    migrated(folder.path(), &file);
    let command = program_for_anybody(folder.path());
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    refuses(command, folder.path(), &file, &["its folder", "check owner, mode and mount"]);
}

#[test]
fn a_mount_that_may_only_be_read() {
    let Some(disk) = Disk::new("4m") else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    migrated(elsewhere.path(), &disk.file());
    disk.make_read_only();
    refuses(program(), elsewhere.path(), &disk.file(), &["check owner, mode and mount"]);
}

#[test]
fn a_full_disk() {
    let elsewhere = tempfile::tempdir().unwrap();
    // Before the file is made, and once it is there.
    let Some(disk) = Disk::new("64k") else { return };
    disk.fill(2);
    let output = configured(program(), elsewhere.path(), &disk.file()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("free some space") && said.contains(disk.file().to_str().unwrap()), "{said}");

    let Some(disk) = Disk::new("2m") else { return };
    migrated(elsewhere.path(), &disk.file());
    disk.fill(0);
    refuses(program(), elsewhere.path(), &disk.file(), &["free some space"]);
    disk.free();
    super::server::Server::serving(elsewhere.path(), &disk.file());
}

#[test]
fn a_folder_in_the_place_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    refuses(program(), folder.path(), folder.path(), &["cannot connect", "check owner, mode and mount"]);
}
