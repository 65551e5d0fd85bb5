//! Entries of the security history: how one is made, and its line in the log. Storing it belongs into the unit of work of
//! its cause.

use holdfast_domain::{
    EventId, UserId,
    sessions::{AuthEvent, Client, EventKind},
};

use crate::ports::{Clock, Ids};

/// An entry about `user`, logged as well, without a session and without a client.
pub(crate) fn event(ids: &dyn Ids, clock: &dyn Clock, user: UserId, kind: EventKind) -> AuthEvent {
    tracing::info!(target: "holdfast::security", event = kind.name(), user_id = %user, "security event");
    let (id, at) = (EventId::new(ids.next()), clock.now());
    AuthEvent { id, user, kind: kind.into(), at, session: None, client: Client::default() }
}
