//! What a connection does between requests. actix-http gives the head of its first request a time, and none to those after it: a
//! client could send the second one byte by byte for ever. So whoever completes no head for a while is let go here. What bounds a
//! request itself is told in `limits`.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    rt::{
        spawn,
        task::JoinHandle,
        time::{Instant, sleep_until},
    },
};

use super::streamed::Streamed;

/// A connection, as it is kept beside its requests.
pub struct Connection(Rc<Progress>);

struct Progress {
    under_way: Cell<usize>,
    quiet_since: Cell<Instant>,
    watch: RefCell<Option<JoinHandle<()>>>,
}

impl Connection {
    /// Calls `close` once when no request has been under way for `patience`, unless this is dropped before. Needs a runtime of
    /// actix's, whose end is its own, too.
    pub fn watched(patience: Duration, close: impl FnOnce() + 'static) -> Self {
        let (quiet_since, watch) = (Cell::new(Instant::now()), RefCell::default());
        let progress = Rc::new(Progress { under_way: Cell::default(), quiet_since, watch });
        let watched = Rc::downgrade(&progress);
        let watch = spawn(async move {
            while let Some(due) = watched.upgrade().map(|progress| progress.due(patience)) {
                if due <= Instant::now() {
                    return close();
                }
                sleep_until(due).await;
            }
        });
        *progress.watch.borrow_mut() = Some(watch);
        Self(progress)
    }

    fn begin(&self) -> UnderWay {
        self.0.under_way.set(self.0.under_way.get() + 1);
        UnderWay(Rc::clone(&self.0))
    }
}

impl Progress {
    fn due(&self, patience: Duration) -> Instant {
        let since = if self.under_way.get() > 0 { Instant::now() } else { self.quiet_since.get() };
        since + patience
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.abort();
        }
    }
}

/// A request of a connection, until its answer is made, or streamed to its end.
struct UnderWay(Rc<Progress>);

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

#[cfg(test)]
mod tests {
    use tokio::time::{advance, pause};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(80);

    fn watched() -> (Connection, Rc<Cell<bool>>) {
        let closed = Rc::new(Cell::new(false));
        let close = Rc::clone(&closed);
        (Connection::watched(PATIENCE, move || close.set(true)), closed)
    }

    /// Lets the time pass, and whoever waited for it act.
    async fn pass(seconds: u64) {
        tokio::task::yield_now().await;
        advance(Duration::from_secs(seconds)).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }

    #[actix_web::test]
    async fn whoever_completes_no_head_is_let_go_however_busy_they_seem() {
        pause();
        let (connection, closed) = watched();
        pass(79).await;
        assert!(!closed.get());
        drop(connection.begin());
        pass(79).await;
        assert!(!closed.get(), "a request counts");
        pass(2).await;
        assert!(closed.get());
    }

    #[actix_web::test]
    async fn a_request_may_take_longer_than_the_pause_between_two() {
        pause();
        let (connection, closed) = watched();
        let (one, other) = (connection.begin(), connection.begin());
        pass(100).await;
        drop(one);
        pass(100).await;
        assert!(!closed.get());
        drop(other);
        pass(79).await;
        assert!(!closed.get());
        pass(2).await;
        assert!(closed.get());
    }

    #[actix_web::test]
    async fn a_connection_that_is_over_is_watched_no_longer() {
        pause();
        let (connection, closed) = watched();
        drop(connection);
        pass(100).await;
        assert!(!closed.get());
    }
}
