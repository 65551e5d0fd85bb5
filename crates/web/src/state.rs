//! What all workers share: the services, the settings, the limiters and whether new work is welcome.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix_web::web::Bytes;
use holdfast_application::{
    Services,
    domain::Timestamp,
    ports::{Clock, Ids},
};

use crate::{
    WebOptions,
    common::{rate_limit::Limiters, routing::Renderers},
    routes,
    v1::openapi::openapi_json,
};

/// Whether the instance wants new work. The server clears it when it begins to drain; clones share the flag.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on `/health/ready` answers 503, so that load balancers look elsewhere. There is no way back.
    pub fn start_draining(&self) {
        self.0.store(false, Ordering::Release);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Everything that the surfaces need. Cloning costs one reference count.
#[derive(Clone)]
pub struct WebState(Arc<Shared>);

struct Shared {
    services: Services,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    options: WebOptions,
    readiness: Readiness,
    limiters: Limiters,
    renderers: Renderers,
    document: Bytes,
}

impl WebState {
    /// Prepares what the workers share. `ids` names requests; `clock` tells whether a ban still holds.
    pub fn new(services: Services, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, options: WebOptions) -> Self {
        Self(Arc::new(Shared {
            limiters: Limiters::new(options.rate_limit, &options.trusted_proxies),
            renderers: Renderers::of(&routes::surfaces()),
            readiness: Readiness(Arc::new(AtomicBool::new(true))),
            document: Bytes::from(openapi_json()),
            services,
            clock,
            ids,
            options,
        }))
    }

    /// The flag that the server clears when it begins to drain.
    pub fn readiness(&self) -> Readiness {
        self.0.readiness.clone()
    }

    /// Forgets the addresses whose buckets are full again. The limiters only grow otherwise: call it each minute.
    pub fn sweep(&self) {
        self.0.limiters.sweep();
    }

    pub(crate) fn services(&self) -> &Services {
        &self.0.services
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn fresh_request_id(&self) -> String {
        self.0.ids.next().hyphenated().to_string()
    }

    pub(crate) fn options(&self) -> &WebOptions {
        &self.0.options
    }

    pub(crate) fn limiters(&self) -> &Limiters {
        &self.0.limiters
    }

    pub(crate) fn renderers(&self) -> &Renderers {
        &self.0.renderers
    }

    pub(crate) fn document(&self) -> Bytes {
        self.0.document.clone()
    }
}
