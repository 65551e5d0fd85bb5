//! Accounts and sessions on the canonical surface, one operation per file.

mod accounts;
mod end_session;
mod login;
mod logout;
mod me;
mod model;
mod refresh;
mod session;
mod sessions;
mod sign_in;
mod sign_up;
mod token;
mod token_info;
mod verify;

pub(crate) use accounts::*;
pub(crate) use end_session::*;
pub(crate) use login::*;
pub(crate) use logout::*;
pub(crate) use me::*;
pub(crate) use refresh::*;
pub(crate) use session::*;
pub(crate) use sessions::*;
pub(crate) use sign_in::*;
pub(crate) use sign_up::*;
pub(crate) use token::*;
pub(crate) use token_info::*;
pub(crate) use verify::*;
