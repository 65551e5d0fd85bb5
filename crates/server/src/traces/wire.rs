//! Spans in the words of OTLP.

use std::time::Duration;

use holdfast_application::domain::Timestamp;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span as Told, Status, span::SpanKind, status::StatusCode},
};

use super::recording::{Kind, Span, Value};

/// Trace flags and what is known about the parent (OTLP, `SpanFlags`).
const SAMPLED: u32 = 0x01;
const KNOWS_WHETHER_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

/// Who tells the spans, as attributes.
pub(super) fn resource(attributes: impl IntoIterator<Item = (String, String)>) -> Resource {
    let attributes = attributes.into_iter().map(|(name, value)| attribute(name, Value::Text(value)));
    Resource { attributes: attributes.collect(), ..Resource::default() }
}

/// One request to a collector.
pub(super) fn request(resource: Resource, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope = InstrumentationScope {
        name: "holdfast".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.into_iter().map(told).collect();
    let spans = ScopeSpans { scope: Some(scope), spans, schema_url: String::new() };
    let spans =
        ResourceSpans { resource: Some(resource), scope_spans: vec![spans], schema_url: String::new() };
    ExportTraceServiceRequest { resource_spans: vec![spans] }
}

fn told(span: Span) -> Told {
    let Span {
        trace,
        id,
        parent,
        parent_is_remote,
        state,
        name,
        kind,
        started_at,
        started: _,
        took,
        failed,
        attributes,
    } = span;
    let began = nanoseconds(started_at);
    let took = took.unwrap_or(Duration::ZERO);
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    Told {
        trace_id: trace.to_be_bytes().to_vec(),
        span_id: id.to_be_bytes().to_vec(),
        trace_state: state,
        parent_span_id: if parent == 0 { Vec::new() } else { parent.to_be_bytes().to_vec() },
        flags: SAMPLED | KNOWS_WHETHER_REMOTE | if parent_is_remote { IS_REMOTE } else { 0 },
        name,
        kind: match kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
        }
        .into(),
        start_time_unix_nano: began,
        end_time_unix_nano: began.saturating_add(took.as_nanos().try_into().unwrap_or(u64::MAX)),
        attributes: attributes.into_iter().map(|(name, value)| attribute(name.to_owned(), value)).collect(),
        status: Some(Status { message: String::new(), code: code.into() }),
        ..Told::default()
    }
}

/// Since 1970; no clock of ours stands before it.
fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.micros()).unwrap_or_default().saturating_mul(1_000)
}

fn attribute(key: String, value: Value) -> KeyValue {
    let value = match value {
        Value::Text(text) => any_value::Value::StringValue(text),
        Value::Whole(number) => any_value::Value::IntValue(number),
        Value::Flag(flag) => any_value::Value::BoolValue(flag),
    };
    KeyValue { key, value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
