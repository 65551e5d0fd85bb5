//! Conditional requests (RFC 9110 §13) by the revision of a task: `"r7"` is a strong entity tag.

use actix_web::http::header::{self, HeaderMap};
use holdfast_application::domain::tasks::{Revision, Task};

use crate::common::fault::Fault;

/// The entity tag of a revision.
pub(crate) fn of(revision: Revision) -> String {
    format!("\"r{}\"", revision.number())
}

/// What `If-Match` demands of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing: the header is absent, or `*`, which any task fulfils.
    Any,
    /// One of these revisions; without any, nothing fulfils it.
    OneOf(Vec<Revision>),
}

impl IfMatch {
    /// Reads the header. Weak and foreign tags match no task (RFC 9110 §13.1.1).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let tags = tags(headers, &header::IF_MATCH);
        match tags {
            None => Self::Any,
            Some(tags) if tags.iter().any(|tag| tag == "*") => Self::Any,
            Some(tags) => Self::OneOf(tags.iter().filter_map(|tag| revision(tag)).collect()),
        }
    }

    /// The revision that the write must find. Where several are named, `current` tells which of them the task has.
    pub(crate) async fn expected(
        self,
        current: impl AsyncFnOnce() -> Result<Task, Fault>,
    ) -> Result<Option<Revision>, Fault> {
        match self {
            Self::Any => Ok(None),
            Self::OneOf(revisions) => {
                if let [only] = revisions[..] {
                    return Ok(Some(only));
                }
                let found = current().await?.revision;
                if revisions.contains(&found) { Ok(Some(found)) } else { Err(Fault::stale()) }
            }
        }
    }
}

/// Whether `If-None-Match` names the revision, so that 304 says enough. Weak tags count (RFC 9110 §13.1.2).
pub(crate) fn is_known(headers: &HeaderMap, current: Revision) -> bool {
    let named = |tag: &String| tag == "*" || revision(tag.strip_prefix("W/").unwrap_or(tag)) == Some(current);
    tags(headers, &header::IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(named))
}

/// The tags of all lines of a header, or nothing without one. Our tags hold no comma.
fn tags(headers: &HeaderMap, name: &header::HeaderName) -> Option<Vec<String>> {
    headers.contains_key(name).then(|| {
        let lines = headers.get_all(name).map(|line| line.to_str().unwrap_or_default());
        lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect()
    })
}

fn revision(tag: &str) -> Option<Revision> {
    let number = tag.strip_prefix("\"r")?.strip_suffix('"')?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    plain.then(|| number.parse().ok().map(Revision::new))?
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(name: &header::HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn if_match_compares_strongly() {
        let of = |lines: &[&str]| IfMatch::of(&headers(&header::IF_MATCH, lines));
        let one_of = |numbers: &[i64]| IfMatch::OneOf(numbers.iter().copied().map(Revision::new).collect());
        assert_eq!(IfMatch::of(&HeaderMap::new()), IfMatch::Any);
        assert_eq!(of(&["*"]), IfMatch::Any);
        assert_eq!(of(&["\"r3\""]), one_of(&[3]));
        assert_eq!(of(&["\"r3\", \"r4\"", "\"r5\""]), one_of(&[3, 4, 5]));
        for nothing in ["W/\"r3\"", "r3", "\"x\"", "\"r03\"", "\"r\"", ""] {
            assert_eq!(of(&[nothing]), one_of(&[]), "{nothing}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let known = |line: &str| is_known(&headers(&header::IF_NONE_MATCH, &[line]), Revision::new(3));
        for line in ["\"r3\"", "W/\"r3\"", "*", "\"x\", \"r3\""] {
            assert!(known(line), "{line}");
        }
        assert!(!known("\"r4\""));
        assert!(!is_known(&HeaderMap::new(), Revision::new(3)));
    }
}
