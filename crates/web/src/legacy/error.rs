//! Errors on the frozen surface: what its front end reads (`detail`, `error`, `message`), in a document that new
//! clients understand, too.

use actix_web::http::StatusCode;
use holdfast_application::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::common::fault::{Fault, FieldFault, Meaning};

/// What is wrong, as `application/problem+json`.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyProblem<'a> {
    #[serde(rename = "type")]
    #[schema(example = "urn:holdfast:problem:validation-error")]
    kind: String,
    title: &'a str,
    status: u16,
    /// What is wrong, always one text.
    detail: &'a str,
    instance: &'a str,
    success: bool,
    /// The same as `detail`.
    error: &'a str,
    /// The same as `detail`.
    message: &'a str,
    error_code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<LegacyFieldProblem<'a>>,
}

/// One thing that is wrong with one member.
#[derive(Serialize, ToSchema)]
pub(crate) struct LegacyFieldProblem<'a> {
    field: &'a str,
    code: &'a str,
    message: &'a str,
}

/// The status and the body of a fault.
pub(crate) fn render(fault: &Fault, path: &str, request_id: &str) -> (StatusCode, Vec<u8>) {
    let (status, code) = status_and_code(fault);
    let problem = LegacyProblem {
        kind: format!("urn:holdfast:problem:{}", code.to_ascii_lowercase().replace('_', "-")),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: fault.detail(),
        instance: path,
        success: false,
        error: fault.detail(),
        message: fault.detail(),
        error_code: code,
        request_id,
        errors: fault.fields().iter().map(LegacyFieldProblem::of).collect(),
    };
    // A struct of texts and numbers always serializes.
    (status, serde_json::to_vec(&problem).unwrap_or_default())
}

impl<'a> LegacyFieldProblem<'a> {
    fn of(fault: &'a FieldFault) -> Self {
        let FieldFault { field, code, message } = fault;
        Self { field, code, message }
    }
}

fn status_and_code(fault: &Fault) -> (StatusCode, &'static str) {
    let status = match fault.meaning() {
        Meaning::Http(status) => status,
        Meaning::Invalid if fault.fields().iter().all(is_unknown_name) => {
            return (StatusCode::BAD_REQUEST, "INVALID_QUERY");
        }
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
    };
    (status, fault.code())
}

/// A name that is none of those allowed was 400 on this surface, where every other fault of a member was 422.
fn is_unknown_name(fault: &FieldFault) -> bool {
    fault.code == "invalid_value" && ["priority", "sort_by", "sort_order"].contains(&fault.field.as_str())
}
