//! What accompanies one request: its id, its place in a trace, its deadline and, once known, who is calling.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    time::Duration,
};

use actix_web::{HttpMessage, HttpRequest, dev::ServiceRequest, rt::time::Instant};
use holdfast_application::domain::UserId;

use super::{client_ip, limits, trace::Trace};
use crate::WebState;

const HEADER: &str = "x-request-id";
/// Longer ids from a proxy are replaced.
const LONGEST: usize = 128;

/// The companion of one request, shared by its middleware and its extractors.
pub(crate) struct Context {
    /// Goes out as `X-Request-Id`, into every problem document and every log line of the request.
    pub(crate) request_id: String,
    /// Where it stands in a trace; nowhere where nobody asks for it.
    pub(crate) trace: Option<Trace>,
    user: OnceCell<UserId>,
    deadline: Cell<Instant>,
}

impl Context {
    /// Makes the companion of `request` and attaches it.
    pub(crate) fn attach(state: &WebState, request: &ServiceRequest) -> Rc<Self> {
        let context = Rc::new(Self {
            request_id: incoming(state, request).unwrap_or_else(|| state.fresh_request_id()),
            trace: Trace::of(state, request),
            user: OnceCell::new(),
            deadline: Cell::new(Instant::now() + limits::REQUEST_TIME),
        });
        request.extensions_mut().insert(Rc::clone(&context));
        context
    }

    /// The companion that was attached to `request`.
    pub(crate) fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.extensions().get::<Rc<Self>>().cloned()
    }

    /// Notes who is calling, for the log.
    pub(crate) fn identify(&self, user: UserId) {
        // A second extraction of the same caller changes nothing.
        let _ = self.user.set(user);
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        self.user.get().copied()
    }

    /// When the answer must be there.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.get()
    }

    /// Gives the request this much more time, from now.
    pub(crate) fn grant(&self, time: Duration) {
        self.deadline.set(Instant::now() + time);
    }
}

/// The id that a trusted proxy gave, if it is sane: letters, digits, `-`, `_` and `.`.
fn incoming(state: &WebState, request: &ServiceRequest) -> Option<String> {
    let text = request.headers().get(HEADER)?.to_str().ok()?;
    let sane = (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let peer = request.peer_addr().map(|address| address.ip())?;
    (sane && client_ip::is_trusted(peer, &state.trusted_proxies())).then(|| text.to_owned())
}
