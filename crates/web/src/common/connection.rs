//! What a connection does at the moment: which of its requests are being answered, and whether the head of the next one has
//! begun. What follows from it is `paced`'s to say; what bounds a request itself is told in `limits`.

use std::{cell::Cell, rc::Rc};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};
use tokio::time::Instant;

use super::{paced::Pace, streamed::Streamed};

/// A connection, as it is kept beside its requests.
pub struct Connection(Rc<Progress>);

pub(super) struct Progress {
    under_way: Cell<usize>,
    /// Whether an answer waits for its client to take it.
    waits: Cell<bool>,
    quiet_since: Cell<Instant>,
    head_since: Cell<Option<Instant>>,
}

impl Connection {
    pub(super) fn of(progress: Rc<Progress>) -> Self {
        Self(progress)
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.0.under_way.set(self.0.under_way.get() + 1);
        self.0.head_since.set(None);
        UnderWay(Rc::clone(&self.0))
    }
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            under_way: Cell::default(),
            waits: Cell::default(),
            quiet_since: Cell::new(now),
            head_since: Cell::default(),
        }
    }

    /// Notes that bytes came, and tells whether they are the first of a head. Those that come before the answer to an earlier
    /// request is made and taken may belong to its body.
    pub(super) fn bytes_begin_a_head(&self) -> bool {
        let begins = self.under_way.get() == 0 && !self.waits.get() && self.head_since.get().is_none();
        if begins {
            self.head_since.set(Some(Instant::now()));
        }
        begins
    }

    /// Notes whether the client has yet to take what it was sent.
    pub(super) fn note_waiting(&self, waits: bool) {
        self.waits.set(waits);
    }

    /// When the client is late, as it stands now.
    pub(super) fn due(&self, pace: Pace) -> Instant {
        if self.under_way.get() > 0 {
            return Instant::now() + pace.pause;
        }
        let pause = self.quiet_since.get() + pace.pause;
        self.head_since.get().map_or(pause, |since| pause.min(since + pace.head))
    }
}

/// A request of a connection, until its answer is made, or streamed to its end.
pub(super) struct UnderWay(Rc<Progress>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(progress) = self;
        progress.under_way.set(progress.under_way.get() - 1);
        progress.quiet_since.set(Instant::now());
    }
}

/// Calls the application, and notes on the connection that it does.
pub(crate) fn note<S>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
    S::Future: 'static,
{
    let under_way = request.conn_data::<Connection>().map(Connection::begin);
    let answer = service.call(request);
    async move {
        let answer = answer.await?;
        Ok(answer.map_body(|_, body| match (body.size(), under_way) {
            (BodySize::Stream, Some(under_way)) => Streamed::holding(body, under_way),
            (BodySize::Stream | BodySize::None | BodySize::Sized(_), _) => body,
        }))
    }
}
