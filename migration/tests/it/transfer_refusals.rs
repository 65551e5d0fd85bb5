//! What is refused before anything is changed.

use std::os::unix::fs::PermissionsExt as _;

use migration::transfer::{Destination, FileKind, Rules, Transfer, TransferError, kind_of_file};
use migration::{Engine, Runner};
use sqlx::Connection as _;

use crate::support::{Fixture, on_both_engines, postgres, sqlite};
use crate::transfer::filled;

on_both_engines!(
    a_target_with_rows_keeps_them,
    a_file_that_exists_is_kept_and_a_new_one_is_private,
    a_database_without_a_schema_is_not_exported,
    somebody_who_uses_the_target_is_noticed,
);

async fn a_target_with_rows_keeps_them(target: Fixture) {
    let source = sqlite();
    filled(&source).await;
    source.export().await;
    Runner::new(&target.url).up(None).await.unwrap();
    target
        .execute("INSERT INTO leases (name, holder, expires_at) VALUES ('sweep', {id:1}, {at:9})")
        .await
        .unwrap();
    target
        .execute("INSERT INTO auth_events (user_id, id, kind, at) VALUES ({id:1}, {id:2}, 'kept', {at:1})")
        .await
        .unwrap();
    let error = target.import(&source, Rules::default()).await.unwrap_err();
    assert!(matches!(&error, TransferError::NotEmpty(tables) if tables == &["auth_events"]), "{error}");
    assert_eq!(target.texts("SELECT kind FROM auth_events").await, ["kept"]);
    // A server that was there and made nothing but its lease leaves the target empty.
    target.execute("DELETE FROM auth_events").await.unwrap();
    target.import(&source, Rules::default()).await.unwrap();
}

async fn a_file_that_exists_is_kept_and_a_new_one_is_private(source: Fixture) {
    filled(&source).await;
    let path = source.dump();
    let transfer = Transfer::new(&source.url);
    std::fs::write(&path, "precious").unwrap();
    let to = |replace| Destination::File { path: path.clone(), replace };
    assert!(matches!(transfer.export(&to(false)).await, Err(TransferError::Exists(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    transfer.export(&to(true)).await.unwrap();
    assert_eq!(kind_of_file(&path).unwrap(), FileKind::Dump);
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let nowhere = Destination::File { path: path.join("x"), replace: false };
    assert!(matches!(transfer.export(&nowhere).await, Err(TransferError::File { .. })));
}

async fn a_database_without_a_schema_is_not_exported(source: Fixture) {
    let to = Destination::File { path: source.dump(), replace: false };
    assert!(matches!(Transfer::new(&source.url).export(&to).await, Err(TransferError::NoSchema)));
    assert!(!source.dump().exists());
}

async fn somebody_who_uses_the_target_is_noticed(target: Fixture) {
    let source = sqlite();
    filled(&source).await;
    source.export().await;
    Runner::new(&target.url).up(None).await.unwrap();
    let rules = Rules { force: true, ..Rules::default() };
    let error = match target.engine() {
        Engine::Sqlite => {
            let mut user = sqlx::SqliteConnection::connect(&target.url.connect_url()).await.unwrap();
            sqlx::query("SELECT count(*) FROM users").execute(&mut user).await.unwrap();
            let error = target.import(&source, rules).await.unwrap_err();
            sqlx::query("SELECT count(*) FROM users").execute(&mut user).await.unwrap();
            user.close().await.unwrap();
            error
        }
        Engine::Postgres => {
            let mut user = sqlx::PgConnection::connect(&target.url.connect_url()).await.unwrap();
            sqlx::query("SET application_name = 'holdfast'").execute(&mut user).await.unwrap();
            let error = target.import(&source, rules).await.unwrap_err();
            sqlx::query("SELECT 1").execute(&mut user).await.unwrap();
            user.close().await.unwrap();
            error
        }
    };
    assert!(matches!(error, TransferError::InUse(_)), "{error}");
    assert_eq!(target.texts("SELECT email FROM users").await, Vec::<String>::new());
}

#[tokio::test]
async fn the_database_itself_is_no_place_for_its_copy() {
    let source = sqlite();
    filled(&source).await;
    let before = source.texts("SELECT email FROM users").await;
    let transfer = Transfer::new(&source.url);
    let database = source.file().unwrap().display().to_string();
    let link = source.folder.path().join("link.db");
    std::os::unix::fs::symlink(&database, &link).unwrap();
    for name in
        [database.clone(), format!("{database}-wal"), format!("{database}-shm"), link.display().to_string()]
    {
        let path = std::path::PathBuf::from(name);
        let to = Destination::File { path: path.clone(), replace: true };
        let exported = transfer.export(&to).await;
        assert!(matches!(exported, Err(TransferError::Own(_))), "{}: {exported:?}", path.display());
        let copied = transfer.backup_file(&path, true).await;
        assert!(matches!(copied, Err(TransferError::Own(_))), "{}: {copied:?}", path.display());
    }
    assert_eq!(source.texts("SELECT email FROM users").await, before);
}

#[tokio::test]
async fn a_damaged_target_is_named_with_the_way_out() {
    let (source, target) = (sqlite(), sqlite());
    filled(&source).await;
    source.export().await;
    Runner::new(&target.url).up(None).await.unwrap();
    let path = target.file().unwrap();
    std::fs::write(&path, vec![b'x'; 20_000]).unwrap();
    let rules = Rules { force: true, ..Rules::default() };
    let error = target.import(&source, rules).await.unwrap_err();
    assert!(matches!(error, TransferError::DamagedTarget(_)), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), vec![b'x'; 20_000]);
}

#[tokio::test]
async fn what_is_restored_belongs_to_whom_the_target_belonged() {
    let (source, target) = (sqlite(), sqlite());
    filled(&source).await;
    source.export().await;
    Runner::new(&target.url).up(None).await.unwrap();
    let path = target.file().unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    target.import(&source, Rules { force: true, ..Rules::default() }).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn a_text_with_nul_is_named_and_refused_by_postgres_and_escaped_on_demand() {
    let Some(target) = postgres("transfer: U+0000").await else { return };
    let (source, copy) = (sqlite(), sqlite());
    filled(&source).await;
    source.execute("UPDATE tasks SET description = 'a' || char(0) || 'b' WHERE id = {id:6}").await.unwrap();
    let dump = source.export().await;
    let error = target.import(&source, Rules::default()).await.unwrap_err();
    let TransferError::Nul { count: 1, places } = &error else { panic!("{error}") };
    assert_eq!(
        places,
        &[
            "tasks.description, id 00000006000070008000000000000000, owner_id 00000001000070008000000000000000"
        ]
    );
    assert_eq!(target.tables().await, Vec::<String>::new());
    let restored = target.import(&source, Rules { escape_nul: true, ..Rules::default() }).await.unwrap();
    assert_eq!(restored.escaped, 1);
    assert_eq!(target.texts("SELECT description FROM tasks WHERE id = {id:6}").await, ["a\u{2400}b"]);
    // SQLite holds it as it is.
    assert_eq!(copy.import(&source, Rules::default()).await.unwrap().tables, dump.tables);
}

#[tokio::test]
async fn a_schema_that_is_ahead_and_tables_of_the_fastapi_backend_are_refused_by_postgres() {
    let Some(target) = postgres("transfer: ahead").await else { return };
    let source = sqlite();
    filled(&source).await;
    source.execute("DELETE FROM adoptions").await.unwrap();
    Runner::new(&source.url).down_to("m20261121_000012", false).await.unwrap();
    source.export().await;
    let runner = Runner::new(&target.url);
    runner.up(None).await.unwrap();
    let error = target.import(&source, Rules::default()).await.unwrap_err();
    let TransferError::TargetAhead(point) = &error else { panic!("{error}") };
    runner.down_to(point, false).await.unwrap();
    target.import(&source, Rules::default()).await.unwrap();
    assert!(runner.pending().await.unwrap().is_empty());
    runner.down(None).await.unwrap();
    target.execute("CREATE TABLE \"user\" (id text PRIMARY KEY)").await.unwrap();
    target.import(&source, Rules::default()).await.unwrap_err();
    assert_eq!(target.texts("SELECT version FROM seaql_migrations").await, Vec::<String>::new());
}
