//! The stream of a connection whose client has to keep a pace. actix-http gives the first request head of a connection a time,
//! and none to those after it: a client could send the second one byte by byte for ever. So the stream itself ends when a head
//! takes too long, or when nothing has been answered for a while. What a connection is doing is known to `connection`.

use std::{
    io,
    mem::take,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

use super::connection::{Connection, Progress};

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// For a request head, from its first byte on.
    pub head: Duration,
    /// Between the end of an answer and the next request, whatever comes or is taken meanwhile.
    pub pause: Duration,
}

/// A stream that ends where its client does not keep the pace.
pub struct Paced<S> {
    stream: S,
    pace: Pace,
    progress: Rc<Progress>,
    /// Goes off no later than a client can be late. It is put forward when a head begins and put off when it has gone off for
    /// nothing, so that a request which comes at once touches no timer.
    alarm: Pin<Box<Sleep>>,
    /// Whether the task is woken by it.
    armed: bool,
    /// Whether bytes came since the stream was last found empty.
    came: bool,
}

impl<S> Paced<S> {
    /// Needs a runtime with a clock.
    pub fn new(stream: S, pace: Pace) -> Self {
        let progress = Rc::new(Progress::new(Instant::now()));
        let alarm = Box::pin(sleep_until(progress.due(pace)));
        Self { stream, pace, progress, alarm, armed: false, came: false }
    }

    /// What its requests tell of their beginnings and ends.
    pub fn connection(&self) -> Connection {
        Connection::of(Rc::clone(&self.progress))
    }

    /// Whether the client is late. To be asked before the task waits, which is woken when that may have changed.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        if self.armed && !self.alarm.is_elapsed() {
            return false;
        }
        self.armed = true;
        // The clock is asked also where the task has done a lot in one go: otherwise nothing would wake it.
        while pin!(unconstrained(self.alarm.as_mut())).poll(context).is_ready() {
            let due = self.progress.due(self.pace);
            if due <= Instant::now() {
                return true;
            }
            self.alarm.as_mut().reset(due);
        }
        false
    }

    fn note_bytes(&mut self) {
        self.came = true;
        if !self.progress.bytes_begin_a_head() {
            return;
        }
        let due = self.progress.due(self.pace);
        if due < self.alarm.deadline() {
            self.alarm.as_mut().reset(due);
            self.armed = false;
        }
    }

    /// Notes whether the client takes what it is sent.
    fn sent<T>(&mut self, sent: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.progress.note_waiting(sent.is_pending());
        if sent.is_pending() && self.is_late(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        sent
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    /// A client that is late has reached its end. What came in time counts, also where nobody had the time to look at it.
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (this, before) = (self.get_mut(), buffer.filled().len());
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            if buffer.filled().len() > before {
                this.note_bytes();
            }
            return read;
        }
        let came = take(&mut this.came);
        if this.is_late(context) {
            if !came {
                return Poll::Ready(Ok(()));
            }
            context.waker().wake_by_ref();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.sent(written, context)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        this.sent(flushed, context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(context);
        this.sent(shut, context)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        future::poll_fn,
        task::Waker,
    };

    use actix_web::rt::{spawn, task::JoinHandle};
    use tokio::time::{advance, pause};

    use super::*;

    const PACE: Pace = Pace { head: Duration::from_secs(5), pause: Duration::from_secs(80) };

    /// The client's side of a stream, which sends when it is told and may take nothing.
    #[derive(Clone, Default)]
    struct Client(Rc<State>);

    #[derive(Default)]
    struct State {
        sent: Cell<usize>,
        takes_nothing: Cell<bool>,
        reader: RefCell<Option<Waker>>,
    }

    impl Client {
        fn sends(&self, bytes: usize) {
            self.0.sent.set(self.0.sent.get() + bytes);
            if let Some(reader) = self.0.reader.take() {
                reader.wake();
            }
        }
    }

    impl AsyncRead for Client {
        fn poll_read(
            self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let bytes = self.0.sent.take();
            if bytes == 0 {
                *self.0.reader.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            buffer.put_slice(&vec![b'x'; bytes]);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Client {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            if self.0.takes_nothing.get() { Poll::Pending } else { Poll::Ready(Ok(bytes.len())) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A connection that is read to its end, as actix-http reads it: until nothing is left, whatever it is told. Where `answers`
    /// is set, something is sent each time as well.
    fn read(client: &Client, answers: bool) -> (Connection, JoinHandle<io::Result<()>>) {
        let mut stream = Paced::new(client.clone(), PACE);
        let connection = stream.connection();
        let reader = spawn(poll_fn(move |context| {
            loop {
                let mut bytes = [0; 64];
                let mut buffer = ReadBuf::new(&mut bytes);
                match Pin::new(&mut stream).poll_read(context, &mut buffer)? {
                    Poll::Ready(()) if buffer.filled().is_empty() => return Poll::Ready(Ok(())),
                    Poll::Ready(()) => {}
                    Poll::Pending if !answers => return Poll::Pending,
                    Poll::Pending => {
                        return match Pin::new(&mut stream).poll_write(context, b"answer")? {
                            Poll::Ready(_) | Poll::Pending => Poll::Pending,
                        };
                    }
                }
            }
        }));
        (connection, reader)
    }

    /// Lets whoever can act do so, then the time pass.
    async fn pass(seconds: u64) {
        settle().await;
        advance(Duration::from_secs(seconds)).await;
        settle().await;
    }

    async fn settle() {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }

    #[actix_web::test]
    async fn a_head_that_comes_byte_by_byte_has_its_time_from_the_first_one_on() {
        pause();
        let client = Client::default();
        let (connection, reader) = read(&client, false);
        client.sends(9);
        settle().await;
        drop(connection.begin());
        pass(30).await;
        for _ in 0..4 {
            client.sends(1);
            pass(1).await;
            assert!(!reader.is_finished());
        }
        client.sends(1);
        pass(2).await;
        assert!(reader.is_finished());
    }

    #[actix_web::test]
    async fn a_head_that_stops_in_the_middle_has_no_more_time() {
        pause();
        let client = Client::default();
        let (connection, reader) = read(&client, false);
        drop(connection.begin());
        pass(30).await;
        client.sends(1);
        pass(4).await;
        assert!(!reader.is_finished());
        pass(2).await;
        assert!(reader.is_finished());
    }

    #[actix_web::test]
    async fn heads_that_are_complete_in_time_go_on_for_as_long_as_they_like() {
        pause();
        let client = Client::default();
        let (connection, reader) = read(&client, false);
        for _ in 0..60 {
            client.sends(1);
            pass(4).await;
            client.sends(1);
            settle().await;
            drop(connection.begin());
        }
        pass(79).await;
        assert!(!reader.is_finished(), "a client that says nothing has the whole pause");
        pass(2).await;
        assert!(reader.is_finished());
    }

    #[actix_web::test]
    async fn what_comes_while_a_request_is_under_way_is_no_head() {
        pause();
        let client = Client::default();
        let (connection, reader) = read(&client, false);
        client.sends(1);
        settle().await;
        let (one, other) = (connection.begin(), connection.begin());
        for _ in 0..100 {
            client.sends(1);
            pass(1).await;
        }
        drop(one);
        pass(100).await;
        assert!(!reader.is_finished());
        drop(other);
        pass(79).await;
        assert!(!reader.is_finished());
        pass(2).await;
        assert!(reader.is_finished());
    }

    #[actix_web::test]
    async fn an_answer_that_is_not_taken_is_given_up() {
        pause();
        let client = Client::default();
        client.0.takes_nothing.set(true);
        let (connection, reader) = read(&client, true);
        settle().await;
        drop(connection.begin());
        for _ in 0..79 {
            client.sends(1);
            pass(1).await;
            assert!(!reader.is_finished(), "a further request waits for the answer to this one");
        }
        pass(2).await;
        assert!(reader.is_finished());
    }

    #[actix_web::test]
    async fn what_came_in_time_counts_however_late_it_is_looked_at() {
        pause();
        let client = Client::default();
        let mut stream = Paced::new(client.clone(), PACE);
        let connection = stream.connection();
        let mut look = |context: &mut Context<'_>| {
            let mut bytes = [0; 64];
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut stream).poll_read(context, &mut buffer);
            read.map(|_| buffer.filled().len())
        };
        client.sends(1);
        poll_fn(|context| {
            assert_eq!(look(context), Poll::Ready(1));
            assert_eq!(look(context), Poll::Pending);
            Poll::Ready(())
        })
        .await;
        client.sends(1);
        pass(6).await;
        poll_fn(|context| {
            assert_eq!(look(context), Poll::Ready(1));
            assert_eq!(look(context), Poll::Pending, "these may be the last bytes of the head");
            assert_eq!(look(context), Poll::Ready(0), "they were not");
            drop(connection.begin());
            assert_eq!(look(context), Poll::Pending, "they were");
            Poll::Ready(())
        })
        .await;
    }
}
