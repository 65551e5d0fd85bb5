//! Places that fail, made with what the machine allows.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

/// Whether a command did what it should.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// A small disk of its own; unmounted when dropped.
pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Nothing, and a word about it, where nobody may mount.
    pub(crate) fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        if !succeeds("mount", &["-t", "tmpfs", "-o", &format!("size={size},mode=755"), "tmpfs", path]) {
            eprintln!("skipped: mounting a file system needs root with CAP_SYS_ADMIN");
            return None;
        }
        Some(Self { folder })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("holdfast.db")
    }

    /// Takes all room that is left, but for `pages` of it.
    pub(crate) fn fill(&self, pages: usize) {
        let filler = self.path().join("filler");
        let mut bytes = fs::metadata(&filler).map_or(0, |metadata| metadata.len());
        // The last write ends where the room does.
        while fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&filler)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &[0; 4096]))
            .is_ok()
        {
            bytes += 4096;
        }
        let kept = bytes.saturating_sub(4096 * pages as u64);
        fs::OpenOptions::new().write(true).open(filler).unwrap().set_len(kept).unwrap();
    }

    pub(crate) fn free(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }

    pub(crate) fn make_read_only(&self) {
        assert!(succeeds("mount", &["-o", "remount,ro", self.path().to_str().unwrap()]));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that was killed may not have let go yet.
        succeeds("umount", &["-l", self.folder.path().to_str().unwrap()]);
    }
}

/// The program as somebody whom file modes hold up, as they do not hold up root.
pub(crate) fn program_for_anybody(folder: &Path) -> Command {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    if !is_root() {
        return super::server::program();
    }
    // The folder that it was built in may be closed to others.
    let copy = folder.join("program");
    fs::copy(env!("CARGO_BIN_EXE_holdfast"), &copy).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(copy);
    command
}

/// Makes the schema in a file that is closed again, log and all.
pub(crate) fn migrated(folder: &Path, file: &Path) {
    let mut command = super::server::configured(super::server::program(), folder, file);
    let output = command.args(["migrate", "up"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Another process that uses the file.
pub(crate) async fn stranger(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(std::time::Duration::from_secs(30));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// What SQLite says about a file that nobody uses any more.
pub(crate) async fn integrity(file: &Path) -> String {
    let mut connection = stranger(file).await;
    let dangling: i64 = sqlx::query_scalar("SELECT count(*) FROM pragma_foreign_key_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(dangling, 0);
    let told = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    told
}
