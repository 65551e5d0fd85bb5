//! Sessions: one per sign-in, each a family of refresh tokens.

mod event;
mod session;

pub use event::{AuthEvent, EventKind};
pub use session::{
    Client, EndReason, Expired, Lifetimes, Presented, ROTATION_WINDOW, ROTATIONS_PER_WINDOW, Rotation,
    SESSION_LIMIT, Session, TooManyRotations,
};
