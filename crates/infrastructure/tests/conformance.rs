//! The conformance kit on both engines, on PostgreSQL once more without anything that outlives a transaction, and through a
//! PgBouncer that hands each transaction to another connection.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        UserId,
        users::{Account, Email, LinkedAccount},
    },
    ports::{Store, StoreError},
};
use holdfast_infrastructure::database::{DatabaseLocation, DatabaseOptions, SeaOrmStore};
use holdfast_testkit::{
    conformance::{Adopt, Fresh},
    postgres::PgBouncer,
    store_conformance,
};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

mod stores;

store_conformance!(fresh_sqlite);
store_conformance!(fresh_postgres);
store_conformance!(fresh_pooled_postgres);
store_conformance!(fresh_pgbouncer);

async fn fresh_sqlite() -> Option<Fresh> {
    let (store, folder) = stores::sqlite().await;
    Some(fresh(store, folder))
}

async fn fresh_postgres() -> Option<Fresh> {
    let database = stores::postgres_database().await?;
    let store = SeaOrmStore::connect(stores::postgres_options(database.url())).await.unwrap();
    Some(fresh(store, database))
}

async fn fresh_pooled_postgres() -> Option<Fresh> {
    let database = stores::postgres_database().await?;
    let store = SeaOrmStore::connect(pooled(database.url())).await.unwrap();
    Some(fresh(store, database))
}

async fn fresh_pgbouncer() -> Option<Fresh> {
    let database = stores::postgres_database().await?;
    let pooler = PgBouncer::in_front_of(database.url(), "conformance").unwrap()?;
    let store = SeaOrmStore::connect(pooled(pooler.url())).await.unwrap();
    Some(fresh(store, (pooler, database)))
}

fn pooled(url: &str) -> DatabaseOptions {
    let location = DatabaseLocation::Postgres { url: url.to_owned(), pooler: true };
    DatabaseOptions { location, statement_cache: 0, ..stores::postgres_options(url) }
}

fn fresh(store: SeaOrmStore, keep: impl std::any::Any + Send) -> Fresh {
    let store = Arc::new(store);
    Fresh::new(store.clone(), keep).adopting(Arc::new(Adoption(store)))
}

/// Takes the claim away, which only an adoption leaves out.
struct Adoption(Arc<SeaOrmStore>);

#[async_trait]
impl Adopt for Adoption {
    async fn adopt(&self, account: &Account) -> Result<(), StoreError> {
        // Inserted under an address that nobody has, then renamed without a claim.
        let mut account = account.clone();
        let email = account.user.email.clone();
        account.user.email = Email::stored(format!("{}@adopted", account.user.id));
        let unit = self.0.begin().await?;
        unit.users().insert(&account).await?;
        unit.commit().await?;
        let call = self.0.call();
        let backend = call.get_database_backend();
        let sql = match backend {
            DbBackend::Postgres => {
                "UPDATE users SET email = $1, email_folded = $2, email_claim = NULL WHERE id = $3"
            }
            _ => "UPDATE users SET email = ?, email_folded = ?, email_claim = NULL WHERE id = ?",
        };
        let values = [email.as_str().into(), email.folded().into(), account.user.id.uuid().into()];
        call.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
        Ok(())
    }

    async fn link(&self, owner: UserId, link: &LinkedAccount) -> Result<(), StoreError> {
        let LinkedAccount { id, provider_id, account_id, created_at, updated_at } = link;
        let call = self.0.call();
        let backend = call.get_database_backend();
        let sql = match backend {
            DbBackend::Postgres => {
                "INSERT INTO linked_accounts (user_id, id, provider_id, account_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)"
            }
            _ => {
                "INSERT INTO linked_accounts (user_id, id, provider_id, account_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)"
            }
        };
        let values = [
            owner.uuid().into(),
            id.as_str().into(),
            provider_id.as_str().into(),
            account_id.as_str().into(),
            created_at.datetime().into(),
            updated_at.datetime().into(),
        ];
        call.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
        Ok(())
    }
}
