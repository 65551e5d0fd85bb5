//! Everything that can be wrong with a request or with us, before a surface gives it a status and a body.

use std::{error::Error as StdError, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
};
use holdfast_application::{Classify, ErrorKind, Exceeded, ports::WriteOutage};

use super::rate_limit::Quota;

/// What a fault means. A surface turns it into a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// What the application says it is.
    Application(ErrorKind),
    /// Well-formed, but members of it are invalid.
    Invalid,
    /// A matter of HTTP alone, with its own status.
    Http(StatusCode),
}

/// One thing that is wrong with one member of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldFault {
    /// The member's name; `body` for the whole.
    pub(crate) field: String,
    /// Stable and lower case, listed in `docs/api-design.md`.
    pub(crate) code: &'static str,
    /// What was expected and what was found, never the value itself.
    pub(crate) message: String,
}

/// A request that is answered with an error. Cheap to return: everything lies behind one pointer.
#[derive(Debug)]
pub(crate) struct Fault(Box<Parts>);

#[derive(Debug)]
struct Parts {
    meaning: Meaning,
    code: &'static str,
    detail: String,
    fields: Vec<FieldFault>,
    headers: HeaderMap,
    cause: Option<String>,
    reason: Option<&'static str>,
}

impl Fault {
    fn new(meaning: Meaning, code: &'static str, detail: impl Into<String>) -> Self {
        let (detail, headers) = (detail.into(), HeaderMap::new());
        Self(Box::new(Parts {
            meaning,
            code,
            detail,
            fields: Vec::new(),
            headers,
            cause: None,
            reason: None,
        }))
    }

    /// A matter of HTTP alone.
    pub(crate) fn http(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Meaning::Http(status), code, detail)
    }

    /// All that is wrong with the members of a request, at once.
    pub(crate) fn invalid(fields: Vec<FieldFault>) -> Self {
        let told: Vec<String> =
            fields.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
        let mut fault = Self::new(Meaning::Invalid, "VALIDATION_ERROR", told.join("; "));
        fault.0.fields = fields;
        fault
    }

    /// The body is not what a JSON reader can read.
    pub(crate) fn invalid_json(detail: impl Into<String>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, "INVALID_JSON", detail)
    }

    /// The query string cannot be decoded.
    pub(crate) fn invalid_query(detail: impl Into<String>) -> Self {
        Self::http(StatusCode::BAD_REQUEST, "INVALID_QUERY", detail)
    }

    /// Nothing is found under the path.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(Meaning::Application(ErrorKind::NotFound), "NOT_FOUND", detail)
    }

    /// No bearer token came along.
    pub(crate) fn token_missing() -> Self {
        Self::new(Meaning::Application(ErrorKind::Unauthenticated), "TOKEN_MISSING", "Not authenticated")
    }

    /// A token came along and is not good. One answer for every cause.
    pub(crate) fn token_invalid() -> Self {
        let kind = Meaning::Application(ErrorKind::Unauthenticated);
        Self::new(kind, "TOKEN_INVALID", "Could not validate credentials")
    }

    /// The representation is not the one that the caller expects.
    pub(crate) fn stale() -> Self {
        let kind = Meaning::Application(ErrorKind::PreconditionFailed);
        Self::new(kind, "PRECONDITION_FAILED", "The task has changed since you read it; read it again")
    }

    /// A dependency is lost, or the answer took too long.
    pub(crate) fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        let kind = Meaning::Application(ErrorKind::Unavailable(retry_after));
        Self::new(kind, "SERVICE_UNAVAILABLE", detail)
    }

    /// Nothing can be written, which was logged when it began.
    pub(crate) fn unwritable(outage: WriteOutage, retry_after: Duration) -> Self {
        let mut fault = Self::unavailable(format!("Nothing can be written: {outage}"), retry_after);
        fault.0.reason = Some(outage.name());
        fault
    }

    /// Too many requests came from one address.
    pub(crate) fn throttled(exceeded: Exceeded) -> Self {
        let detail = format!("Too many attempts; try again in {} s", whole_seconds(exceeded.retry_after));
        Self::new(Meaning::Application(ErrorKind::Throttled(exceeded)), "RATE_LIMITED", detail)
    }

    /// A fault of ours. `cause` is logged and never sent.
    pub(crate) fn unexpected(cause: impl Into<String>) -> Self {
        let kind = Meaning::Application(ErrorKind::Unexpected);
        let mut fault = Self::new(kind, "SERVER_ERROR", "Something went wrong on our side");
        fault.0.cause = Some(cause.into());
        fault
    }

    /// What actix-web answers by itself, told by its status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let detail = status.canonical_reason().unwrap_or("The request cannot be answered");
        match status {
            StatusCode::NOT_FOUND => Self::not_found("Nothing is found here"),
            StatusCode::REQUEST_TIMEOUT => Self::http(status, "REQUEST_TIMEOUT", detail),
            StatusCode::PAYLOAD_TOO_LARGE => Self::http(status, "PAYLOAD_TOO_LARGE", detail),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::http(status, "HEADERS_TOO_LARGE", detail),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::http(status, "UNSUPPORTED_MEDIA_TYPE", detail),
            status if status.is_client_error() => Self::http(status, "INVALID_QUERY", detail),
            status => Self::unexpected(format!("the framework answered {status}")),
        }
    }

    /// The same fault with one more header on its answer.
    pub(crate) fn with_header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.0.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn meaning(&self) -> Meaning {
        self.0.meaning
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    pub(crate) fn fields(&self) -> &[FieldFault] {
        &self.0.fields
    }

    /// What the log should know and the caller must not.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The stable name of why the instance wants no work, for whoever supervises it.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        self.0.reason
    }

    /// The headers of the answer: those that were given, and those that follow from the meaning.
    fn headers(&self) -> HeaderMap {
        let mut headers = self.0.headers.clone();
        match self.0.meaning {
            Meaning::Application(ErrorKind::Unauthenticated) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge(self.0.code)));
            }
            Meaning::Application(ErrorKind::InFlight(wait) | ErrorKind::Unavailable(wait)) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
            }
            Meaning::Application(ErrorKind::Throttled(Exceeded { limit, quota, window, retry_after })) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(retry_after)));
                Quota { policy: limit, units: quota, window }.tell(&mut headers, 0, retry_after);
            }
            Meaning::Application(
                ErrorKind::Malformed
                | ErrorKind::Forbidden
                | ErrorKind::NotFound
                | ErrorKind::Invalid
                | ErrorKind::Conflict
                | ErrorKind::PreconditionFailed
                | ErrorKind::Unexpected,
            )
            | Meaning::Invalid
            | Meaning::Http(_) => {}
        }
        headers
    }
}

/// RFC 6750 §3: `error` is named only where a token was sent.
fn challenge(code: &str) -> &'static str {
    if code == "TOKEN_INVALID" {
        r#"Bearer realm="holdfast", error="invalid_token", error_description="The access token is not valid""#
    } else {
        r#"Bearer realm="holdfast""#
    }
}

/// Whole seconds, rounded up and at least one, as `Retry-After` wants them.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl<E: Classify> From<E> for Fault {
    fn from(error: E) -> Self {
        let kind = error.kind();
        let detail = match kind {
            ErrorKind::Unexpected => "Something went wrong on our side".to_owned(),
            ErrorKind::Unavailable(_) => "The service is not available at the moment".to_owned(),
            ErrorKind::Malformed
            | ErrorKind::Unauthenticated
            | ErrorKind::Forbidden
            | ErrorKind::NotFound
            | ErrorKind::Invalid
            | ErrorKind::Conflict
            | ErrorKind::InFlight(_)
            | ErrorKind::PreconditionFailed
            | ErrorKind::Throttled(_) => error.to_string(),
        };
        let mut fault = Self::new(Meaning::Application(kind), error.code(), detail);
        if matches!(kind, ErrorKind::Unexpected | ErrorKind::Unavailable(_)) {
            fault.0.cause = Some(chain(&error));
        }
        fault
    }
}

fn chain(error: &dyn StdError) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        told.push_str(": ");
        told.push_str(&cause.to_string());
        next = cause.source();
    }
    told
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

/// The status and the body are the surface's: [`crate::common::observe`] asks it for both on the way out.
impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        *response.headers_mut() = self.headers();
        response
    }
}
