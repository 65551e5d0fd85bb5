//! Receiving a body: its media type, its size and the time that it may take. What is in it is told elsewhere.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    rt::time::timeout,
    web::{Bytes, BytesMut},
};
use futures_util::StreamExt as _;

use super::{fault::Fault, limits, request_id::Context};

/// A body that has not been received yet. Taking it costs nothing, so that the caller can be authenticated first.
pub(crate) struct RawBody {
    request: HttpRequest,
    payload: Payload,
}

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/json`, any `+json`, or nothing said (contract, decision 18).
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl FromRequest for RawBody {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl RawBody {
    /// The whole body, at most `limit` bytes, unless it is of another media type or too slow.
    pub(crate) async fn receive(self, media: Media, limit: usize) -> Result<Bytes, Fault> {
        self.check_media_type(media)?;
        self.receive_any(limit).await
    }

    /// The same for a body that may be absent; without one its media type does not matter.
    pub(crate) async fn receive_optional(self, media: Media, limit: usize) -> Result<Option<Bytes>, Fault> {
        let judged = self.check_media_type(media);
        let body = self.receive_any(limit).await?;
        if body.trim_ascii().is_empty() {
            return Ok(None);
        }
        judged.map(|()| Some(body))
    }

    fn check_media_type(&self, media: Media) -> Result<(), Fault> {
        let headers = self.request.headers();
        if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(unsupported("Send the body without a content coding"));
        }
        match (media, media_type(headers)) {
            (Media::Json, None) => Ok(()),
            (Media::Json, Some(given)) if is_json(&given) => Ok(()),
            (Media::Form, Some(given)) if given == "application/x-www-form-urlencoded" => Ok(()),
            (Media::Json, Some(_)) => Err(unsupported("Send the body as application/json")),
            (Media::Form, _) => Err(unsupported("Send the body as application/x-www-form-urlencoded")),
        }
    }

    async fn receive_any(mut self, limit: usize) -> Result<Bytes, Fault> {
        let announced = self.request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let context = Context::of(&self.request);
        if let Some(context) = &context {
            context.grant(limits::BODY_TIME + limits::REQUEST_TIME);
        }
        let received = timeout(limits::BODY_TIME, collect(&mut self.payload, limit)).await;
        if let Some(context) = &context {
            context.grant(limits::REQUEST_TIME);
        }
        received.unwrap_or_else(|_| {
            let seconds = limits::BODY_TIME.as_secs();
            let detail = format!("The body did not arrive within {seconds} s");
            Err(Fault::http(StatusCode::REQUEST_TIMEOUT, "REQUEST_TIMEOUT", detail))
        })
    }
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| match error {
            PayloadError::Overflow => too_large(limit),
            _ => Fault::invalid_json("The body broke off before its end"),
        })?;
        if chunk.len() > limit - body.len() {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(limit: usize) -> Fault {
    let detail = format!("The body is larger than {limit} bytes");
    Fault::http(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", detail)
}

fn unsupported(detail: &'static str) -> Fault {
    Fault::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
}

/// The media type in lower case without its parameters; nothing when the header is absent or empty.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let given = String::from_utf8_lossy(headers.get(header::CONTENT_TYPE)?.as_bytes()).to_ascii_lowercase();
    let essence = given.split(';').next().unwrap_or_default().trim().to_owned();
    (!essence.is_empty()).then_some(essence)
}

fn is_json(media_type: &str) -> bool {
    let suffixed = media_type.split_once('/').is_some_and(|(_, subtype)| subtype.ends_with("+json"));
    media_type == "application/json" || suffixed
}
