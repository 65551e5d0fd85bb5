//! What became of spans, for whoever watches over it.

use holdfast_application::measure::Counter;

/// Numbers of spans since the process began.
#[derive(Debug, Default)]
pub(crate) struct SpanFigures {
    /// The collector took them.
    pub(crate) exported: Counter,
    /// Too many waited.
    pub(crate) no_room: Counter,
    /// The collector did not take them, or was not reached in time.
    pub(crate) not_taken: Counter,
}
