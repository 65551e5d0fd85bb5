//! Personal access tokens, in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use holdfast_application::{
    domain::{PersonalTokenId, Timestamp, UserId, personal_tokens::PersonalToken},
    ports::{PersonalTokenBearer, PersonalTokenRepository, StoreError, TokenHash},
};

use super::{Access, Rows, tables::Tables};

#[async_trait]
impl<A: Access> PersonalTokenRepository for Rows<A> {
    async fn insert(&self, token: &PersonalToken, hash: TokenHash) -> Result<(), StoreError> {
        self.0.write(|tables| tables.insert_personal_token(token, hash)).await
    }

    async fn bearer(
        &self,
        owner: UserId,
        id: PersonalTokenId,
    ) -> Result<Option<PersonalTokenBearer>, StoreError> {
        self.0.read(|tables| {
            let (token, hash) = tables.personal_tokens.get(&(owner, id))?;
            let user = tables.users.get(&owner)?.account.user.clone();
            Some(PersonalTokenBearer { token: token.clone(), hash: *hash, user })
        })
    }

    async fn list(&self, owner: UserId) -> Result<Vec<PersonalToken>, StoreError> {
        self.0.read(|tables| {
            let rows = tables.personal_tokens.values().map(|(token, _)| token);
            let mut own: Vec<PersonalToken> = rows.filter(|token| token.owner == owner).cloned().collect();
            own.sort_by_key(|token| Reverse((token.created_at, token.id)));
            own
        })
    }

    async fn record_use(
        &self,
        owner: UserId,
        id: PersonalTokenId,
        at: Timestamp,
        unless_after: Timestamp,
    ) -> Result<bool, StoreError> {
        let record = |tables: &mut Tables| {
            let Some((token, _)) = tables.personal_tokens.get_mut(&(owner, id)) else { return Ok(false) };
            let due = token.last_used_at.is_none_or(|last| last <= unless_after && last < at);
            if due {
                token.last_used_at = Some(at);
            }
            Ok(due)
        };
        self.0.write(record).await
    }

    async fn delete(&self, owner: UserId, id: PersonalTokenId) -> Result<bool, StoreError> {
        self.0.write(|tables| Ok(tables.personal_tokens.remove(&(owner, id)).is_some())).await
    }

    async fn delete_all(&self, owner: UserId) -> Result<u64, StoreError> {
        let delete = |tables: &mut Tables| {
            let before = tables.personal_tokens.len();
            tables.personal_tokens.retain(|(of, _), _| *of != owner);
            Ok((before - tables.personal_tokens.len()) as u64)
        };
        self.0.write(delete).await
    }

    async fn sweep(&self, at: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let sweep = |tables: &mut Tables| {
            let mut swept = 0;
            tables.personal_tokens.retain(|_, (token, _)| {
                let goes = swept < limit && !token.is_live(at);
                swept += u64::from(goes);
                !goes
            });
            Ok(swept)
        };
        self.0.write(sweep).await
    }
}
