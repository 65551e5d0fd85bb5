//! What a step up may do while servers of the version before work on the same database. What is not known to be harmless
//! is refused.

use std::collections::BTreeSet;

use migration::{Direction, Engine, PlannedMigration};
use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, Expr, ObjectName, ObjectNamePart,
    ObjectType, Statement, TableConstraint,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

/// One line for each fault of a migration's steps up, on both engines.
pub(super) fn faults(migration: &dyn PlannedMigration) -> Vec<String> {
    let mut faults = Vec::new();
    let mut contracts = false;
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let mut made = BTreeSet::new();
        let (statements, online) = match migration.online(engine) {
            Some(step) => (step.plan(), true),
            None => (migration.plan(engine, Direction::Up), false),
        };
        for sql in statements {
            let place = format!("{} on {engine:?}: {sql}", migration.name());
            match parse(engine, &sql) {
                Err(error) => faults.push(format!("{place}: cannot be parsed: {error}")),
                Ok(parsed) => {
                    for fault in parsed
                        .iter()
                        .filter_map(|statement| Rules { engine, online }.fault(statement, &mut made))
                    {
                        contracts = true;
                        if migration.contract_since().is_none() {
                            faults.push(format!("{place}: {fault}"));
                        }
                    }
                }
            }
        }
    }
    if let Some(release) = migration.contract_since() {
        let numbers: Vec<&str> = release.split('.').collect();
        if numbers.len() != 3 || numbers.iter().any(|number| number.parse::<u32>().is_err()) {
            faults.push(format!("{}: {release} is no release", migration.name()));
        }
        if !contracts {
            faults.push(format!("{}: does not contract, and says that it does", migration.name()));
        }
    }
    faults
}

fn parse(engine: Engine, sql: &str) -> Result<Vec<Statement>, sqlparser::parser::ParserError> {
    // The parser knows each of SQLite's table options, and no list of them.
    let (dialect, sql): (&dyn Dialect, _) = match engine {
        Engine::Postgres => (&PostgreSqlDialect {}, sql),
        Engine::Sqlite => (&SQLiteDialect {}, sql.strip_suffix(", WITHOUT ROWID").unwrap_or(sql)),
    };
    Parser::parse_sql(dialect, sql)
}

struct Rules {
    engine: Engine,
    /// Outside of any transaction.
    online: bool,
}

impl Rules {
    /// What is wrong with one statement. `made` are the tables that the migration has made so far: nobody uses them.
    fn fault(&self, statement: &Statement, made: &mut BTreeSet<String>) -> Option<String> {
        let postgres = self.engine == Engine::Postgres;
        match statement {
            Statement::CreateTable(table) => {
                made.insert(plain(&table.name));
                None
            }
            Statement::CreateIndex(index) if postgres && !made.contains(&plain(&index.table_name)) => {
                match (index.concurrently, self.online) {
                    (true, true) => None,
                    (true, false) => Some("cannot run in a transaction: declare an online step".to_owned()),
                    (false, _) => Some("blocks writers: build it CONCURRENTLY, in an online step".to_owned()),
                }
            }
            Statement::AlterTable(alter) if made.contains(&plain(&alter.name)) => None,
            Statement::AlterTable(alter) => {
                alter.operations.iter().find_map(|operation| self.alteration(operation))
            }
            // Whoever loses an index is slower, and right.
            Statement::CreateIndex(_) | Statement::Drop { object_type: ObjectType::Index, .. } => None,
            Statement::CreateTrigger(_) if !postgres => None,
            Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_)
                if !postgres || self.online =>
            {
                None
            }
            other => Some(format!("is not known to be harmless: {other}")),
        }
    }

    fn alteration(&self, operation: &AlterTableOperation) -> Option<String> {
        match operation {
            AlterTableOperation::AddColumn { column_def, .. } => {
                column(column_def).map(|fault| format!("ADD COLUMN {}: {fault}", column_def.name))
            }
            AlterTableOperation::AddConstraint {
                constraint: TableConstraint::Check(_) | TableConstraint::ForeignKey(_),
                not_valid,
            } => (!not_valid).then(|| "reads the whole table under a lock: add it NOT VALID".to_owned()),
            AlterTableOperation::ValidateConstraint { .. } if self.online => None,
            AlterTableOperation::DropConstraint { .. }
            | AlterTableOperation::AlterColumn {
                op: AlterColumnOperation::DropNotNull | AlterColumnOperation::SetDefault { .. },
                ..
            } => None,
            other => Some(format!("is not known to be harmless: {other}")),
        }
    }
}

/// A server of the version before leaves the column out.
fn column(column: &ColumnDef) -> Option<String> {
    let options = || column.options.iter().map(|option| &option.option);
    let constant =
        options().any(|option| matches!(option, ColumnOption::Default(value) if is_constant(value)));
    options().find_map(|option| match option {
        ColumnOption::NotNull if !constant => Some("NOT NULL without a constant default".to_owned()),
        ColumnOption::Default(value) if !is_constant(value) => {
            Some(format!("DEFAULT {value} may have to be computed for every row"))
        }
        ColumnOption::Null
        | ColumnOption::NotNull
        | ColumnOption::Default(_)
        | ColumnOption::Check(_)
        | ColumnOption::Collation(_)
        | ColumnOption::Comment(_) => None,
        other => Some(format!("{other} is not known to be harmless")),
    })
}

fn is_constant(value: &Expr) -> bool {
    match value {
        Expr::Value(_) => true,
        Expr::UnaryOp { expr, .. } | Expr::Nested(expr) | Expr::Cast { expr, .. } => is_constant(expr),
        _ => false,
    }
}

/// The name without quotes.
fn plain(name: &ObjectName) -> String {
    name.0.last().and_then(ObjectNamePart::as_ident).map(|ident| ident.value.clone()).unwrap_or_default()
}
