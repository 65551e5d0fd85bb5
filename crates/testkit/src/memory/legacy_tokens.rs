//! What became of tokens that the FastAPI backend issued, in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, users::User},
    ports::{LegacyTokenRepository, StoreError, TokenHash},
};

use super::{
    Access, Rows,
    tables::{Tables, sweep},
};

#[async_trait]
impl<A: Access> LegacyTokenRepository for Rows<A> {
    async fn bearer(&self, user: UserId, token: TokenHash) -> Result<Option<User>, StoreError> {
        self.0.read(|tables| {
            let row = tables.users.get(&user)?;
            let counts =
                row.legacy_tokens_refused_at.is_none() && !tables.denied.contains_key(&(user, token));
            counts.then(|| row.account.user.clone())
        })
    }

    async fn deny(&self, user: UserId, token: TokenHash, until: Timestamp) -> Result<bool, StoreError> {
        let deny = |tables: &mut Tables| {
            tables.owner_exists(user)?;
            let new = !tables.denied.contains_key(&(user, token));
            if new {
                tables.denied.insert((user, token), until);
            }
            Ok(new)
        };
        self.0.write(deny).await
    }

    async fn refuse_all(&self, user: UserId, at: Timestamp) -> Result<bool, StoreError> {
        let refuse = |tables: &mut Tables| {
            let accepting = tables.users.get_mut(&user).filter(|row| row.legacy_tokens_refused_at.is_none());
            Ok(accepting.map(|row| row.legacy_tokens_refused_at = Some(at)).is_some())
        };
        self.0.write(refuse).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.0.write(|tables| Ok(sweep(&mut tables.denied, until, limit, |until| *until))).await
    }
}
