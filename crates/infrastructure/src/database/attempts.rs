//! The statements that count an attempt at a password, if it may be made: `Limits::count` of the domain, done where the rows are,
//! so that no two attempts share a free slot. What is not counted touches no row, and nobody waits for it.

use std::time::Duration;

use holdfast_application::domain::{
    Timestamp,
    throttle::{Backoff, KNOWN_FOR, Limits, Network, Principal, REMEMBERED_FOR, UNDER_WAY_FOR},
};
use sea_orm::{
    Iterable,
    sea_query::{
        Alias, CaseStatement, CommonTableExpression, Expr, ExprTrait, InsertStatement, OnConflict, Query,
        SelectStatement, UnionType, WithClause, WithQuery,
    },
};

use super::entities::throttles::{Column, Entity};

/// The network of the row that counts for all networks together that are not known. No network is spelled like it.
pub(super) const EVERYWHERE: &str = "*";

/// An attempt and the rule that it is counted under.
pub(super) struct Attempt<'a> {
    pub(super) principal: Principal,
    pub(super) network: &'a Network,
    pub(super) limits: &'a Limits,
    pub(super) at: Timestamp,
}

impl Attempt<'_> {
    /// Counts in the row of the network, and answers it if it did. Whether it may is read first, and judged again on the row
    /// as it is when it changes.
    pub(super) fn here(&self) -> InsertStatement {
        let Limits { network, account } = *self.limits;
        let free_here = Expr::exists(self.blocked(self.network.as_str(), network)).not();
        let free_everywhere = Expr::exists(self.blocked(EVERYWHERE, account)).not();
        let known = Expr::exists(self.find(self.network.as_str()).and_where(self.is_known()).take());
        self.counted(self.network.as_str(), network, free_here.and(known.or(free_everywhere)))
    }

    /// Counts in the row for everywhere, and answers it if it did. Only for a network that was counted and is not known.
    pub(super) fn everywhere(&self) -> InsertStatement {
        let free = Expr::exists(self.blocked(EVERYWHERE, self.limits.account)).not();
        self.counted(EVERYWHERE, self.limits.account, free)
    }

    /// Both in one round trip, the second where the first did and found that the network is not known. For an engine whose
    /// `WITH` may write.
    pub(super) fn both(&self) -> WithQuery {
        let (here, everywhere) = (Alias::new("here"), Alias::new("everywhere"));
        let counted = |name: &Alias| Query::select().columns(Column::iter()).from(name.clone()).take();
        let unknown = Query::select()
            .expr(Expr::value(1_i64))
            .from(here.clone())
            .cond_where(Expr::col(Column::SucceededAt).is_null().or(self.is_known().not()))
            .take();
        let free = Expr::exists(self.blocked(EVERYWHERE, self.limits.account)).not();
        let second = self.counted(EVERYWHERE, self.limits.account, Expr::exists(unknown).and(free));
        let rows = counted(&here).union(UnionType::All, counted(&everywhere)).take();
        WithClause::new().cte(named(here, self.here())).cte(named(everywhere, second)).to_owned().query(rows)
    }

    /// Adds one failure to the row of `network` while `free` holds and the row does not hold attempts up.
    fn counted(&self, network: &str, backoff: Backoff, free: Expr) -> InsertStatement {
        let columns = [
            (Column::Principal, Expr::value(self.principal.uuid())),
            (Column::Network, Expr::value(network)),
            (Column::Failures, Expr::value(1_i64)),
            (Column::Since, Expr::value(self.at.micros())),
            (Column::BlockedUntil, Expr::value(self.at.plus(backoff.delay_after(1)).micros())),
            (Column::ExpiresAt, Expr::value(self.at.plus(REMEMBERED_FOR).micros())),
            (Column::Pending, Expr::value(1_i64)),
            (Column::PendingUntil, Expr::value(self.at.plus(UNDER_WAY_FOR).micros())),
        ];
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let first = Query::select().exprs(values).and_where(free).take();
        let mut insert = Query::insert();
        insert.into_table(Entity).columns(names);
        #[expect(clippy::expect_used, reason = "fails only where the numbers of columns and values differ")]
        insert.select_from(first).expect("each column has its value");
        insert.on_conflict(self.one_more(backoff)).returning_all().take()
    }

    /// One more failure in a row that is there: a series that is over begins anew, one that is not goes on.
    fn one_more(&self, backoff: Backoff) -> OnConflict {
        let first = |column| Expr::col((Alias::new("excluded"), column));
        let begun = |column, goes_on: Expr| Expr::case(self.is_over(), first(column)).finally(goes_on);
        let blocked_until = Expr::value(self.at.micros()).add(delay(backoff));
        let lives_longer = first(Column::ExpiresAt).gt(stored(Column::ExpiresAt));
        let expires_at =
            Expr::case(lives_longer, first(Column::ExpiresAt)).finally(stored(Column::ExpiresAt));
        let unheard_of = self.is_over().or(stored(Column::PendingUntil).lte(self.at.micros()));
        let pending =
            Expr::case(unheard_of, first(Column::Pending)).finally(stored(Column::Pending).add(1_i64));
        OnConflict::columns([Column::Principal, Column::Network])
            .value(Column::Failures, begun(Column::Failures, stored(Column::Failures).add(1_i64)))
            .value(Column::Since, begun(Column::Since, stored(Column::Since)))
            .value(Column::BlockedUntil, begun(Column::BlockedUntil, blocked_until))
            // Also of a series that is over: a success is remembered for longer than failures are.
            .value(Column::ExpiresAt, expires_at)
            .value(Column::Pending, pending)
            .value(Column::PendingUntil, first(Column::PendingUntil))
            .action_and_where(self.is_blocked(backoff).not())
            .to_owned()
    }

    /// The row there, if it holds attempts up.
    fn blocked(&self, network: &str, backoff: Backoff) -> SelectStatement {
        self.find(network).and_where(self.is_blocked(backoff)).take()
    }

    fn find(&self, network: &str) -> SelectStatement {
        Query::select()
            .expr(Expr::value(1_i64))
            .from(Entity)
            .and_where(stored(Column::Principal).eq(self.principal.uuid()))
            .and_where(stored(Column::Network).eq(network))
            .take()
    }

    /// `Counter::is_known`, of a row that had a success.
    fn is_known(&self) -> Expr {
        Expr::col(Column::SucceededAt).gt(self.at.minus(KNOWN_FOR).micros())
    }

    /// `Counter::wait`: an end more than two caps ahead was written by a clock that has been set back since.
    fn is_blocked(&self, backoff: Backoff) -> Expr {
        let last = self.at.plus(2 * backoff.cap());
        let costs = stored(Column::Failures).gte(i64::from(backoff.free()));
        self.is_over()
            .not()
            .and(costs)
            .and(stored(Column::BlockedUntil).gt(self.at.micros()))
            .and(stored(Column::BlockedUntil).lte(last.micros()))
    }

    fn is_over(&self) -> Expr {
        stored(Column::Since).lte(self.at.minus(REMEMBERED_FOR).micros())
    }
}

fn named(name: Alias, statement: InsertStatement) -> CommonTableExpression {
    CommonTableExpression::new().table_name(name).query(statement).to_owned()
}

/// The value in the row that is there, before the statement.
fn stored(column: Column) -> Expr {
    Expr::col((Entity, column))
}

/// The wait after one failure more than are stored.
fn delay(backoff: Backoff) -> Expr {
    let before = |failures: u32| i64::from(failures) - 1;
    let free = stored(Column::Failures).lt(before(backoff.free()));
    let growing = backoff.growth().fold(CaseStatement::new().case(free, 0_i64), |case, (failures, delay)| {
        case.case(stored(Column::Failures).eq(before(failures)), micros(delay))
    });
    growing.finally(micros(backoff.cap())).into()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
