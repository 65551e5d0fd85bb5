//! A file that fails under the running server: writes are refused and reads go on, nothing that was acknowledged is lost,
//! the log says once what is wrong, and service is back by itself where the file is.

use std::{
    collections::BTreeSet,
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use sqlx::Connection as _;

use super::{
    files::{Disk, integrity, stranger, succeeds},
    server::{BEGINS, DEADLINE, ENDS, Person, Server, configured},
};

/// So that no title is given twice.
static TITLES: AtomicU64 = AtomicU64::new(0);

/// Tasks that are so large that few of them fit.
fn large() -> String {
    "x".repeat(4_000)
}

/// Creates tasks until one is refused, and answers the titles of those that were acknowledged.
async fn until_refused(person: &Person<'_>, round: &str) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for number in 0.. {
        let title = format!("{round} {number}");
        if !person.creates(&title, &large()).await {
            break;
        }
        acknowledged.insert(title);
    }
    acknowledged
}

/// Creates one task, as soon as that is possible again.
async fn once_more(person: &Person<'_>, round: &str) -> String {
    for number in 0.. {
        let title = format!("{round}, again {number}");
        if person.creates(&title, "").await {
            return title;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    unreachable!("there is always one more attempt")
}

/// Works on until the instance wants no work for this reason, and answers the titles of tasks that were acknowledged all the
/// same: little may fit where much does not. The instance lives.
async fn refuses_work(server: &Server, person: &Person<'_>, reason: &str) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    let working = async {
        loop {
            let (status, body) = server.get("/health/ready").await;
            if status == 503 && body["reason"] == reason {
                assert_eq!(body["error_code"], "SERVICE_UNAVAILABLE", "{body}");
                break;
            }
            let title = format!("{reason} {}", TITLES.fetch_add(1, Ordering::Relaxed));
            if person.creates(&title, &large()).await {
                acknowledged.insert(title);
            }
        }
    };
    tokio::time::timeout(DEADLINE, working).await.unwrap();
    assert_eq!(server.get("/health/live").await.0, 200);
    acknowledged
}

fn times_told(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

/// Stops the server and looks whether everything that was acknowledged lies in an intact file.
async fn keeps(
    server: Server,
    folder: &Path,
    file: &Path,
    token: &str,
    acknowledged: &BTreeSet<String>,
) -> Vec<String> {
    let said = server.stop();
    assert_eq!(integrity(file).await, "ok");
    let server = Server::serving(folder, file);
    let titles = server.person(token).titles().await;
    let lost: Vec<_> = acknowledged.difference(&titles).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    said
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let Some(disk) = Disk::new("3m") else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::serving(elsewhere.path(), &disk.file());
    let ada = server.sign_up().await;
    assert!(ada.creates("before", "").await);
    let mut acknowledged = BTreeSet::from(["before".to_owned()]);
    let began = tokio::time::Instant::now();
    for round in ["first", "second"] {
        disk.fill(8);
        acknowledged.extend(until_refused(&ada, round).await);
        disk.fill(0);
        // Each title once, whatever fits this time.
        let fitted = refuses_work(&server, &ada, "database_full").await;
        acknowledged.extend(fitted);
        assert!(ada.count().await >= acknowledged.len() as u64);
        disk.free();
        server.wants_work().await;
        acknowledged.insert(once_more(&ada, round).await);
    }
    let token = ada.token.clone();
    let said = keeps(server, elsewhere.path(), &disk.file(), &token, &acknowledged).await;
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).unwrap();
    let told = times_told(&said, BEGINS);
    assert!((1..=1 + minutes).contains(&told), "an outage that comes and goes floods the log: {said:#?}");
    let told = said.iter().find(|line| line.contains(BEGINS)).unwrap();
    assert!(told.contains(disk.file().to_str().unwrap()) && told.contains("free some space"), "{told}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_refuses_writes_until_it_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    // The signal that comes with the error would end the program: whoever sets such a limit ignores it.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\""]).arg(env!("CARGO_BIN_EXE_holdfast"));
    let mut server = Server::spawn(configured(command, folder.path(), &file));
    server.ready();
    let ada = server.sign_up().await;
    assert!(ada.creates("before", "").await);
    let mut acknowledged = BTreeSet::from(["before".to_owned()]);
    let limit = |size: &str| succeeds("prlimit", &["--pid", &server.id().to_string(), size]);
    assert!(limit("--fsize=1:unlimited"));
    assert!(!ada.creates("meanwhile", "").await);
    acknowledged.extend(refuses_work(&server, &ada, "database_failing").await);
    assert!(ada.count().await >= acknowledged.len() as u64);
    assert!(limit("--fsize=unlimited"));
    server.wants_work().await;
    acknowledged.insert(once_more(&ada, "first").await);
    let token = ada.token.clone();
    keeps(server, folder.path(), &file, &token, &acknowledged).await;
}

#[tokio::test]
async fn another_process_that_holds_the_file_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let server = Server::serving(folder.path(), &file);
    let ada = server.sign_up().await;
    assert!(ada.creates("before", "").await);
    let mut other = stranger(&file).await;
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    assert!(!ada.creates("meanwhile", "").await);
    assert_eq!(ada.titles().await, BTreeSet::from(["before".to_owned()]));
    refuses_work(&server, &ada, "database_locked").await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    server.wants_work().await;
    let again = once_more(&ada, "after").await;
    other.close().await.unwrap();
    let token = ada.token.clone();
    let acknowledged = BTreeSet::from(["before".to_owned(), again]);
    let said = keeps(server, folder.path(), &file, &token, &acknowledged).await;
    assert_eq!((times_told(&said, BEGINS), times_told(&said, ENDS)), (1, 1), "{said:#?}");
}

#[tokio::test]
async fn damage_is_told_and_never_served_as_if_it_were_data() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let server = Server::serving(folder.path(), &file);
    let ada = server.sign_up().await;
    for number in 0..40 {
        assert!(ada.creates(&format!("{number}"), &large()).await);
    }
    // Everything into the file, and a change that lets nobody go on with what is cached.
    let mut other = stranger(&file).await;
    for sql in ["PRAGMA application_id = 0", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
    }
    let first: i64 = sqlx::query_scalar(
        "SELECT min(rootpage) - 1 FROM sqlite_schema WHERE type = 'table' AND name = 'tasks'",
    )
    .fetch_one(&mut other)
    .await
    .unwrap();
    other.close().await.unwrap();
    let mut damaged = fs::OpenOptions::new().write(true).open(&file).unwrap();
    let length = damaged.metadata().unwrap().len();
    let start = 4096 * u64::try_from(first).unwrap();
    damaged.seek(SeekFrom::Start(start)).unwrap();
    damaged.write_all(&vec![0xA5; usize::try_from(length - start).unwrap()]).unwrap();
    drop(damaged);

    let (status, body) = ada.list("limit=100").await;
    assert_eq!((status, body["error_code"].as_str()), (503, Some("SERVICE_UNAVAILABLE")), "{body}");
    assert!(!ada.creates("more", "").await);
    refuses_work(&server, &ada, "database_damaged").await;
    let said = server.hear(BEGINS);
    let told = said.last().unwrap();
    assert!(told.contains(file.to_str().unwrap()) && told.contains("restore a backup"), "{told}");
    assert_eq!(times_told(&server.stop(), BEGINS), 0, "it was told twice");
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_not_written_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let server = Server::serving(folder.path(), &file);
    let ada = server.sign_up().await;
    assert!(ada.creates("before", "").await);
    let away = folder.path().join("away.db");
    fs::rename(&file, &away).unwrap();
    assert!(!ada.creates("lost", "").await, "a write into a file that nobody finds again was acknowledged");
    refuses_work(&server, &ada, "database_replaced").await;
    assert_eq!(ada.titles().await, BTreeSet::from(["before".to_owned()]), "reads do not go on");
    // Another file in its place is not taken for it.
    fs::copy(&away, &file).unwrap();
    assert!(!ada.creates("lost", "").await);
    fs::rename(&away, &file).unwrap();
    server.wants_work().await;
    let acknowledged = BTreeSet::from(["before".to_owned(), once_more(&ada, "after").await]);
    let token = ada.token.clone();
    let said = keeps(server, folder.path(), &file, &token, &acknowledged).await;
    assert_eq!((times_told(&said, BEGINS), times_told(&said, ENDS)), (1, 1), "{said:#?}");
}

#[tokio::test]
async fn a_log_that_was_deleted_is_saved_from_memory_and_nothing_is_written_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let server = Server::serving(folder.path(), &file);
    let ada = server.sign_up().await;
    let mut acknowledged = BTreeSet::new();
    for number in 0..10 {
        let title = number.to_string();
        assert!(ada.creates(&title, &large()).await);
        acknowledged.insert(title);
    }
    fs::remove_file(folder.path().join("holdfast.db-wal")).unwrap();
    assert!(!ada.creates("lost", "").await);
    refuses_work(&server, &ada, "database_replaced").await;
    // What was in the log alone is in the file now, also for who kills the server.
    let saved = async {
        while usize::try_from(tasks_in_copy_of(&file).await) != Ok(acknowledged.len()) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(DEADLINE, saved).await.unwrap();
    let token = ada.token.clone();
    server.kill();
    let server = Server::serving(folder.path(), &file);
    let ada = server.person(&token);
    assert_eq!(ada.titles().await, acknowledged);
    assert!(ada.creates("after", "").await);
    server.stop();
    assert_eq!(integrity(&file).await, "ok");
}

/// How many tasks lie in the file itself, whatever its log says.
async fn tasks_in_copy_of(file: &Path) -> i64 {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(file, &copy).unwrap();
    let mut connection = stranger(&copy).await;
    let count = sqlx::query_scalar("SELECT count(*) FROM tasks").fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    // A copy made half way may be torn.
    count.unwrap_or(-1)
}

#[tokio::test]
async fn a_file_that_turns_immutable_is_read_and_written_again_when_it_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("holdfast.db");
    let server = Server::serving(folder.path(), &file);
    let ada = server.sign_up().await;
    assert!(ada.creates("before", "").await);
    let log = folder.path().join("holdfast.db-wal");
    let paths = [file.to_str().unwrap(), log.to_str().unwrap()];
    if !succeeds("chattr", &["+i", paths[0], paths[1]]) {
        eprintln!("skipped: marking a file immutable needs root and a file system that knows it");
        return;
    }
    let refused = !ada.creates("meanwhile", "").await;
    let seen = ada.count().await;
    // Or the folder could not be deleted.
    assert!(succeeds("chattr", &["-i", paths[0], paths[1]]));
    assert!(refused && seen == 1);
    server.wants_work().await;
    let acknowledged = BTreeSet::from(["before".to_owned(), once_more(&ada, "after").await]);
    let token = ada.token.clone();
    keeps(server, folder.path(), &file, &token, &acknowledged).await;
}
