//! Requests that were carried out and may be repeated, in the database.
//!
//! On PostgreSQL the insert of a key waits for the transaction that has inserted it and not ended; the lock time-out
//! bounds the wait (one for the account's row, which is being deleted, ends in the same way). On SQLite one transaction
//! writes at a time, so that nobody ever meets such a key.

use async_trait::async_trait;
use holdfast_application::{
    domain::{Timestamp, UserId},
    idempotency::{Fingerprint, IdempotencyKey, KeptAnswer},
    ports::{Claim, IdempotencyRecord, IdempotencyRepository, StoreError},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, TryInsertResult,
};

use super::{
    SeaOrm,
    connections::Connections,
    entities::idempotency_keys::{ActiveModel, Column, Entity, Model},
    error::{corrupt, is_locked, store_error},
    micros::Micros,
    sweep::sweep,
};

#[async_trait]
impl<C: Connections> IdempotencyRepository for SeaOrm<C> {
    async fn find(
        &self,
        owner: UserId,
        key: &IdempotencyKey,
        forgotten: Timestamp,
    ) -> Result<Option<IdempotencyRecord>, StoreError> {
        let kept = find(&self.named("idempotency.find"), owner, key).await.map_err(store_error)?;
        kept.filter(|row| row.created_at.0 > forgotten).map(record).transpose()
    }

    async fn claim(&self, record: &IdempotencyRecord, forgotten: Timestamp) -> Result<Claim, StoreError> {
        match claim(&self.named("idempotency.claim"), record, forgotten).await {
            Ok(None) => Ok(Claim::Won),
            Ok(Some(kept)) => self::record(kept).map(Claim::Taken),
            Err(error) if is_locked(&error) => Ok(Claim::InFlight),
            Err(error) => Err(store_error(error)),
        }
    }

    async fn sweep(&self, forgotten: Timestamp, limit: u64) -> Result<u64, StoreError> {
        let over = Column::CreatedAt.lte(Micros(forgotten));
        sweep::<Entity>(
            &self.named("idempotency.sweep"),
            [Column::OwnerId, Column::Key],
            over,
            Column::CreatedAt,
            limit,
        )
        .await
    }
}

/// Writes the record, or answers the row in its way.
async fn claim(
    call: &impl ConnectionTrait,
    record: &IdempotencyRecord,
    forgotten: Timestamp,
) -> Result<Option<Model>, DbErr> {
    loop {
        if insert(call, record).await? {
            return Ok(None);
        }
        match find(call, record.owner, &record.key).await? {
            Some(kept) if kept.created_at.0 > forgotten => return Ok(Some(kept)),
            Some(_) if replace(call, record, forgotten).await? => return Ok(None),
            // It went, or was replaced, just now: again, until the call's deadline.
            Some(_) | None => {}
        }
    }
}

async fn find(
    call: &impl ConnectionTrait,
    owner: UserId,
    key: &IdempotencyKey,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id((owner.uuid(), key.as_str().to_owned())).one(call).await
}

async fn insert(call: &impl ConnectionTrait, record: &IdempotencyRecord) -> Result<bool, DbErr> {
    let inserted = Entity::insert(row(record)).on_conflict_do_nothing().exec_without_returning(call).await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(rows) if rows > 0))
}

/// Takes the place of a row that counts no more.
async fn replace(
    call: &impl ConnectionTrait,
    record: &IdempotencyRecord,
    forgotten: Timestamp,
) -> Result<bool, DbErr> {
    let replaced = Entity::update_many()
        .set(row(record))
        .filter(Column::OwnerId.eq(record.owner.uuid()))
        .filter(Column::Key.eq(record.key.as_str()))
        .filter(Column::CreatedAt.lte(Micros(forgotten)))
        .exec(call)
        .await?;
    Ok(replaced.rows_affected > 0)
}

fn row(record: &IdempotencyRecord) -> ActiveModel {
    let IdempotencyRecord {
        owner,
        key,
        fingerprint: Fingerprint(fingerprint),
        answer: KeptAnswer { status, location, etag, body },
        created_at,
    } = record;
    ActiveModel {
        owner_id: Set(owner.uuid()),
        key: Set(key.as_str().to_owned()),
        fingerprint: Set(fingerprint.to_vec()),
        // What is no status breaks the rule of the column.
        status: Set(i16::try_from(*status).unwrap_or_default()),
        location: Set(location.clone()),
        etag: Set(etag.clone()),
        body: Set(body.clone()),
        created_at: Set(Micros(*created_at)),
    }
}

fn record(row: Model) -> Result<IdempotencyRecord, StoreError> {
    let Model { owner_id, key, fingerprint, status, location, etag, body, created_at: Micros(created_at) } =
        row;
    let fingerprint =
        fingerprint.try_into().map_err(|_| corrupt("idempotency_keys.fingerprint")).map(Fingerprint)?;
    Ok(IdempotencyRecord {
        owner: UserId::new(owner_id),
        key: IdempotencyKey::new(key).map_err(|_| corrupt("idempotency_keys.key"))?,
        fingerprint,
        answer: KeptAnswer {
            status: u16::try_from(status).map_err(|_| corrupt("idempotency_keys.status"))?,
            location,
            etag,
            body,
        },
        created_at,
    })
}
