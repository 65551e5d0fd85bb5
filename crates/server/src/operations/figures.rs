//! Every family of metrics: its name, its meaning and where its values are read. `docs/operations.md` lists them, and a test
//! compares the two. Names follow the OpenTelemetry semantic conventions where those have one, and begin with `holdfast_` elsewhere.

use std::{fmt, sync::Arc};

use holdfast_application::{
    auth::{Auth, AuthFigures},
    domain::Timestamp,
    housekeeping::{Housekeeping, Kind},
};
use holdfast_infrastructure::{
    database::{PoolFigures, ReplicaState, SeaOrmStore},
    mail::{InProcessOutbox, MailFigures},
    passwords::{Argon2Passwords, HashingFigures},
    shared_buckets::{BucketFigures, RedisBuckets},
};
use holdfast_web::{Answers, Traffic};
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::{
    page::{Label, Page},
    schema::Schema,
};
use crate::traces::SpanFigures;

/// Where figures are read, each time that somebody asks.
pub(crate) struct Figures {
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) auth: Auth,
    pub(crate) store: Arc<SeaOrmStore>,
    pub(crate) passwords: Arc<Argon2Passwords>,
    /// Nothing where mail is off.
    pub(crate) outbox: Option<InProcessOutbox>,
    pub(crate) housekeeping: Housekeeping,
    /// Nothing where each instance counts for itself.
    pub(crate) buckets: Option<Arc<RedisBuckets>>,
    pub(crate) spans: Arc<SpanFigures>,
    pub(crate) schema: Option<Schema>,
    pub(crate) started_at: Timestamp,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").finish_non_exhaustive()
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.requests(&mut page)?;
        self.database(&mut page)?;
        self.replica(&mut page)?;
        self.calls(&mut page)?;
        self.hashing(&mut page)?;
        self.authentication(&mut page)?;
        self.mail(&mut page)?;
        self.buckets(&mut page)?;
        self.spans(&mut page)?;
        self.upkeep(&mut page)?;
        page.process()
    }
}

/// One label and its value, for what was counted by name.
fn by<'l>(
    label: &'static str,
    counted: &'l [(&'static str, u64)],
) -> impl Iterator<Item = ([Label<'l>; 1], u64)> {
    counted.iter().map(move |(name, value)| ([(label, *name)], *value))
}

impl Figures {
    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let answers = self.traffic.answers();
        let labelled = answers.iter().map(|Answers { route, method, class, measured }| {
            let labels: [Label<'_>; 3] = [
                ("http_route", route),
                ("http_request_method", method),
                ("http_response_status_class", class),
            ];
            (labels, measured.clone())
        });
        page.durations(
            "http_server_request_duration_seconds",
            "From the head of a request to the head of its answer.",
            labelled,
        )?;
        let in_flight = self.traffic.requests_in_flight();
        page.level("http_server_active_requests", "Requests that are being answered.", in_flight)?;
        let problems = self.traffic.faults();
        page.counters(
            "holdfast_problems",
            "Answers that told a problem, by its code.",
            by("code", &problems),
        )?;
        let throttled = self.traffic.throttled();
        page.counters("holdfast_throttled", "Requests that a limit turned away.", by("limit", &throttled))
    }

    fn database(&self, page: &mut Page<'_>) -> fmt::Result {
        let PoolFigures { limit, open, in_use, waiting, full, refused, acquired } = self.store.pool_figures();
        let idle = open.saturating_sub(in_use);
        page.levels(
            "db_client_connection_count",
            "Open connections to the database.",
            [("idle", idle), ("used", in_use)]
                .map(|(state, count)| ([("db_client_connection_state", state)], count)),
        )?;
        page.level("db_client_connection_max", "Connections that there may be.", limit)?;
        page.level("db_client_connection_pending_requests", "Callers that wait for a connection.", waiting)?;
        page.duration(
            "db_client_connection_wait_time_seconds",
            "How long those waited who got a connection.",
            acquired,
        )?;
        let reasons = [("line_full", full), ("other", refused.saturating_sub(full))];
        page.counters(
            "holdfast_database_refused",
            "Callers that got no connection: at once because too many waited, or for another reason.",
            by("reason", &reasons),
        )
    }

    /// Without a replica everything but the first stays 0.
    fn replica(&self, page: &mut Page<'_>) -> fmt::Result {
        let state = self.store.replica_state();
        let in_use = state.as_ref().map(|state| f64::from(u8::from(state.in_use)));
        let help = "1 while the replica answers lists, 0 while it is left alone; absent without one.";
        page.measure("holdfast_replica_in_use", help, in_use)?;
        let (reads, pool) = state.map_or_else(
            || (ReplicaState::OUTCOMES.map(|outcome| (outcome, 0)).to_vec(), None),
            |ReplicaState { in_use: _, answered: _, passed_on: _, reads, pool }| (reads, Some(pool)),
        );
        let help = "Lists that the replica answered, or why the primary had to.";
        page.counters("holdfast_replica_reads", help, by("outcome", &reads))?;
        let [limit, open, in_use, waiting, refused] = pool.map_or([0; 5], |pool| {
            let PoolFigures { limit, open, in_use, waiting, full: _, refused, acquired: _ } = pool;
            [limit, open, in_use, waiting, refused]
        });
        let states = [("idle", open.saturating_sub(in_use)), ("used", in_use)];
        page.levels(
            "holdfast_replica_connections",
            "Open connections to the replica.",
            by("state", &states),
        )?;
        let help = "Connections to the replica that there may be.";
        page.level("holdfast_replica_connections_max", help, limit)?;
        let help = "Lists that wait for a connection to the replica.";
        page.level("holdfast_replica_connections_pending_requests", help, waiting)?;
        let help = "Lists that got no connection to the replica.";
        page.counter("holdfast_replica_connections_refused", help, refused)
    }

    fn calls(&self, page: &mut Page<'_>) -> fmt::Result {
        let calls = self.store.call_figures();
        let labelled = calls.iter().map(|figures| {
            let labels: [Label<'_>; 2] = [("call", figures.call), ("outcome", figures.outcome)];
            (labels, figures.measured.clone())
        });
        page.durations(
            "holdfast_store_call_duration_seconds",
            "Calls of the store, with the wait for a connection and further tries.",
            labelled,
        )
    }

    fn hashing(&self, page: &mut Page<'_>) -> fmt::Result {
        let HashingFigures { running, waiting, refused, took } = self.passwords.figures();
        page.level("holdfast_password_hashes_running", "Password hashes that are being made.", running)?;
        page.level("holdfast_password_hashes_waiting", "Callers that wait for their hash.", waiting)?;
        let help = "Callers that were turned away because too many waited.";
        page.counter("holdfast_password_hashes_refused", help, refused)?;
        let help = "Password hashes, without the wait.";
        page.duration("holdfast_password_hash_duration_seconds", help, took)
    }

    fn authentication(&self, page: &mut Page<'_>) -> fmt::Result {
        let AuthFigures { sign_ins, refreshes, refused_tokens, events, revocations_age, by_memory } =
            self.auth.figures();
        let help = "Attempts to sign in, by ok or the problem code.";
        page.counters("holdfast_sign_ins", help, by("outcome", &sign_ins))?;
        let help = "Exchanges of refresh tokens, by ok or the problem code.";
        page.counters("holdfast_refreshes", help, by("outcome", &refreshes))?;
        let help = "Tokens that were not taken, by why; callers are not told.";
        page.counters("holdfast_refused_tokens", help, by("reason", &refused_tokens))?;
        let help = "Entries of the security history that this instance made.";
        page.counters("holdfast_security_events", help, by("event", &events))?;
        let age = revocations_age.map(|age| age.as_secs_f64());
        let help = "How long ago the last good poll for sessions that ended elsewhere began.";
        page.measure("holdfast_revocations_age_seconds", help, age)?;
        let help = "1 while memory judges tokens, 0 while each request reads its session.";
        page.level("holdfast_revocations_by_memory", help, by_memory.into())
    }

    fn mail(&self, page: &mut Page<'_>) -> fmt::Result {
        let off = || MailFigures { waiting: 0, limit: 0, ends: Vec::new() };
        let MailFigures { waiting, limit, ends } =
            self.outbox.as_ref().map_or_else(off, InProcessOutbox::figures);
        page.level("holdfast_mail_waiting", "Mails that wait to be sent or tried again.", waiting)?;
        page.level("holdfast_mail_waiting_max", "Mails that may wait; 0 where mail is off.", limit)?;
        page.counters("holdfast_mails", "What became of mails, and of tries.", by("outcome", &ends))
    }

    fn spans(&self, page: &mut Page<'_>) -> fmt::Result {
        let SpanFigures { exported, no_room, not_taken } = &*self.spans;
        let ends = [("exported", exported), ("no_room", no_room), ("not_taken", not_taken)];
        let ends = ends.map(|(outcome, counter)| (outcome, counter.read()));
        page.counters("holdfast_spans", "What became of spans for the collector.", by("outcome", &ends))
    }

    fn buckets(&self, page: &mut Page<'_>) -> fmt::Result {
        let figures = self.buckets.as_ref().map(|buckets| buckets.figures());
        let reachable = figures.map(|BucketFigures { reachable, .. }| f64::from(u8::from(reachable)));
        let help = "1 while limits by address are counted in Redis, 0 while this instance counts by itself; absent without REDIS_URL.";
        page.measure("holdfast_shared_buckets_reachable", help, reachable)?;
        let counted = figures
            .map(|BucketFigures { reachable: _, drawn, missed }| [("redis", drawn), ("instance", missed)]);
        let help = "Requests that a limit by address counted, by who decided; none without REDIS_URL.";
        page.counters(
            "holdfast_shared_buckets_draws",
            help,
            by("decided", counted.as_ref().map_or(&[], |counted| counted.as_slice())),
        )
    }

    fn upkeep(&self, page: &mut Page<'_>) -> fmt::Result {
        let migrations =
            self.schema.map(|Schema { applied, pending }| [("applied", applied), ("pending", pending)]);
        let help = "Migrations of the schema when the instance started.";
        page.levels(
            "holdfast_migrations",
            help,
            by("state", migrations.as_ref().map_or(&[], |m| m.as_slice())),
        )?;
        let removed = self.housekeeping.removed();
        let removed = Kind::ALL.map(|kind| (kind.name(), removed.of(kind)));
        let help = "Rows that housekeeping removed on this instance.";
        page.counters("holdfast_housekeeping_removed_rows", help, by("kind", &removed))?;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        page.levels("holdfast_build_info", "Always 1.", [(version, 1)])?;
        // No clock of ours stands before 1970.
        let started_at = u64::try_from(self.started_at.seconds()).unwrap_or_default();
        page.level(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
            started_at,
        )
    }
}
