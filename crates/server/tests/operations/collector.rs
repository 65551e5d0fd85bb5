//! A collector of traces: takes OTLP over HTTP, keeps what it was sent, and reads it.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};

use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// The request line and the headers.
    pub(crate) head: String,
    /// As it was before it was compressed.
    pub(crate) body: Vec<u8>,
}

/// Takes everything, as long as the test runs.
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let kept = received.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let kept = kept.clone();
                std::thread::spawn(move || serve(&connection.unwrap(), &kept));
            }
        });
        Self { endpoint, received }
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self
            .received()
            .into_iter()
            .map(|Received { head: _, body }| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let of_resources = requests.flat_map(|request| request.resource_spans);
        of_resources.flat_map(|spans| spans.scope_spans).flat_map(|spans| spans.spans).collect()
    }

    /// The first span that is wanted, as soon as it is there.
    pub(crate) async fn find(&self, wanted: impl Fn(&Span) -> bool) -> Span {
        loop {
            if let Some(span) = self.spans().into_iter().find(&wanted) {
                return span;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The value of an attribute, as text.
pub(crate) fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == name)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    })
}

fn serve(connection: &TcpStream, received: &Mutex<Vec<Received>>) {
    let mut reader = BufReader::new(connection);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let mut sent = vec![0; header("content-length:").unwrap().parse().unwrap()];
        reader.read_exact(&mut sent).unwrap();
        let mut body = Vec::new();
        if header("content-encoding:") == Some("gzip") {
            GzDecoder::new(sent.as_slice()).read_to_end(&mut body).unwrap();
        } else {
            body = sent;
        }
        received.lock().unwrap().push(Received { head: head.clone(), body });
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if reader.get_mut().write_all(answer).is_err() {
            return;
        }
    }
}
