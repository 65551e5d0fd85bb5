//! Accounts: who somebody is, what they may do, and what a password must be like. Hashing is a port.

mod email;
mod name;
mod password;
mod role;
mod user;

pub use email::{Email, InvalidEmail};
pub use name::{NAME_LIMIT, Name};
pub use password::{NewPassword, Password, PasswordFault, PasswordHash};
pub use role::{InvalidRole, Role};
pub use user::{Account, Ban, Refusal, User};
