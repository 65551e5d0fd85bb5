//! Which log lines are written, by level and target. The level can change while lines are written; asking for it takes no lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use holdfast_application::spans;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, Filter},
};

use crate::settings::LogLevel;

/// Our own targets begin with one of these; everything else is a dependency.
const OURS: [&str; 2] = ["holdfast", "migration"];

/// The filter in front of everything that writes log lines. Clones are one.
#[derive(Clone)]
pub struct LogFilter(Arc<ArcSwap<Targets>>);

impl LogFilter {
    /// Lets through what is as severe as `level`, or more so.
    pub fn new(level: LogLevel) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(targets(level))))
    }

    /// From now on lets through what is as severe as `level`, or more so.
    pub fn set(&self, level: LogLevel) {
        self.0.store(Arc::new(targets(level)));
        // Every place that logs remembers whether anybody listens.
        tracing_core::callsite::rebuild_interest_cache();
    }
}

fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // Dependencies speak up from `warn`: at lower levels some of them log statements and addresses.
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|ours| (ours, level)))
        // What is recorded is not logged.
        .with_target(spans::TARGET, LevelFilter::OFF)
        // It calls every request an error that cannot be parsed, and anybody can send those.
        .with_target("actix_http::h1", LevelFilter::OFF)
}

impl<S: Subscriber> Layer<S> for LogFilter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Layer::<S>::register_callsite(&**self.0.load(), metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        Layer::<S>::enabled(&**self.0.load(), metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&**self.0.load())
    }
}

/// The same for one layer of several.
impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        Filter::<S>::enabled(&**self.0.load(), metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&**self.0.load(), metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&**self.0.load())
    }
}
