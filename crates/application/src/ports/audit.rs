//! What the use cases need from the storage of the security history.

use async_trait::async_trait;
use holdfast_domain::{UserId, sessions::AuthEvent};

use super::StoreError;

/// The security history. Entries are added and never changed; they outlive the account.
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// Adds an entry. The account need not exist any more.
    async fn append(&self, event: &AuthEvent) -> Result<(), StoreError>;

    /// The newest entries of one account, newest first, `limit` at most.
    ///
    /// - It MUST show entries of no other account; ties of time MUST go by id, the larger first.
    async fn latest(&self, user: UserId, limit: u64) -> Result<Vec<AuthEvent>, StoreError>;
}
