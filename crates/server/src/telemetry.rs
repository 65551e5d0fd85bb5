//! Logs: one subscriber for the process. What is logged is decided where it happens.

use std::io::{IsTerminal, stderr};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer as _, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan, util::SubscriberInitExt,
};

use crate::{
    log_filter::LogFilter,
    logs::{JsonLine, JsonMembers, LineBuffer, Written},
    settings::{LogFormat, TelemetrySettings},
    traces::{OfRecorded, Recording},
};

/// Starts logging to standard error, line by line: for commands. A second call in one process changes nothing.
pub fn start(settings: &TelemetrySettings) {
    let filter = LogFilter::new(settings.level);
    begin(tracing_subscriber::registry().with(filter), settings.format, stderr, None);
}

/// Starts logging to standard error, in blocks, and recording where spans are exported; gives the filter by which the level can
/// be changed. The last lines are written when [`Written`] is dropped. A second call in one process changes nothing.
///
/// # Errors
/// When the system starts no thread.
pub(crate) fn start_serving(
    settings: &TelemetrySettings,
    recording: Option<Recording>,
) -> std::io::Result<(LogFilter, Written)> {
    let filter = LogFilter::new(settings.level);
    let (lines, written) = LineBuffer::new(stderr())?;
    let registry = tracing_subscriber::registry();
    match recording {
        // One filter for all costs each line less than one for each layer.
        None => begin(registry.with(filter.clone()), settings.format, lines, None),
        Some(recording) => {
            let registry = registry.with(recording.with_filter(OfRecorded));
            begin(registry, settings.format, lines, Some(filter.clone()));
        }
    }
    Ok((filter, written))
}

/// `filter` is for the lines alone.
fn begin<S, W>(registry: S, format: LogFormat, writer: W, filter: Option<LogFilter>)
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    // On a terminal as well, `NO_COLOR` has a say, which the layer asks for itself.
    let lines = if stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let started = match format {
        LogFormat::Json => {
            let lines = lines.with_ansi(false).fmt_fields(JsonMembers).event_format(JsonLine);
            match filter {
                Some(filter) => registry.with(lines.with_filter(filter)).try_init(),
                None => registry.with(lines).try_init(),
            }
        }
        LogFormat::Text => match filter {
            Some(filter) => registry.with(lines.compact().with_filter(filter)).try_init(),
            None => registry.with(lines.compact()).try_init(),
        },
    };
    if started.is_err() {
        tracing::debug!("logging runs already");
    }
}
