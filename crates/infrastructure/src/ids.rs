//! Fresh identifiers: UUIDs of version 7, drawn from the operating system's randomness and the wall clock.

use holdfast_application::ports::Ids;
use uuid::Uuid;

/// UUIDs of version 7 (RFC 9562 §5.7), in strictly rising order within the process: a 42-bit counter separates those
/// of one millisecond, and a clock that jumps back is not followed (§6.2). Across processes they are in order as
/// far as the clocks agree.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidV7Ids;

impl Ids for UuidV7Ids {
    #[expect(clippy::disallowed_methods, reason = "this is the adapter that implements the port")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, thread};

    use uuid::{Variant, Version};

    use super::*;

    #[test]
    fn ids_are_version_7_and_rise_strictly() {
        let ids: Vec<Uuid> = (0..10_000).map(|_| UuidV7Ids.next()).collect();
        assert!(ids.is_sorted_by(|earlier, later| earlier < later));
        for id in ids {
            assert_eq!((id.get_version(), id.get_variant()), (Some(Version::SortRand), Variant::RFC4122));
        }
    }

    #[test]
    fn threads_never_share_an_id() {
        let threads: Vec<_> = (0..4)
            .map(|_| thread::spawn(|| (0..2_000).map(|_| UuidV7Ids.next()).collect::<Vec<_>>()))
            .collect();
        let all: HashSet<Uuid> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(all.len(), 8_000);
    }
}
