//! What the record of an adoption remembers of each account besides its mark: a digest of the old password hash, so that
//! a change over there is seen after its owner signed in here and the hash here became another; and the address over there
//! that somebody else has here. Both are NULL where nothing is known.

use sea_orm_migration::{DbErr, MigrationName, MigrationTrait, SchemaManager};

use crate::Engine;
use crate::adoption;
use crate::sql_migration::{Direction, PlannedMigration, SqlMigration, Statements};

const COLUMNS: SqlMigration = SqlMigration {
    name: "m20261121_000009_digest_old_passwords",
    creates: &[],
    postgres: Statements {
        up: &[
            "ALTER TABLE adopted_users ADD COLUMN password_digest text \
             CONSTRAINT adopted_users_password_digest_check CHECK (length(password_digest) = 64)",
            "ALTER TABLE adopted_users ADD COLUMN clashing_email text",
        ],
        down: &[
            "ALTER TABLE adopted_users DROP COLUMN clashing_email",
            "ALTER TABLE adopted_users DROP COLUMN password_digest",
        ],
    },
    sqlite: Statements {
        up: &[
            "ALTER TABLE adopted_users ADD COLUMN password_digest TEXT \
             CONSTRAINT adopted_users_password_digest_check CHECK (length(password_digest) = 64)",
            "ALTER TABLE adopted_users ADD COLUMN clashing_email TEXT",
        ],
        down: &[
            "ALTER TABLE adopted_users DROP COLUMN clashing_email",
            "ALTER TABLE adopted_users DROP COLUMN password_digest",
        ],
    },
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct DigestOldPasswords;

impl MigrationName for DigestOldPasswords {
    fn name(&self) -> &str {
        COLUMNS.name()
    }
}

#[async_trait::async_trait]
impl MigrationTrait for DigestOldPasswords {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        COLUMNS.up(manager).await?;
        adoption::digest_passwords(manager.get_connection()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        COLUMNS.down(manager).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

impl PlannedMigration for DigestOldPasswords {
    fn plan(&self, engine: Engine, direction: Direction) -> Vec<String> {
        let mut plan = COLUMNS.plan(engine, direction);
        if direction == Direction::Up {
            plan.push(
                "-- digests the password hashes of adopted accounts that are still as they came".to_owned(),
            );
        }
        plan
    }

    fn creates(&self) -> &[&'static str] {
        COLUMNS.creates()
    }
}
