//! How many requests one worker takes on at once. Whoever comes when there are too many is told so before anything is read or
//! remembered for them, so that memory stays bounded. How fast one client may come is the rate limit's.

use std::{cell::Cell, rc::Rc};

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};

use super::{fault::Fault, limits};

/// The requests under way on one worker. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Rc<Cell<usize>>);

/// One of them, until it is dropped.
struct Place(Rc<Cell<usize>>);

impl Crowd {
    fn admit(&self) -> Option<Place> {
        let under_way = self.0.get();
        (under_way < limits::IN_FLIGHT).then(|| {
            self.0.set(under_way + 1);
            Place(Rc::clone(&self.0))
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Calls the rest of the application, unless this worker has enough to do: then 503. Whether the process lives is answered in
/// any case, or it would be restarted for being busy.
pub(crate) fn admit<S, B>(
    crowd: &Crowd,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<BoxBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let place = crowd.admit();
    let admitted = if place.is_some() || request.path().starts_with("/health") {
        Ok(service.call(request))
    } else {
        Err(request)
    };
    async move {
        let answer = match admitted {
            Ok(answer) => answer.await.map(ServiceResponse::map_into_boxed_body),
            Err(request) => {
                let fault = Fault::unavailable("Too many requests at once", limits::RETRY);
                // `into_response` would lose the fault on the way.
                Ok(ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(fault)))
            }
        };
        drop(place);
        answer
    }
}
