//! The second factor of an account: codes by time (RFC 6238), and recovery codes for whoever has lost what makes them.
//! Computing codes, sealing secrets and storing either is not done here.

mod base32;
mod code;
mod recovery;
mod secret;
mod step;

pub use code::{Code, Typed};
pub use recovery::{RECOVERY_CODES, RecoveryCode};
pub use secret::TotpSecret;
pub use step::TimeStep;
