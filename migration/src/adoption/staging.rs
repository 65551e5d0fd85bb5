//! Temporary tables that hold one snapshot of the old tables in our shape, and what Rust computes for them.
//!
//! The old backend may go on writing while it is adopted. On PostgreSQL all of it is read by one statement, hence in one
//! snapshot; on SQLite the transaction keeps writers out. Memory is bounded by a page of rows.

use sea_orm_migration::DbErr;
use sea_orm_migration::sea_orm::{ConnectionTrait, QueryResult, Value};

use super::dialect::Dialect;
use super::form::Form;
use super::query::{execute, statement};
use super::source::{self, LINK_COLUMNS, TASK_COLUMNS, USER_COLUMNS};
use super::text::{fold, search_text, title_sort};

/// Rows that are read, computed and written at a time. SQLite binds at most 32,766 values to a statement.
pub(super) const PAGE: u64 = 5_000;

const TABLES: [&str; 3] = [
    "CREATE TEMPORARY TABLE staged_users (n {integer}, id {uuid}, placeholder {flag}, email text, name text, \
     password_hash text, password_digest text, role text, is_active {flag}, email_verified {flag}, image text, banned_at {time}, \
     ban_reason text, ban_expires_at {time}, created_at {time}, updated_at {time}) {on_commit}",
    "CREATE TEMPORARY TABLE staged_tasks (n {integer}, owner_id {uuid}, id {uuid}, title text, description text, \
     due_at {time}, priority smallint, is_completed {flag}, created_at {time}, updated_at {time}) {on_commit}",
    "CREATE TEMPORARY TABLE staged_links (user_id {uuid}, id text, provider_id text, account_id text, \
     created_at {time}, updated_at {time}) {on_commit}",
];

/// What the staged rows are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To go into empty tables, all of them, in the order of our primary key.
    Everything,
    /// To be compared with our rows; few will be left.
    Comparison,
}

/// Fills the temporary tables.
pub(super) async fn stage(
    connection: &impl ConnectionTrait,
    form: Form,
    purpose: Purpose,
) -> Result<(), DbErr> {
    let dialect = Dialect::of(connection)?;
    for table in TABLES {
        execute(connection, &dialect.types(table)).await?;
    }
    let ordered = purpose == Purpose::Everything;
    let mut inserts = vec![
        format!("INSERT INTO staged_tasks ({TASK_COLUMNS}) {}", source::tasks(dialect, ordered)),
        format!("INSERT INTO staged_users ({USER_COLUMNS}) {}", source::users(form, dialect)),
    ];
    if let Some(links) = source::links(form, dialect) {
        inserts.push(format!("INSERT INTO staged_links ({LINK_COLUMNS}) {links}"));
    }
    if dialect.is_postgres() {
        let parts: Vec<String> = inserts
            .iter()
            .enumerate()
            .map(|(number, insert)| format!("part{number} AS ({insert})"))
            .collect();
        execute(connection, &format!("WITH {} SELECT 1", parts.join(", "))).await?;
    } else {
        for insert in inserts {
            execute(connection, &insert).await?;
        }
    }
    // SQLite looks each row up; PostgreSQL compares the tables as wholes.
    if purpose == Purpose::Comparison && !dialect.is_postgres() {
        index(connection, "staged_users", "id").await?;
        index(connection, "staged_tasks", "owner_id, id").await?;
    }
    analyse(connection, &["staged_users", "staged_tasks"]).await
}

/// Makes pages of one of the tables, once only the rows to be copied are left in it.
pub(super) async fn index_pages(connection: &impl ConnectionTrait, table: &str) -> Result<(), DbErr> {
    index(connection, table, "n").await?;
    analyse(connection, &[table]).await
}

/// Makes the rows of a temporary table easy to find by these columns.
pub(super) async fn index(
    connection: &impl ConnectionTrait,
    table: &str,
    columns: &str,
) -> Result<(), DbErr> {
    let schema = if Dialect::of(connection)?.is_postgres() { "" } else { "temp." };
    let name = columns.replace(", ", "_");
    execute(
        connection,
        &format!("CREATE INDEX IF NOT EXISTS {schema}{table}_{name}_idx ON {table} ({columns})"),
    )
    .await
    .map(|_| ())
}

/// SQLite would keep the temporary tables until the end of the connection.
pub(super) async fn unstage(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    forget(connection, &["staged_users", "staged_tasks", "staged_links"]).await
}

/// Drops temporary tables.
pub(super) async fn forget(connection: &impl ConnectionTrait, tables: &[&str]) -> Result<(), DbErr> {
    let schema = if Dialect::of(connection)?.is_postgres() { "pg_temp" } else { "temp" };
    for table in tables {
        execute(connection, &format!("DROP TABLE {schema}.{table}")).await?;
    }
    Ok(())
}

/// Tells PostgreSQL's planner how much there is. SQLite's plans follow the indexes.
pub(super) async fn analyse(connection: &impl ConnectionTrait, tables: &[&str]) -> Result<(), DbErr> {
    if Dialect::of(connection)?.is_postgres() {
        execute(connection, &format!("ANALYZE {}", tables.join(", "))).await?;
    }
    Ok(())
}

/// One page of staged rows with what Rust computed for them.
pub(super) struct Page {
    /// The last row's number.
    pub(super) last: i64,
    pub(super) rows: usize,
    /// The computed values as a table `f`: the row's number in `column1`, the values in the columns after it.
    pub(super) computed: String,
    pub(super) parameters: Vec<Value>,
}

/// Computes `column2`, the folded e-mail address, for the staged accounts after a number.
pub(super) async fn users_after(
    connection: &impl ConnectionTrait,
    number: i64,
) -> Result<Option<Page>, DbErr> {
    let sql = format!("SELECT n, email FROM staged_users WHERE n > $1 ORDER BY n LIMIT {PAGE}");
    computed_after(connection, &sql, number, |row| {
        let email: String = row.try_get_by_index(1)?;
        Ok([fold(&email)])
    })
    .await
}

/// Computes `column2`, the search text, and `column3`, what the title sorts by, for the staged tasks after a number.
pub(super) async fn tasks_after(
    connection: &impl ConnectionTrait,
    number: i64,
) -> Result<Option<Page>, DbErr> {
    let sql = format!("SELECT n, title, description FROM staged_tasks WHERE n > $1 ORDER BY n LIMIT {PAGE}");
    computed_after(connection, &sql, number, |row| {
        let title: String = row.try_get_by_index(1)?;
        let description: Option<String> = row.try_get_by_index(2)?;
        Ok([search_text(&title, description.as_deref()), title_sort(&title).to_owned()])
    })
    .await
}

/// Computes values for one page of what `sql` selects after a number; each row begins with its own.
pub(super) async fn computed_after<const COLUMNS: usize>(
    connection: &impl ConnectionTrait,
    sql: &str,
    number: i64,
    compute: impl Fn(&QueryResult) -> Result<[String; COLUMNS], DbErr>,
) -> Result<Option<Page>, DbErr> {
    let rows = connection.query_all_raw(statement(connection, sql, [number.into()])).await?;
    let mut computed = Computed::default();
    for row in rows {
        computed.add(row.try_get_by_index(0)?, compute(&row)?);
    }
    Ok(computed.page(Dialect::of(connection)?))
}

/// `COLUMNS` values for each of some numbered rows.
struct Computed<const COLUMNS: usize> {
    numbers: Vec<i64>,
    values: [Vec<String>; COLUMNS],
}

impl<const COLUMNS: usize> Default for Computed<COLUMNS> {
    fn default() -> Self {
        Self { numbers: Vec::new(), values: std::array::from_fn(|_| Vec::new()) }
    }
}

impl<const COLUMNS: usize> Computed<COLUMNS> {
    fn add(&mut self, number: i64, values: [String; COLUMNS]) {
        self.numbers.push(number);
        for (column, value) in self.values.iter_mut().zip(values) {
            column.push(value);
        }
    }

    /// `None` when there was no row.
    fn page(self, dialect: Dialect) -> Option<Page> {
        let Self { numbers, values } = self;
        let rows = numbers.len();
        let last = numbers.last().copied()?;
        let (computed, parameters) =
            if dialect.is_postgres() { arrays(numbers, values) } else { tuples(&numbers, values) };
        Some(Page { last, rows, computed, parameters })
    }
}

/// One array for each column: a statement of few parameters, which PostgreSQL parses quickly.
fn arrays<const COLUMNS: usize>(numbers: Vec<i64>, values: [Vec<String>; COLUMNS]) -> (String, Vec<Value>) {
    let arrays: Vec<String> = (2..COLUMNS + 2).map(|place| format!(", ${place}::text[]")).collect();
    let names: Vec<String> = (2..COLUMNS + 2).map(|place| format!(", column{place}")).collect();
    let mut parameters = vec![Value::from(numbers)];
    parameters.extend(values.map(Value::from));
    (format!("unnest($1::bigint[]{}) AS f(column1{})", arrays.concat(), names.concat()), parameters)
}

/// A list of rows, whose columns SQLite calls `column1` and so on.
fn tuples<const COLUMNS: usize>(numbers: &[i64], values: [Vec<String>; COLUMNS]) -> (String, Vec<Value>) {
    let tuple = format!("(?{})", ", ?".repeat(COLUMNS));
    let list = vec![tuple; numbers.len()].join(", ");
    let mut columns = values.map(Vec::into_iter);
    let mut parameters = Vec::with_capacity(numbers.len() * (COLUMNS + 1));
    for number in numbers {
        parameters.push(Value::from(*number));
        parameters.extend(columns.iter_mut().filter_map(Iterator::next).map(Value::from));
    }
    (format!("(VALUES {list}) AS f"), parameters)
}
