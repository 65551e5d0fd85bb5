//! Throttling per client address by actix-governor, with answers and keys of ours. The buckets live in this process
//! and are shared by its workers; with N instances a client has N buckets at most.

use std::{convert::Infallible, fmt, time::Duration};

use actix_governor::{
    Governor, GovernorConfig, GovernorConfigBuilder, KeyExtractor,
    governor::{
        NotUntil,
        clock::{Clock, DefaultClock, QuantaInstant},
        middleware::NoOpMiddleware,
    },
};
use actix_web::{
    HttpResponse, HttpResponseBuilder, ResponseError,
    dev::ServiceRequest,
    http::{Method, header::HeaderName},
};
use ipnet::IpNet;

use super::{
    client_ip,
    fault::{Fault, whole_seconds},
};
use crate::options::{Allowance, RateLimit};

type Config = GovernorConfig<ClientNetwork, NoOpMiddleware<QuantaInstant>>;

/// Which bucket a route draws from. Aliases of a route draw from the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// Where passwords are tried or accounts made.
    SignIn,
    /// Where refresh tokens are exchanged.
    Refresh,
}

/// The limiters of both buckets; nothing when throttling is off.
pub(crate) struct Limiters(Option<[Config; 2]>);

impl Limiters {
    pub(crate) fn new(limit: RateLimit, trusted: &[IpNet]) -> Self {
        match limit {
            RateLimit::Off => Self(None),
            RateLimit::On { sign_in, refresh } => {
                let sign_in = config("sign-in", sign_in, trusted);
                let refresh = config("refresh", refresh, trusted);
                Self(sign_in.zip(refresh).map(|(sign_in, refresh)| [sign_in, refresh]))
            }
        }
    }

    /// The middleware of a bucket, unless throttling is off.
    pub(crate) fn governor(
        &self,
        bucket: Bucket,
    ) -> Option<Governor<ClientNetwork, NoOpMiddleware<QuantaInstant>>> {
        let [sign_in, refresh] = self.0.as_ref()?;
        Some(Governor::new(match bucket {
            Bucket::SignIn => sign_in,
            Bucket::Refresh => refresh,
        }))
    }

    /// Forgets full buckets.
    pub(crate) fn sweep(&self) {
        for config in self.0.iter().flatten() {
            let limiter = config.limiter();
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

/// Absent only for a zero, which [`Allowance`] does not hold.
fn config(policy: &'static str, allowance: Allowance, trusted: &[IpNet]) -> Option<Config> {
    let extractor = ClientNetwork { policy, allowance, trusted: trusted.to_vec() };
    let mut builder = GovernorConfigBuilder::default();
    builder.period(allowance.interval()).burst_size(allowance.burst());
    builder.methods(vec![Method::POST, Method::DELETE]).key_extractor(extractor).finish()
}

/// Finds the network that a request is counted for, and words the refusal.
#[derive(Debug, Clone)]
pub(crate) struct ClientNetwork {
    policy: &'static str,
    allowance: Allowance,
    trusted: Vec<IpNet>,
}

impl KeyExtractor for ClientNetwork {
    type Key = IpNet;
    type KeyExtractionError = Never;

    fn extract(&self, request: &ServiceRequest) -> Result<IpNet, Never> {
        let address = client_ip::client_address(request.peer_addr(), request.headers(), &self.trusted);
        Ok(client_ip::throttle_key(address))
    }

    fn exceed_rate_limit_response(
        &self,
        negative: &NotUntil<QuantaInstant>,
        _: HttpResponseBuilder,
    ) -> HttpResponse {
        let wait = negative.wait_time_from(DefaultClock::default().now());
        let fault = refusal(self.policy, self.allowance.burst(), self.allowance.window(), wait);
        // The governor passes the answer on without its error, so the fault travels beside it.
        let mut response = fault.error_response();
        response.extensions_mut().insert(fault);
        response
    }
}

/// A refusal with the header fields of draft-ietf-httpapi-ratelimit-headers: `q` requests in `w` seconds, `r` left,
/// more in `t`.
pub(crate) fn refusal(policy: &str, quota: u32, window: Duration, wait: Duration) -> Fault {
    let (window, seconds) = (whole_seconds(window), whole_seconds(wait));
    Fault::throttled(wait)
        .with_header(
            HeaderName::from_static("ratelimit-policy"),
            format!("\"{policy}\";q={quota};w={window}"),
        )
        .with_header(HeaderName::from_static("ratelimit"), format!("\"{policy}\";r=0;t={seconds}"))
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
