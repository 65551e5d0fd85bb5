//! Everything that a database holds, as text: for tests that compare what was there before and after, or that look for
//! what must not be there. Reads past every adapter, on both engines; knows no table by name.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The table, without its schema.
    pub table: String,
    /// The column.
    pub column: String,
    /// As PostgreSQL or SQLite writes it; bytes in hexadecimal, null as nothing.
    pub value: Option<String>,
}

/// All rows of all tables in an order that depends on what is in them alone, so that two dumps are equal exactly when
/// the rows are. The journal of migrations is among them.
///
/// # Panics
/// When the database does not answer.
pub async fn dump(url: &str) -> Vec<Vec<Cell>> {
    let mut rows = if url.starts_with("sqlite:") { of_sqlite(url).await } else { of_postgres(url).await };
    rows.sort_unstable();
    rows
}

async fn of_postgres(url: &str) -> Vec<Vec<Cell>> {
    let mut connection = PgConnection::connect(url).await.expect("PostgreSQL does not answer");
    let columns = "SELECT c.table_schema::text, c.table_name::text, c.column_name::text \
        FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) \
        WHERE t.table_type = 'BASE TABLE' AND c.table_schema NOT IN ('pg_catalog', 'information_schema') \
        ORDER BY 1, 2, c.ordinal_position";
    let columns = sqlx::raw_sql(columns).fetch_all(&mut connection).await.unwrap();
    let columns: Vec<(String, String, String)> =
        columns.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let mut dumped = Vec::new();
    for table in columns.chunk_by(|one, next| (&one.0, &one.1) == (&next.0, &next.1)) {
        let (schema, name, _) = &table[0];
        let names: Vec<String> = table.iter().map(|(_, _, column)| column.clone()).collect();
        let values: Vec<String> = names.iter().map(|column| format!(r#""{column}"::text"#)).collect();
        let sql = AssertSqlSafe(format!(r#"SELECT {} FROM "{schema}"."{name}""#, values.join(", ")));
        let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
        dumped.extend(rows.iter().map(|row| cells(name, &names, |index| row.get(index))));
    }
    connection.close().await.unwrap();
    dumped
}

async fn of_sqlite(url: &str) -> Vec<Vec<Cell>> {
    let mut connection = SqliteConnection::connect(url).await.expect("the SQLite file cannot be opened");
    let tables =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let tables = sqlx::raw_sql(tables).fetch_all(&mut connection).await.unwrap();
    let mut dumped = Vec::new();
    for table in tables.iter().map(|row| row.get::<String, _>(0)) {
        let columns = AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"));
        let columns = sqlx::raw_sql(columns).fetch_all(&mut connection).await.unwrap();
        let names: Vec<String> = columns.iter().map(|row| row.get(0)).collect();
        let value = |name: &String| {
            format!(r#"CASE typeof("{name}") WHEN 'blob' THEN hex("{name}") ELSE CAST("{name}" AS TEXT) END"#)
        };
        let values: Vec<String> = names.iter().map(value).collect();
        let sql = AssertSqlSafe(format!(r#"SELECT {} FROM "{table}""#, values.join(", ")));
        let rows = sqlx::raw_sql(sql).fetch_all(&mut connection).await.unwrap();
        dumped.extend(rows.iter().map(|row| cells(&table, &names, |index| row.get(index))));
    }
    connection.close().await.unwrap();
    dumped
}

fn cells(table: &str, columns: &[String], value: impl Fn(usize) -> Option<String>) -> Vec<Cell> {
    let cell = |(index, column): (usize, &String)| Cell {
        table: table.to_owned(),
        column: column.clone(),
        value: value(index),
    };
    columns.iter().enumerate().map(cell).collect()
}
