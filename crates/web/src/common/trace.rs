//! Where a request stands in a trace: what its caller says (W3C Trace Context), and what this instance makes of it. Recording is the
//! server's.

use std::{fmt, sync::Arc};

use actix_web::{dev::ServiceRequest, http::header::HeaderMap};

use super::client_ip;
use crate::WebState;

const PARENT: &str = "traceparent";
const STATE: &str = "tracestate";
/// The one version that there is, and the length of what it consists of; later ones may say more (Trace Context §3.2.4).
const VERSION: &str = "00";
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;
/// More of a `tracestate` need not be kept (Trace Context §3.3.1.5).
const LONGEST_STATE: usize = 512;
const MOST_MEMBERS: usize = 32;

/// A trace, never 0. Shown as 32 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceId(pub u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A span in a trace, never 0. Shown as 16 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpanId(pub u64);

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What a caller says about the trace that its request belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The trace.
    pub trace: TraceId,
    /// The caller's own span.
    pub span: SpanId,
    /// Whether the caller records.
    pub sampled: bool,
    /// What tracing systems on the way added, passed on as it came.
    pub state: Option<String>,
}

impl Caller {
    /// What the headers say; nothing where `traceparent` is missing, malformed, or there more than once. A malformed `tracestate` is
    /// left out.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(PARENT);
        let (parent, None) = (parents.next()?, parents.next()) else { return None };
        let caller = Self::parse(parent.to_str().ok()?)?;
        Some(Self { state: state(headers), ..caller })
    }

    fn parse(text: &str) -> Option<Self> {
        let (known, further) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = [version.len(), trace.len(), span.len(), flags.len()];
        if parts.next().is_some() || lengths != [2, 32, 16, 2] {
            return None;
        }
        let version_fits = digits::<u8>(version)? != u8::MAX
            && if version == VERSION {
                further.is_empty()
            } else {
                further.is_empty() || further.starts_with('-')
            };
        let trace = digits::<u128>(trace).filter(|trace| *trace != 0)?;
        let span = digits::<u64>(span).filter(|span| *span != 0)?;
        let sampled = digits::<u8>(flags)? & SAMPLED != 0;
        version_fits.then_some(Self { trace: TraceId(trace), span: SpanId(span), sampled, state: None })
    }
}

/// A number in digits of base 16, of which the letters are lower case.
fn digits<T: TryFrom<u128>>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    u128::from_str_radix(text, 16).ok().filter(|_| digits).and_then(|number| number.try_into().ok())
}

/// The members of every `tracestate` line together, if all of them are well formed.
fn state(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(STATE).map(|line| line.to_str().ok()).collect::<Option<Vec<_>>>()?;
    let members =
        lines.iter().flat_map(|line| line.split(',')).map(|member| member.trim_matches([' ', '\t']));
    let members: Vec<&str> = members.filter(|member| !member.is_empty()).collect();
    let sane = members.len() <= MOST_MEMBERS && members.iter().all(|member| is_member(member));
    let state = members.join(",");
    (sane && !state.is_empty() && state.len() <= LONGEST_STATE).then_some(state)
}

fn is_member(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else { return false };
    let key_begins = key.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let key_holds =
        key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'));
    let value_holds = value.bytes().all(|byte| matches!(byte, b' '..=b'~' if byte != b'='));
    key_begins && key_holds && value_holds && !value.is_empty() && key.len() <= 256 && value.len() <= 256
}

/// The place of a request in its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The trace.
    pub trace: TraceId,
    /// The span that stands for the request; where this instance does not export, the caller's.
    pub span: SpanId,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

/// Gives requests their places in traces, and decides which are recorded.
pub trait Places: fmt::Debug + Send + Sync {
    /// A new span: in the caller's trace where there is one, else in a new one.
    fn place(&self, caller: Option<&Caller>) -> Place;
}

/// How requests are traced.
#[derive(Debug, Clone)]
pub struct TraceOptions {
    /// Whether `traceparent` of trusted proxies is believed.
    pub believes_callers: bool,
    /// Whether the listener itself speaks HTTPS.
    pub encrypted: bool,
    /// Who gives requests their places; nobody where spans go nowhere.
    pub places: Option<Arc<dyn Places>>,
}

/// The place of one request, and how it came to it.
pub(crate) struct Trace {
    pub(crate) place: Place,
    /// Whether this instance records it.
    pub(crate) recorded: bool,
    /// Who told the trace.
    pub(crate) caller: Option<Caller>,
}

impl Trace {
    /// The request's place, where its trace is known or spans are exported. Strangers are not believed: they could have every request
    /// recorded, or spoil the traces of others (Trace Context, "Security Considerations").
    pub(crate) fn of(state: &WebState, request: &ServiceRequest) -> Option<Self> {
        let TraceOptions { believes_callers, encrypted: _, places } = &state.options().traces;
        let trusted = &state.trusted_proxies();
        let believed = *believes_callers
            && !trusted.is_empty()
            && request.peer_addr().is_some_and(|peer| client_ip::is_trusted(peer.ip(), trusted));
        let caller = if believed { Caller::read(request.headers()) } else { None };
        let Some(places) = places else {
            let Caller { trace, span, sampled, state: _ } = caller?;
            return Some(Self { place: Place { trace, span, sampled }, recorded: false, caller: None });
        };
        let place = places.place(caller.as_ref());
        Some(Self { place, recorded: place.sampled, caller })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_well_formed_traceparent_is_taken() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true), ("ff", true)] {
            let caller = Caller::parse(&format!("00-{TRACE}-{SPAN}-{flags}")).unwrap();
            assert_eq!(
                (caller.trace.to_string(), caller.span.to_string()),
                (TRACE.to_owned(), SPAN.to_owned())
            );
            assert_eq!(caller.sampled, sampled, "{flags}");
        }
        let small = "00-00000000000000000000000000000001-0000000000000001-00";
        let caller = Caller::parse(small).unwrap();
        assert_eq!(format!("00-{}-{}-00", caller.trace, caller.span), small);
    }

    #[test]
    fn a_later_version_may_say_more_and_this_one_may_not() {
        for later in ["01", "cc", "fe"] {
            for further in ["", "-", "-what the future brings"] {
                assert!(
                    Caller::parse(&format!("{later}-{TRACE}-{SPAN}-01{further}")).is_some(),
                    "{later}{further}"
                );
            }
            assert_eq!(Caller::parse(&format!("{later}-{TRACE}-{SPAN}-01.x")), None);
        }
        assert_eq!(Caller::parse(&format!("00-{TRACE}-{SPAN}-01-x")), None);
        assert_eq!(Caller::parse(&format!("ff-{TRACE}-{SPAN}-01")), None);
    }

    #[test]
    fn a_malformed_traceparent_is_none() {
        let (upper, zero) = (TRACE.to_uppercase(), "0".repeat(32));
        for text in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("0-{TRACE}-{SPAN}-011"),
            format!("00-{upper}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}-{SPAN}-0A"),
            format!("0A-{TRACE}-{SPAN}-01"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zero[..16]),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}-{SPAN}0-01", &TRACE[1..]),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{TRACE}-b7ad6b716920333-é"),
            "-".repeat(LENGTH),
        ] {
            assert_eq!(Caller::parse(&text), None, "{text:?}");
        }
    }

    #[test]
    fn two_lines_of_traceparent_are_none() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        assert!(Caller::read(&headers(&[(PARENT, &parent)])).is_some());
        assert_eq!(Caller::read(&headers(&[(PARENT, &parent), (PARENT, &parent)])), None);
        assert_eq!(Caller::read(&headers(&[(STATE, "a=b")])), None);
    }

    #[test]
    fn tracestate_is_kept_where_all_of_it_is_well_formed() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let kept = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (STATE, *line));
            let lines: Vec<_> = [(PARENT, parent.as_str())].into_iter().chain(lines).collect();
            Caller::read(&headers(&lines)).unwrap().state
        };
        assert_eq!(kept(&[]), None);
        assert_eq!(kept(&["", " , "]), None);
        assert_eq!(kept(&["a=1, t@v=x y ,"]).as_deref(), Some("a=1,t@v=x y"));
        assert_eq!(kept(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
        assert_eq!(kept(&["0a_-*/@z=~!"]).as_deref(), Some("0a_-*/@z=~!"));
        let long = format!("a={}", "x".repeat(256));
        assert_eq!(kept(&[&long]).as_deref(), Some(long.as_str()));
        let many = vec!["a=1"; MOST_MEMBERS].join(",");
        assert_eq!(kept(&[&many]).as_deref(), Some(many.as_str()));
        for malformed in [
            "a",
            "=1",
            "a=",
            "A=1",
            "a=1=2",
            "a b=1",
            "_a=1",
            &format!("{long}x"),
            &format!("{many},a=1"),
            &[long.as_str(); 2].join(","),
        ] {
            assert_eq!(kept(&[malformed]), None, "{malformed:?}");
        }
    }
}
