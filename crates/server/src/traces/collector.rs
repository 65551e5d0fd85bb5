//! The collector: spans go there by OTLP over HTTP, in protobuf. When they go, and what becomes of those that it does not take, is
//! `exporter`'s.

use std::{error::Error, io::Write as _, time::Duration};

use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use reqwest::{
    Client, StatusCode, Url,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect::Policy,
};

/// More of an answer is not read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Where spans go, and how.
pub(super) struct Collector {
    client: Client,
    endpoint: Url,
    gzip: bool,
}

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it was not reached, or did not answer in time: {0}")]
    Unreached(String),
    #[error("it answered {status}")]
    Busy { status: StatusCode, wait: Option<Duration> },
    #[error("it answered {0}, which does not get better by itself")]
    Refused(StatusCode),
}

impl Failure {
    /// How long to wait before the next try, where one makes sense; `pause` where nobody says.
    pub(super) fn pause(&self, pause: Duration) -> Option<Duration> {
        match self {
            Self::Unreached(_) => Some(pause),
            Self::Busy { wait, .. } => Some(wait.unwrap_or(pause)),
            Self::Refused(_) => None,
        }
    }
}

impl Collector {
    /// Connects to nobody yet. `timeout` bounds each request.
    pub(super) fn new(
        endpoint: Url,
        headers: HeaderMap,
        timeout: Duration,
        gzip: bool,
    ) -> reqwest::Result<Self> {
        let client = Client::builder();
        // Where nothing is encrypted, a machine without roots of authorities will do.
        let client = if endpoint.scheme() == "http" { client.tls_certs_only([]) } else { client };
        let client = client
            .default_headers(headers)
            .timeout(timeout)
            // Headers are secrets, and settings have one place.
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("OTel-OTLP-Exporter-Holdfast/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, endpoint, gzip })
    }

    /// The body of a request; it may be sent several times.
    pub(super) fn body(&self, request: &ExportTraceServiceRequest) -> Vec<u8> {
        let plain = request.encode_to_vec();
        if !self.gzip {
            return plain;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing into memory does not fail.
        let _ = encoder.write_all(&plain);
        encoder.finish().unwrap_or_default()
    }

    /// Sends once; answers how many spans were turned down although the others were taken.
    pub(super) async fn send(&self, body: Vec<u8>) -> Result<u64, Failure> {
        let request =
            self.client.post(self.endpoint.clone()).header(CONTENT_TYPE, "application/x-protobuf").body(body);
        let request = if self.gzip { request.header(CONTENT_ENCODING, "gzip") } else { request };
        let answer = request.send().await.map_err(unreached)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(turned_down(answer).await);
        }
        // OTLP, "Failures": these may be tried again, and no others.
        let passes = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let wait = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
        let wait = wait.map(Duration::from_secs);
        Err(if passes { Failure::Busy { status, wait } } else { Failure::Refused(status) })
    }
}

/// By what a partial success says; what cannot be read says nothing.
async fn turned_down(mut answer: reqwest::Response) -> u64 {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return 0;
        }
    }
    let told = ExportTraceServiceResponse::decode(body.as_slice()).unwrap_or_default().partial_success;
    told.map_or(0, |told| told.rejected_spans.try_into().unwrap_or(0))
}

/// The innermost cause says it; the ones around it repeat the address.
fn unreached(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    Failure::Unreached(cause.to_string())
}
