//! One JSON object a line: `timestamp`, `level`, the fields of the event, `target`, and the spans around it.
//!
//! The shape is that of tracing-subscriber's own formatter, flattened. This one writes straight into the line instead of through a
//! serializer, because every request has a line (docs/decisions/0008-log-lines.md).

use std::fmt::{self, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::Record,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::{LookupSpan, SpanRef},
};

/// Writes events; goes with [`JsonMembers`], which writes what spans know.
pub(crate) struct JsonLine;

impl<S> FormatEvent<S, JsonMembers> for JsonLine
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonMembers>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        line.write_str("\",\"level\":\"")?;
        line.write_str(match *event.metadata().level() {
            Level::TRACE => "TRACE",
            Level::DEBUG => "DEBUG",
            Level::INFO => "INFO",
            Level::WARN => "WARN",
            Level::ERROR => "ERROR",
        })?;
        line.write_char('"')?;
        let mut members = Members { line: &mut line, first: false, result: Ok(()) };
        event.record(&mut members);
        members.result?;
        line.write_str(",\"target\":")?;
        text(&mut line, event.metadata().target())?;
        let span = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
        if let Some(span) = span {
            line.write_str(",\"span\":")?;
            known(&mut line, &span)?;
            line.write_str(",\"spans\":[")?;
            for (place, span) in span.scope().from_root().enumerate() {
                if place > 0 {
                    line.write_char(',')?;
                }
                known(&mut line, &span)?;
            }
            line.write_char(']')?;
        }
        line.write_str("}\n")
    }
}

/// What a span knows, and its name.
fn known<S: for<'lookup> LookupSpan<'lookup>>(line: &mut Writer<'_>, span: &SpanRef<'_, S>) -> fmt::Result {
    line.write_char('{')?;
    if let Some(members) = span.extensions().get::<FormattedFields<JsonMembers>>()
        && !members.fields.is_empty()
    {
        line.write_str(&members.fields)?;
        line.write_char(',')?;
    }
    line.write_str("\"name\":")?;
    text(line, span.metadata().name())?;
    line.write_char('}')
}

/// Writes the fields of spans as members of an object, without its braces.
pub(crate) struct JsonMembers;

impl<'writer> FormatFields<'writer> for JsonMembers {
    fn format_fields<R: RecordFields>(&self, mut line: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Members { line: &mut line, first: true, result: Ok(()) };
        fields.record(&mut members);
        members.result
    }

    fn add_fields(&self, known: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let first = known.fields.is_empty();
        let mut line = known.as_writer();
        let mut members = Members { line: &mut line, first, result: Ok(()) };
        fields.record(&mut members);
        members.result
    }
}

/// Members of an object that is begun already.
struct Members<'line, 'writer> {
    line: &'line mut Writer<'writer>,
    first: bool,
    result: fmt::Result,
}

impl Members<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.result.is_err() {
            return;
        }
        self.result = self.name(field.name()).and_then(|()| value(self.line));
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.line.write_char(',')?;
        }
        // Names are identifiers of the code.
        self.line.write_char('"')?;
        self.line.write_str(name.trim_start_matches("r#"))?;
        self.line.write_str("\":")
    }
}

impl Visit for Members<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |line| {
            if value.is_finite() { write!(line, "{value:?}") } else { line.write_str("null") }
        });
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| line.write_str(if value { "true" } else { "false" }));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |line| text(line, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.member(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }
}

/// A JSON string (RFC 8259, section 7).
fn text(line: &mut Writer<'_>, value: &str) -> fmt::Result {
    line.write_char('"')?;
    Escaped(line).write_str(value)?;
    line.write_char('"')
}

/// The inside of a JSON string.
struct Escaped<'line, 'writer>(&'line mut Writer<'writer>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, value: &str) -> fmt::Result {
        let mut plain = 0;
        for (place, byte) in value.bytes().enumerate() {
            // Bytes of longer characters are none of these.
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.write_str(&value[plain..place])?;
            plain = place + 1;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                b'\r' => self.0.write_str("\\r")?,
                b'\t' => self.0.write_str("\\t")?,
                control => write!(self.0, "\\u{control:04x}")?,
            }
        }
        self.0.write_str(&value[plain..])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tracing_subscriber::{
        fmt::{self, MakeWriter},
        layer::SubscriberExt as _,
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Page {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// What is written while `work` runs: by this formatter, and by the one of tracing-subscriber.
    fn written(work: impl FnOnce()) -> (Vec<Value>, Vec<Value>) {
        let (ours, theirs) = (Page::default(), Page::default());
        let subscriber = tracing_subscriber::registry()
            .with(fmt::layer().fmt_fields(JsonMembers).event_format(JsonLine).with_writer(ours.clone()))
            .with(fmt::layer().json().flatten_event(true).with_writer(theirs.clone()));
        tracing::subscriber::with_default(subscriber, work);
        (values(&ours), values(&theirs))
    }

    fn values(page: &Page) -> Vec<Value> {
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| {
                let mut value: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                let time = value.as_object_mut().unwrap().remove("timestamp").unwrap();
                assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
                value
            })
            .collect()
    }

    #[test]
    fn lines_have_the_shape_of_the_usual_formatter() {
        let (ours, theirs) = written(|| {
            tracing::info!(target: "holdfast::http", status = 200_u16, duration_ms = 1.25, back = -3, ok = true, "answered");
            tracing::warn!(method = %"GET", path = ?"/\"a\\b\"\n\u{1}ü", none = None::<u8>, "odd \u{7} \"text\"");
            tracing::error!(huge = f64::INFINITY, whole = 3.0, tiny = 1e-9, r#type = "raw", "{}", "brace");
            let error: &(dyn std::error::Error + 'static) = &std::io::Error::other("the \"disk\" is full");
            tracing::error!(error, "failed");
            let outer = tracing::info_span!("request", request_id = %"abc", late = tracing::field::Empty);
            outer.in_scope(|| {
                tracing::debug!("inside");
                outer.record("late", 7);
                tracing::info_span!("bare").in_scope(|| tracing::trace!("deep"));
            });
        });
        assert_eq!(ours, theirs);
        assert_eq!(
            ours[5]["spans"],
            json!([{ "request_id": "abc", "late": 7, "name": "request" }, { "name": "bare" }])
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let (ours, _) = written(|| {
                tracing::info!(shown = %text, given = text.as_str(), "{text}");
                tracing::info_span!("around", known = text.as_str()).in_scope(|| tracing::info!("inside"));
            });
            prop_assert_eq!(&ours[0]["shown"], &json!(text));
            prop_assert_eq!(&ours[0]["given"], &json!(text));
            prop_assert_eq!(&ours[0]["message"], &json!(text));
            prop_assert_eq!(&ours[1]["span"]["known"], &json!(text));
        }
    }
}
