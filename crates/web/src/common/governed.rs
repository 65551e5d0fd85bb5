//! The governor around a route: which one it is at the moment, what it needs of the service inside, and its fields in our words
//! on the way out.

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

use super::rate_limit::{Bucket, ClientNetwork, Limiters, Policy};
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
    governor: Option<(Governor<S>, Policy)>,
}

type Governor<S> = GovernorMiddleware<Boxed<S>, ClientNetwork, StateInformationMiddleware>;

impl<S> Current<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    fn of(limiters: Arc<Limiters>, bucket: Bucket, service: &Rc<S>) -> Self {
        let governor = limiters.governor(bucket).and_then(|(governor, policy)| {
            // It waits for nothing.
            let middleware = governor.new_transform(Boxed { service: Rc::clone(service) }).now_or_never()?;
            Some((middleware.ok()?, policy))
        });
        Self { limiters, governor }
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
        let Some((governor, policy)) = &current.governor else {
            return self.service.call(request).map_ok(ServiceResponse::map_into_left_body).boxed_local();
        };
        let policy = *policy;
        let translated = move |mut answer: Self::Response| {
            policy.translate(answer.headers_mut());
            answer
        };
        governor.call(request).map_ok(translated).boxed_local()
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
