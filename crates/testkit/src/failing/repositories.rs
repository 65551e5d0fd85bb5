//! The repositories of the failing store: every call of the other store, under the plan.

use std::ops::Range;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        SessionId, TaskId, Timestamp, UserId,
        sessions::{AuthEvent, EndReason, Rotation, Session},
        tasks::{Revision, Task},
        users::{Account, Ban, Email, LinkedAccount, PasswordHash, Role, User},
    },
    ports::{
        AuditRepository, Deleted, DeletedAccount, EndedSession, EventPosition, LeaseRepository,
        LegacyTokenRepository, ProfileChanges, SessionRepository, StoreError, TaskChanges, TaskFilter,
        TaskQuery, TaskRepository, TokenHash, TrailPosition, Updated, UserFilter, UserQuery, UserRepository,
    },
};
use uuid::Uuid;

use super::{Failing, Inner};

#[async_trait]
impl<R: Inner> TaskRepository for Failing<R> {
    async fn find(&self, owner: UserId, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.call(self.inner.repositories().tasks().find(owner, id)).await
    }

    async fn list(&self, owner: UserId, query: &TaskQuery) -> Result<Vec<Task>, StoreError> {
        self.call(self.inner.repositories().tasks().list(owner, query)).await
    }

    async fn count(&self, owner: UserId, filter: &TaskFilter) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().tasks().count(owner, filter)).await
    }

    async fn insert(&self, task: &Task) -> Result<(), StoreError> {
        self.call(self.inner.repositories().tasks().insert(task)).await
    }

    async fn update(
        &self,
        owner: UserId,
        id: TaskId,
        changes: &TaskChanges,
        expected: Option<Revision>,
        now: Timestamp,
    ) -> Result<Updated, StoreError> {
        self.call(self.inner.repositories().tasks().update(owner, id, changes, expected, now)).await
    }

    async fn delete(
        &self,
        owner: UserId,
        id: TaskId,
        expected: Option<Revision>,
    ) -> Result<Deleted, StoreError> {
        self.call(self.inner.repositories().tasks().delete(owner, id, expected)).await
    }
}

#[async_trait]
impl<R: Inner> UserRepository for Failing<R> {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.call(self.inner.repositories().users().find(id)).await
    }

    async fn find_account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.call(self.inner.repositories().users().find_account(id)).await
    }

    async fn lock(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.call(self.inner.repositories().users().lock(id)).await
    }

    async fn lock_admins(&self) -> Result<Vec<User>, StoreError> {
        self.call(self.inner.repositories().users().lock_admins()).await
    }

    async fn list(&self, query: UserQuery) -> Result<Vec<User>, StoreError> {
        self.call(self.inner.repositories().users().list(query)).await
    }

    async fn count(&self, filter: UserFilter) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().users().count(filter)).await
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        self.call(self.inner.repositories().users().find_by_email(email)).await
    }

    async fn insert(&self, account: &Account) -> Result<(), StoreError> {
        self.call(self.inner.repositories().users().insert(account)).await
    }

    async fn record_sign_in(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().record_sign_in(id, at)).await
    }

    async fn replace_hash(
        &self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().replace_hash(id, old, new)).await
    }

    async fn set_password(&self, id: UserId, hash: &PasswordHash, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().set_password(id, hash, at)).await
    }

    async fn claim_placeholder(
        &self,
        id: UserId,
        email: &Email,
        hash: &PasswordHash,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().claim_placeholder(id, email, hash, at)).await
    }

    async fn verify_email(&self, id: UserId, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().verify_email(id, at)).await
    }

    async fn change_email(
        &self,
        id: UserId,
        email: &Email,
        verified: bool,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().change_email(id, email, verified, at)).await
    }

    async fn set_role(&self, id: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().set_role(id, role, at)).await
    }

    async fn update(
        &self,
        id: UserId,
        changes: &ProfileChanges,
        at: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        self.call(self.inner.repositories().users().update(id, changes, at)).await
    }

    async fn set_ban(&self, id: UserId, ban: Option<&Ban>, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().set_ban(id, ban, at)).await
    }

    async fn delete(&self, id: UserId) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().users().delete(id)).await
    }

    async fn linked_accounts(&self, id: UserId) -> Result<Vec<LinkedAccount>, StoreError> {
        self.call(self.inner.repositories().users().linked_accounts(id)).await
    }
}

#[async_trait]
impl<R: Inner> SessionRepository for Failing<R> {
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.call(self.inner.repositories().sessions().find(owner, id)).await
    }

    async fn list(
        &self,
        owner: UserId,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        self.call(self.inner.repositories().sessions().list(owner, after, limit)).await
    }

    async fn live(&self, owner: UserId, at: Timestamp, limit: u64) -> Result<Vec<Session>, StoreError> {
        self.call(self.inner.repositories().sessions().live(owner, at, limit)).await
    }

    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.call(self.inner.repositories().sessions().insert(session)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Option<Session>, StoreError> {
        self.call(self.inner.repositories().sessions().rotate(rotation)).await
    }

    async fn end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().sessions().end(owner, id, reason, at)).await
    }

    async fn end_all(
        &self,
        owner: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.call(self.inner.repositories().sessions().end_all(owner, except, reason, at)).await
    }

    async fn end_surplus(
        &self,
        owner: UserId,
        keep: u64,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.call(self.inner.repositories().sessions().end_surplus(owner, keep, at)).await
    }

    async fn ended(
        &self,
        since: Timestamp,
        after: Option<EndedSession>,
        limit: u64,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.call(self.inner.repositories().sessions().ended(since, after, limit)).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().sessions().sweep(until, limit)).await
    }
}

#[async_trait]
impl<R: Inner> AuditRepository for Failing<R> {
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError> {
        self.call(self.inner.repositories().audit().append(event)).await
    }

    async fn latest(
        &self,
        user: UserId,
        behind: Option<EventPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        self.call(self.inner.repositories().audit().latest(user, behind, limit)).await
    }

    async fn between(
        &self,
        times: Range<Timestamp>,
        after: Option<TrailPosition>,
        limit: u64,
    ) -> Result<Vec<AuthEvent>, StoreError> {
        self.call(self.inner.repositories().audit().between(times, after, limit)).await
    }

    async fn deletions(
        &self,
        since: Timestamp,
        after: Option<DeletedAccount>,
        limit: u64,
    ) -> Result<Vec<DeletedAccount>, StoreError> {
        self.call(self.inner.repositories().audit().deletions(since, after, limit)).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().audit().sweep(until, limit)).await
    }
}

#[async_trait]
impl<R: Inner> LegacyTokenRepository for Failing<R> {
    async fn bearer(&self, user: UserId, token: TokenHash) -> Result<Option<User>, StoreError> {
        self.call(self.inner.repositories().legacy_tokens().bearer(user, token)).await
    }

    async fn deny(&self, user: UserId, token: TokenHash, until: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().legacy_tokens().deny(user, token, until)).await
    }

    async fn refuse_all(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().legacy_tokens().refuse_all(user, at)).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.call(self.inner.repositories().legacy_tokens().sweep(until, limit)).await
    }
}

#[async_trait]
impl<R: Inner> LeaseRepository for Failing<R> {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        at: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.repositories().leases().take(name, holder, at, until)).await
    }

    async fn give_back(&self, name: &str, holder: Uuid) -> Result<(), StoreError> {
        self.call(self.inner.repositories().leases().give_back(name, holder)).await
    }
}
