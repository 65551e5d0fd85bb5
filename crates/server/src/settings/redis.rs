//! Where the limits by address are counted for all instances. Counting them is the infrastructure crate's.

use holdfast_infrastructure::shared_buckets::RedisUrl;

use super::describe::Effective;
use super::reader::Reader;
use super::strictness::Strictness;

const URL: &str = "REDIS_URL";

/// The server that all instances share.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// Absent where each instance counts for itself.
    pub url: Option<RedisUrl>,
}

impl RedisSettings {
    pub(super) fn read(reader: &mut Reader, strictness: &Strictness) -> Self {
        let url = reader.parse(URL, |text| RedisUrl::parse(text).map_err(|error| error.to_string()));
        if let Some(url) = &url
            && !url.is_encrypted()
            && !url.is_local()
        {
            judge_clear_text(reader, strictness);
        }
        Self { url }
    }

    pub(super) fn effective(&self) -> Effective {
        let Self { url } = self;
        vec![(URL, url.as_ref().map(ToString::to_string))]
    }
}

/// Whoever listens on the way learns its password, and can then empty every bucket.
fn judge_clear_text(reader: &mut Reader, strictness: &Strictness) {
    match strictness {
        Strictness::Strict(environment) => {
            let problem = format!("leads to another machine in clear text, in {}", environment.as_str());
            reader.fault_expecting(
                URL,
                problem,
                "rediss://, or redis+unix:// and a proxy with TLS beside it",
            );
        }
        Strictness::Local | Strictness::Exposed { .. } => {
            reader.warn(URL, "leads to another machine in clear text: whoever listens learns its password");
        }
    }
}
