//! When spans go to the collector: on a thread of their own, in batches, as long as the process runs and a moment longer. A collector
//! that is slow or gone costs spans, and nothing else.

use std::{io, sync::Arc, thread, time::Duration};

use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::{
    runtime,
    sync::{mpsc::Receiver, oneshot, watch},
    time::{Instant, sleep, sleep_until, timeout, timeout_at},
};

use super::{
    collector::{Collector, Failure},
    figures::SpanFigures,
    recording::Span,
    wire,
};

/// Before the second try; it doubles each time.
const PAUSE: Duration = Duration::from_millis(500);
/// A collector that comes and goes is worth a line in the log this often.
const WARNING: Duration = Duration::from_mins(1);

/// How spans are gathered (`OTEL_BSP_…`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How long the first span of a batch waits for others.
    pub(super) delay: Duration,
    /// How many are a batch.
    pub(super) batch: usize,
    /// How long a batch may take, with all tries.
    pub(super) limit: Duration,
}

/// What runs on the thread.
pub(super) struct Exporter {
    pub(super) collector: Collector,
    pub(super) resource: Resource,
    pub(super) pace: Pace,
    pub(super) figures: Arc<SpanFigures>,
    pub(super) spans: Receiver<Span>,
}

/// Ends the exporter.
pub(super) struct Running {
    /// Until when it may go on.
    until: watch::Sender<Option<Instant>>,
    over: oneshot::Receiver<()>,
}

impl Running {
    /// Sends what waits, for this long at most.
    pub(super) async fn stop(self, within: Duration) {
        let Self { until, over } = self;
        until.send_replace(Some(Instant::now() + within));
        // A thread that is gone has ended, too.
        timeout(within, over).await.ok();
    }
}

impl Exporter {
    /// Starts the thread.
    pub(super) fn start(self) -> io::Result<Running> {
        let (until, ends) = watch::channel(None);
        let (done, over) = oneshot::channel();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("traces".to_owned()).spawn(move || {
            runtime.block_on(self.run(End(ends)));
            // Whoever waits for it may have given up.
            done.send(()).ok();
        })?;
        Ok(Running { until, over })
    }

    async fn run(self, mut end: End) {
        let Self { collector, resource, pace, figures, mut spans } = self;
        let mut delivery = Delivery { collector, resource, pace, figures, standing: Standing::default() };
        while let Some(batch) = gather(&mut spans, pace, &mut end).await {
            delivery.deliver(batch, &mut end).await;
        }
        spans.close();
        let mut rest = Vec::new();
        while spans.recv_many(&mut rest, pace.batch).await > 0 {
            delivery.deliver(std::mem::take(&mut rest), &mut end).await;
        }
    }
}

/// The next batch; none once the end has come, which leaves the rest where it is.
async fn gather(spans: &mut Receiver<Span>, pace: Pace, end: &mut End) -> Option<Vec<Span>> {
    let mut batch = Vec::new();
    tokio::select! {
        biased;
        () = end.announced() => return None,
        taken = spans.recv_many(&mut batch, pace.batch) => if taken == 0 { return None },
    }
    let full = async {
        while let room @ 1.. = pace.batch - batch.len()
            && spans.recv_many(&mut batch, room).await > 0
        {}
    };
    tokio::select! {
        () = end.announced() => {}
        // Full, or late enough.
        _ = timeout(pace.delay, full) => {}
    }
    Some(batch)
}

/// The end of the process, as it is announced.
struct End(watch::Receiver<Option<Instant>>);

impl End {
    async fn announced(&mut self) {
        // Without a sender nobody ends it any more, and nobody waits.
        let _ = self.0.wait_for(Option::is_some).await;
    }

    /// Completes when no more time is left.
    async fn reached(&mut self) {
        let until = self.0.wait_for(Option::is_some).await.ok().and_then(|until| *until);
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }
}

struct Delivery {
    collector: Collector,
    resource: Resource,
    pace: Pace,
    figures: Arc<SpanFigures>,
    standing: Standing,
}

impl Delivery {
    async fn deliver(&mut self, batch: Vec<Span>, end: &mut End) {
        let count = batch.len() as u64;
        let body = self.collector.body(&wire::request(self.resource.clone(), batch));
        let outcome = tokio::select! {
            outcome = self.send(body) => outcome,
            () = end.reached() => Err(Failure::Unreached("the process ended before".to_owned())),
        };
        match &outcome {
            Ok(turned_down) => {
                let turned_down = count.min(*turned_down);
                self.figures.not_taken.count_many(turned_down);
                self.figures.exported.count_many(count - turned_down);
            }
            Err(_) => self.figures.not_taken.count_many(count),
        }
        self.standing.note(outcome.err().as_ref());
    }

    async fn send(&self, body: Vec<u8>) -> Result<u64, Failure> {
        let limit = Instant::now() + self.pace.limit;
        let mut pause = PAUSE;
        loop {
            let sent = timeout_at(limit, self.collector.send(body.clone())).await;
            let failure =
                match sent.unwrap_or_else(|_| Err(Failure::Unreached("it takes too long".to_owned()))) {
                    Ok(turned_down) => return Ok(turned_down),
                    Err(failure) => failure,
                };
            let Some(wait) = failure
                .pause(pause)
                .filter(|wait| Instant::now().checked_add(*wait).is_some_and(|then| then < limit))
            else {
                return Err(failure);
            };
            pause *= 2;
            sleep(wait).await;
        }
    }
}

/// What the log said last about the collector.
#[derive(Default)]
struct Standing {
    told_failing: bool,
    warned_at: Option<Instant>,
}

impl Standing {
    fn note(&mut self, failure: Option<&Failure>) {
        let Some(failure) = failure else {
            if std::mem::take(&mut self.told_failing) {
                tracing::info!(target: "holdfast::traces", "the collector takes spans again");
            }
            return;
        };
        let now = Instant::now();
        let silent = self.warned_at.is_some_and(|at| now.duration_since(at) < WARNING);
        if !self.told_failing && !silent {
            (self.told_failing, self.warned_at) = (true, Some(now));
            tracing::warn!(target: "holdfast::traces", "spans are lost, the collector does not take them: {failure}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        sync::mpsc,
    };

    use holdfast_application::{domain::Timestamp, measure::Counter};
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    };
    use prost::Message as _;
    use reqwest::header::HeaderMap;
    use tokio::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::traces::recording::Span;

    const LONG: Duration = Duration::from_mins(1);

    /// Answers each request with the next status, and the last ones with the last.
    fn collector(answers: Vec<(u16, Vec<u8>)>) -> (String, mpsc::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let (told, asked) = mpsc::channel();
        thread::spawn(move || {
            let mut answers = answers.into_iter().peekable();
            for connection in listener.incoming() {
                let mut connection = BufReader::new(connection.unwrap());
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    connection.read_line(&mut line).unwrap();
                    if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = told.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                connection.read_exact(&mut body).unwrap();
                let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
                told.send(request.resource_spans[0].scope_spans[0].spans.len()).unwrap();
                let (status, body) = answers.peek().cloned().unwrap();
                if answers.len() > 1 {
                    answers.next();
                }
                // One that is out of its mind asks for more seconds than there are.
                let wait = if status == 502 { u64::MAX } else { 0 };
                let head = format!(
                    "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nretry-after: {wait}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                connection.get_mut().write_all(&[head.as_bytes(), &body].concat()).unwrap();
            }
        });
        (address, asked)
    }

    fn export(endpoint: &str, pace: Pace) -> (Sender<Span>, Arc<SpanFigures>, Running) {
        let (over, spans) = channel(1_000);
        let figures = Arc::new(SpanFigures::default());
        let collector = Collector::new(endpoint.parse().unwrap(), HeaderMap::new(), LONG, false).unwrap();
        let exporter =
            Exporter { collector, resource: wire::resource([]), pace, figures: figures.clone(), spans };
        (over, figures, exporter.start().unwrap())
    }

    fn span() -> Span {
        Span::over("x", Timestamp::from_seconds(1).unwrap())
    }

    fn read(figures: &SpanFigures) -> [u64; 3] {
        [&figures.exported, &figures.no_room, &figures.not_taken].map(Counter::read)
    }

    #[tokio::test]
    async fn a_full_batch_goes_at_once_and_the_rest_at_the_end() {
        let (endpoint, asked) = collector(vec![(200, Vec::new())]);
        let (over, figures, running) = export(&endpoint, Pace { delay: LONG, batch: 3, limit: LONG });
        for _ in 0..4 {
            over.send(span()).await.unwrap();
        }
        assert_eq!(asked.recv().unwrap(), 3);
        assert!(asked.try_recv().is_err());
        running.stop(LONG).await;
        assert_eq!(asked.recv().unwrap(), 1);
        assert_eq!(read(&figures), [4, 0, 0]);
        assert!(over.is_closed());
    }

    #[tokio::test]
    async fn a_span_alone_goes_after_the_delay() {
        let (endpoint, asked) = collector(vec![(200, Vec::new())]);
        let (over, _figures, _running) =
            export(&endpoint, Pace { delay: Duration::from_millis(1), batch: 3, limit: LONG });
        over.send(span()).await.unwrap();
        assert_eq!(asked.recv().unwrap(), 1);
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_does_not_is_dropped() {
        let pace = Pace { delay: LONG, batch: 2, limit: LONG };
        let (endpoint, asked) = collector(vec![(503, Vec::new()), (429, Vec::new()), (200, Vec::new())]);
        let (over, figures, running) = export(&endpoint, pace);
        over.send(span()).await.unwrap();
        over.send(span()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(asked.recv().unwrap(), 2);
        }
        running.stop(LONG).await;
        assert_eq!(read(&figures), [2, 0, 0]);
        let (endpoint, asked) = collector(vec![(400, Vec::new()), (200, Vec::new())]);
        let (over, figures, running) = export(&endpoint, pace);
        for _ in 0..3 {
            over.send(span()).await.unwrap();
        }
        assert_eq!(asked.recv().unwrap(), 2);
        running.stop(LONG).await;
        assert_eq!(asked.recv().unwrap(), 1);
        assert_eq!(read(&figures), [1, 0, 2]);
    }

    #[tokio::test]
    async fn a_collector_that_asks_for_too_much_patience_loses_that_batch_and_no_other() {
        let (endpoint, asked) = collector(vec![(502, Vec::new()), (200, Vec::new())]);
        let (over, figures, running) = export(&endpoint, Pace { delay: LONG, batch: 1, limit: LONG });
        for _ in 0..2 {
            over.send(span()).await.unwrap();
            assert_eq!(asked.recv().unwrap(), 1);
        }
        running.stop(LONG).await;
        assert_eq!(read(&figures), [1, 0, 1]);
    }

    #[tokio::test]
    async fn what_a_collector_turns_down_of_a_batch_is_counted() {
        let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "no".to_owned() };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let (endpoint, _asked) = collector(vec![(200, answer)]);
        let (over, figures, running) = export(&endpoint, Pace { delay: LONG, batch: 3, limit: LONG });
        for _ in 0..3 {
            over.send(span()).await.unwrap();
        }
        running.stop(LONG).await;
        assert_eq!(read(&figures), [1, 0, 2]);
    }

    #[tokio::test]
    async fn the_end_waits_no_longer_than_it_may_for_a_collector_that_does_not_answer() {
        // Connections are taken, and nothing is ever said.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let (over, figures, running) = export(&endpoint, Pace { delay: LONG, batch: 1, limit: LONG });
        for _ in 0..3 {
            over.send(span()).await.unwrap();
        }
        let _taken = silent.accept().unwrap();
        running.stop(Duration::from_millis(50)).await;
        // The thread is over as well, or will be.
        over.closed().await;
        while read(&figures) != [0, 0, 3] {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_a_minute_that_a_collector_comes_and_goes() {
        let failure = || Failure::Unreached("gone".to_owned());
        let mut standing = Standing::default();
        standing.note(Some(&failure()));
        let first = standing.warned_at;
        assert!(standing.told_failing && first.is_some());
        for _ in 0..59 {
            tokio::time::advance(Duration::from_secs(1)).await;
            standing.note(None);
            assert!(!standing.told_failing);
            standing.note(Some(&failure()));
            assert_eq!((standing.told_failing, standing.warned_at), (false, first));
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        standing.note(Some(&failure()));
        assert!(standing.told_failing && standing.warned_at > first);
        standing.note(Some(&failure()));
        assert!(standing.told_failing);
    }
}
