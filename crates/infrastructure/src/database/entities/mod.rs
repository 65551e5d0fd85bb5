//! The rows as they lie in the tables. What they mean is said by the repositories, which alone use them.

#![expect(unreachable_pub, reason = "what the derive makes is public, and rows must be as visible as that")]

pub(super) mod auth_events;
pub(super) mod denied_tokens;
pub(super) mod idempotency_keys;
pub(super) mod leases;
pub(super) mod linked_accounts;
pub(super) mod one_time_tokens;
pub(super) mod personal_tokens;
pub(super) mod recovery_codes;
pub(super) mod second_factors;
pub(super) mod sessions;
pub(super) mod tasks;
pub(super) mod throttles;
pub(super) mod users;
