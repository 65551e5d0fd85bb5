//! Single connections, leased one at a time, on both engines: the one place for time budgets, for what becomes of a
//! connection whose statement was cut short, and for further tries.
//!
//! SeaORM builds the statements and reads the rows; what they say is the repositories' matter.

mod budget;
mod call;
mod connection;
mod connector;
mod lease;
mod line;
mod lines;
mod outage;
mod pool;
mod postgres;
mod replica;
mod sqlite;
mod sqlite_file;
mod sqlite_watch;
mod standing;
mod transaction;
mod usage;

pub use budget::Deadline;
pub use call::{Call, Connections};
pub use connection::Answer;
pub use pool::LeasingPool;
pub use replica::ReplicaState;
pub(in crate::database) use sqlite_file::FileReplaced;
pub use transaction::OpenTransaction;
