//! Entries of the security history: how one is made, and its line in the log, where it is counted as well. Storing it belongs into the unit of work of
//! its cause; the line is written by the store that the services work on, once the entry is committed.

use holdfast_domain::{
    EventId, UserId,
    sessions::{AuthEvent, Client, EventKind},
};

use crate::{
    measure::{ByName, Counter},
    ports::{Clock, Ids},
};

/// The line about an entry that is stored.
pub(crate) fn log(event: &AuthEvent, counters: &ByName<Counter>) {
    let kind = event.kind.name(EventKind::name);
    // What another version has written is never written here.
    if let Some(known) = event.kind.known() {
        counters.count(known.name());
    }
    tracing::info!(target: "holdfast::security", event = kind, user_id = %event.user, "security event");
}

/// An entry about `user`, without a session and without a client.
pub(crate) fn event(ids: &dyn Ids, clock: &dyn Clock, user: UserId, kind: EventKind) -> AuthEvent {
    let (id, at) = (EventId::new(ids.next()), clock.now());
    AuthEvent { id, user, kind: kind.into(), at, session: None, client: Client::default() }
}
