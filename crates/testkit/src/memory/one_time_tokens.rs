//! What proves links in mails, in memory.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId, users::LinkPurpose},
    ports::{OneTimeToken, OneTimeTokenRepository, PendingLink, StoreError, TokenHash},
};

use super::{
    Access, Rows,
    tables::{Tables, sweep},
};

/// A token, and when it was redeemed or revoked.
#[derive(Clone)]
pub(super) struct TokenRow {
    pub(super) token: OneTimeToken,
    pub(super) used_at: Option<Timestamp>,
}

#[async_trait]
impl<A: Access> OneTimeTokenRepository for Rows<A> {
    async fn insert(&self, token: &OneTimeToken) -> Result<(), StoreError> {
        self.0.write(|tables| tables.insert_one_time_token(token)).await
    }

    async fn issued(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        since: Timestamp,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.0.read(|tables| {
            let own = of(tables, owner).filter(|row| row.token.purpose == purpose);
            let mut times: Vec<Timestamp> =
                own.map(|row| row.token.created_at).filter(|at| *at >= since).collect();
            times.sort_unstable();
            times
        })
    }

    async fn pending(&self, owner: UserId, at: Timestamp) -> Result<Vec<PendingLink>, StoreError> {
        self.0.read(|tables| {
            let good = of(tables, owner)
                .filter(|row| row.used_at.is_none() && at < row.token.expires_at)
                .map(|row| {
                    let OneTimeToken { owner: _, id, purpose, hash: _, email, created_at, expires_at } =
                        row.token.clone();
                    ((created_at, id), PendingLink { purpose, email, created_at, expires_at })
                });
            let mut good: Vec<_> = good.collect();
            good.sort_by_key(|(place, _)| *place);
            good.into_iter().map(|(_, link)| link).collect()
        })
    }

    async fn find(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        self.0.read(|tables| good(tables, owner, purpose, hash, at))
    }

    async fn redeem(
        &self,
        owner: UserId,
        purpose: LinkPurpose,
        hash: TokenHash,
        at: Timestamp,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let redeem = |tables: &mut Tables| {
            let found = good(tables, owner, purpose, hash, at);
            let row = found.as_ref().and_then(|token| tables.one_time_tokens.get_mut(&(owner, token.id)));
            if let Some(row) = row {
                row.used_at = Some(at);
            }
            Ok(found)
        };
        self.0.write(redeem).await
    }

    async fn supersede(&self, owner: UserId, purpose: LinkPurpose, at: Timestamp) -> Result<(), StoreError> {
        let supersede = |tables: &mut Tables| {
            use_up(tables, owner, |token| token.purpose == purpose, at);
            Ok(())
        };
        self.0.write(supersede).await
    }

    async fn revoke_all(&self, owner: UserId, at: Timestamp) -> Result<(), StoreError> {
        let revoke = |tables: &mut Tables| {
            use_up(tables, owner, |_| true, at);
            Ok(())
        };
        self.0.write(revoke).await
    }

    async fn forget(&self, owner: UserId, until: Timestamp) -> Result<(), StoreError> {
        let forget = |tables: &mut Tables| {
            tables.one_time_tokens.retain(|(of, _), row| *of != owner || row.token.expires_at > until);
            Ok(())
        };
        self.0.write(forget).await
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.0
            .write(|tables| Ok(sweep(&mut tables.one_time_tokens, until, limit, |row| row.token.expires_at)))
            .await
    }
}

fn of(tables: &Tables, owner: UserId) -> impl Iterator<Item = &TokenRow> {
    tables.one_time_tokens.iter().filter(move |((of, _), _)| *of == owner).map(|(_, row)| row)
}

fn use_up(tables: &mut Tables, owner: UserId, which: impl Fn(&OneTimeToken) -> bool, at: Timestamp) {
    for ((of, _), TokenRow { token, used_at }) in &mut tables.one_time_tokens {
        if *of == owner && used_at.is_none() && which(token) {
            *used_at = Some(at);
        }
    }
}

fn good(
    tables: &Tables,
    owner: UserId,
    purpose: LinkPurpose,
    hash: TokenHash,
    at: Timestamp,
) -> Option<OneTimeToken> {
    let good = |TokenRow { token, used_at }: &&TokenRow| {
        token.purpose == purpose && token.hash == hash && used_at.is_none() && at < token.expires_at
    };
    of(tables, owner).find(good).map(|row| row.token.clone())
}
