//! What the surfaces can be told from outside. Where the values come from is the server's business.

use std::{num::NonZeroU32, time::Duration};

use ipnet::IpNet;

use crate::TraceOptions;

/// The settings of the web layer.
#[derive(Debug, Clone)]
pub struct WebOptions {
    /// Origins that browsers may call from at first, exactly as browsers write them; see [`crate::WebState::allow_origins`].
    pub allowed_origins: Vec<String>,
    /// Networks whose `X-Forwarded-For`, `X-Request-Id` and `traceparent` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Throttling per client address at first; see [`crate::WebState::limit_rate`].
    pub rate_limit: RateLimit,
    /// The version that the greeting tells.
    pub version: &'static str,
    /// Whether browsers are told to come back by HTTPS only.
    pub production: bool,
    /// Whether writes of existing tasks on the canonical surface must bring `If-Match` (RFC 6585 §3).
    pub require_if_match: bool,
    /// How requests are traced.
    pub traces: TraceOptions,
}

/// Throttling of the auth routes per client address: IPv4 /32, IPv6 /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimit {
    /// For load tests; the server refuses it in production.
    Off,
    /// In force.
    On {
        /// Shared by sign-up, sign-in, login and token.
        sign_in: Allowance,
        /// For refresh.
        refresh: Allowance,
    },
}

impl Default for RateLimit {
    /// 20 at once and then 10 a minute to sign in; 60 at once and then 60 a minute to refresh.
    fn default() -> Self {
        Self::On { sign_in: Allowance::per_minute(20, 10), refresh: Allowance::per_minute(60, 60) }
    }
}

/// A bucket: so many at once, then one more each time the interval has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    burst: NonZeroU32,
    every: Duration,
}

impl Allowance {
    /// `burst` at once, then `rate` a minute. A zero counts as one.
    pub fn per_minute(burst: u32, rate: u32) -> Self {
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self { burst, every: Duration::from_mins(1) / rate.max(1) }
    }

    /// How many may come at once.
    pub fn burst(self) -> u32 {
        self.burst.get()
    }

    /// The time in which one more is allowed.
    pub fn interval(self) -> Duration {
        self.every
    }

    /// The time in which an empty bucket is full again.
    pub fn window(self) -> Duration {
        self.every.saturating_mul(self.burst.get())
    }
}
