//! Logs: one subscriber for the process. What is logged is decided where it happens.

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::settings::{LogFormat, LogLevel, TelemetrySettings};

/// Our own targets begin with one of these; everything else is a dependency.
const OURS: [&str; 2] = ["holdfast", "migration"];

/// Starts logging to standard error. A second call in one process changes nothing.
pub fn start(settings: &TelemetrySettings) {
    let TelemetrySettings { level, format } = settings;
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // Dependencies speak up from `warn`: at lower levels some of them log statements and addresses.
    let filter = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|ours| (ours, level)))
        // It calls every request an error that cannot be parsed, and anybody can send those.
        .with_target("actix_http::h1", LevelFilter::OFF);
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        LogFormat::Text => registry.with(lines.compact()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging runs already");
    }
}
