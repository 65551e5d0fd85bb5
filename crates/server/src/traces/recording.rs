//! Makes spans of what the layers tell of a request, and hands them on when they are over. Nothing of a request that is not recorded
//! is looked at, and nobody waits: where there is no room for a span, it is counted and dropped.

use std::{fmt::Write as _, sync::Arc};

use holdfast_application::{
    domain::Timestamp,
    ports::Clock as _,
    spans::{self, caller, place},
};
use holdfast_infrastructure::clock::SystemClock;
use tokio::{
    sync::mpsc::{Sender, error::TrySendError},
    time::Instant,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::{figures::SpanFigures, ids::Ids};

/// Longer texts are cut: a statement with a thousand places says no more than its beginning.
const LONGEST_TEXT: usize = 4_096;

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Flag(bool),
}

/// Who is on the other side of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal,
    Server,
    Client,
}

/// A span, of which more may be told until it is over.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) trace: u128,
    pub(super) id: u64,
    /// 0 where there is none.
    pub(super) parent: u64,
    pub(super) parent_is_remote: bool,
    pub(super) state: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) started_at: Timestamp,
    pub(super) started: Instant,
    pub(super) took: Option<std::time::Duration>,
    pub(super) failed: bool,
    pub(super) attributes: Vec<(&'static str, Value)>,
}

impl Span {
    fn begin(trace: u128, id: u64, parent: u64, name: &str) -> Self {
        Self {
            trace,
            id,
            parent,
            parent_is_remote: false,
            state: String::new(),
            name: name.to_owned(),
            kind: Kind::Internal,
            started_at: SystemClock.now(),
            started: Instant::now(),
            took: None,
            failed: false,
            attributes: Vec::new(),
        }
    }

    /// One that is over, and belongs to no request.
    #[cfg(test)]
    pub(super) fn over(name: &str, started_at: Timestamp) -> Self {
        Self { started_at, took: Some(std::time::Duration::ZERO), ..Self::begin(1, 2, 0, name) }
    }

    /// The first end counts.
    fn end(&mut self) {
        self.took.get_or_insert(self.started.elapsed());
    }

    fn add(&mut self, name: &'static str, value: Value) {
        match (name, value) {
            ("otel.name", Value::Text(name)) => self.name = name,
            ("otel.kind", Value::Text(kind)) => {
                self.kind = match kind.as_str() {
                    "server" => Kind::Server,
                    "client" => Kind::Client,
                    _ => Kind::Internal,
                };
            }
            (caller::SPAN, Value::Text(id)) => {
                self.parent = u64::from_str_radix(&id, 16).unwrap_or_default();
                self.parent_is_remote = true;
            }
            (caller::STATE, Value::Text(state)) => self.state = state,
            // What log lines are found by is no attribute.
            (place::TRACE | place::SPAN | place::FLAGS | "request_id", _) => {}
            (name, value) => {
                self.failed |= name == "error.type";
                if name == "http.response.status_code" {
                    self.end();
                }
                // OTLP wants each name once: what is told again is what holds.
                match self.attributes.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, known)) => *known = value,
                    None => self.attributes.push((name, value)),
                }
            }
        }
    }
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), Value::Text(value[..value.floor_char_boundary(LONGEST_TEXT)].to_owned()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), Value::Whole(value.try_into().unwrap_or(i64::MAX)));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), Value::Whole(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), Value::Flag(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// The place that the span around a request was given.
#[derive(Default)]
struct Placed {
    trace: Option<u128>,
    span: Option<u64>,
    sampled: bool,
}

impl Visit for Placed {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let mut text = String::new();
        // Writing into memory does not fail.
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            place::TRACE => self.trace = u128::from_str_radix(value, 16).ok(),
            place::SPAN => self.span = u64::from_str_radix(value, 16).ok(),
            place::FLAGS => self.sampled = value == "01",
            _ => {}
        }
    }
}

/// The layer that records.
pub(crate) struct Recording {
    pub(super) over: Sender<Span>,
    pub(super) ids: Arc<Ids>,
    pub(super) figures: Arc<SpanFigures>,
}

impl<S> Layer<S> for Recording
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(made) = context.span(id) else { return };
        let mut span = if attributes.metadata().name() == spans::REQUEST {
            let mut placed = Placed::default();
            attributes.record(&mut placed);
            let Placed { trace: Some(trace), span: Some(id), sampled: true } = placed else { return };
            Span::begin(trace, id, 0, spans::REQUEST)
        } else {
            let around = made.parent();
            let Some((trace, parent)) =
                around.and_then(|span| span.extensions().get::<Span>().map(|span| (span.trace, span.id)))
            else {
                return;
            };
            Span::begin(trace, self.ids.span(), parent, attributes.metadata().name())
        };
        attributes.record(&mut span);
        made.extensions_mut().insert(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(made) = context.span(id) else { return };
        if let Some(span) = made.extensions_mut().get_mut::<Span>() {
            values.record(span);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(around) = context.event_span(event) else { return };
        if let Some(span) = around.extensions_mut().get_mut::<Span>() {
            event.record(span);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(mut span) = context.span(&id).and_then(|made| made.extensions_mut().remove::<Span>()) else {
            return;
        };
        span.end();
        match self.over.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.figures.no_room.count(),
        }
    }
}

/// Lets through what belongs to a request that is recorded.
pub(crate) struct OfRecorded;

fn is_request(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == spans::REQUEST
}

impl<S> Filter<S> for OfRecorded
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        if is_request(metadata) {
            return true;
        }
        if metadata.target() != spans::TARGET {
            return false;
        }
        // Events name the request that they belong to themselves.
        metadata.is_event()
            || context.lookup_current().is_some_and(|around| around.extensions().get::<Span>().is_some())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (is_request(metadata), metadata.target() == spans::TARGET, metadata.is_event()) {
            (true, _, _) | (false, true, true) => Interest::always(),
            (false, true, false) => Interest::sometimes(),
            (false, false, _) => Interest::never(),
        }
    }
}

#[cfg(test)]
mod tests {
    use holdfast_infrastructure::randomness::SystemRandomness;
    use tokio::sync::mpsc::{Receiver, channel};
    use tracing::{Instrument as _, Level, field::Empty};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    fn recording(room: usize) -> (Recording, Receiver<Span>, Arc<SpanFigures>) {
        let (over, spans) = channel(room);
        let figures = Arc::new(SpanFigures::default());
        let ids = Arc::new(Ids::new(&SystemRandomness).unwrap());
        (Recording { over, ids, figures: figures.clone() }, spans, figures)
    }

    fn recorded(work: impl FnOnce()) -> Vec<Span> {
        let (recording, mut spans, _) = recording(100);
        let subscriber = tracing_subscriber::registry().with(recording.with_filter(OfRecorded));
        tracing::subscriber::with_default(subscriber, work);
        std::iter::from_fn(|| spans.try_recv().ok()).collect()
    }

    fn request(flags: Option<&str>) -> tracing::Span {
        let (trace, span) =
            (flags.map(|_| format!("{:032x}", 0xfeed)), flags.map(|_| format!("{:016x}", 0xbeef)));
        tracing::error_span!(
            spans::REQUEST,
            request_id = "r",
            trace_id = trace,
            span_id = span,
            trace_flags = flags
        )
    }

    #[test]
    fn parts_hang_on_what_they_are_a_part_of() {
        let spans = recorded(|| {
            request(Some("01")).in_scope(|| {
                tracing::info_span!("of a dependency").in_scope(|| {
                    let call = tracing::info_span!(target: spans::TARGET, "call", otel.name = "tasks.find", "error.type" = Empty);
                    call.in_scope(|| {
                        drop(tracing::info_span!(target: spans::TARGET, "statement", otel.kind = "client", rows = 3, ok = true));
                    });
                    call.record("error.type", "lost");
                });
            });
        });
        let [statement, call, request] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!((request.trace, request.id, request.parent), (0xfeed, 0xbeef, 0));
        assert_eq!((call.trace, call.parent, call.name.as_str()), (0xfeed, 0xbeef, "tasks.find"));
        assert_eq!((statement.trace, statement.parent), (0xfeed, call.id));
        assert_eq!((statement.kind, call.kind), (Kind::Client, Kind::Internal));
        assert_eq!(statement.attributes, [("rows", Value::Whole(3)), ("ok", Value::Flag(true))]);
        assert_eq!(call.attributes, [("error.type", Value::Text("lost".to_owned()))]);
        assert!(call.failed && !statement.failed && request.attributes.is_empty());
    }

    #[test]
    fn a_request_is_what_its_events_tell_and_ends_with_its_status() {
        let spans = recorded(|| {
            let request = request(Some("01"));
            tracing::event!(target: spans::TARGET, parent: &request, Level::INFO, { otel.kind = "server", caller.span_id = "00000000000000aa", caller.state = "a=1" });
            tracing::event!(target: spans::TARGET, parent: &request, Level::INFO, { otel.name = "GET /x", http.response.status_code = 200_u16 });
            request.in_scope(|| {
                tracing::error!(secret = "hush", "a log line");
                drop(tracing::info_span!(target: spans::TARGET, "afterwards"));
                std::thread::sleep(std::time::Duration::from_millis(20));
            });
        });
        let [after, request] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!(
            (request.name.as_str(), request.kind, request.state.as_str()),
            ("GET /x", Kind::Server, "a=1")
        );
        assert_eq!((request.parent, request.parent_is_remote, after.parent), (0xaa, true, 0xbeef));
        assert_eq!(request.attributes, [("http.response.status_code", Value::Whole(200))]);
        // It lived for longer than it took.
        let margin = std::time::Duration::from_millis(15);
        assert!(request.took.unwrap() + margin < request.started.elapsed());
    }

    #[test]
    fn what_no_recorded_request_is_around_is_nothing() {
        let part = || drop(tracing::info_span!(target: spans::TARGET, "call"));
        assert!(recorded(part).is_empty());
        for flags in [None, Some("00")] {
            assert!(recorded(|| request(flags).in_scope(part)).is_empty(), "{flags:?}");
        }
        assert!(
            recorded(|| tracing::error_span!("request", trace_id = "x", span_id = "y", trace_flags = "01")
                .in_scope(part))
            .is_empty()
        );
    }

    #[test]
    fn work_in_a_task_of_its_own_takes_its_request_along() {
        let spans = recorded(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let work = async {
                let part = tracing::info_span!(target: spans::TARGET, "unit.commit");
                let spawned = tokio::spawn(async { tokio::task::yield_now().await }.instrument(part));
                spawned.await.unwrap();
                let late = async { drop(tracing::info_span!(target: spans::TARGET, "late")) };
                tokio::spawn(late.in_current_span()).await.unwrap();
            };
            runtime.block_on(work.instrument(request(Some("01"))));
        });
        let told: Vec<_> = spans.iter().map(|span| (span.name.as_str(), span.parent)).collect();
        assert_eq!(told, [("unit.commit", 0xbeef), ("late", 0xbeef), ("request", 0)]);
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        let text = "ü".repeat(LONGEST_TEXT);
        let spans = recorded(|| {
            request(Some("01"))
                .in_scope(|| drop(tracing::info_span!(target: spans::TARGET, "call", text = text.as_str())));
        });
        let [(_, Value::Text(kept))] = &spans[0].attributes[..] else { panic!("{spans:#?}") };
        assert_eq!(kept.len(), LONGEST_TEXT);
    }

    #[test]
    fn spans_for_which_there_is_no_room_are_counted() {
        let (recording, spans, figures) = recording(2);
        let subscriber = tracing_subscriber::registry().with(recording.with_filter(OfRecorded));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..5 {
                drop(request(Some("01")));
            }
            assert_eq!(figures.no_room.read(), 3);
            drop(spans);
            drop(request(Some("01")));
        });
        assert_eq!(figures.no_room.read(), 4);
    }
}
