//! The rows and their constraints. Who may reach them when is not decided here.

use std::collections::BTreeMap;

use holdfast_application::{
    domain::{
        EventId, SessionId, TaskId, UserId,
        sessions::{AuthEvent, Session},
        tasks::Task,
        users::Account,
    },
    ports::{StoreError, Unique},
};

/// All rows, each under its primary key: the owner first.
#[derive(Clone, Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<UserId, UserRow>,
    pub(super) tasks: BTreeMap<(UserId, TaskId), Task>,
    pub(super) sessions: BTreeMap<(UserId, SessionId), Session>,
    pub(super) events: BTreeMap<(UserId, EventId), AuthEvent>,
}

/// An account, and whether it owns its address: among adopted accounts that differ in case alone, one does.
#[derive(Clone)]
pub(super) struct UserRow {
    pub(super) account: Account,
    pub(super) claims: bool,
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
        self.users.insert(account.user.id, UserRow { account: account.clone(), claims });
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

    pub(super) fn insert_event(&mut self, event: &AuthEvent) -> Result<(), StoreError> {
        insert_new(&mut self.events, (event.user, event.id), event)
    }

    fn owner_exists(&self, owner: UserId) -> Result<(), StoreError> {
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
