//! Sessions in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use holdfast_application::{
    domain::{
        SessionId, Timestamp, UserId,
        sessions::{EndReason, Rotation, Session},
    },
    ports::{EndedSession, SessionRepository, StoreError},
};

use super::{
    Access, Rows,
    tables::{Tables, sweep},
};

#[async_trait]
impl<A: Access> SessionRepository for Rows<A> {
    async fn find(&self, owner: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.0.read(|tables| tables.sessions.get(&(owner, id)).cloned())
    }

    async fn list(
        &self,
        owner: UserId,
        after: Option<SessionId>,
        limit: u64,
    ) -> Result<Vec<Session>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let own = tables.sessions.values().filter(|session| session.owner == owner);
            own.filter(|session| Some(session.id) > after).take(limit).cloned().collect()
        })
    }

    async fn live(&self, owner: UserId, at: Timestamp, limit: u64) -> Result<Vec<Session>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let own = tables.sessions.values().filter(|session| session.owner == owner);
            let mut live: Vec<Session> = own.filter(|session| session.check(at).is_ok()).cloned().collect();
            live.sort_by_key(|session| Reverse((session.last_used_at, session.id)));
            live.truncate(limit);
            live
        })
    }

    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.0.write(|tables| tables.insert_session(session)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Option<Session>, StoreError> {
        let rotate = |tables: &mut Tables| {
            let row = tables.sessions.get_mut(&(rotation.owner, rotation.session));
            Ok(row.and_then(|session| {
                let rotated = session.rotated(rotation)?;
                *session = rotated.clone();
                Some(rotated)
            }))
        };
        self.0.write(rotate).await
    }

    async fn end(
        &self,
        owner: UserId,
        id: SessionId,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let end = |tables: &mut Tables| {
            let live = tables.sessions.get_mut(&(owner, id)).filter(|session| session.ended.is_none());
            Ok(live.map(|session| session.ended = Some((at, reason.into()))).is_some())
        };
        self.0.write(end).await
    }

    async fn end_all(
        &self,
        owner: UserId,
        except: Option<SessionId>,
        reason: EndReason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let end = |tables: &mut Tables| {
            let live = tables.sessions.values_mut().filter(|session| {
                session.owner == owner && session.ended.is_none() && except != Some(session.id)
            });
            Ok(live
                .map(|session| {
                    session.ended = Some((at, reason.into()));
                    session.id
                })
                .collect())
        };
        self.0.write(end).await
    }

    async fn end_surplus(
        &self,
        owner: UserId,
        keep: u64,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        let end = |tables: &mut Tables| {
            let of_owner = tables.sessions.values_mut().filter(|session| session.owner == owner);
            let mut live: Vec<_> = of_owner.filter(|session| session.check(at).is_ok()).collect();
            live.sort_by_key(|session| Reverse((session.last_used_at, session.id)));
            let surplus = live.into_iter().skip(usize::try_from(keep).unwrap_or(usize::MAX));
            let end = |session: &mut Session| {
                session.ended = Some((at, EndReason::Surplus.into()));
                session.id
            };
            Ok(surplus.map(end).collect())
        };
        self.0.write(end).await
    }

    async fn ended(
        &self,
        since: Timestamp,
        after: Option<EndedSession>,
        limit: u64,
    ) -> Result<Vec<EndedSession>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.0.read(|tables| {
            let ended = tables.sessions.values().filter_map(|session| {
                let (at, _) = session.ended.as_ref()?;
                Some(EndedSession { at: *at, owner: session.owner, id: session.id })
            });
            let mut ended: Vec<_> =
                ended.filter(|session| session.at >= since && Some(*session) > after).collect();
            ended.sort_unstable();
            ended.truncate(limit);
            ended
        })
    }

    async fn sweep(&self, until: Timestamp, limit: u64) -> Result<u64, StoreError> {
        self.0.write(|tables| Ok(sweep(&mut tables.sessions, until, limit, Session::over_from))).await
    }
}
