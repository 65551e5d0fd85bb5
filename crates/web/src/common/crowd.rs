//! How many requests one worker takes on at once. Whoever comes when there are too many is told so before anything is read or
//! remembered for them, so that memory stays bounded. How fast one client may come is the rate limit's.

use std::{cell::Cell, rc::Rc};

use actix_web::{
    Error, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse},
};

use super::{fault::Fault, limits, streamed::Streamed};

/// What is under way on one worker. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Crowd {
    requests: Rc<Cell<usize>>,
    streams: Rc<Cell<usize>>,
}

/// One of them, until it is dropped.
struct Place(Rc<Cell<usize>>);

impl Place {
    fn among(others: &Rc<Cell<usize>>, most: usize) -> Option<Self> {
        let there = others.get();
        (there < most).then(|| {
            others.set(there + 1);
            Self(Rc::clone(others))
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
    let Crowd { requests, streams } = crowd;
    let place = Place::among(requests, limits::IN_FLIGHT);
    let streams = Rc::clone(streams);
    let admitted = if place.is_some() || request.path().starts_with("/health") {
        Ok(service.call(request))
    } else {
        Err(request)
    };
    async move {
        let answer = match admitted {
            Ok(answer) => kept_among(&streams, answer.await?.map_into_boxed_body()),
            Err(request) => refused(request.into_parts().0, "Too many requests at once"),
        };
        drop(place);
        Ok(answer)
    }
}

/// The answer; one that is made while it is sent counts until its end, and is refused where there are too many.
fn kept_among(streams: &Rc<Cell<usize>>, answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if answer.response().body().size() != BodySize::Stream {
        return answer;
    }
    match Place::among(streams, limits::STREAMS) {
        Some(guard) => answer.map_body(|_, body| Streamed::holding(body, guard)),
        None => refused(answer.into_parts().0, "Too many exports at once"),
    }
}

fn refused(request: HttpRequest, detail: &'static str) -> ServiceResponse<BoxBody> {
    // `into_response` would lose the fault on the way.
    ServiceResponse::new(request, HttpResponse::from_error(Fault::unavailable(detail, limits::RETRY)))
}

#[cfg(test)]
mod tests {
    use actix_web::{App, test, web};
    use futures_util::stream;

    use super::*;

    /// An answer that never ends.
    async fn endless() -> HttpResponse {
        HttpResponse::Ok().streaming(stream::pending::<Result<web::Bytes, Error>>())
    }

    #[actix_web::test]
    async fn answers_that_are_still_being_sent_are_counted_to_their_end() {
        let crowd = Crowd::default();
        let app = App::new().wrap_fn(move |request, service| admit(&crowd, request, service));
        let app = test::init_service(app.route("/", web::get().to(endless))).await;
        let ask = || test::call_service(&app, test::TestRequest::get().to_request());
        let mut sent = Vec::new();
        for _ in 0..limits::STREAMS {
            sent.push(ask().await);
        }
        assert!(sent.iter().all(|answer| answer.status() == 200));
        assert!(ask().await.response().error().is_some());
        sent.pop();
        sent.push(ask().await);
        assert!(sent.iter().all(|answer| answer.status() == 200));
        assert!(ask().await.response().error().is_some());
    }
}
