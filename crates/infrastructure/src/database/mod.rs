//! The store on PostgreSQL and SQLite: SeaORM's queries on connections that are leased here. The schema is the
//! `migration` crate's.

mod audit;
mod connections;
mod dialect;
mod entities;
mod error;
mod legacy_tokens;
mod micros;
mod options;
mod retry;
mod sessions;
mod store;
mod task_pages;
mod tasks;
mod user_pages;
mod users;

pub use connections::{Answer, Call, Connections, Deadline, LeasingPool, OpenTransaction};
pub use options::{DatabaseLocation, DatabaseOptions};
pub use store::{SeaOrm, SeaOrmStore, SeaOrmUnitOfWork};
