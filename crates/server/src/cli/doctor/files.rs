//! Whether what lies on the disk can be written where it must be, and is read by its owner alone where it is secret.

use std::path::{Path, PathBuf};

use holdfast_infrastructure::tokens::exposed_mode;
use migration::{DatabaseUrl, Engine};

use super::finding::Finding;
use crate::settings::{Delivery, SecretSource, Settings};

/// Files of settings, which may hold secrets.
const ENV_FILES: [&str; 4] = [".env", ".env.local", ".env.staging", ".env.production"];

pub(super) fn look(settings: &Settings, directory: &Path) -> Vec<Finding> {
    let mut findings = secrets(settings, directory);
    if let Some(path) = sqlite_file(&settings.database.url) {
        findings.extend(room("database", folder_of(path), Some(path)));
    }
    if let Delivery::Folder(folder) = &settings.mail.delivery {
        let folder = if folder.is_dir() { folder.as_path() } else { folder_of(folder) };
        findings.extend(folder.is_dir().then(|| room("mail", folder, None)).flatten());
    }
    findings
}

fn sqlite_file(url: &DatabaseUrl) -> Option<&Path> {
    match url {
        DatabaseUrl::Sqlite(location) if url.engine() == Engine::Sqlite => location.path(),
        DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_) => None,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Everything secret that lies in a file and that others may read. Files that are not there are no secret.
fn secrets(settings: &Settings, directory: &Path) -> Vec<Finding> {
    const CHECK: &str = "secrets";
    let mut files: Vec<PathBuf> = ENV_FILES.iter().map(|name| directory.join(name)).collect();
    for source in [&settings.auth.secret, &settings.encryption.key] {
        if let SecretSource::Generated { path } = source {
            files.push(path.clone());
        }
    }
    let given = settings.describe().rows().iter().filter_map(|row| row.source.strip_prefix("file "));
    files.extend(given.map(PathBuf::from));
    let (mut seen, mut findings) = (0, Vec::new());
    for file in files {
        let Ok(metadata) = file.metadata() else { continue };
        seen += 1;
        if let Some(mode) = exposed_mode(&metadata) {
            let what = format!("{} may be read or written by others (mode {mode:04o})", file.display());
            findings.push(Finding::warning(CHECK, what, format!("chmod 600 {}", file.display())));
        }
    }
    if let Some(keys) = &settings.auth.keys.directory {
        // Whoever may write there adds a key of their own. The files in it were judged with the settings.
        seen += 1;
        if let Some(mode) = keys.metadata().ok().as_ref().and_then(writable_by_others) {
            let what = format!("{} may be written by others (mode {mode:04o})", keys.display());
            findings.push(Finding::warning(CHECK, what, format!("chmod 700 {}", keys.display())));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("files that only their owner reads: {seen}")));
    }
    findings
}

#[cfg(unix)]
fn writable_by_others(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = metadata.mode() & 0o777;
    (mode & 0o022 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn writable_by_others(_: &std::fs::Metadata) -> Option<u32> {
    None
}

/// Whether a folder, and the file in it where there is one, can be written, and how much room is left. Nothing is written to find
/// that out.
#[cfg(unix)]
fn room(check: &'static str, folder: &Path, file: Option<&Path>) -> Option<Finding> {
    use rustix::fs::{Access, access, statvfs};

    const LOW: u64 = 1 << 30;
    const FULL: u64 = 64 << 20;
    let places = std::iter::once(folder).chain(file.filter(|file| file.exists()));
    for place in places {
        if !place.exists() {
            return None;
        }
        let wanted = if place.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
        if let Err(error) = access(place, wanted) {
            let what = format!("{} cannot be written: {error}", place.display());
            let mend = "give it to the user that the server runs as (chown), or mount it writable";
            return Some(Finding::failure(check, what, mend));
        }
    }
    let stat = statvfs(folder).ok()?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let what = format!("{} can be written and has {} MiB left", folder.display(), free >> 20);
    Some(match free {
        0..FULL => Finding::failure(check, what, "make room: writes fail when it is full"),
        FULL..LOW => Finding::warning(check, what, "make room before it is full"),
        LOW.. => Finding::ok(check, what),
    })
}

#[cfg(not(unix))]
fn room(_: &'static str, _: &Path, _: Option<&Path>) -> Option<Finding> {
    None
}
