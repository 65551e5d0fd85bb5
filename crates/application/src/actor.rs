//! Who is calling: what every use case of a signed-in person takes first.

use holdfast_domain::{SessionId, UserId, users::Role};

/// An authenticated caller. Only [`crate::auth::Auth::authenticate`] makes one from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The account; everything it reads and writes is scoped to it.
    pub user: UserId,
    /// The session that the request belongs to; absent with a token that the FastAPI backend issued.
    pub session: Option<SessionId>,
    /// What it may do beyond its own rows.
    pub role: Role,
}
