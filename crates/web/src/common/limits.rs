//! The sizes and times of one request (contract, "Canonical v1"; semantics §4, §7).

use std::time::Duration;

/// The largest request line and headers together, in bytes; below the limit at which actix-http answers by itself.
pub(crate) const HEAD: usize = 16 * 1024;
/// The largest body on the canonical surface, in bytes.
pub(crate) const CANONICAL_BODY: usize = 64 * 1024;
/// The largest body on the frozen surface, in bytes.
pub(crate) const FROZEN_BODY: usize = 1024 * 1024;
/// Requests under way on one worker at most.
pub(crate) const IN_FLIGHT: usize = 1_024;
/// Answers on one worker at most that are made while they are sent: whoever takes them slowly keeps a piece in memory.
pub(crate) const STREAMS: usize = 64;
/// How long a body may take to arrive.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);
/// How long a request may take, apart from the arrival of its body.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(5);
/// When a client that was turned away without a better figure should come back.
pub(crate) const RETRY: Duration = Duration::from_secs(1);
/// The most tasks on one page.
pub(crate) const PAGE: u64 = 100;
/// The tasks on a page when nothing is said.
pub(crate) const DEFAULT_PAGE: u64 = 50;
/// The most code points of a search.
pub(crate) const SEARCH: usize = 255;
/// How much of a `User-Agent` is kept, in code points.
pub(crate) const USER_AGENT: usize = 512;
