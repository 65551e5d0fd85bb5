//! Cursors: a place in a list, handed to the client as opaque signed text.
//!
//! A cursor is good only for the owner, filter and order that it was made for; anything else is refused.

use std::{iter, sync::Arc};

use arc_swap::ArcSwap;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use holdfast_domain::{EventId, TaskId, Timestamp, UserId, tasks::Priority};
use sha2::Sha256;
use uuid::Uuid;

use crate::ports::{Direction, EventPosition, Position, SortBy, SortKey, TaskFilter, TaskOrder};

/// 128 bits are plenty against guessing a value that is worth a page of one's own tasks.
const TAG_BYTES: usize = 16;
const UUID_BYTES: usize = 16;
/// Stands where a list of tasks tells its order, and is none of those.
const HISTORY: u8 = u8::MAX;

/// The cursor was not made by us for this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cursor does not belong to this list")]
pub struct InvalidCursor;

/// The key that signs cursors. All instances of one deployment share it. Clones are one: what replaces it in one of them holds
/// in all.
#[derive(Clone)]
pub struct CursorKey(Arc<ArcSwap<Keys>>);

#[derive(Clone)]
struct Keys {
    current: Hmac<Sha256>,
    /// Those that signed before a rotation, or will after it.
    others: Vec<Hmac<Sha256>>,
}

impl CursorKey {
    /// Derives the key from a secret, apart from whatever else the secret is used for.
    pub fn derive(secret: &[u8]) -> Self {
        Self::of(Keys { current: derived(secret), others: Vec::new() })
    }

    fn of(keys: Keys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }

    /// The same, and cursors that another secret has signed are good as well.
    #[must_use]
    pub fn accepting(self, other: &[u8]) -> Self {
        let mut keys = Keys::clone(&self.0.load());
        keys.others.push(derived(other));
        Self::of(keys)
    }

    /// From now on the keys of `other` hold here.
    pub fn replace(&self, other: &Self) {
        self.0.store(other.0.load_full());
    }

    /// The text for a place in the list that these three describe.
    pub fn seal(&self, owner: UserId, filter: &TaskFilter, order: TaskOrder, position: &Position) -> String {
        seal(encode(position), |payload| tag(&self.0.load().current, owner, filter, order, payload))
    }

    /// The place that a text names, if it was sealed for the same three.
    pub fn open(
        &self,
        owner: UserId,
        filter: &TaskFilter,
        order: TaskOrder,
        text: &str,
    ) -> Result<Position, InvalidCursor> {
        let payload = self.opened(text, |key, payload| tag(key, owner, filter, order, payload))?;
        decode(&payload).filter(|position| fits(&position.key, order.by)).ok_or(InvalidCursor)
    }

    /// The text for a place in the history of `owner`.
    pub fn seal_event(&self, owner: UserId, position: EventPosition) -> String {
        let EventPosition { at, id } = position;
        let mut payload = id.uuid().as_bytes().to_vec();
        payload.extend_from_slice(&at.micros().to_be_bytes());
        seal(payload, |payload| event_tag(&self.0.load().current, owner, payload))
    }

    /// The place that a text names, if it was sealed for the same history.
    pub fn open_event(&self, owner: UserId, text: &str) -> Result<EventPosition, InvalidCursor> {
        let payload = self.opened(text, |key, payload| event_tag(key, owner, payload))?;
        decode_event(&payload).ok_or(InvalidCursor)
    }

    /// The payload of a text that any of the keys has signed.
    fn opened(
        &self,
        text: &str,
        tag: impl Fn(&Hmac<Sha256>, &[u8]) -> Hmac<Sha256>,
    ) -> Result<Vec<u8>, InvalidCursor> {
        let keys = self.0.load();
        let mut keys = iter::once(&keys.current).chain(&keys.others);
        keys.find_map(|key| open(text, |payload| tag(key, payload)).ok()).ok_or(InvalidCursor)
    }
}

fn derived(secret: &[u8]) -> Hmac<Sha256> {
    let mut root = keyed(secret);
    root.update(b"holdfast cursor key v1");
    keyed(&root.finalize().into_bytes())
}

fn event_tag(key: &Hmac<Sha256>, owner: UserId, payload: &[u8]) -> Hmac<Sha256> {
    key.clone().chain_update(owner.uuid().as_bytes()).chain_update([HISTORY]).chain_update(payload)
}

fn tag(
    key: &Hmac<Sha256>,
    owner: UserId,
    filter: &TaskFilter,
    order: TaskOrder,
    payload: &[u8],
) -> Hmac<Sha256> {
    let TaskFilter { priority, completed, due_after, due_before, text } = filter;
    let mut mac = key.clone();
    // Every part has a fixed length but the last two, and those carry theirs: no two lists read the same.
    mac.update(owner.uuid().as_bytes());
    mac.update(&[sort_by_code(order.by), u8::from(order.direction == Direction::Descending)]);
    mac.update(&priority.map_or(-1, Priority::rank).to_be_bytes());
    mac.update(&[completed.map_or(2, u8::from)]);
    for bound in [due_after, due_before] {
        mac.update(&bound.map_or(i64::MIN, Timestamp::micros).to_be_bytes());
    }
    mac.update(&[u8::from(text.is_some())]);
    for part in [text.as_deref().unwrap_or_default().as_bytes(), payload] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

/// The payload with the beginning of its tag, as text.
fn seal(mut payload: Vec<u8>, tag: impl FnOnce(&[u8]) -> Hmac<Sha256>) -> String {
    let tag = tag(&payload).finalize().into_bytes();
    payload.extend_from_slice(&tag[..TAG_BYTES]);
    URL_SAFE_NO_PAD.encode(payload)
}

/// The payload of a text, if its tag is the right one.
fn open(text: &str, mac: impl FnOnce(&[u8]) -> Hmac<Sha256>) -> Result<Vec<u8>, InvalidCursor> {
    let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
    let at = bytes.len().checked_sub(TAG_BYTES).ok_or(InvalidCursor)?;
    let tag = bytes.split_off(at);
    mac(&bytes).verify_truncated_left(&tag).map_err(|_| InvalidCursor)?;
    Ok(bytes)
}

pub(crate) fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104 §3)")]
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

const fn sort_by_code(by: SortBy) -> u8 {
    match by {
        SortBy::CreatedAt => 0,
        SortBy::UpdatedAt => 1,
        SortBy::Due => 2,
        SortBy::Priority => 3,
        SortBy::Title => 4,
    }
}

const fn fits(key: &SortKey, by: SortBy) -> bool {
    match by {
        SortBy::CreatedAt | SortBy::UpdatedAt => matches!(key, SortKey::Time(Some(_))),
        SortBy::Due => matches!(key, SortKey::Time(_)),
        SortBy::Priority => matches!(key, SortKey::Rank(_)),
        SortBy::Title => matches!(key, SortKey::Text(_)),
    }
}

/// The id, a letter for the kind of key, and the key.
fn encode(position: &Position) -> Vec<u8> {
    let Position { key, id } = position;
    let mut bytes = id.uuid().as_bytes().to_vec();
    match key {
        SortKey::Time(None) => bytes.push(b'n'),
        SortKey::Time(Some(at)) => {
            bytes.push(b't');
            bytes.extend_from_slice(&at.micros().to_be_bytes());
        }
        SortKey::Rank(rank) => {
            bytes.push(b'r');
            bytes.extend_from_slice(&rank.to_be_bytes());
        }
        SortKey::Text(text) => {
            bytes.push(b's');
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Position> {
    let (id, rest) = bytes.split_at_checked(UUID_BYTES)?;
    let (kind, rest) = rest.split_first()?;
    let key = match kind {
        b'n' if rest.is_empty() => SortKey::Time(None),
        b't' => SortKey::Time(Some(Timestamp::from_micros(i64::from_be_bytes(rest.try_into().ok()?)).ok()?)),
        b'r' => SortKey::Rank(i16::from_be_bytes(rest.try_into().ok()?)),
        b's' => SortKey::Text(String::from_utf8(rest.to_vec()).ok()?),
        _ => return None,
    };
    Some(Position { key, id: TaskId::new(Uuid::from_slice(id).ok()?) })
}

fn decode_event(bytes: &[u8]) -> Option<EventPosition> {
    let (id, at) = bytes.split_at_checked(UUID_BYTES)?;
    Some(EventPosition {
        at: Timestamp::from_micros(i64::from_be_bytes(at.try_into().ok()?)).ok()?,
        id: EventId::new(Uuid::from_slice(id).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDER: TaskOrder = TaskOrder { by: SortBy::Title, direction: Direction::Ascending };

    fn owner(n: u128) -> UserId {
        UserId::new(Uuid::from_u128(n))
    }

    fn place(text: &str) -> Position {
        Position { key: SortKey::Text(text.to_owned()), id: TaskId::new(Uuid::from_u128(7)) }
    }

    #[test]
    fn what_replaces_a_key_holds_for_every_clone() {
        let (key, all) = (CursorKey::derive(b"old"), TaskFilter::default());
        let (clone, sealed) = (key.clone(), key.seal(owner(1), &all, ORDER, &place("b")));
        key.replace(&CursorKey::derive(b"new").accepting(b"old"));
        assert_eq!(clone.open(owner(1), &all, ORDER, &sealed), Ok(place("b")));
        let new = CursorKey::derive(b"new").seal(owner(1), &all, ORDER, &place("b"));
        assert_eq!(clone.seal(owner(1), &all, ORDER, &place("b")), new);
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_alone() {
        let key = CursorKey::derive(b"secret");
        let all = TaskFilter::default();
        let open_tasks = TaskFilter { completed: Some(false), ..TaskFilter::default() };
        let text = key.seal(owner(1), &all, ORDER, &place("b"));
        assert_eq!(key.open(owner(1), &all, ORDER, &text), Ok(place("b")));
        assert_eq!(key.open(owner(2), &all, ORDER, &text), Err(InvalidCursor));
        assert_eq!(key.open(owner(1), &open_tasks, ORDER, &text), Err(InvalidCursor));
        let downwards = TaskOrder { direction: Direction::Descending, ..ORDER };
        assert_eq!(key.open(owner(1), &all, downwards, &text), Err(InvalidCursor));
        assert_eq!(CursorKey::derive(b"other").open(owner(1), &all, ORDER, &text), Err(InvalidCursor));
    }

    #[test]
    fn a_cursor_outlives_a_rotation_where_the_earlier_secret_is_known() {
        let (before, all) = (CursorKey::derive(b"old"), TaskFilter::default());
        let after = CursorKey::derive(b"new").accepting(b"older").accepting(b"old");
        let text = before.seal(owner(1), &all, ORDER, &place("b"));
        assert_eq!(after.open(owner(1), &all, ORDER, &text), Ok(place("b")));
        assert_eq!(after.open(owner(2), &all, ORDER, &text), Err(InvalidCursor));
        let event =
            EventPosition { at: Timestamp::from_micros(0).unwrap(), id: EventId::new(Uuid::from_u128(7)) };
        assert_eq!(after.open_event(owner(1), &before.seal_event(owner(1), event)), Ok(event));
        let renewed = after.seal(owner(1), &all, ORDER, &place("b"));
        assert_eq!(renewed, CursorKey::derive(b"new").seal(owner(1), &all, ORDER, &place("b")));
        assert_eq!(before.open(owner(1), &all, ORDER, &renewed), Err(InvalidCursor));
    }

    #[test]
    fn a_cursor_of_a_history_is_good_for_its_account_alone_and_for_no_list_of_tasks() {
        let key = CursorKey::derive(b"secret");
        let at = Timestamp::from_micros(-62_135_596_800_000_000).unwrap();
        let position = EventPosition { at, id: EventId::new(Uuid::from_u128(7)) };
        let text = key.seal_event(owner(1), position);
        assert_eq!(key.open_event(owner(1), &text), Ok(position));
        assert_eq!(key.open_event(owner(2), &text), Err(InvalidCursor));
        assert_eq!(CursorKey::derive(b"other").open_event(owner(1), &text), Err(InvalidCursor));
        assert_eq!(key.open(owner(1), &TaskFilter::default(), ORDER, &text), Err(InvalidCursor));
        let of_tasks = key.seal(owner(1), &TaskFilter::default(), ORDER, &place("b"));
        assert_eq!(key.open_event(owner(1), &of_tasks), Err(InvalidCursor));
    }

    proptest! {
        #[test]
        fn every_place_survives_the_way_out_and_back(text in ".{0,300}", n in any::<u128>()) {
            let key = CursorKey::derive(b"secret");
            let position = Position { key: SortKey::Text(text), id: TaskId::new(Uuid::from_u128(n)) };
            let sealed = key.seal(owner(1), &TaskFilter::default(), ORDER, &position);
            prop_assert_eq!(key.open(owner(1), &TaskFilter::default(), ORDER, &sealed), Ok(position));
        }

        #[test]
        fn no_other_text_is_a_cursor(text in ".{0,80}") {
            let key = CursorKey::derive(b"secret");
            prop_assert_eq!(key.open(owner(1), &TaskFilter::default(), ORDER, &text), Err(InvalidCursor));
        }
    }
}
