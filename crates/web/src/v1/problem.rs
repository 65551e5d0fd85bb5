//! Errors on the canonical surface: RFC 9457 problem documents that carry the members of the FastAPI backend, too.

use actix_web::http::StatusCode;
use holdfast_application::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::fault::{Fault, FieldFault, Meaning};

/// What is wrong, as `application/problem+json`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Problem<'a> {
    /// Names the kind of problem; the last part is the code in lower case.
    #[serde(rename = "type")]
    #[schema(example = "urn:holdfast:problem:validation-error")]
    kind: String,
    /// The name of the status.
    #[schema(example = "Unprocessable Entity")]
    title: &'a str,
    /// The status of the answer.
    #[schema(example = 422)]
    status: u16,
    /// What is wrong, for people.
    #[schema(example = "title: must not be blank")]
    detail: &'a str,
    /// The path that was asked for.
    #[schema(example = "/api/v1/tasks")]
    instance: &'a str,
    /// Always false.
    #[schema(example = false)]
    success: bool,
    /// The same as `detail`.
    #[schema(example = "title: must not be blank")]
    error: &'a str,
    /// What a client may switch on.
    #[schema(example = "VALIDATION_ERROR")]
    error_code: &'a str,
    /// Finds the request in the log; the same as the header `X-Request-Id`.
    request_id: &'a str,
    /// Why nothing can be written; only where `/health/ready` says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "database_full")]
    reason: Option<&'a str>,
    /// Everything that is wrong with the members of the request; only with 422.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem<'a>>,
}

/// One thing that is wrong with one member.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldProblem)]
pub(crate) struct FieldProblem<'a> {
    /// The member; `body` for the whole.
    #[schema(example = "title")]
    field: &'a str,
    /// What a client may switch on.
    #[schema(example = "blank")]
    code: &'a str,
    /// What is expected, for people.
    #[schema(example = "must not be blank")]
    message: &'a str,
}

/// The status and the body of a fault.
pub(crate) fn render(fault: &Fault, path: &str, request_id: &str) -> (StatusCode, Vec<u8>) {
    let status = status(fault.meaning());
    let problem = Problem {
        kind: problem_type(fault.code()),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: fault.detail(),
        instance: path,
        success: false,
        error: fault.detail(),
        error_code: fault.code(),
        request_id,
        reason: fault.reason(),
        errors: fault.fields().iter().map(FieldProblem::of).collect(),
    };
    // A struct of texts and numbers always serializes.
    (status, serde_json::to_vec(&problem).unwrap_or_default())
}

impl<'a> FieldProblem<'a> {
    fn of(fault: &'a FieldFault) -> Self {
        let FieldFault { field, code, message } = fault;
        Self { field, code, message }
    }
}

fn problem_type(code: &str) -> String {
    format!("urn:holdfast:problem:{}", code.to_ascii_lowercase().replace('_', "-"))
}

fn status(meaning: Meaning) -> StatusCode {
    match meaning {
        Meaning::Http(status) => status,
        Meaning::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Meaning::Application(kind) => match kind {
            ErrorKind::Malformed => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Conflict | ErrorKind::InFlight(_) => StatusCode::CONFLICT,
            ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            ErrorKind::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
        },
    }
}
