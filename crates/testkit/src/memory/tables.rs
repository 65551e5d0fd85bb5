//! The rows and their constraints. Who may reach them when is not decided here.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_application::{
    domain::{
        EventId, OneTimeTokenId, PersonalTokenId, SessionId, TaskId, Timestamp, UserId,
        personal_tokens::PersonalToken,
        sessions::{AuthEvent, Session},
        tasks::Task,
        throttle::Counter,
        users::{Account, LinkedAccount},
    },
    idempotency::IdempotencyKey,
    ports::{IdempotencyRecord, OneTimeToken, SecondFactor, StoreError, TokenHash, Unique},
};
use uuid::Uuid;

use super::{one_time_tokens::TokenRow, throttle::CounterKey};

/// All rows, each under its primary key: the owner first.
#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<UserId, UserRow>,
    pub(super) tasks: BTreeMap<(UserId, TaskId), Task>,
    pub(super) sessions: BTreeMap<(UserId, SessionId), Session>,
    pub(super) links: BTreeMap<(UserId, String), LinkedAccount>,
    pub(super) one_time_tokens: BTreeMap<(UserId, OneTimeTokenId), TokenRow>,
    /// Each with what proves it.
    pub(super) personal_tokens: BTreeMap<(UserId, PersonalTokenId), (PersonalToken, TokenHash)>,
    pub(super) events: BTreeMap<(UserId, EventId), AuthEvent>,
    /// Tokens of the FastAPI backend that were signed out, and when they are over.
    pub(super) denied: BTreeMap<(UserId, TokenHash), Timestamp>,
    /// Requests that were carried out and may be repeated.
    pub(super) answered: BTreeMap<(UserId, IdempotencyKey), IdempotencyRecord>,
    pub(super) second_factors: BTreeMap<UserId, SecondFactor>,
    pub(super) recovery_codes: BTreeSet<(UserId, TokenHash)>,
    /// Failed attempts at passwords.
    pub(super) throttles: BTreeMap<CounterKey, Counter>,
    /// Who has each lease, and until when.
    pub(super) leases: BTreeMap<String, (Uuid, Timestamp)>,
}

/// An account, whether it owns its address (among adopted accounts that differ in case alone, one does), and since when
/// it refuses tokens of the FastAPI backend.
#[derive(Clone)]
pub(super) struct UserRow {
    pub(super) account: Account,
    pub(super) claims: bool,
    pub(super) legacy_tokens_refused_at: Option<Timestamp>,
}

impl Tables {
    pub(super) fn insert_account(&mut self, account: &Account, claims: bool) -> Result<(), StoreError> {
        if self.users.contains_key(&account.user.id) {
            return Err(StoreError::Duplicate(Unique::Id));
        }
        let folded = account.user.email.folded();
        let taken = |row: &UserRow| row.claims && row.account.user.email.folded() == folded;
        if claims && self.users.values().any(taken) {
            return Err(StoreError::Duplicate(Unique::Email));
        }
        let row = UserRow { account: account.clone(), claims, legacy_tokens_refused_at: None };
        self.users.insert(account.user.id, row);
        Ok(())
    }

    pub(super) fn insert_task(&mut self, task: &Task) -> Result<(), StoreError> {
        self.owner_exists(task.owner)?;
        insert_new(&mut self.tasks, (task.owner, task.id), task)
    }

    pub(super) fn insert_session(&mut self, session: &Session) -> Result<(), StoreError> {
        self.owner_exists(session.owner)?;
        insert_new(&mut self.sessions, (session.owner, session.id), session)
    }

    pub(super) fn insert_one_time_token(&mut self, token: &OneTimeToken) -> Result<(), StoreError> {
        self.owner_exists(token.owner)?;
        let row = TokenRow { token: token.clone(), used_at: None };
        insert_new(&mut self.one_time_tokens, (token.owner, token.id), &row)
    }

    pub(super) fn insert_personal_token(
        &mut self,
        token: &PersonalToken,
        hash: TokenHash,
    ) -> Result<(), StoreError> {
        self.owner_exists(token.owner)?;
        insert_new(&mut self.personal_tokens, (token.owner, token.id), &(token.clone(), hash))
    }

    pub(super) fn insert_event(&mut self, event: &AuthEvent) -> Result<(), StoreError> {
        insert_new(&mut self.events, (event.user, event.id), event)
    }

    /// What belongs to the account goes with it; the history stays.
    pub(super) fn delete_account(&mut self, id: UserId) -> bool {
        self.tasks.retain(|(owner, _), _| *owner != id);
        self.sessions.retain(|(owner, _), _| *owner != id);
        self.links.retain(|(owner, _), _| *owner != id);
        self.denied.retain(|(owner, _), _| *owner != id);
        self.one_time_tokens.retain(|(owner, _), _| *owner != id);
        self.personal_tokens.retain(|(owner, _), _| *owner != id);
        self.answered.retain(|(owner, _), _| *owner != id);
        self.remove_second_factor(id);
        self.users.remove(&id).is_some()
    }

    /// With its recovery codes.
    pub(super) fn remove_second_factor(&mut self, owner: UserId) -> bool {
        self.recovery_codes.retain(|(of, _)| *of != owner);
        self.second_factors.remove(&owner).is_some()
    }

    pub(super) fn insert_link(&mut self, owner: UserId, link: &LinkedAccount) -> Result<(), StoreError> {
        self.owner_exists(owner)?;
        insert_new(&mut self.links, (owner, link.id.clone()), link)
    }

    pub(super) fn owner_exists(&self, owner: UserId) -> Result<(), StoreError> {
        if self.users.contains_key(&owner) { Ok(()) } else { Err(StoreError::OwnerMissing) }
    }
}

fn insert_new<K: Ord, V: Clone>(rows: &mut BTreeMap<K, V>, key: K, row: &V) -> Result<(), StoreError> {
    if rows.contains_key(&key) {
        return Err(StoreError::Duplicate(Unique::Id));
    }
    rows.insert(key, row.clone());
    Ok(())
}

/// Removes `limit` of the rows whose time was up at `until`, those first whose time was up first; answers how many.
pub(super) fn sweep<K: Ord + Clone, V>(
    rows: &mut BTreeMap<K, V>,
    until: Timestamp,
    limit: u64,
    over: impl Fn(&V) -> Timestamp,
) -> u64 {
    let mut due: Vec<(Timestamp, K)> =
        rows.iter().map(|(key, row)| (over(row), key.clone())).filter(|(end, _)| *end <= until).collect();
    due.sort();
    due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    for (_, key) in &due {
        rows.remove(key);
    }
    due.len() as u64
}
