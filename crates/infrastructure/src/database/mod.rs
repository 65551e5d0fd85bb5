//! The store on PostgreSQL and SQLite: SeaORM's queries on connections that are leased here. The schema is the
//! `migration` crate's.

mod attempts;
mod audit;
mod connections;
mod dialect;
mod entities;
mod error;
mod examination;
mod figures;
mod fixed;
mod idempotency;
mod leases;
mod legacy_tokens;
mod micros;
mod one_time_tokens;
mod options;
mod personal_tokens;
mod retry;
mod second_factors;
mod sessions;
mod sqlite_errors;
mod store;
mod sweep;
mod task_pages;
#[cfg(test)]
mod task_plans;
mod tasks;
mod throttle;
mod user_pages;
mod users;

pub use connections::{Answer, Call, Connections, Deadline, LeasingPool, OpenTransaction, ReplicaState};
pub use examination::{EngineFacts, Examination, ExaminationError, PostgresFacts, examine};
pub use figures::{CallFigures, PoolFigures};
pub use options::{DatabaseLocation, DatabaseOptions};
pub use store::{SeaOrm, SeaOrmStore, SeaOrmUnitOfWork};
