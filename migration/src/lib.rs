//! The schema of Holdfast and how it changes: migrations for PostgreSQL and SQLite, the runner that applies them
//! safely, their command line, and the one place where database URLs are read.
//!
//! No entity of the server is named here: a migration must mean the same years later.

mod adoption;
mod autovacuum;
mod batch;
mod checksums;
pub mod cli;
mod connection;
pub mod database_url;
pub mod dotenv;
pub mod environment;
mod error;
pub mod fastapi_file;
mod journal;
mod lock;
mod m20261121_000001_create_users;
mod m20261121_000002_create_sessions;
mod m20261121_000003_create_tasks;
mod m20261121_000004_create_auth_events;
mod m20261121_000005_create_linked_accounts;
mod m20261121_000006_adopt_fastapi_tables;
mod m20261121_000007_legacy_tokens;
mod m20261121_000008_index_users;
mod m20261121_000009_digest_old_passwords;
mod m20261121_000009_index_auth_events;
mod m20261121_000010_create_throttles;
mod m20261121_000011_index_revocations;
mod m20261121_000012_create_one_time_tokens;
mod m20261121_000013_idempotency_keys;
mod m20261121_000014_create_second_factors;
mod m20261121_000015_create_personal_tokens;
mod m20261121_000016_housekeeping;
mod m20261121_000017_index_idle_sessions;
mod m20261121_000018_add_checks;
mod m20261121_000018_validate_checks;
mod m20261121_000019_index_task_lists;
mod m20261121_000020_drop_replaced_task_indexes;
mod migrator;
mod online;
mod plan;
mod run;
mod runner;
mod sql_migration;
mod sql_text;
mod sqlite_remedy;
pub mod transfer;
mod waiting;

pub use adoption::{Adoption, Form, Survey, TakenOver, WrittenBack};
pub use connection::create_sqlite_file;
pub use database_url::{DatabaseUrl, DatabaseUrlError, Engine, SslMode};
pub use error::MigrationError;
pub use migrator::Migrator;
pub use online::{BackfillMigration, Index, IndexMigration, OnlineMigration, OnlineStep};
pub use runner::{MigrationPlan, Runner, Status};
pub use sea_orm_migration::MigratorTrait;
pub use sql_migration::{ContractMigration, Direction, PlannedMigration, SqlMigration, Statements};
