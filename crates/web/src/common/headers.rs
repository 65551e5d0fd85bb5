//! The headers of every answer that tell browsers and caches to keep out of it (OWASP REST security cheat sheet), and which
//! headers a front end of another origin may read.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Nothing may be loaded from an API answer, and nobody may frame it.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// What front ends read, besides what every browser shows them. Always in this order, on every worker: caches and people compare
/// answers.
const EXPOSED: &str =
    "Location, ETag, Retry-After, X-Request-Id, RateLimit, RateLimit-Policy, Idempotent-Replayed";

/// Tells a front end that may read the answer which headers it may read. An answer to a preflight has none for it.
pub(crate) fn expose(headers: &mut HeaderMap) {
    let granted = headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    if granted && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_METHODS) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
}

/// Adds what an answer does not say itself.
pub(crate) fn secure(headers: &mut HeaderMap, production: bool) {
    let mut add = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(header::X_FRAME_OPTIONS, "DENY");
    add(header::REFERRER_POLICY, "no-referrer");
    add(header::CONTENT_SECURITY_POLICY, API_POLICY);
    add(header::CACHE_CONTROL, "no-store");
    if production {
        add(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}
