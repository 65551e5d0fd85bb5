//! Where a server stands: which database it serves, and how much of its history it has. Asked of the primary and then of a
//! replica, this tells whether the replica knows everything that anybody has been told.

use sea_orm::{DbBackend, DbErr, Statement};

use super::connection::Answer;

/// The same on both sides.
///
/// - The position of a primary is where the next record goes, not what has been written or flushed: with
///   `synchronous_commit=off`, be it another client's alone, a commit is acknowledged and visible before it is written. Records
///   that are not flushed yet do not leave the primary, so a replica may be a commit or 200 ms (`wal_writer_delay`) away from it.
/// - The time line of a replica is the newest of which it has taken down that it follows it: it may lag behind (by
///   `checkpoint_timeout` at most), and never runs ahead.
/// - Whether it replays comes last: still true, it was true for the columns before.
const QUESTION: &str = "SELECT s.system_identifier, d.oid::bigint, to_regclass('tasks')::oid::bigint, \
     CASE WHEN pg_is_in_recovery() THEN greatest(c.timeline_id, r.min_recovery_end_timeline) \
         ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END, \
     (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint, \
     pg_is_in_recovery() \
     FROM pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r, pg_database d \
     WHERE d.datname = current_database()";

/// What a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Given to a cluster when it is made; its physical copies have the same.
    system: i64,
    /// The database, and the table in it that statements of ours find. Equal on physical copies.
    database: i64,
    tasks: Option<i64>,
    /// Histories that part have different ones.
    time_line: i32,
    /// In bytes from the beginning of the history.
    position: i64,
    /// Whether it replays what another server writes.
    replays: bool,
}

/// Why a server cannot answer in the primary's place, however long one waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("it is no replica: it replays nothing (pg_is_in_recovery() is false)")]
    ReplaysNothing,
    #[error("it is no replica of the primary: another cluster (system_identifier)")]
    OtherCluster,
    #[error(
        "it is on another timeline than the primary: a fail-over that it has not followed yet, or never will"
    )]
    OtherTimeLine,
    #[error(
        "its URL leads to another database of the primary's cluster, or to other tables in it (search_path)"
    )]
    OtherDatabase,
}

impl Standing {
    pub(super) fn question() -> Statement {
        Statement::from_sql_and_values(DbBackend::Postgres, QUESTION, [])
    }

    pub(super) fn read(answer: &Answer) -> Result<Self, DbErr> {
        let row = answer.rows.first().ok_or_else(|| DbErr::RecordNotFound("of the server".to_owned()))?;
        Ok(Self {
            system: row.try_get_by_index(0)?,
            database: row.try_get_by_index(1)?,
            tasks: row.try_get_by_index(2)?,
            time_line: row.try_get_by_index(3)?,
            position: row.try_get_by_index(4)?,
            replays: row.try_get_by_index(5)?,
        })
    }

    /// Whether this replica has everything that `primary` had.
    pub(super) fn has_all_of(self, primary: Self) -> Result<bool, Unfit> {
        let Self { system, database, tasks, time_line, position, replays } = self;
        if !replays {
            return Err(Unfit::ReplaysNothing);
        }
        if system != primary.system {
            return Err(Unfit::OtherCluster);
        }
        if time_line != primary.time_line {
            return Err(Unfit::OtherTimeLine);
        }
        if (database, tasks) != (primary.database, primary.tasks) {
            return Err(Unfit::OtherDatabase);
        }
        Ok(position >= primary.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: Standing =
        Standing { system: 7, database: 5, tasks: Some(16_385), time_line: 2, position: 100, replays: false };
    const REPLICA: Standing = Standing { replays: true, ..PRIMARY };

    #[test]
    fn a_replica_that_has_come_as_far_has_everything() {
        for (position, all) in [(99, false), (100, true), (101, true)] {
            assert_eq!(Standing { position, ..REPLICA }.has_all_of(PRIMARY), Ok(all), "{position}");
        }
    }

    #[test]
    fn a_server_with_another_history_has_nothing_however_far_it_is() {
        let far = Standing { position: i64::MAX, ..REPLICA };
        let others = [
            (Standing { replays: false, ..far }, Unfit::ReplaysNothing),
            (Standing { system: 8, ..far }, Unfit::OtherCluster),
            (Standing { time_line: 1, ..far }, Unfit::OtherTimeLine),
            (Standing { time_line: 3, ..far }, Unfit::OtherTimeLine),
            (Standing { database: 6, ..far }, Unfit::OtherDatabase),
            (Standing { tasks: Some(16_386), ..far }, Unfit::OtherDatabase),
            (Standing { tasks: None, ..far }, Unfit::OtherDatabase),
        ];
        for (other, unfit) in others {
            assert_eq!(other.has_all_of(PRIMARY), Err(unfit), "{other:?}");
        }
    }
}
