//! Which requests are traced and where spans go, by the variables of the OpenTelemetry specification. How they get there is
//! `crate::traces`'.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use validator::Validate;

use super::describe::Effective;
use super::environment::Environment;
use super::fault::quoted;
use super::reader::Reader;
use super::secret::{REDACTED, Secret};
use crate::traces::{Root, Sampler};

const DISABLED: &str = "OTEL_SDK_DISABLED";
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const PROPAGATORS: &str = "OTEL_PROPAGATORS";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";
/// Each for all signals, and for traces, which goes before.
const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
const PROTOCOL: [&str; 2] = ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"];
/// What says how a request is to be read is not for settings.
const OURS: [&str; 6] =
    ["connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
const TIMEOUT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"];
const COMPRESSION: [&str; 2] = ["OTEL_EXPORTER_OTLP_COMPRESSION", "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"];

/// What the standard calls a service that says nothing else is of no use; this is ours.
const SERVICE_NAME: &str = "holdfast";
/// Where traces are taken below the address for all signals (OTLP/HTTP).
const PATH: &str = "v1/traces";
/// Propagators of the standard that nothing here speaks. They are often set for a whole platform.
const OTHER_PROPAGATORS: [&str; 6] = ["baggage", "b3", "b3multi", "jaeger", "xray", "ottrace"];

/// Traces.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// Whether the trace that a trusted proxy tells is believed.
    pub believes_callers: bool,
    /// Where spans go; nowhere where there is none.
    pub export: Option<Export>,
    rows: Effective,
}

/// Where spans go, and which.
#[derive(Debug, Clone)]
pub struct Export {
    /// Takes OTLP over HTTP.
    pub endpoint: Url,
    /// Sent along.
    pub headers: ExportHeaders,
    /// Of one request.
    pub timeout: Duration,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// Which requests are recorded.
    pub sampler: Sampler,
    /// How spans are gathered.
    pub pace: Pace,
    /// Who tells them.
    pub resource: Vec<(String, String)>,
}

/// How spans are gathered (`OTEL_BSP_…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long the first span of a batch waits for others.
    pub delay: Duration,
    /// How many may wait.
    pub queue: usize,
    /// How many are a batch.
    pub batch: usize,
    /// How long a batch may take, with all tries.
    pub limit: Duration,
}

/// Headers, of which the values are secrets.
#[derive(Debug, Clone, Default)]
pub struct ExportHeaders(Vec<(HeaderName, Secret)>);

impl ExportHeaders {
    /// For the one client that sends them.
    pub(crate) fn exposed(&self) -> HeaderMap {
        let values = self.0.iter().filter_map(|(name, value)| {
            let mut value = HeaderValue::from_bytes(value.expose()).ok()?;
            value.set_sensitive(true);
            Some((name.clone(), value))
        });
        values.collect()
    }

    /// `name=value` each, percent-encoded, as the standard has them. No fault tells a value.
    fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty());
        let entries = entries.map(|(index, entry)| {
            let place = index + 1;
            let (name, value) = entry.split_once('=').ok_or_else(|| format!("entry {place} has no ="))?;
            let name: HeaderName =
                name.trim().parse().map_err(|_| format!("entry {place} begins with no name of a header"))?;
            if OURS.contains(&name.as_str()) {
                return Err(format!(
                    "entry {place} names a header that every request to a collector has already"
                ));
            }
            let value = percent_decode_str(value.trim()).decode_utf8();
            let value = value.ok().filter(|value| HeaderValue::from_str(value).is_ok());
            let value = value.ok_or_else(|| format!("entry {place} has a value that no header can have"))?;
            Ok((name, Secret::new(value.into_owned())))
        });
        entries.collect::<Result<_, String>>().map(Self)
    }
}

/// The numbers, in the units of the variables.
#[derive(Debug, Validate)]
struct Numbers {
    #[validate(range(min = 1, max = 600_000, code = "OTEL_EXPORTER_OTLP_TIMEOUT"))]
    timeout: u32,
    #[validate(range(min = 1, max = 600_000, code = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"))]
    traces_timeout: Option<u32>,
    #[validate(range(min = 1, max = 600_000, code = "OTEL_BSP_SCHEDULE_DELAY"))]
    delay: u32,
    #[validate(range(min = 1, max = 600_000, code = "OTEL_BSP_EXPORT_TIMEOUT"))]
    limit: u32,
    #[validate(range(min = 1, max = 1_000_000, code = "OTEL_BSP_MAX_QUEUE_SIZE"))]
    queue: u32,
    #[validate(range(min = 1, max = 100_000, code = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"))]
    batch: u32,
}

impl Numbers {
    fn read(reader: &mut Reader) -> Self {
        let [timeout, traces_timeout] = TIMEOUT;
        let numbers = Self {
            timeout: reader.number(timeout),
            traces_timeout: reader.parse(traces_timeout, super::reader::whole_number),
            delay: reader.number("OTEL_BSP_SCHEDULE_DELAY"),
            limit: reader.number("OTEL_BSP_EXPORT_TIMEOUT"),
            queue: reader.number("OTEL_BSP_MAX_QUEUE_SIZE"),
            batch: reader.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        };
        reader.check(&numbers);
        if numbers.batch > numbers.queue {
            let problem = format!("{} are more than the {} that may wait", numbers.batch, numbers.queue);
            let expected = "at most OTEL_BSP_MAX_QUEUE_SIZE";
            reader.fault_expecting("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", problem, expected);
        }
        numbers
    }

    fn pace(&self) -> Pace {
        let milliseconds = |number: u32| Duration::from_millis(number.into());
        Pace {
            delay: milliseconds(self.delay),
            queue: self.queue as usize,
            batch: self.batch as usize,
            limit: milliseconds(self.limit),
        }
    }

    fn rows(&self) -> Effective {
        let Self { timeout, traces_timeout, delay, limit, queue, batch } = self;
        let shown = |name, number: &u32| (name, Some(number.to_string()));
        vec![
            shown(TIMEOUT[0], timeout),
            (TIMEOUT[1], traces_timeout.map(|number| number.to_string())),
            shown("OTEL_BSP_SCHEDULE_DELAY", delay),
            shown("OTEL_BSP_EXPORT_TIMEOUT", limit),
            shown("OTEL_BSP_MAX_QUEUE_SIZE", queue),
            shown("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch),
        ]
    }
}

impl TraceSettings {
    pub(super) fn read(reader: &mut Reader, environment: Environment) -> Self {
        let disabled = reader.boolean(DISABLED);
        let believes_callers = reader.parse(PROPAGATORS, believes_callers).unwrap_or_default();
        let exports = reader.parse(EXPORTER, exports).unwrap_or_default();
        let [all, own] = ENDPOINT.map(|name| reader.parse(name, endpoint));
        for name in PROTOCOL {
            reader.parse(name, protocol);
        }
        let headers = HEADERS.map(|name| reader.parse(name, ExportHeaders::parse));
        let [gzips_all, gzips_own] = COMPRESSION.map(|name| reader.parse(name, gzip));
        let numbers = Numbers::read(reader);
        let sampler = sampler(reader);
        let resource = resource(reader, environment);
        let rows = [texts(reader), numbers.rows(), secrets(&headers), named(sampler, &resource)].concat();
        let [headers_of_all, own_headers] = headers;
        let headers = own_headers.or(headers_of_all).unwrap_or_default();
        let endpoint = own.or_else(|| all.map(below));
        warn(reader, endpoint.as_ref(), &headers);
        let export = endpoint.filter(|_| exports && !disabled).map(|endpoint| Export {
            endpoint,
            headers,
            timeout: Duration::from_millis(numbers.traces_timeout.unwrap_or(numbers.timeout).into()),
            gzip: gzips_own.or(gzips_all).unwrap_or_default(),
            sampler,
            pace: numbers.pace(),
            resource,
        });
        Self { believes_callers, export, rows }
    }

    pub(super) fn effective(&self) -> Effective {
        self.rows.clone()
    }
}

/// What holds as it was written.
fn texts(reader: &mut Reader) -> Effective {
    let names = [DISABLED, RESOURCE, PROPAGATORS, EXPORTER, RATIO].into_iter();
    let names = names.chain(ENDPOINT).chain(PROTOCOL).chain(COMPRESSION);
    names.map(|name| (name, Some(reader.text(name)).filter(|text| !text.is_empty()))).collect()
}

fn secrets(headers: &[Option<ExportHeaders>; 2]) -> Effective {
    let redacted = |headers: &Option<ExportHeaders>| headers.as_ref().map(|_| REDACTED.to_owned());
    HEADERS.into_iter().zip(headers.iter().map(redacted)).collect()
}

fn named(sampler: Sampler, resource: &[(String, String)]) -> Effective {
    let service = resource.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.clone());
    vec![(SAMPLER, Some(sampler.to_string())), (SERVICE, service)]
}

/// The place for traces at a collector that takes all signals.
fn below(mut all: Url) -> Url {
    let path = format!("{}/{PATH}", all.path().trim_end_matches('/'));
    all.set_path(&path);
    all
}

fn endpoint(text: &str) -> Result<Url, String> {
    // It may hold a password.
    let url = Url::parse(text).map_err(|error| format!("is not an absolute URL ({error})"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("names a user or a password, which belong in {}", HEADERS[0]));
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("has the scheme {}", quoted(url.scheme())));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment".to_owned());
    }
    Ok(url)
}

fn protocol(text: &str) -> Result<(), String> {
    match text {
        "http/protobuf" => Ok(()),
        "grpc" | "http/json" => Err(format!("{} is not spoken here", quoted(text))),
        _ => Err(format!("{} is not one of its words", quoted(text))),
    }
}

fn gzip(text: &str) -> Result<bool, String> {
    match text {
        "gzip" => Ok(true),
        "none" => Ok(false),
        _ => Err(format!("{} is not one of its words", quoted(text))),
    }
}

/// Whether spans are exported where there is an address.
fn exports(text: &str) -> Result<bool, String> {
    match text {
        "otlp" => Ok(true),
        "none" => Ok(false),
        _ => Err(format!("{} is not one of its words", quoted(text))),
    }
}

fn believes_callers(text: &str) -> Result<bool, String> {
    let names = || text.split(',').map(str::trim);
    match names().find(|name| !["tracecontext", "none"].contains(name) && !OTHER_PROPAGATORS.contains(name)) {
        Some(unknown) => Err(format!("{} is no propagator of the standard", quoted(unknown))),
        None => Ok(names().any(|name| name == "tracecontext") && names().all(|name| name != "none")),
    }
}

fn sampler(reader: &mut Reader) -> Sampler {
    let ratio = reader.parse(RATIO, |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let ratio = text.parse().ok().filter(|ratio: &f64| digits && (0.0..=1.0).contains(ratio));
        ratio.ok_or_else(|| format!("{} is no number from 0 to 1", quoted(text)))
    });
    let named = reader.parse(SAMPLER, |name| {
        let sampler = Sampler::parse(name, || ratio.unwrap_or(1.0));
        sampler.ok_or_else(|| format!("{} is not one of its words", quoted(name)))
    });
    let sampler = named.unwrap_or(Sampler { root: Root::AlwaysOn, parent_based: true });
    if ratio.is_some_and(|ratio| ratio < 1.0) && !matches!(sampler.root, Root::Ratio(_)) {
        reader.warn(RATIO, format!("has no effect with the sampler {sampler}"));
    }
    sampler
}

/// Who tells the spans. A variable of its own goes before the list, and both before what is known anyway.
fn resource(reader: &mut Reader, environment: Environment) -> Vec<(String, String)> {
    let known = [
        ("service.name", SERVICE_NAME),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", environment.as_str()),
    ];
    let told = [
        ("telemetry.sdk.name", SERVICE_NAME),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let listed = reader.parse(RESOURCE, attributes).unwrap_or_default();
    let service = Some(reader.text(SERVICE)).filter(|name| !name.is_empty());
    let service = service.map(|name| ("service.name".to_owned(), name));
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let all = known.iter().map(owned).chain(listed).chain(service).chain(told.iter().map(owned));
    let mut resource: Vec<(String, String)> = Vec::new();
    for (name, value) in all {
        resource.retain(|(before, _)| *before != name);
        resource.push((name, value));
    }
    resource
}

fn attributes(text: &str) -> Result<Vec<(String, String)>, String> {
    let entries = text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty());
    let entries = entries.map(|(index, entry)| {
        let place = index + 1;
        let (name, value) = entry.split_once('=').ok_or_else(|| format!("entry {place} has no ="))?;
        let decoded =
            |text: &str| percent_decode_str(text.trim()).decode_utf8().map(std::borrow::Cow::into_owned);
        let (Ok(name), Ok(value)) = (decoded(name), decoded(value)) else {
            return Err(format!("entry {place} is not UTF-8 once it is decoded"));
        };
        if name.is_empty() { Err(format!("entry {place} has no name")) } else { Ok((name, value)) }
    });
    entries.collect()
}

fn warn(reader: &mut Reader, endpoint: Option<&Url>, headers: &ExportHeaders) {
    let Some(endpoint) = endpoint else { return };
    let local = match endpoint.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if endpoint.scheme() == "http" && !local && !headers.0.is_empty() {
        reader.warn(HEADERS[0], "go to another machine in clear text: whoever listens can read them");
    }
    let other = |name: &&str| OTHER_PROPAGATORS[1..].contains(name);
    let text = reader.text(PROPAGATORS);
    if let Some(other) = text.split(',').map(str::trim).find(other) {
        reader.warn(PROPAGATORS, format!("{other} is not spoken here, and has no effect"));
    }
}
