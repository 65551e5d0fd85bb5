//! How the old tables' ids, times, flags and priorities are read as ours and written as theirs: SQL expressions for
//! both engines. The only place where adoption tells the engines apart, besides creating temporary tables.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use crate::Engine;

/// API values by rank; their upper case is what A stores.
pub(super) const PRIORITIES: [&str; 4] =
    ["urgent_important", "not_urgent_important", "urgent_not_important", "not_urgent_not_important"];

/// The SQL of one engine.
#[derive(Clone, Copy)]
pub(crate) struct Dialect(Engine);

impl Dialect {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(engine)
    }

    pub(super) fn of(connection: &impl ConnectionTrait) -> Result<Self, DbErr> {
        match connection.get_database_backend() {
            DbBackend::Postgres => Ok(Self(Engine::Postgres)),
            DbBackend::Sqlite => Ok(Self(Engine::Sqlite)),
            other => Err(DbErr::Migration(format!("{other:?} is not supported"))),
        }
    }

    pub(super) fn is_postgres(self) -> bool {
        self.0 == Engine::Postgres
    }

    fn pick(self, postgres: impl Into<String>, sqlite: impl Into<String>) -> String {
        match self.0 {
            Engine::Postgres => postgres.into(),
            Engine::Sqlite => sqlite.into(),
        }
    }

    /// Replaces `{uuid}`, `{time}`, `{flag}`, `{integer}` and `{on_commit}` by what the engine calls them.
    pub(super) fn types(self, sql: &str) -> String {
        let [uuid, time, flag, integer, on_commit] = match self.0 {
            Engine::Postgres => ["uuid", "timestamptz", "boolean", "bigint", "ON COMMIT DROP"],
            Engine::Sqlite => ["BLOB", "INTEGER", "INTEGER", "INTEGER", ""],
        };
        sql.replace("{uuid}", uuid)
            .replace("{time}", time)
            .replace("{flag}", flag)
            .replace("{integer}", integer)
            .replace("{on_commit}", on_commit)
    }

    /// Our id from any spelling of a UUID.
    pub(super) fn id(self, column: &str) -> String {
        self.pick(format!("{column}::uuid"), format!("unhex({column}, '-')"))
    }

    /// What makes a stored id something else than a UUID: 32 digits, or the form with hyphens in their places. Others
    /// could be read as a UUID by one engine and not by the other.
    pub(super) fn is_no_id(self, column: &str) -> String {
        let hyphens =
            [9, 14, 19, 24].map(|place| format!("substr({column}, {place}, 1) = '-'")).join(" AND ");
        self.pick(
            format!(
                "{column}::text !~ '^([0-9a-fA-F]{{32}}|[0-9a-fA-F]{{8}}(-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}})$'"
            ),
            format!(
                "(typeof({column}) <> 'text' OR coalesce(length(unhex({column}, '-')), 0) <> 16 \
                 OR length(replace({column}, '-', '')) <> 32 \
                 OR NOT (length({column}) = 32 OR (length({column}) = 36 AND {hyphens})))"
            ),
        )
    }

    /// An id of ours as people read it: lower case with hyphens.
    pub(super) fn id_text(self, id: &str) -> String {
        let part = |from: u8, count: u8| format!("substr(lower(hex({id})), {from}, {count})");
        self.pick(
            format!("{id}::text"),
            [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)].join(" || '-' || "),
        )
    }

    /// An id of ours as B and A's SQLite file spell it: 32 lower-case digits.
    pub(super) fn id_hex(self, id: &str) -> String {
        self.pick(format!("replace({id}::text, '-', '')"), format!("lower(hex({id}))"))
    }

    /// Our time from theirs, which is UTC with or without saying so (PostgreSQL: the transaction's zone is UTC).
    pub(super) fn time(self, column: &str) -> String {
        self.pick(
            format!("{column}::timestamptz"),
            format!(
                "(unixepoch(substr({column}, 1, 19)) * 1000000 \
                 + CAST(substr(substr({column}, 21) || '000000', 1, 6) AS INTEGER))"
            ),
        )
    }

    /// What makes a stored time unreadable, or one outside of the years 1 to 9999. NULL is not.
    pub(super) fn is_no_time(self, column: &str) -> String {
        const DAY: &str = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]";
        self.pick(
            format!(
                "({column}::timestamptz < '0001-01-01 00:00:00+00' \
                 OR {column}::timestamptz >= '10000-01-01 00:00:00+00')"
            ),
            format!(
                // SQLite itself reads the hour 24 as the next day, and text up to a U+0000.
                "({column} IS NOT NULL AND NOT coalesce(typeof({column}) = 'text' AND instr({column}, char(0)) = 0 \
                 AND {column} GLOB '{DAY} [0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND substr({column}, 12, 2) <= '23' \
                 AND datetime(substr({column}, 1, 19)) = substr({column}, 1, 19) \
                 AND substr({column}, 1, 4) >= '0001' \
                 AND (length({column}) = 19 OR (length({column}) BETWEEN 21 AND 26 \
                 AND substr({column}, 20, 1) = '.' AND substr({column}, 21) NOT GLOB '*[^0-9]*')), FALSE))"
            ),
        )
    }

    /// Our time as theirs (PostgreSQL: both kinds of columns take it as it is while the zone is UTC).
    pub(super) fn old_time(self, time: &str) -> String {
        // The remainder of a time before 1970 is negative; the fraction counts up from the full second below.
        let fraction = format!("((({time} % 1000000) + 1000000) % 1000000)");
        self.pick(
            time,
            format!(
                "strftime('%Y-%m-%d %H:%M:%S', ({time} - {fraction}) / 1000000, 'unixepoch') \
                 || printf('.%06d', {fraction})"
            ),
        )
    }

    /// A flag, with NULL for false.
    pub(super) fn flag(self, column: &str) -> String {
        self.pick(format!("coalesce({column}, FALSE)"), format!("CASE WHEN {column} THEN 1 ELSE 0 END"))
    }

    /// What makes a stored flag something else than true, false or NULL.
    pub(super) fn is_no_flag(self, column: &str) -> String {
        self.pick("FALSE", format!("{column} NOT IN (0, 1)"))
    }

    /// What makes a stored text something else than text or NULL.
    pub(super) fn is_no_text(self, column: &str) -> String {
        self.pick("FALSE", format!("typeof({column}) NOT IN ('text', 'null')"))
    }

    /// Whether a text contains U+0000, which PostgreSQL cannot hold.
    pub(super) fn has_nul(self, column: &str) -> String {
        self.pick("FALSE", format!("instr({column}, char(0)) > 0"))
    }

    pub(super) fn as_text(self, column: &str) -> String {
        self.pick(format!("{column}::text"), format!("CAST({column} AS TEXT)"))
    }

    /// Our rank from an API value or its upper-case name; NULL for anything else.
    pub(super) fn rank(self, column: &str) -> String {
        let column = self.as_text(column);
        let cases: Vec<String> = PRIORITIES
            .iter()
            .enumerate()
            .map(|(rank, name)| {
                format!(" WHEN '{name}' THEN {rank} WHEN '{}' THEN {rank}", name.to_uppercase())
            })
            .collect();
        format!("CASE {column}{} END", cases.concat())
    }

    /// What the engine's clock says, as one of our times.
    pub(super) fn now(self) -> String {
        self.pick("now()", "CAST(unixepoch('subsec') * 1000000 AS INTEGER)")
    }

    /// The same at this very statement, which may be long after the transaction began.
    pub(crate) fn clock(self) -> String {
        self.pick("clock_timestamp()", self.now())
    }

    /// A fresh `UUIDv7` for each row.
    pub(crate) fn new_id(self) -> String {
        self.pick(
            "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' \
             || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid",
            "unhex(printf('%012x', CAST(unixepoch('subsec') * 1000 AS INTEGER)) || '7' \
             || substr(hex(randomblob(2)), 2) || substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(8)), 2))",
        )
    }

    /// Keeps everybody else from changing the selected rows of `o` until the transaction ends. On SQLite it is the only
    /// writer anyway.
    pub(super) fn hold(self, selection: &str) -> Option<String> {
        self.is_postgres().then(|| format!("SELECT count(*) FROM ({selection} FOR UPDATE OF o) held"))
    }

    /// The address of a placeholder account with this id of ours.
    pub(super) fn made_up_address(self, id: &str) -> String {
        format!("'orphan-' || {} || '@placeholder.invalid'", self.id_text(id))
    }

    /// One of our times as whole seconds since the Unix epoch.
    pub(super) fn seconds(self, time: &str) -> String {
        self.pick(format!("extract(epoch FROM {time})::bigint"), format!("{time} / 1000000"))
    }
}
