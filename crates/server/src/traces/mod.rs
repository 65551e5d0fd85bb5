//! Traces: which requests are recorded, what is made of them, and how that reaches a collector. What the parts of a request are is told
//! by the layers themselves (`holdfast_application::spans`); why there is no SDK is told in `docs/decisions/0010-traces.md`.

mod collector;
mod exporter;
mod figures;
mod ids;
mod recording;
mod sampler;
mod wire;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use holdfast_application::ports::Ids as _;
use holdfast_infrastructure::{ids::UuidV7Ids, randomness::SystemRandomness};
use holdfast_web::Places;
use tokio::sync::mpsc::channel;

pub(crate) use figures::SpanFigures;
pub(crate) use recording::{OfRecorded, Recording};
pub(crate) use sampler::{Root, Sampler};

use crate::settings::{Export, Pace};
use collector::Collector;
use exporter::{Exporter, Running};
use ids::{Ids, Sampled};

/// Spans on their way to a collector.
pub(crate) struct Traces {
    places: Arc<Sampled>,
    figures: Arc<SpanFigures>,
    running: Running,
}

impl Traces {
    /// Starts the thread that exports, and gives the layer that records for it.
    ///
    /// # Errors
    /// Where the system gives no thread, no randomness or no roots for TLS.
    pub(crate) fn start(export: &Export) -> anyhow::Result<(Self, Recording)> {
        let Export { endpoint, headers, timeout, gzip, sampler, pace, resource } = export;
        let Pace { delay, queue, batch, limit } = *pace;
        let collector = Collector::new(endpoint.clone(), headers.exposed(), *timeout, *gzip);
        let collector = collector.context("cannot set up the way to the collector of traces")?;
        let instance = ("service.instance.id".to_owned(), UuidV7Ids.next().to_string());
        // What is set goes before.
        let instance = Some(instance).filter(|(name, _)| resource.iter().all(|(set, _)| set != name));
        let (over, spans) = channel(queue);
        let figures = Arc::new(SpanFigures::default());
        let exporter = Exporter {
            collector,
            resource: wire::resource(resource.iter().cloned().chain(instance)),
            pace: exporter::Pace { delay, batch, limit },
            figures: figures.clone(),
            spans,
        };
        let running = exporter.start().context("cannot start the thread that exports traces")?;
        let ids = Arc::new(Ids::new(&SystemRandomness)?);
        let recording = Recording { over, ids: ids.clone(), figures: figures.clone() };
        Ok((Self { places: Arc::new(Sampled { ids, sampler: *sampler }), figures, running }, recording))
    }

    /// Who gives requests their places.
    pub(crate) fn places(&self) -> Arc<dyn Places> {
        self.places.clone()
    }

    /// What became of spans.
    pub(crate) fn figures(&self) -> Arc<SpanFigures> {
        self.figures.clone()
    }

    /// Sends what waits, for this long at most. Spans that end later are counted as dropped.
    pub(crate) async fn stop(self, within: Duration) {
        self.running.stop(within).await;
    }
}
