//! Accounts: who somebody is, what they may do, and what a password must be like. Hashing is a port.

mod common_passwords;
mod email;
mod link_purpose;
mod linked_account;
mod name;
mod password;
mod role;
mod texts;
mod user;

pub use email::{Email, InvalidEmail};
pub use link_purpose::LinkPurpose;
pub use linked_account::LinkedAccount;
pub use name::{NAME_LIMIT, Name};
pub use password::{NewPassword, Password, PasswordFault, PasswordHash};
pub use role::{InvalidRole, Role};
pub use texts::{BAN_REASON_LIMIT, BanReason, IMAGE_LIMIT, Image};
pub use user::{Account, Ban, BanEndsTooEarly, Refusal, User};
