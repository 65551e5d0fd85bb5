//! Accounts and sessions on the canonical surface, one operation per file.

mod login;
mod logout;
mod me;
mod model;
mod refresh;
mod sign_in;
mod sign_up;
mod token;

pub(crate) use login::*;
pub(crate) use logout::*;
pub(crate) use me::*;
pub(crate) use refresh::*;
pub(crate) use sign_in::*;
pub(crate) use sign_up::*;
pub(crate) use token::*;
