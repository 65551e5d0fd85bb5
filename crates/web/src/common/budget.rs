//! The last line around a handler: it answers in time, and a panic in it is an answer, too.

use std::{any::Any, panic::AssertUnwindSafe, rc::Rc};

use actix_web::{
    Error, HttpResponse,
    body::BoxBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    rt::time::{Instant, sleep_until},
};
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};

use super::{fault::Fault, limits, request_id::Context};

/// Calls a route with the deadline of its [`Context`]. The deadline moves while a body arrives. A handler that is too
/// late is dropped; what it had begun in the store rolls back.
pub(crate) fn bounded<S>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error>,
    S::Future: 'static,
{
    let http = request.request().clone();
    let context = Context::of(&http);
    let answer = service.call(request);
    async move {
        let mut answer = Box::pin(AssertUnwindSafe(answer).catch_unwind());
        loop {
            let deadline = deadline(context.as_ref());
            let fault = match select(answer, Box::pin(sleep_until(deadline))).await {
                Either::Left((Ok(answer), _)) => return answer,
                Either::Left((Err(panic), _)) => Fault::unexpected(format!("panic: {}", message(&*panic))),
                Either::Right(((), unfinished))
                    if context.as_ref().is_some_and(|it| it.deadline() > deadline) =>
                {
                    answer = unfinished;
                    continue;
                }
                Either::Right(_) => Fault::unavailable("The request took too long", limits::RETRY),
            };
            return Ok(ServiceResponse::new(http, HttpResponse::from_error(fault)));
        }
    }
}

fn deadline(context: Option<&Rc<Context>>) -> Instant {
    context.map_or_else(|| Instant::now() + limits::REQUEST_TIME, |context| context.deadline())
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown cause")
}
