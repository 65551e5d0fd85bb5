//! Mail: what it says, the links in it, and what is looked up to write it. When it is sent is the outbox's, how is the
//! mailer's; what a link does is the use cases' that redeem it, in `auth`.

mod courier;
mod letters;
mod links;

pub use courier::Courier;
pub use letters::LinkSite;
pub(crate) use links::Links;
pub use links::{LINK_WINDOW, LINKS_PER_WINDOW, LinkError};
