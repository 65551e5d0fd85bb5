//! The outermost middleware: every request gets an id, a span and one log line, every answer its headers, and every
//! fault its body.

use std::{rc::Rc, time::Instant};

use actix_cors::CorsError;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use holdfast_application::ErrorKind;
use tracing::Instrument as _;

use super::{
    fault::{Fault, Meaning},
    headers::secure,
    request_id::Context,
};
use crate::WebState;

/// Calls the rest of the application and finishes what it answers.
pub(crate) fn observe<S, B>(
    state: &WebState,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let started = now();
    let state = state.clone();
    let context = Context::attach(&state, &request);
    let span = tracing::info_span!("request", request_id = %context.request_id);
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let answer = span.in_scope(|| service.call(request));
    async move {
        let answer = match answer.await {
            Ok(answer) => answer.map_into_boxed_body(),
            Err(error) => {
                // Only a middleware fails in this way, and then the request is gone: what is left goes out like this.
                let mut response = render(&state, &context, &path, HttpResponse::from_error(error));
                finish(&state, &context, &mut response);
                return Err(InternalError::from_response("", response).into());
            }
        };
        let (request, response) = answer.into_parts();
        let mut response = render(&state, &context, &path, response);
        finish(&state, &context, &mut response);
        let route = request.match_pattern();
        tracing::info!(
            target: "holdfast::http",
            method = %method,
            route = route.as_deref().unwrap_or("none"),
            status = response.status().as_u16(),
            duration_ms = started.elapsed().as_secs_f64() * 1_000.0,
            user_id = context.user().map(tracing::field::display),
            request_id = %context.request_id,
            "answered"
        );
        Ok(ServiceResponse::new(request, response))
    }
    .instrument(span)
}

#[expect(clippy::disallowed_methods, reason = "measures a duration for the log, which decides nothing")]
fn now() -> Instant {
    Instant::now()
}

/// Gives an answer that carries an error the status and the body of its surface.
fn render(state: &WebState, context: &Rc<Context>, path: &str, response: HttpResponse) -> HttpResponse {
    let Some(error) = response.error() else { return response };
    if error.as_error::<CorsError>().is_some() {
        // A foreign origin gets no grant; that is all there is to say to its preflight.
        let mut bare = HttpResponse::new(StatusCode::NO_CONTENT);
        bare.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
        return bare;
    }
    let foreign;
    let fault = if let Some(fault) = error.as_error::<Fault>() {
        fault
    } else {
        foreign = Fault::of_status(response.status());
        &foreign
    };
    log_cause(fault);
    let (status, body) = state.renderers().render(fault, path, &context.request_id);
    let mut rendered = HttpResponse::new(status).set_body(BoxBody::new(body));
    for (name, value) in response.headers() {
        rendered.headers_mut().append(name.clone(), value.clone());
    }
    let media_type = HeaderValue::from_static("application/problem+json");
    rendered.headers_mut().insert(header::CONTENT_TYPE, media_type);
    rendered
}

/// Unknown failures are logged here, once; the request id is in the span.
fn log_cause(fault: &Fault) {
    let Some(cause) = fault.cause() else { return };
    match fault.meaning() {
        Meaning::Application(ErrorKind::Unavailable(_)) => {
            tracing::warn!(code = fault.code(), cause, "a dependency is not available");
        }
        Meaning::Application(_) | Meaning::Invalid | Meaning::Http(_) => {
            tracing::error!(code = fault.code(), cause, "the request failed");
        }
    }
}

fn finish(state: &WebState, context: &Rc<Context>, response: &mut HttpResponse) {
    let headers = response.headers_mut();
    secure(headers, state.options().production);
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
