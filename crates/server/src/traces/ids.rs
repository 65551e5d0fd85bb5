//! Ids of traces and spans, and which requests get recorded ones.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use holdfast_application::ports::{NoRandomness, Randomness};
use holdfast_web::{Caller, Place, Places, SpanId, TraceId};

use super::sampler::Sampler;

/// A sequence of numbers that look like chance and do not come twice (`SplitMix64`, Steele et al. 2014). Ids are no secrets, and the
/// system's source of randomness costs more than a span.
pub(super) struct Ids {
    high: AtomicU64,
    low: AtomicU64,
}

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Ids {
    /// Each process begins elsewhere.
    pub(super) fn new(randomness: &impl Randomness) -> Result<Self, NoRandomness> {
        let secret = randomness.secret()?;
        let (high, rest) = secret.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let low = rest.first_chunk().unwrap_or(&[0; 8]);
        let begin = |bytes: &[u8; 8]| AtomicU64::new(u64::from_le_bytes(*bytes));
        Ok(Self { high: begin(high), low: begin(low) })
    }

    pub(super) fn span(&self) -> u64 {
        next(&self.low)
    }

    fn trace(&self) -> u128 {
        (u128::from(next(&self.high)) << 64) | u128::from(next(&self.low))
    }
}

/// Never 0, which would be no id.
fn next(sequence: &AtomicU64) -> u64 {
    let place = sequence.fetch_add(STEP, Ordering::Relaxed);
    let mixed = (place ^ (place >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed ^ (mixed >> 31)).max(1)
}

/// Places for requests.
pub(super) struct Sampled {
    pub(super) ids: std::sync::Arc<Ids>,
    pub(super) sampler: Sampler,
}

impl Places for Sampled {
    fn place(&self, caller: Option<&Caller>) -> Place {
        let trace = caller.map_or_else(|| TraceId(self.ids.trace()), |caller| caller.trace);
        let sampled = self.sampler.takes(trace.0, caller.map(|caller| caller.sampled));
        Place { trace, span: SpanId(self.ids.span()), sampled }
    }
}

impl fmt::Debug for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampled").field("sampler", &self.sampler).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::Arc};

    use holdfast_infrastructure::randomness::SystemRandomness;

    use super::*;

    #[test]
    fn no_id_comes_twice_and_both_halves_of_a_trace_are_chance() {
        let ids = Ids::new(&SystemRandomness).unwrap();
        let traces: Vec<u128> = (0..10_000).map(|_| ids.trace()).collect();
        let distinct = |part: fn(&u128) -> u128| traces.iter().map(part).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|trace| trace >> 64), 10_000);
        assert_eq!(distinct(|trace| trace & u128::from(u64::MAX)), 10_000);
        // Each bit is set about as often as not.
        for bit in 0..128 {
            let set = traces.iter().filter(|trace| *trace >> bit & 1 == 1).count();
            assert!((4_500..5_500).contains(&set), "bit {bit} is set {set} times of 10000");
        }
    }

    #[test]
    fn a_request_stays_in_its_callers_trace_under_a_span_of_its_own() {
        let ids = Arc::new(Ids::new(&SystemRandomness).unwrap());
        let sampler = Sampler::parse("parentbased_always_off", || 1.0).unwrap();
        let places = Sampled { ids, sampler };
        let caller = Caller { trace: TraceId(7), span: SpanId(8), sampled: true, state: None };
        let place = places.place(Some(&caller));
        assert_eq!((place.trace, place.sampled), (TraceId(7), true));
        assert_ne!(place.span, SpanId(8));
        let alone = places.place(None);
        assert!(!alone.sampled && alone.trace != TraceId(7) && alone.span != place.span);
    }
}
