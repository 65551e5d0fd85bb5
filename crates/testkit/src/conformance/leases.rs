//! Leases: who has one, and when somebody else gets it.

use std::time::Duration;

use holdfast_application::domain::Timestamp;
use uuid::Uuid;

use super::Fresh;
use crate::{
    fixtures::{at, micros},
    ids::unique,
};

const MINUTE: Duration = Duration::from_mins(1);

fn name() -> String {
    unique().simple().to_string()
}

/// Takes the lease for a minute.
async fn take(fresh: &Fresh, name: &str, holder: Uuid, now: Timestamp) -> bool {
    fresh.store.leases().take(name, holder, now, now.plus(MINUTE)).await.unwrap()
}

/// It is whose it is until its end, and for longer if they take it again; then it is anybody's.
pub async fn a_lease_has_one_holder_until_its_end(fresh: &Fresh) {
    let (name, ada, bob) = (name(), unique(), unique());
    assert!(take(fresh, &name, ada, at(0)).await);
    assert!(!take(fresh, &name, bob, at(0)).await);
    assert!(take(fresh, &name, ada, at(30)).await);
    assert!(!take(fresh, &name, bob, at(60)).await, "it was taken again");
    assert!(!take(fresh, &name, bob, micros(at(90).micros() - 1)).await);
    assert!(take(fresh, &name, bob, at(90)).await);
    assert!(!take(fresh, &name, ada, at(90)).await);
}

/// It is nobody's once it was given back; where the holder does not have it, somebody else's MUST stay as it is.
pub async fn who_has_a_lease_gives_it_back_and_nobody_else(fresh: &Fresh) {
    let (one, other, ada, bob) = (name(), name(), unique(), unique());
    assert!(take(fresh, &one, ada, at(0)).await && take(fresh, &other, ada, at(0)).await);
    fresh.store.leases().give_back(&one, bob).await.unwrap();
    assert!(!take(fresh, &one, bob, at(1)).await);
    fresh.store.leases().give_back(&one, ada).await.unwrap();
    assert!(take(fresh, &one, bob, at(1)).await);
    assert!(!take(fresh, &other, bob, at(1)).await, "that is another one");
    fresh.store.leases().give_back(&one, ada).await.unwrap();
    assert!(!take(fresh, &one, ada, at(1)).await, "it is somebody else's by now");
}

/// Of any number of callers at the same moment who are different holders, at most one MUST hear true.
pub async fn one_of_many_holders_has_it(fresh: &Fresh) {
    let name = name();
    for now in [at(0), at(60)] {
        let callers: Vec<_> = (0..16)
            .map(|_| {
                let (store, name, holder) = (fresh.store.clone(), name.clone(), unique());
                tokio::spawn(async move {
                    store.leases().take(&name, holder, now, now.plus(MINUTE)).await.unwrap()
                })
            })
            .collect();
        let mut holders = 0;
        for caller in callers {
            holders += usize::from(caller.await.unwrap());
        }
        assert_eq!(holders, 1, "{now}");
    }
}

/// Two leases with different names MUST NOT know of each other.
pub async fn leases_of_different_names_are_apart(fresh: &Fresh) {
    let (one, other, ada, bob) = (name(), name(), unique(), unique());
    assert!(take(fresh, &one, ada, at(0)).await && take(fresh, &other, bob, at(0)).await);
    assert!(!take(fresh, &one, bob, at(1)).await && !take(fresh, &other, ada, at(1)).await);
}

/// An end that lies more than twice as far ahead as the one asked for MUST NOT count.
pub async fn a_clock_that_was_set_back_keeps_nobody_out(fresh: &Fresh) {
    let (name, ada, bob) = (name(), unique(), unique());
    assert!(take(fresh, &name, ada, at(1_000)).await);
    assert!(!take(fresh, &name, bob, at(940)).await, "a minute is what clocks may differ by");
    assert!(take(fresh, &name, bob, micros(at(940).micros() - 1)).await);
}
