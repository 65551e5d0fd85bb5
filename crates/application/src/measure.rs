//! Numbers that are counted while work is done and read when somebody asks. Counting takes no lock and, once a name is known, no
//! memory: it may stand on the way of every request. How numbers are shown, and under which names, is the server's.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Bounds for what a client waits for: 5 ms to 5 s, those of the promises (p95 < 200 ms) among them.
pub const ANSWERS: &[Duration] = &[
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
];

/// Bounds for parts of an answer, as a call of the store: 0.25 ms to 1.5 s, which is the budget of a call.
pub const PARTS: &[Duration] = &[
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_500),
];

/// How often something happened.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Once more.
    pub fn count(&self) {
        self.count_many(1);
    }

    /// So many times more.
    pub fn count_many(&self, times: u64) {
        self.0.fetch_add(times, Ordering::Relaxed);
    }

    /// How often so far.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are at the moment.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more. Each needs its [`fall`](Self::fall).
    pub fn rise(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn fall(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many now.
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, sorted into buckets.
#[derive(Debug)]
pub struct Durations {
    bounds: &'static [Duration],
    /// One for each bound, and one for what took longer than all of them.
    buckets: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

impl Durations {
    /// Nothing measured yet. `bounds` ascend, and each belongs to its own bucket.
    pub fn new(bounds: &'static [Duration]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::default()).collect();
        Self { bounds, buckets, nanoseconds: AtomicU64::default() }
    }

    /// One that took so long.
    pub fn add(&self, took: Duration) {
        let bucket = self.bounds.partition_point(|bound| *bound < took);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was measured so far.
    pub fn read(&self) -> Measured {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let bounds = self.bounds.iter().copied().map(Some).chain([None]);
        Measured {
            count: counts.iter().sum(),
            buckets: bounds.zip(counts).collect(),
            sum: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

/// Durations as they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// How many there were.
    pub count: u64,
    /// All together.
    pub sum: Duration,
    /// How many lie in each bucket alone: above the bound before, up to this one; `None` bounds nothing.
    pub buckets: Vec<(Option<Duration>, u64)>,
}

/// One `T` for each name that ever came. Names stand in the text of the program, so that there are never more than the program
/// has; nothing that a client sends can be one.
pub struct ByName<T> {
    slots: Box<[OnceLock<(&'static str, T)>]>,
    make: fn() -> T,
}

/// More than twice as many as any table of ours has names, so that a search meets few others.
const SLOTS: usize = 256;
/// Where names go for which there is no room.
const OTHER: &str = "other";

impl<T> ByName<T> {
    /// Without a name yet.
    pub fn new(make: fn() -> T) -> Self {
        Self { slots: (0..SLOTS).map(|_| OnceLock::new()).collect(), make }
    }

    /// The one of this name; none only when there are far more names than a program has.
    pub fn of(&self, name: &'static str) -> Option<&T> {
        self.find(name).or_else(|| self.find(OTHER))
    }

    fn find(&self, name: &'static str) -> Option<&T> {
        let begin = place(name);
        (0..SLOTS).find_map(|step| {
            let (of, value) = self.slots.get((begin + step) % SLOTS)?.get_or_init(|| (name, (self.make)()));
            (*of == name).then_some(value)
        })
    }

    /// Every name that came, in their order.
    pub fn all(&self) -> Vec<(&'static str, &T)> {
        let known = self.slots.iter().filter_map(OnceLock::get);
        let mut known: Vec<_> = known.map(|(name, value)| (*name, value)).collect();
        known.sort_unstable_by_key(|(name, _)| *name);
        known
    }
}

impl ByName<Counter> {
    /// Once more under this name.
    pub fn count(&self, name: &'static str) {
        if let Some(counter) = self.of(name) {
            counter.count();
        }
    }

    /// Counters that stand there with 0 before anything happens: whoever watches them sees the first time, too.
    pub fn expecting(names: impl IntoIterator<Item = &'static str>) -> Self {
        let counters = Self::default();
        for name in names {
            counters.of(name);
        }
        counters
    }

    /// How often each name came.
    pub fn read(&self) -> Vec<(&'static str, u64)> {
        self.all().into_iter().map(|(name, counter)| (name, counter.read())).collect()
    }
}

impl Default for ByName<Counter> {
    fn default() -> Self {
        Self::new(Counter::default)
    }
}

impl<T> fmt::Debug for ByName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.slots.iter().filter_map(OnceLock::get).map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// FNV-1a, which is short and spreads short names well.
fn place(name: &str) -> usize {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_lies_in_the_first_bucket_whose_bound_it_does_not_pass() {
        let durations = Durations::new(ANSWERS);
        for millis in [0, 5, 6, 200, 201, 5_000, 5_001] {
            durations.add(Duration::from_millis(millis));
        }
        let Measured { count, sum, buckets } = durations.read();
        assert_eq!((count, sum), (7, Duration::from_millis(10_413)));
        let within: Vec<_> = buckets.iter().filter(|(_, n)| *n > 0).copied().collect();
        let bound = |millis| Some(Duration::from_millis(millis));
        assert_eq!(
            within,
            [(bound(5), 2), (bound(10), 1), (bound(200), 1), (bound(500), 1), (bound(5_000), 1), (None, 1)]
        );
    }

    #[test]
    fn each_name_is_counted_apart_whoever_comes_first() {
        let names: Vec<&'static str> = (0..120).map(|n| &*format!("name {n}").leak()).collect();
        let counters = ByName::default();
        std::thread::scope(|scope| {
            for shift in 0..4 {
                let (counters, names) = (&counters, &names);
                scope.spawn(move || {
                    for n in 0..1_200 {
                        counters.count(names[(n + shift * 31) % names.len()]);
                    }
                });
            }
        });
        let read = counters.read();
        assert_eq!(read.len(), 120);
        assert!(read.iter().all(|(_, times)| *times == 40), "{read:?}");
        assert!(read.is_sorted());
    }

    #[test]
    fn there_are_never_more_names_than_places() {
        let counters = ByName::default();
        for n in 0..1_000 {
            counters.count(format!("name {n}").leak());
        }
        assert_eq!(counters.read().len(), SLOTS);
    }

    #[test]
    fn a_level_is_back_where_it_was_once_all_have_left() {
        let level = Level::default();
        level.rise();
        level.rise();
        assert_eq!(level.read(), 2);
        level.fall();
        level.fall();
        assert_eq!(level.read(), 0);
    }
}
