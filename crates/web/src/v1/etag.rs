//! Conditional requests (RFC 9110 §13) by the revision of a task: `"r7"` is a strong entity tag. Tasks have no date of
//! modification that goes out, so that conditions by date are ignored (§13.1.3, §13.1.4).

use actix_web::http::{
    StatusCode,
    header::{self, HeaderMap, HeaderName},
};
use holdfast_application::domain::tasks::{Revision, Task};

use crate::common::fault::Fault;

/// The entity tag of a revision.
pub(crate) fn of(revision: Revision) -> String {
    format!("\"r{}\"", revision.number())
}

/// What a request says about the task that it must find. It is judged after everything that would be wrong without it
/// (RFC 9110 §13.2.1): a task that is missing is 404 under any condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Preconditions {
    matching: Option<Named>,
    none_matching: Option<Named>,
}

/// What one of the two headers names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// `*`: the task as it is, whatever its revision.
    Any,
    /// Revisions. Tags that are none of ours name nothing.
    These {
        /// By a strong tag.
        strong: Vec<Revision>,
        /// By a weak one, which `If-Match` never takes for the same (§13.1.1).
        weak: Vec<Revision>,
    },
}

impl Preconditions {
    /// The conditions of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            matching: named(headers, &header::IF_MATCH),
            none_matching: named(headers, &header::IF_NONE_MATCH),
        }
    }

    /// The same, where a write without `If-Match` is not wanted (RFC 6585 §3).
    pub(crate) fn required(self) -> Result<Self, Fault> {
        if self.matching.is_some() {
            return Ok(self);
        }
        let detail = "Send the ETag of the task that you read as If-Match";
        Err(Fault::http(StatusCode::PRECONDITION_REQUIRED, "PRECONDITION_REQUIRED", detail))
    }

    /// Whether the reader has the task already, so that 304 says enough.
    pub(crate) fn is_known(&self, current: Revision) -> Result<bool, Fault> {
        let Self { matching, none_matching } = self;
        matches(matching.as_ref(), current)?;
        Ok(none_matching.as_ref().is_some_and(|named| named.weakly(current)))
    }

    /// The revision that a write must find, if it must find a certain one. Where the headers alone do not tell, `current`
    /// tells which the task has; the write then still compares, because the task may change in between.
    pub(crate) async fn expected(
        self,
        current: impl AsyncFnOnce() -> Result<Task, Fault>,
    ) -> Result<Option<Revision>, Fault> {
        let Self { matching, none_matching } = self;
        match (&matching, &none_matching) {
            (None | Some(Named::Any), None) => return Ok(None),
            (Some(Named::These { strong, weak: _ }), None) => {
                if let [only] = strong[..] {
                    return Ok(Some(only));
                }
            }
            (_, Some(_)) => {}
        }
        let found = current().await?.revision;
        matches(matching.as_ref(), found)?;
        if none_matching.is_some_and(|named| named.weakly(found)) {
            let detail = "The task is the one that If-None-Match names";
            return Err(Fault::http(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", detail));
        }
        Ok(Some(found))
    }
}

impl Named {
    fn strongly(&self, current: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::These { strong, weak: _ } => strong.contains(&current),
        }
    }

    fn weakly(&self, current: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::These { strong, weak } => strong.contains(&current) || weak.contains(&current),
        }
    }
}

/// Whether `If-Match` holds; without one, nothing is demanded.
fn matches(named: Option<&Named>, current: Revision) -> Result<(), Fault> {
    if named.is_none_or(|named| named.strongly(current)) { Ok(()) } else { Err(Fault::stale()) }
}

/// What all lines of a header name together, or nothing without one. `*` stands alone or means nothing. Lines are cut at
/// commas: our tags hold none, and no piece of another's tag looks like one of ours, since no tag holds a quotation mark.
fn named(headers: &HeaderMap, name: &HeaderName) -> Option<Named> {
    let lines: Vec<_> = headers.get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    if lines.is_empty() {
        return None;
    }
    if let [only] = &lines[..]
        && only.trim() == "*"
    {
        return Some(Named::Any);
    }
    let (mut strong, mut weak) = (Vec::new(), Vec::new());
    for tag in lines.iter().flat_map(|line| line.split(',')).map(str::trim) {
        match tag.strip_prefix("W/") {
            Some(tag) => weak.extend(revision(tag)),
            None => strong.extend(revision(tag)),
        }
    }
    Some(Named::These { strong, weak })
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

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        headers
    }

    fn of(name: &HeaderName, lines: &[&str]) -> Option<Named> {
        named(&headers(name, lines), name)
    }

    fn these(strong: &[i64], weak: &[i64]) -> Named {
        let revisions = |numbers: &[i64]| numbers.iter().copied().map(Revision::new).collect();
        Named::These { strong: revisions(strong), weak: revisions(weak) }
    }

    #[test]
    fn tags_of_all_lines_are_named_together() {
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            let of = |lines: &[&str]| of(&name, lines);
            assert_eq!(of(&[]), None);
            assert_eq!(of(&[" * "]), Some(Named::Any));
            assert_eq!(of(&["\"r3\""]), Some(these(&[3], &[])));
            assert_eq!(of(&["\"r3\",W/\"r4\" , ,\"r5\"", "\"r6\""]), Some(these(&[3, 5, 6], &[4])));
            assert_eq!(of(&["\"a,b\", \"\u{e9}\",\"r3\""]), Some(these(&[3], &[])));
        }
    }

    #[test]
    fn what_is_no_tag_of_ours_names_nothing() {
        for line in [
            "r3",
            "\"x\"",
            "\"r03\"",
            "\"r\"",
            "\"r-3\"",
            "\"R3\"",
            "w/\"r3\"",
            "",
            "\"r99999999999999999999\"",
        ] {
            assert_eq!(of(&header::IF_MATCH, &[line]), Some(these(&[], &[])), "{line}");
        }
        for lines in [&["*, *"][..], &["*", "*"], &["\"x\", *"]] {
            assert_eq!(of(&header::IF_MATCH, lines), Some(these(&[], &[])), "{lines:?}");
        }
    }

    #[test]
    fn if_match_compares_strongly_and_if_none_match_weakly() {
        let named = these(&[3], &[4]);
        let judged = |number| {
            let current = Revision::new(number);
            (named.strongly(current), named.weakly(current))
        };
        assert_eq!([judged(3), judged(4), judged(5)], [(true, true), (false, true), (false, false)]);
        assert!(Named::Any.strongly(Revision::FIRST) && Named::Any.weakly(Revision::FIRST));
    }
}
