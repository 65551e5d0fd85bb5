//! Throttling per client address by actix-governor, with answers and keys of ours. The buckets live in this process and are
//! shared by its workers; with N instances a client has N buckets at most, unless all of them draw from shared ones
//! (`governed.rs`). What is counted for each account is the application's.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use actix_governor::{
    Governor, GovernorConfig, GovernorConfigBuilder, KeyExtractor,
    governor::{
        NotUntil,
        clock::{Clock, DefaultClock, QuantaInstant},
        middleware::StateInformationMiddleware,
    },
};
use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    dev::ServiceRequest,
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use holdfast_application::{Exceeded, ports::BucketSize};
use ipnet::IpNet;

use super::{
    client_ip,
    fault::{Fault, whole_seconds},
};
use crate::options::{Allowance, RateLimit};

type Config = GovernorConfig<ClientNetwork, StateInformationMiddleware>;

/// The methods that draw from a bucket.
const COUNTED: [Method; 2] = [Method::POST, Method::DELETE];

/// Which bucket a route draws from. Aliases of a route draw from the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// Where passwords are tried or accounts made.
    SignIn,
    /// Where refresh tokens are exchanged.
    Refresh,
}

/// The limiters of both buckets; nothing when throttling is off.
pub(crate) struct Limiters(Option<[Limiter; 2]>);

impl Limiters {
    pub(crate) fn new(limit: RateLimit, trusted: &[IpNet]) -> Self {
        match limit {
            RateLimit::Off => Self(None),
            RateLimit::On { sign_in, refresh } => {
                let sign_in = Limiter::new(Policy { name: "sign-in", allowance: sign_in }, trusted);
                let refresh = Limiter::new(Policy { name: "refresh", allowance: refresh }, trusted);
                Self(sign_in.zip(refresh).map(Into::into))
            }
        }
    }

    /// What draws from a bucket; nothing when throttling is off.
    pub(super) fn limiter(&self, bucket: Bucket) -> Option<Limiter> {
        let [sign_in, refresh] = self.0.as_ref()?;
        Some(match bucket {
            Bucket::SignIn => sign_in.clone(),
            Bucket::Refresh => refresh.clone(),
        })
    }

    /// Forgets full buckets.
    pub(crate) fn sweep(&self) {
        for Limiter { config, clients: _ } in self.0.iter().flatten() {
            let limiter = config.limiter();
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// One bucket for each client of this instance. Clones draw from the same ones.
#[derive(Clone)]
pub(super) struct Limiter {
    config: Config,
    clients: ClientNetwork,
}

impl Limiter {
    /// Absent only for a zero, which [`Allowance`] does not hold.
    fn new(policy: Policy, trusted: &[IpNet]) -> Option<Self> {
        let Policy { name: _, allowance } = policy;
        let mut builder = GovernorConfigBuilder::default();
        builder.period(allowance.interval()).burst_size(allowance.burst());
        builder.methods(COUNTED.to_vec());
        let clients = ClientNetwork { policy, trusted: trusted.to_vec(), warned: Arc::default() };
        let mut builder = builder.key_extractor(clients.clone());
        Some(Self { config: builder.use_headers().finish()?, clients })
    }

    pub(super) fn governor(&self) -> Governor<ClientNetwork, StateInformationMiddleware> {
        Governor::new(&self.config)
    }

    pub(super) fn policy(&self) -> Policy {
        self.clients.policy
    }

    /// Whom a request is counted for; nobody where its method is not counted.
    pub(super) fn client(&self, request: &ServiceRequest) -> Option<IpNet> {
        COUNTED.contains(request.method()).then(|| self.clients.of(request))
    }

    /// Counts one more for a client, whatever is left.
    pub(super) fn count(&self, client: IpNet) {
        // Somebody else has decided.
        let _ = self.config.limiter().check_key(&client);
    }
}

/// What a bucket allows, by the name that clients know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    name: &'static str,
    allowance: Allowance,
}

impl Policy {
    fn quota(&self) -> Quota<'static> {
        let Self { name, allowance } = self;
        Quota { policy: name, units: allowance.burst(), window: allowance.window() }
    }

    pub(super) fn name(self) -> &'static str {
        self.name
    }

    pub(super) fn size(self) -> BucketSize {
        BucketSize { burst: self.allowance.burst(), interval: self.allowance.interval() }
    }

    /// The answer to whom the bucket has nothing left for.
    pub(super) fn refusal(self, retry_after: Duration) -> HttpResponse {
        let Quota { policy: limit, units: quota, window } = self.quota();
        let fault = Fault::throttled(Exceeded { limit, quota, window, retry_after });
        // The governor passes the answer on without its error, so the fault travels beside it.
        let mut response = fault.error_response();
        response.extensions_mut().insert(fault);
        response
    }

    /// Tells what is left. An answer that tells a limit it ran into further in keeps that one: it is what the client has to
    /// wait for.
    pub(super) fn tell(self, headers: &mut HeaderMap, left: u32) {
        if !headers.contains_key(RATE_LIMIT) {
            self.quota().tell(headers, left, self.allowance.interval());
        }
    }

    /// Puts our own fields in the place of the governor's.
    pub(crate) fn translate(self, headers: &mut HeaderMap) {
        // A method that is not counted has no more than this one.
        headers.remove("x-ratelimit-whitelisted");
        headers.remove("x-ratelimit-limit");
        let left = headers.remove("x-ratelimit-remaining").next();
        let left = left.and_then(|left| left.to_str().ok()?.parse::<u32>().ok());
        if let Some(left) = left {
            self.tell(headers, left);
        }
    }
}

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A limit as clients are told of it.
pub(crate) struct Quota<'a> {
    pub(crate) policy: &'a str,
    pub(crate) units: u32,
    pub(crate) window: Duration,
}

impl Quota<'_> {
    /// Sets the fields of draft-ietf-httpapi-ratelimit-headers-11, which are structured fields (RFC 9651): so many units within
    /// a window, of which no more than `left` can be used before `next` has passed.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, left: u32, next: Duration) {
        let Self { policy, units, window } = self;
        let fields = [
            (RATE_LIMIT_POLICY, format!("\"{policy}\";q={units};w={}", whole_seconds(*window))),
            (RATE_LIMIT, format!("\"{policy}\";r={left};t={}", whole_seconds(next))),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Finds the network that a request is counted for, and words the refusal.
#[derive(Debug, Clone)]
pub(crate) struct ClientNetwork {
    policy: Policy,
    trusted: Vec<IpNet>,
    /// Whether the log says already that a proxy may have been forgotten.
    warned: Arc<AtomicBool>,
}

impl ClientNetwork {
    fn of(&self, request: &ServiceRequest) -> IpNet {
        self.notice_proxy(request);
        let address = client_ip::client_address(request.peer_addr(), request.headers(), &self.trusted);
        client_ip::throttle_key(address)
    }

    /// Behind a proxy that is not trusted all clients are one. Nobody sees that until they wait for each other, so the first
    /// request that looks like it is told; only the first, since anybody can send one.
    fn notice_proxy(&self, request: &ServiceRequest) {
        let Some(peer) = request.peer_addr() else { return };
        let forwarded = request.headers().contains_key("x-forwarded-for");
        if forwarded
            && !client_ip::is_trusted(peer.ip(), &self.trusted)
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                peer = %peer.ip(),
                "X-Forwarded-For of a peer that is not in TRUSTED_PROXIES is not believed: if it is a proxy of yours, all \
                 clients behind it share one limit"
            );
        }
    }
}

impl KeyExtractor for ClientNetwork {
    type Key = IpNet;
    type KeyExtractionError = Never;

    fn extract(&self, request: &ServiceRequest) -> Result<IpNet, Never> {
        Ok(self.of(request))
    }

    fn exceed_rate_limit_response(
        &self,
        negative: &NotUntil<QuantaInstant>,
        _: HttpResponseBuilder,
    ) -> HttpResponse {
        self.policy.refusal(negative.wait_time_from(DefaultClock::default().now()))
    }
}

/// A key is always found: this error never happens.
#[derive(Debug)]
pub(crate) struct Never(Infallible);

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl ResponseError for Never {}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Each is an address of its own.
    fn address(n: u32) -> IpNet {
        client_ip::throttle_key(Some(std::net::Ipv4Addr::from_bits(n).into()))
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "turns a hang into a failure, and asserts nothing about time"
    )]
    fn a_sweep_forgets_who_has_a_full_bucket_again_and_nobody_else() {
        // Full again after a microsecond, and after a hundred minutes.
        let (brief, slow) = (Allowance::per_minute(1, 60_000_000), Allowance::per_minute(100, 1));
        let limiters = Limiters::new(RateLimit::On { sign_in: brief, refresh: slow }, &[]);
        let of = |bucket| limiters.limiter(bucket).unwrap().config.limiter();
        let [sign_in, refresh] = [of(Bucket::SignIn), of(Bucket::Refresh)];
        for n in 0..1_000 {
            assert!(sign_in.check_key(&address(n)).is_ok());
        }
        assert_eq!(sign_in.len(), 1_000, "the map only grows");
        for _ in 0..100 {
            assert!(refresh.check_key(&address(7)).is_ok());
        }
        let begun = Instant::now();
        while !sign_in.is_empty() {
            assert!(begun.elapsed() < Duration::from_mins(1), "{} are left", sign_in.len());
            limiters.sweep();
        }
        assert_eq!(refresh.len(), 1);
        assert!(refresh.check_key(&address(7)).is_err());
    }

    #[test]
    fn the_governors_fields_become_ours() {
        let policy = Policy { name: "sign-in", allowance: Allowance::per_minute(20, 10) };
        let told = |given: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            policy.translate(&mut headers);
            let mut told: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            told.sort();
            told
        };
        let ours = ["ratelimit-policy: \"sign-in\";q=20;w=120", "ratelimit: \"sign-in\";r=7;t=6"];
        assert_eq!(told(&[("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "7")]), ours);
        assert!(told(&[("x-ratelimit-whitelisted", "true")]).is_empty());
        let further_in = ("ratelimit", "\"network\";r=0;t=9");
        assert_eq!(told(&[("x-ratelimit-remaining", "7"), further_in]), ["ratelimit: \"network\";r=0;t=9"]);
    }
}
