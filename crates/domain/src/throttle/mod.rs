//! Throttling of attempts at a password: what is counted, and how long somebody then waits. Nobody is ever locked out for
//! good. Counting atomically is a port's; throttling by client address alone is the web's.

mod backoff;
mod counter;
mod limits;
mod principal;

pub use backoff::Backoff;
pub use counter::{Counter, KNOWN_FOR, REMEMBERED_FOR, UNDER_WAY_FOR};
pub use limits::{Counters, Limit, Limits, Throttled};
pub use principal::{Network, Principal};
