//! What all workers share: the services, the settings, the limiters and whether new work is welcome.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use actix_web::web::Bytes;
use arc_swap::{ArcSwap, Guard};
use holdfast_application::{
    Services,
    domain::Timestamp,
    ports::{Clock, Ids, SharedBuckets},
};
use ipnet::IpNet;

use crate::{
    RateLimit, WebOptions,
    common::{
        rate_limit::Limiters,
        routing::{Renderers, Surface},
        traffic::Traffic,
    },
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
    allowed_origins: ArcSwap<Vec<String>>,
    trusted_proxies: ArcSwap<Vec<IpNet>>,
    limiters: ArcSwap<Limiters>,
    buckets: OnceLock<Arc<dyn SharedBuckets>>,
    renderers: Renderers,
    traffic: Arc<Traffic>,
    document: Bytes,
}

impl WebState {
    /// Prepares what the workers share. `ids` names requests; `clock` tells whether a ban still holds.
    pub fn new(services: Services, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, options: WebOptions) -> Self {
        let surfaces = routes::surfaces();
        Self(Arc::new(Shared {
            allowed_origins: ArcSwap::from_pointee(options.allowed_origins.clone()),
            trusted_proxies: ArcSwap::from_pointee(options.trusted_proxies.clone()),
            limiters: ArcSwap::from_pointee(Limiters::new(options.rate_limit, &options.trusted_proxies)),
            buckets: OnceLock::new(),
            renderers: Renderers::of(&surfaces),
            traffic: Arc::new(Traffic::new(surfaces.iter().flat_map(Surface::templates))),
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

    /// What is counted of requests and answers.
    pub fn traffic(&self) -> Arc<Traffic> {
        self.0.traffic.clone()
    }

    /// From now on limits by address are those of all instances. Once and for all: a second call changes nothing.
    pub fn share_buckets(&self, buckets: Arc<dyn SharedBuckets>) {
        // Who comes second is told so above.
        let _ = self.0.buckets.set(buckets);
    }

    /// Forgets the addresses whose buckets are full again. The limiters only grow otherwise: call it each minute.
    pub fn sweep(&self) {
        self.0.limiters.load().sweep();
    }

    /// From the next request on these origins may call from browsers, and no others. Requests under way are answered as they
    /// began.
    pub fn allow_origins(&self, origins: Vec<String>) {
        self.0.allowed_origins.store(Arc::new(origins));
    }

    /// From the next request on these peers tell on whose behalf they come. Limits by address go by it once
    /// [`WebState::limit_rate`] is called.
    pub fn trust_proxies(&self, proxies: Vec<IpNet>) {
        self.0.trusted_proxies.store(Arc::new(proxies));
    }

    /// From the next request on these limits hold. Every client address begins with a full bucket, also where buckets are
    /// shared: one of another size is another one.
    pub fn limit_rate(&self, limit: RateLimit) {
        let limiters = Limiters::new(limit, &self.trusted_proxies());
        self.0.limiters.store(Arc::new(limiters));
    }

    pub(crate) fn allows_origin(&self, origin: &[u8]) -> bool {
        self.0.allowed_origins.load().iter().any(|allowed| allowed.as_bytes() == origin)
    }

    /// For one look: hold it no longer.
    pub(crate) fn trusted_proxies(&self) -> Guard<Arc<Vec<IpNet>>> {
        self.0.trusted_proxies.load()
    }

    pub(crate) fn counted(&self) -> &Traffic {
        &self.0.traffic
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

    pub(crate) fn shared_buckets(&self) -> Option<&Arc<dyn SharedBuckets>> {
        self.0.buckets.get()
    }

    pub(crate) fn limiters(&self) -> Arc<Limiters> {
        self.0.limiters.load_full()
    }

    pub(crate) fn renderers(&self) -> &Renderers {
        &self.0.renderers
    }

    pub(crate) fn document(&self) -> Bytes {
        self.0.document.clone()
    }
}
