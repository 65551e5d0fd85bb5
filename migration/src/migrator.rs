//! The list of migrations, oldest first. How they are applied is the runner's.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::sql_migration::PlannedMigration;
use crate::{
    m20261121_000001_create_users, m20261121_000002_create_sessions, m20261121_000003_create_tasks,
    m20261121_000004_create_auth_events, m20261121_000005_create_linked_accounts,
    m20261121_000006_adopt_fastapi_tables, m20261121_000007_legacy_tokens, m20261121_000008_index_users,
    m20261121_000009_digest_old_passwords, m20261121_000009_index_auth_events,
    m20261121_000010_create_throttles, m20261121_000011_index_revocations,
    m20261121_000012_create_one_time_tokens, m20261121_000013_idempotency_keys,
    m20261121_000014_create_second_factors, m20261121_000015_create_personal_tokens,
    m20261121_000016_housekeeping, m20261121_000017_index_idle_sessions, m20261121_000018_add_checks,
    m20261121_000018_validate_checks, m20261121_000019_index_task_lists,
    m20261121_000020_drop_replaced_task_indexes,
};

/// Every migration of Holdfast.
///
/// Its own `up` takes no lock and refuses entries of newer versions: apply migrations with [`crate::Runner`].
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

impl Migrator {
    /// The migrations with the SQL that each will run, oldest first.
    #[must_use]
    pub fn planned() -> Vec<Box<dyn PlannedMigration>> {
        vec![
            Box::new(m20261121_000001_create_users::MIGRATION),
            Box::new(m20261121_000002_create_sessions::MIGRATION),
            Box::new(m20261121_000003_create_tasks::MIGRATION),
            Box::new(m20261121_000004_create_auth_events::MIGRATION),
            Box::new(m20261121_000005_create_linked_accounts::MIGRATION),
            Box::new(m20261121_000006_adopt_fastapi_tables::AdoptFastapiTables),
            Box::new(m20261121_000007_legacy_tokens::MIGRATION),
            Box::new(m20261121_000008_index_users::MIGRATION),
            Box::new(m20261121_000009_digest_old_passwords::DigestOldPasswords),
            Box::new(m20261121_000009_index_auth_events::MIGRATION),
            Box::new(m20261121_000010_create_throttles::MIGRATION),
            Box::new(m20261121_000011_index_revocations::MIGRATION),
            Box::new(m20261121_000012_create_one_time_tokens::MIGRATION),
            Box::new(m20261121_000013_idempotency_keys::MIGRATION),
            Box::new(m20261121_000014_create_second_factors::MIGRATION),
            Box::new(m20261121_000015_create_personal_tokens::MIGRATION),
            Box::new(m20261121_000016_housekeeping::MIGRATION),
            Box::new(m20261121_000017_index_idle_sessions::MIGRATION),
            Box::new(m20261121_000018_add_checks::MIGRATION),
            Box::new(m20261121_000018_validate_checks::MIGRATION),
            Box::new(m20261121_000019_index_task_lists::MIGRATION),
            Box::new(m20261121_000020_drop_replaced_task_indexes::MIGRATION),
        ]
    }
}

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Self::planned().into_iter().map(|migration| -> Box<dyn MigrationTrait> { migration }).collect()
    }
}
