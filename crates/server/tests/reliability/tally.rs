//! What is counted: what the writers were told, what is stored in the end, and whether the two agree.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The limit on the time of one request (docs/configuration.md).
const REQUEST: Duration = Duration::from_secs(5);

/// What was wrong until service had to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The database or the pooler in front was gone; it accepts again.
    Database,
    /// The network failed or a lock was held; it works, and is free, again. A connection that fell silent meanwhile is
    /// given up when its statement is too late.
    Network,
    /// The server was gone; it says that it serves.
    Server,
}

/// What each task must look like in the end: its last acknowledged title by what never changes in it, its name. `None`
/// once its deletion is acknowledged.
pub(crate) type Expected = BTreeMap<String, Option<u32>>;

/// The title of a task in this version. Its revision is one more: it counts from 1.
pub(crate) fn title(name: &str, version: u32) -> String {
    format!("{name} v{version}")
}

#[derive(Default)]
struct Counts {
    acknowledged: u64,
    unavailable: u64,
    unanswered: u64,
    slowest: Duration,
    strikes: u32,
    ways_back: BTreeMap<Cause, Duration>,
    lost: Vec<String>,
    doubled: Vec<String>,
    signed_out: Vec<String>,
    wrong: Vec<String>,
}

/// Shared by the writers of one scene.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.counts().acknowledged
    }

    /// A write was acknowledged.
    pub(crate) fn acknowledge(&self) {
        self.counts().acknowledged += 1;
    }

    /// An answer arrived after this time.
    pub(crate) fn answered(&self, took: Duration) {
        let mut counts = self.counts();
        counts.slowest = counts.slowest.max(took);
    }

    /// A 503 as the contract has it.
    pub(crate) fn unavailable(&self) {
        self.counts().unavailable += 1;
    }

    /// The connection ended without an answer.
    pub(crate) fn unanswered(&self) {
        self.counts().unanswered += 1;
    }

    /// A blow is over, and the server was ready again after this time.
    pub(crate) fn suffered(&self, cause: Cause, way_back: Duration) {
        let mut counts = self.counts();
        counts.strikes += 1;
        let longest = counts.ways_back.entry(cause).or_default();
        *longest = way_back.max(*longest);
    }

    /// An acknowledged write is not there.
    pub(crate) fn lost(&self, what: String) {
        self.counts().lost.push(what);
    }

    /// Somebody's session ended who did not end it.
    pub(crate) fn signed_out(&self, what: String) {
        self.counts().signed_out.push(what);
    }

    /// An answer that must never be given.
    pub(crate) fn wrong(&self, what: String) {
        self.counts().wrong.push(what);
    }

    /// Compares what was acknowledged with title and revision of every row.
    pub(crate) fn judge(&self, expected: &Expected, rows: Vec<(String, i64)>) {
        let mut counts = self.counts();
        let mut found: BTreeMap<String, Vec<(u32, i64)>> = BTreeMap::new();
        for (title, revision) in rows {
            let (name, version) = title.rsplit_once(" v").unwrap();
            found.entry(name.to_owned()).or_default().push((version.parse().unwrap(), revision));
        }
        for (name, version) in expected {
            match (version, found.remove(name).as_deref()) {
                (None, None) => {}
                (None, Some(rows)) => counts.lost.push(format!("the deletion of {name}: {rows:?}")),
                (Some(version), Some([(stored, revision)])) => {
                    if stored != version {
                        counts.lost.push(format!("{name} v{version}: v{stored} is stored"));
                    }
                    if *revision > i64::from(*stored) + 1 {
                        counts.doubled.push(format!("a change of {name}: revision {revision}"));
                    }
                }
                (Some(version), None) => counts.lost.push(format!("{name} v{version}")),
                (Some(_), Some(rows)) => counts.doubled.push(format!("{name}: {rows:?}")),
            }
        }
        counts.doubled.extend(found.into_keys().map(|name| format!("{name}, which nobody was told of")));
    }

    pub(crate) fn report(&self, scene: &'static str) -> Report {
        Report { scene, counts: std::mem::take(&mut *self.counts()) }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let Counts { acknowledged, unavailable, unanswered, wrong, .. } = &*counts;
        write!(f, "{acknowledged} acknowledged, {unavailable} × 503, {unanswered} unanswered, {wrong:?}")
    }
}

/// A row of the table.
pub(crate) struct Report {
    scene: &'static str,
    counts: Counts,
}

impl Report {
    pub(crate) const HEAD: &str = "| over | blows | writes acknowledged | lost | doubled | signed out | wrong answers (5xx other than 503) | 503 | \
         unanswered | slowest answer | longest way back after the database, the network, the server |\n|---|---|---|---|---|---|---|---|---|---|---|";

    /// Fails the test that counted anything but zero where zero is promised.
    pub(crate) fn assert_kept(&self) {
        let Counts { acknowledged, lost, doubled, signed_out, wrong, .. } = &self.counts;
        let scene = self.scene;
        assert!(*acknowledged > 0, "nobody wrote anything on {scene}");
        assert!(
            lost.is_empty() && doubled.is_empty() && signed_out.is_empty() && wrong.is_empty(),
            "on {scene}\nlost: {lost:#?}\ndoubled: {doubled:#?}\nsigned out: {signed_out:#?}\nwrong: {wrong:#?}"
        );
    }

    /// Fails when an answer took longer than any request may. Not for a machine that does other work meanwhile.
    pub(crate) fn assert_in_time(&self) {
        let Counts { slowest, .. } = self.counts;
        assert!(slowest <= REQUEST, "on {} an answer took {slowest:?}", self.scene);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            acknowledged,
            unavailable,
            unanswered,
            slowest,
            strikes,
            ways_back,
            lost,
            doubled,
            signed_out,
            wrong,
        } = &self.counts;
        let (lost, doubled, signed_out, wrong) = (lost.len(), doubled.len(), signed_out.len(), wrong.len());
        let way_back =
            |cause| ways_back.get(&cause).map_or("–".to_owned(), |longest| format!("{longest:.2?}"));
        let [database, network, server] = [Cause::Database, Cause::Network, Cause::Server].map(way_back);
        write!(
            f,
            "| {} | {strikes} | {acknowledged} | {lost} | {doubled} | {signed_out} | {wrong} | {unavailable} | \
             {unanswered} | {slowest:.2?} | {database}, {network}, {server} |",
            self.scene
        )
    }
}

#[test]
fn what_is_lost_doubled_or_was_never_asked_for_is_noticed() {
    let expected = ["kept", "gone", "stale", "twice", "changed twice"];
    let mut expected: Expected = expected.into_iter().map(|name| (name.to_owned(), Some(1))).collect();
    expected.extend([("deleted".to_owned(), None), ("back again".to_owned(), None)]);
    let rows = [
        ("kept", 1, 2),
        ("stale", 0, 1),
        ("twice", 1, 2),
        ("twice", 0, 1),
        ("changed twice", 1, 3),
        ("back again", 0, 1),
        ("nobody's", 0, 1),
    ];
    let tally = Tally::default();
    tally.judge(&expected, rows.map(|(name, version, revision)| (title(name, version), revision)).into());
    let Report { counts: Counts { lost, doubled, .. }, .. } = tally.report("a test");
    assert_eq!((lost.len(), doubled.len()), (3, 3), "{lost:?} {doubled:?}");
}
