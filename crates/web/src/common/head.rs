//! The limit of the request head. It stands inside CORS, so that a browser may read the answer.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
    http::StatusCode,
};

use super::{fault::Fault, limits::HEAD};

/// Calls the rest of the application, unless the head is larger than [`HEAD`]: then 431.
pub(crate) fn limit_head<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let admitted = if size(&request) <= HEAD { Ok(service.call(request)) } else { Err(request) };
    async move {
        match admitted {
            Ok(answer) => answer.await.map(ServiceResponse::map_into_boxed_body),
            Err(request) => {
                let fault = Fault::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
                // `into_response` would lose the fault on the way.
                Ok(ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(fault)))
            }
        }
    }
}

/// The bytes of the request line and the headers, as far as they are told apart from each other.
fn size(request: &ServiceRequest) -> usize {
    let headers = request.headers().iter();
    let headers: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    headers + request.uri().path().len() + request.query_string().len()
}
