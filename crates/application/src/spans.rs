//! The parts of a request that may be recorded as spans, in every layer: by which words of `tracing` they are told. Which requests
//! are recorded, and where spans go, is the server's; nothing here or in the layers knows OpenTelemetry.
//!
//! A part is a span of `tracing` with the target [`TARGET`], made where the work is done. Where nobody records, making one is a look at
//! two atomics. It belongs to the request that the task works for: work in a task of its own takes that along with
//! `tracing::Instrument::in_current_span`.
//!
//! Fields become attributes by their names, those of OpenTelemetry's semantic conventions where there are any. Whatever is written into
//! one leaves the machine: texts of the program, numbers and ids of accounts; never what a client sent. Some fields mean more:
//!
//! | field | meaning |
//! |---|---|
//! | `otel.name` | the name of the span, where it is not that of the part |
//! | `otel.kind` | `server` or `client`; without it the part is internal |
//! | `error.type` | why it failed, as a word of ours; without it nothing failed |
//!
//! Around a request there is the span [`REQUEST`], which log lines show as well. What is recorded of it comes as events with [`TARGET`], and
//! the one with `http.response.status_code` ends it: what goes on afterwards still belongs to it, and makes it no longer.

/// The target of everything that is recorded and not logged.
pub const TARGET: &str = "holdfast::spans";

/// The name of the span around a request.
pub const REQUEST: &str = "request";

/// The fields of the span around a request by which it has its place in a trace, as OpenTelemetry names them in logs: 32, 16 and 2
/// digits, lower case. It is recorded if the last bit of the flags is set.
pub mod place {
    /// The trace.
    pub const TRACE: &str = "trace_id";
    /// The span.
    pub const SPAN: &str = "span_id";
    /// `01` where the trace is recorded.
    pub const FLAGS: &str = "trace_flags";
}

/// The fields of events by which the span around a request knows its caller's.
pub mod caller {
    /// The caller's span: 16 digits.
    pub const SPAN: &str = "caller.span_id";
    /// What it sent as `tracestate`.
    pub const STATE: &str = "caller.state";
}
