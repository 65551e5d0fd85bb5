//! The governor around a route: which one it is at the moment, what it needs of the service inside, and its fields in our words
//! on the way out. Where all instances draw from shared buckets, those decide in its place, and it does while they cannot be
//! reached; when that is, is the adapter's to know.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix_governor::{GovernorMiddleware, governor::middleware::StateInformationMiddleware};
use actix_web::{
    Error,
    body::{BoxBody, EitherBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::{
    FutureExt as _, TryFutureExt as _,
    future::{LocalBoxFuture, Ready, ready},
};
use holdfast_application::ports::{BucketsUnreachable, Drawing, SharedBuckets};
use ipnet::IpNet;

use super::rate_limit::{Bucket, ClientNetwork, Limiter, Limiters};
use crate::WebState;

/// Middleware that draws from a bucket and tells with every answer what is left in it.
pub(crate) struct Limit {
    state: WebState,
    bucket: Bucket,
}

impl Limit {
    pub(super) fn new(state: WebState, bucket: Bucket) -> Self {
        Self { state, bucket }
    }
}

impl<S> Transform<S, ServiceRequest> for Limit
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody>>;
    type Error = Error;
    type Transform = Governed<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let Self { state, bucket } = self;
        let (state, service) = (state.clone(), Rc::new(service));
        ready(Ok(Governed { state, bucket: *bucket, service, current: RefCell::default() }))
    }
}

/// A service behind the governor of the limits that hold.
pub(crate) struct Governed<S> {
    state: WebState,
    bucket: Bucket,
    service: Rc<S>,
    /// Made anew when the limits have changed, by this worker for itself.
    current: RefCell<Option<Current<S>>>,
}

struct Current<S> {
    limiters: Arc<Limiters>,
    /// Nothing where throttling is off.
    limited: Option<Rc<Limited<S>>>,
}

/// The service behind the buckets of this instance, and by itself.
struct Limited<S> {
    limiter: Limiter,
    governor: Governor<S>,
    service: Rc<S>,
}

type Governor<S> = GovernorMiddleware<Boxed<S>, ClientNetwork, StateInformationMiddleware>;

impl<S> Current<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    fn of(limiters: Arc<Limiters>, bucket: Bucket, service: &Rc<S>) -> Self {
        let limited = limiters.limiter(bucket).and_then(|limiter| {
            let service = Rc::clone(service);
            // It waits for nothing.
            let governor = limiter.governor().new_transform(Boxed { service: Rc::clone(&service) });
            Some(Rc::new(Limited { limiter, governor: governor.now_or_never()?.ok()?, service }))
        });
        Self { limiters, limited }
    }
}

impl<S> Service<ServiceRequest> for Governed<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let limiters = self.state.limiters();
        let mut current = self.current.borrow_mut();
        let holds = current.take().filter(|known| Arc::ptr_eq(&known.limiters, &limiters));
        let current =
            current.insert(holds.unwrap_or_else(|| Current::of(limiters, self.bucket, &self.service)));
        let Some(limited) = &current.limited else {
            return self.service.call(request).map_ok(ServiceResponse::map_into_left_body).boxed_local();
        };
        let shared = self.state.shared_buckets();
        match shared.and_then(|buckets| Some((buckets, limited.limiter.client(&request)?))) {
            Some((buckets, client)) => {
                Rc::clone(limited).draw_shared(Arc::clone(buckets), client, request).boxed_local()
            }
            None => limited.draw_own(request),
        }
    }
}

type Answer = Result<ServiceResponse<EitherBody<BoxBody>>, Error>;

impl<S> Limited<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    /// The bucket of this instance decides.
    fn draw_own(&self, request: ServiceRequest) -> LocalBoxFuture<'static, Answer> {
        let policy = self.limiter.policy();
        let translated = move |mut answer: ServiceResponse<_>| {
            policy.translate(answer.headers_mut());
            answer
        };
        self.governor.call(request).map_ok(translated).boxed_local()
    }

    /// The bucket of all instances decides, alone. What it lets through is counted here as well, so that its outage fills
    /// nobody's bucket.
    async fn draw_shared(
        self: Rc<Self>,
        buckets: Arc<dyn SharedBuckets>,
        client: IpNet,
        request: ServiceRequest,
    ) -> Answer {
        let policy = self.limiter.policy();
        match buckets.draw(policy.name(), &client.to_string(), policy.size()).await {
            Ok(Drawing::Left(left)) => {
                self.limiter.count(client);
                let mut answer = self.service.call(request).await?.map_into_left_body();
                policy.tell(answer.headers_mut(), left);
                Ok(answer)
            }
            Ok(Drawing::Empty(wait)) => Ok(request.into_response(policy.refusal(wait)).map_into_right_body()),
            Err(BucketsUnreachable) => self.draw_own(request).await,
        }
    }
}

/// A service whose futures can be moved, as the governor asks for where it tells what is left.
pub(crate) struct Boxed<S> {
    service: Rc<S>,
}

impl<S> Service<ServiceRequest> for Boxed<S>
where
    S: Service<ServiceRequest>,
    S::Future: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = LocalBoxFuture<'static, Result<S::Response, S::Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        self.service.call(request).boxed_local()
    }
}
