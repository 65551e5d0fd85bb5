//! Which traces are recorded, by the samplers that OpenTelemetry names.

use std::fmt;

/// What decides for a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Root {
    /// Every one is recorded.
    AlwaysOn,
    /// None is.
    AlwaysOff,
    /// This part of them, 0 to 1, chosen by their ids.
    Ratio(f64),
}

/// What decides for a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampler {
    /// Without a caller whose word counts.
    pub root: Root,
    /// Whether a caller's decision counts.
    pub parent_based: bool,
}

impl Sampler {
    /// The sampler of this name, if it is one of ours; `ratio` is asked for where it needs one.
    pub(crate) fn parse(name: &str, ratio: impl FnOnce() -> f64) -> Option<Self> {
        let (root, parent_based) = match name.strip_prefix("parentbased_") {
            Some(root) => (root, true),
            None => (name, false),
        };
        let root = match root {
            "always_on" => Root::AlwaysOn,
            "always_off" => Root::AlwaysOff,
            "traceidratio" => Root::Ratio(ratio()),
            _ => return None,
        };
        Some(Self { root, parent_based })
    }

    /// Whether `trace` is recorded; `caller` is what the caller decided.
    pub(crate) fn takes(self, trace: u128, caller: Option<bool>) -> bool {
        match (self.root, caller.filter(|_| self.parent_based)) {
            (_, Some(decided)) => decided,
            (Root::AlwaysOn, None) => true,
            (Root::AlwaysOff, None) => false,
            (Root::Ratio(ratio), None) => is_below(ratio, trace),
        }
    }
}

/// As the SDKs of OpenTelemetry decide, so that services agree on a trace: by the lower 63 bits of its id.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the lower half of the id is meant, and a ratio lies between 0 and 1; its 53 digits are enough"
)]
fn is_below(ratio: f64, trace: u128) -> bool {
    const ALL: u64 = 1 << 63;
    ((trace as u64) >> 1) < (ratio * ALL as f64) as u64
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, parent_based } = self;
        f.write_str(if *parent_based { "parentbased_" } else { "" })?;
        f.write_str(match root {
            Root::AlwaysOn => "always_on",
            Root::AlwaysOff => "always_off",
            Root::Ratio(_) => "traceidratio",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(name: &str) -> Sampler {
        Sampler::parse(name, || 0.25).unwrap()
    }

    #[test]
    fn a_caller_decides_where_the_sampler_is_based_on_it_and_nowhere_else() {
        for (name, alone, on, off) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
        ] {
            let decided = [None, Some(true), Some(false)].map(|caller| sampler(name).takes(1, caller));
            assert_eq!(decided, [alone, on, off], "{name}");
            assert_eq!(sampler(name).to_string(), name);
        }
        assert_eq!(Sampler::parse("jaeger_remote", || 1.0), None);
        assert_eq!(Sampler::parse("parentbased_", || 1.0), None);
    }

    #[test]
    fn a_ratio_takes_its_part_by_the_lower_half_of_the_id() {
        let taken = |ratio: f64| {
            let sampler = Sampler { root: Root::Ratio(ratio), parent_based: false };
            (0..1_000_u128)
                .filter(|n| sampler.takes((n << 64) | ((2 * n + 1) * (u128::from(u64::MAX) / 2_000)), None))
                .count()
        };
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(taken), [0, 250, 500, 1_000]);
        assert!(!sampler("traceidratio").takes(u128::MAX, None), "the upper half has no say");
        assert!(sampler("traceidratio").takes(u128::MAX << 64, None));
        assert!(sampler("parentbased_traceidratio").takes(u128::MAX, Some(true)));
    }
}
