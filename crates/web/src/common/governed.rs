//! The governor around a route: what it needs of the service inside, and its fields in our words on the way out.

use actix_governor::{Governor, GovernorMiddleware, governor::middleware::StateInformationMiddleware};
use actix_web::{
    Error,
    body::{BoxBody, EitherBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready},
};
use futures_util::{FutureExt as _, TryFutureExt as _, future::LocalBoxFuture};

use super::rate_limit::{ClientNetwork, Policy};

/// Middleware that draws from a bucket and tells with every answer what is left in it.
pub(crate) struct Limit {
    governor: Governor<ClientNetwork, StateInformationMiddleware>,
    policy: Policy,
}

impl Limit {
    pub(super) fn new(governor: Governor<ClientNetwork, StateInformationMiddleware>, policy: Policy) -> Self {
        Self { governor, policy }
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
    type Future = LocalBoxFuture<'static, Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let policy = self.policy;
        self.governor
            .new_transform(Boxed { service })
            .map_ok(move |inner| Governed { inner, policy })
            .boxed_local()
    }
}

/// A service behind the governor.
pub(crate) struct Governed<S> {
    inner: GovernorMiddleware<Boxed<S>, ClientNetwork, StateInformationMiddleware>,
    policy: Policy,
}

impl<S> Service<ServiceRequest> for Governed<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
    S::Future: 'static,
{
    type Response = ServiceResponse<EitherBody<BoxBody>>;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self::Response, Error>>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let policy = self.policy;
        let translated = move |mut answer: Self::Response| {
            policy.translate(answer.headers_mut());
            answer
        };
        self.inner.call(request).map_ok(translated).boxed_local()
    }
}

/// A service whose futures can be moved, as the governor asks for where it tells what is left.
pub(crate) struct Boxed<S> {
    service: S,
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
