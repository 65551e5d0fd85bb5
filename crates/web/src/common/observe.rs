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
        ConnectionType, Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use holdfast_application::{ErrorKind, spans};
use tracing::{Instrument as _, Level, Span};

use super::{
    fault::{Fault, Meaning},
    headers::{expose, secure},
    request_id::Context,
    trace::{Caller, Place},
    traffic::{UNMATCHED, method_name},
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
    let exchange = Exchange::begin(state, &request);
    let span = exchange.span();
    let answer = span.in_scope(|| service.call(request)).instrument(span.clone());
    // The line about the answer is written outside of the span: it tells the id itself, and once is enough.
    async move {
        match answer.await {
            Ok(answer) => {
                let (request, response) = answer.map_into_boxed_body().into_parts();
                let response = span.in_scope(|| exchange.finish(response));
                exchange.log(&span, request.match_pattern().as_deref(), response.status());
                Ok(ServiceResponse::new(request, response))
            }
            Err(error) => {
                // Only a middleware fails in this way, and then the request is gone: the answer travels as an error.
                let response = span.in_scope(|| exchange.finish(HttpResponse::from_error(error)));
                exchange.log(&span, None, response.status());
                Err(InternalError::from_response("", response).into())
            }
        }
    }
}

/// What is known of a request while it is answered.
struct Exchange {
    state: WebState,
    context: Rc<Context>,
    started: Instant,
    method: Method,
    path: String,
}

impl Exchange {
    #[expect(clippy::disallowed_methods, reason = "measures a duration for the log, which decides nothing")]
    fn begin(state: &WebState, request: &ServiceRequest) -> Self {
        state.counted().in_flight().rise();
        Self {
            started: Instant::now(),
            state: state.clone(),
            context: Context::attach(state, request),
            method: request.method().clone(),
            // CONNECT names no path.
            path: Some(request.path()).filter(|path| !path.is_empty()).unwrap_or("/").to_owned(),
        }
    }

    /// What every log line about the request has in common, whatever the level; its part of a trace, where that is recorded.
    fn span(&self) -> Span {
        let Context { request_id, trace, .. } = &*self.context;
        let place = trace.as_ref().map(|trace| trace.place);
        let span = tracing::error_span!(
            spans::REQUEST,
            request_id = %request_id,
            trace_id = place.map(|Place { trace, .. }| display(trace)),
            span_id = place.map(|Place { span, .. }| display(span)),
            trace_flags = place.map(|Place { sampled, .. }| if sampled { "01" } else { "00" }),
        );
        if let Some(trace) = trace.as_ref().filter(|trace| trace.recorded) {
            self.record_beginning(&span, trace.caller.as_ref());
        }
        span
    }

    /// The answer with its headers, and with the body of its surface where it carries a fault.
    fn finish(&self, response: HttpResponse) -> HttpResponse {
        let mut response = self.render(response);
        if !self.state.readiness().is_ready() {
            // Whoever keeps a connection learns in time that it will not last, and loses no request on it.
            response.head_mut().set_connection_type(ConnectionType::Close);
        }
        let headers = response.headers_mut();
        secure(headers, self.state.options().production);
        expose(headers);
        if let Ok(id) = HeaderValue::from_str(&self.context.request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), id);
        }
        response
    }

    fn render(&self, mut response: HttpResponse) -> HttpResponse {
        let carried = response.extensions_mut().remove::<Fault>();
        let told = response.error().and_then(|error| error.as_error::<Fault>());
        match (carried.as_ref().or(told), response.error()) {
            (Some(fault), _) => self.problem(fault, &response),
            (None, None) => response,
            (None, Some(error)) if error.as_error::<CorsError>().is_some() => without_grant(),
            (None, Some(_)) => self.problem(&Fault::of_status(response.status()), &response),
        }
    }

    /// The fault in the manner of its surface, with the headers that the answer has already.
    fn problem(&self, fault: &Fault, response: &HttpResponse) -> HttpResponse {
        log_cause(fault);
        self.state.counted().told(fault);
        let (status, body) = self.state.renderers().render(fault, &self.path, &self.context.request_id);
        let mut rendered = HttpResponse::new(status).set_body(BoxBody::new(body));
        for (name, value) in response.headers() {
            rendered.headers_mut().append(name.clone(), value.clone());
        }
        let media_type = HeaderValue::from_static("application/problem+json");
        rendered.headers_mut().insert(header::CONTENT_TYPE, media_type);
        rendered
    }

    /// The one line about the answer, and its place in the figures.
    fn log(&self, span: &Span, route: Option<&str>, status: StatusCode) {
        let took = self.started.elapsed();
        self.state.counted().answered(route, &self.method, status, took);
        let trace = self.context.trace.as_ref();
        if trace.is_some_and(|trace| trace.recorded) {
            self.record_end(span, route, status);
        }
        tracing::info!(
            target: "holdfast::http",
            method = %self.method,
            route = route.unwrap_or(UNMATCHED),
            status = status.as_u16(),
            duration_ms = took.as_secs_f64() * 1_000.0,
            user_id = self.context.user().map(tracing::field::display),
            request_id = %self.context.request_id,
            trace_id = trace.map(|trace| display(trace.place.trace)),
            span_id = trace.map(|trace| display(trace.place.span)),
            "answered"
        );
    }

    /// Neither the path nor the query leaves the machine: both are what a client sent.
    fn record_beginning(&self, span: &Span, caller: Option<&Caller>) {
        tracing::event!(target: spans::TARGET, parent: span, Level::INFO, {
            otel.kind = "server",
            otel.name = method_name(&self.method),
            http.request.method = method_name(&self.method),
            url.scheme = if self.state.options().traces.encrypted { "https" } else { "http" },
            caller.span_id = caller.map(|caller| display(caller.span)),
            caller.state = caller.and_then(|caller| caller.state.as_deref()),
        });
    }

    fn record_end(&self, span: &Span, route: Option<&str>, status: StatusCode) {
        let method = method_name(&self.method);
        tracing::event!(target: spans::TARGET, parent: span, Level::INFO, {
            otel.name = route.map(|route| format!("{method} {route}")),
            http.route = route,
            user.id = self.context.user().map(display),
            "error.type" = status.is_server_error().then(|| display(status.as_u16())),
            http.response.status_code = status.as_u16(),
        });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.state.counted().in_flight().fall();
    }
}

/// A foreign origin gets no grant; that is all there is to say to its preflight.
fn without_grant() -> HttpResponse {
    let mut bare = HttpResponse::new(StatusCode::NO_CONTENT);
    bare.headers_mut().insert(header::VARY, HeaderValue::from_static("Origin"));
    bare
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
