//! Whether the limits by address would be counted for all instances. One bucket that is nobody's is drawn from.

use super::finding::Finding;
use crate::settings::RedisSettings;

const CHECK: &str = "redis";

/// Nothing where each instance counts for itself.
pub(super) async fn look(settings: &RedisSettings) -> Option<Finding> {
    let RedisSettings { url } = settings;
    let url = url.as_ref()?;
    Some(match holdfast_infrastructure::shared_buckets::examine(url).await {
        Ok(()) => Finding::ok(CHECK, format!("{url} counts limits by address")),
        // Nothing fails without it.
        Err(fault) => {
            let mend = "check host, port, TLS, user and password in REDIS_URL, and that it is a primary with memory to spare; \
                        until then each instance counts for itself";
            Finding::warning(CHECK, format!("{url}: {fault}"), mend)
        }
    })
}
