//! Adoption: taking over the rows of the FastAPI backend in place, taking over what it wrote since, and the way back.
//!
//! The old tables are read, and written only by `write_back`. Everything here runs inside a transaction of the runner's.
//! What the tables look like is recorded in `docs/upgrading-from-fastapi.md`.

mod addresses;
mod changes;
mod dialect;
mod ended_sessions;
mod form;
mod gone;
mod newer_rows;
mod old_columns;
mod passwords;
mod progress;
mod query;
mod record;
mod source;
mod staging;
mod survey;
mod take_over;
mod text;
mod write_back;

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::ConnectionTrait;

pub(crate) use dialect::Dialect;
pub use form::Form;
pub use record::Adoption;
pub use survey::Survey;
pub use take_over::TakenOver;
pub(crate) use take_over::unreachable_account;
pub use write_back::WrittenBack;

use crate::error::MigrationError;
use crate::{Migrator, journal};
use form::{Found, columns, recognise};
use query::{count, execute};

/// The migration that adopts.
pub(crate) const MIGRATION: &str = "m20261121_000006_adopt_fastapi_tables";

/// For this transaction alone: the old times are UTC, and what they are compared with must be read as such. Enough
/// memory to sort and join large tables without many files.
const POSTGRES_SETTINGS: &str = "SET LOCAL timezone = 'UTC'; SET LOCAL work_mem = '64MB'";

/// Which form is there.
///
/// # Errors
/// [`MigrationError::NotAdoptable`] when `"user"` or `task` has another shape.
pub(crate) async fn detect(connection: &impl ConnectionTrait) -> Result<Option<Form>, MigrationError> {
    match recognise(connection).await.map_err(MigrationError::Database)? {
        Found::Nothing => Ok(None),
        Found::Form(form) => Ok(Some(form)),
        Found::Other(faults) => Err(MigrationError::NotAdoptable { faults }),
    }
}

/// The adoption that has happened, if one has.
pub(crate) async fn find(connection: &impl ConnectionTrait) -> Result<Option<Adoption>, MigrationError> {
    record::find(connection).await.map_err(MigrationError::Database)
}

/// What an adoption would do. Changes nothing.
pub(crate) async fn survey(connection: &impl ConnectionTrait) -> Result<Option<Survey>, MigrationError> {
    let Some(form) = detect(connection).await? else { return Ok(None) };
    let adopted = find(connection).await?.is_some();
    set_up(connection).await.map_err(MigrationError::Database)?;
    survey::survey(connection, form, adopted).await.map(Some).map_err(MigrationError::Database)
}

/// Refuses, before anything is changed, old tables that cannot be taken over, and to mix them with accounts of ours.
pub(crate) async fn refuse(connection: &impl ConnectionTrait) -> Result<Option<Form>, MigrationError> {
    let form = refuse_faults(connection).await?;
    if form.is_some() {
        let users = accounts_here(connection).await?;
        if users > 0 {
            return Err(MigrationError::InUse { users });
        }
    }
    Ok(form)
}

/// How many accounts are in our table, which may not be there yet.
pub(crate) async fn accounts_here(connection: &impl ConnectionTrait) -> Result<u64, MigrationError> {
    if !journal::table_exists(connection, "users").await.map_err(MigrationError::Database)? {
        return Ok(0);
    }
    count(connection, "SELECT count(*) FROM users").await.map_err(MigrationError::Database)
}

/// Refuses, before anything is changed, old tables that cannot be taken over.
pub(crate) async fn refuse_faults(connection: &impl ConnectionTrait) -> Result<Option<Form>, MigrationError> {
    let Some(form) = detect(connection).await? else { return Ok(None) };
    set_up(connection).await.map_err(MigrationError::Database)?;
    let faults = survey::faults(connection, form).await.map_err(MigrationError::Database)?;
    if faults.is_empty() { Ok(Some(form)) } else { Err(MigrationError::NotAdoptable { faults }) }
}

/// Takes everything over, once the schema is complete; our tables must be empty.
pub(crate) async fn adopt(connection: &impl ConnectionTrait) -> Result<(), MigrationError> {
    if find(connection).await?.is_some() {
        return Ok(());
    }
    let form = refuse(connection).await?.ok_or(MigrationError::NothingToAdopt)?;
    take_everything(connection, form).await.map_err(MigrationError::Database)
}

/// The form of old tables that came after the migration had passed over their absence. Tables in another shape are
/// none: they belong to somebody else, and what is here works without them.
pub(crate) async fn left_behind(connection: &impl ConnectionTrait) -> Result<Option<Form>, MigrationError> {
    if find(connection).await?.is_some() {
        return Ok(None);
    }
    match recognise(connection).await.map_err(MigrationError::Database)? {
        Found::Form(form) => Ok(Some(form)),
        Found::Nothing | Found::Other(_) => Ok(None),
    }
}

/// Takes over what the old backend wrote since.
pub(crate) async fn take_changes(connection: &impl ConnectionTrait) -> Result<TakenOver, MigrationError> {
    let adoption = find(connection).await?.ok_or(MigrationError::NotAdopted)?;
    refuse_pending(connection).await?;
    if refuse_faults(connection).await? != Some(adoption.form) {
        return Err(MigrationError::OtherForm { form: adoption.form });
    }
    if record::is_emptied(connection, adoption.form).await.map_err(MigrationError::Database)? {
        return Err(MigrationError::OldTablesEmptied);
    }
    let taken = changes::take_changes(connection, adoption.form).await.map_err(MigrationError::Database)?;
    record::update(connection).await.map_err(MigrationError::Database)?;
    Ok(taken)
}

/// Copies what is newer here into the old tables.
pub(crate) async fn write_back(connection: &impl ConnectionTrait) -> Result<WrittenBack, MigrationError> {
    let adoption = find(connection).await?.ok_or(MigrationError::NotAdopted)?;
    refuse_pending(connection).await?;
    if detect(connection).await? != Some(adoption.form) {
        return Err(MigrationError::OtherForm { form: adoption.form });
    }
    if record::is_emptied(connection, adoption.form).await.map_err(MigrationError::Database)? {
        return Err(MigrationError::OldTablesEmptied);
    }
    set_up(connection).await.map_err(MigrationError::Database)?;
    newer_rows::note(connection, adoption.form).await.map_err(MigrationError::Database)?;
    let accounts =
        write_back::taken_addresses(connection, adoption.form).await.map_err(MigrationError::Database)?;
    if !accounts.is_empty() {
        return Err(MigrationError::AddressesTaken { accounts });
    }
    write_back::write_back(connection, adoption.form).await.map_err(MigrationError::Database)
}

/// What is read and written here are the newest tables.
async fn refuse_pending(connection: &impl ConnectionTrait) -> Result<(), MigrationError> {
    let entries = journal::entries(connection).await.map_err(MigrationError::Database)?;
    let pending: Vec<String> = Migrator::planned()
        .iter()
        .map(|migration| migration.name().to_owned())
        .filter(|name| !entries.iter().any(|entry| entry.name == *name))
        .collect();
    if pending.is_empty() { Ok(()) } else { Err(MigrationError::Pending { migrations: pending }) }
}

/// Refuses to go back while that would lose rows, and keeps everybody from writing more of them until it is done.
pub(crate) async fn refuse_newer(connection: &impl ConnectionTrait) -> Result<(), MigrationError> {
    let Some(adoption) = find(connection).await? else { return Ok(()) };
    newer(connection, adoption.form).await.map_err(MigrationError::Database).and_then(|newer| {
        let record::Newer { users, tasks } = newer;
        if users + tasks == 0 { Ok(()) } else { Err(MigrationError::NewerRows { users, tasks }) }
    })
}

async fn newer(connection: &impl ConnectionTrait, form: Form) -> Result<record::Newer, DbErr> {
    if Dialect::of(connection)?.is_postgres() {
        execute(connection, "LOCK TABLE users, tasks IN ACCESS EXCLUSIVE MODE").await?;
    }
    // Tables in another shape than the adopted one are no state to go back to, and empty ones neither.
    let old_tables = matches!(recognise(connection).await?, Found::Form(found) if found == form)
        && !record::is_emptied(connection, form).await?;
    record::newer(connection, old_tables).await
}

/// Records what is known of the old passwords, once there is room for it.
pub(crate) async fn digest_passwords(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    passwords::record(connection).await
}

/// The step of the migration: adopts where there is something to adopt.
pub(crate) async fn up(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    match recognise(connection).await? {
        Found::Nothing => Ok(()),
        Found::Form(form) => {
            set_up(connection).await?;
            take_everything(connection, form).await
        }
        Found::Other(faults) => Err(DbErr::Migration(faults.join("; "))),
    }
}

/// The step back: after an adoption, everything that is here goes; it is in the old tables.
pub(crate) async fn down(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if record::find(connection).await?.is_none() {
        return Ok(());
    }
    for table in
        ["linked_accounts", "tasks", "sessions", "users", "adopted_tasks", "adopted_users", "adoptions"]
    {
        execute(connection, &format!("DELETE FROM {table}")).await?;
    }
    Ok(())
}

async fn take_everything(connection: &impl ConnectionTrait, form: Form) -> Result<(), DbErr> {
    tracing::info!("adopting {form}");
    let taken = take_over::everything(connection, form).await?;
    record::insert(connection, form).await?;
    // The migration that adopts comes before the one that makes room for this.
    if columns(connection, Dialect::of(connection)?, "adopted_users")
        .await?
        .iter()
        .any(|(column, _)| column == "password_digest")
    {
        passwords::record(connection).await?;
    }
    tracing::info!(accounts = taken.new_users, tasks = taken.new_tasks, "adopted");
    Ok(())
}

async fn set_up(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if Dialect::of(connection)?.is_postgres() {
        execute(connection, POSTGRES_SETTINGS).await?;
    }
    Ok(())
}
