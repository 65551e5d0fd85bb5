//! Logs: one subscriber for the process. What is logged is decided where it happens.

use std::io::IsTerminal;

use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    log_filter::LogFilter,
    settings::{LogFormat, TelemetrySettings},
};

/// Starts logging to standard error, and gives the filter by which the level can be changed. A second call in one process
/// changes nothing.
pub fn start(settings: &TelemetrySettings) -> LogFilter {
    let TelemetrySettings { level, format } = settings;
    let filter = LogFilter::new(*level);
    let registry = tracing_subscriber::registry().with(filter.clone());
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // On a terminal as well, `NO_COLOR` has a say, which the layer asks for itself.
    let lines = if std::io::stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let started = match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.compact()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging runs already");
    }
    filter
}
