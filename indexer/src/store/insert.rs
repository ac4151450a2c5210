//! Many rows at once, each once: a row whose key is there already takes the new values. One statement shape per database,
//! because each has its own fast way.

use super::sql::{On, Query, Value, add};
use anyhow::{Result, ensure};
use sqlx::{AssertSqlSafe, Postgres, postgres::PgArguments};

/// Rows of one SQLite statement; of 14 columns, 64 rows are far below its limit of 32,766 placeholders.
const SQLITE_ROWS: usize = 64;
/// Rows of one Postgres statement.
const POSTGRES_ROWS: usize = 8192;

/// A table that rows are written to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, Type)],
    /// The columns that tell one row from another.
    pub(crate) key: &'static [&'static str],
    /// Columns that keep what they have where the row is there already.
    pub(crate) keeps: &'static [&'static str],
}

/// Of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Int,
    Bytes,
    Text,
}

impl Table {
    /// `INSERT INTO table (columns) `
    fn into(&self) -> String {
        format!("INSERT INTO {} ({}) ", self.name, self.names().join(", "))
    }

    fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|(name, _)| *name).collect()
    }

    fn on_conflict(&self) -> String {
        let is_changed = |name: &&&str| !self.key.contains(*name) && !self.keeps.contains(*name);
        let names = self.names();
        let changes: Vec<String> = names
            .iter()
            .filter(is_changed)
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        let then = match changes.is_empty() {
            true => "NOTHING".to_owned(),
            false => format!("UPDATE SET {}", changes.join(", ")),
        };
        format!(" ON CONFLICT ({}) DO {then}", self.key.join(", "))
    }
}

/// Writes `rows`, of which no two have the same key.
pub(super) async fn insert(mut on: On<'_>, table: &Table, rows: Vec<Vec<Value>>) -> Result<()> {
    let width = table.columns.len();
    ensure!(
        rows.iter().all(|row| row.len() == width),
        "a row of {} has {width} values",
        table.name
    );
    let mut rows = rows.into_iter();
    loop {
        match &mut on {
            On::Sqlite(connection) => {
                let chunk: Vec<_> = rows.by_ref().take(SQLITE_ROWS).collect();
                if chunk.is_empty() {
                    return Ok(());
                }
                On::Sqlite(connection).execute(in_sqlite(table, chunk)).await?;
            }
            On::Postgres(connection) => {
                let chunk: Vec<_> = rows.by_ref().take(POSTGRES_ROWS).collect();
                if chunk.is_empty() {
                    return Ok(());
                }
                let (text, arguments) = in_postgres(table, chunk)?;
                sqlx::query_with(AssertSqlSafe(text), arguments).execute(&mut **connection).await?;
            }
        }
    }
}

/// `VALUES ($1, $2), ($3, $4), …`
fn in_sqlite(table: &Table, rows: Vec<Vec<Value>>) -> Query {
    let width = table.columns.len();
    let tuple = |row: usize| {
        let first = row.saturating_mul(width).saturating_add(1);
        let places: Vec<String> = (first..).take(width).map(|place| format!("${place}")).collect();
        format!("({})", places.join(", "))
    };
    let tuples: Vec<String> = (0..rows.len()).map(tuple).collect();
    Query {
        text: format!("{}VALUES {}{}", table.into(), tuples.join(", "), table.on_conflict()),
        values: rows.into_iter().flatten().collect(),
    }
}

/// `SELECT * FROM UNNEST($1::bigint[], …)`: one array per column, so that the text is the same for any number of rows.
fn in_postgres(table: &Table, rows: Vec<Vec<Value>>) -> Result<(String, PgArguments)> {
    let mut columns: Vec<Vec<Value>> = vec![Vec::with_capacity(rows.len()); table.columns.len()];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let mut arguments = PgArguments::default();
    let mut arrays = Vec::new();
    for (place, (values, (name, kind))) in (1..).zip(columns.into_iter().zip(table.columns)) {
        let wrong = || anyhow::anyhow!("{}.{name} is {kind:?}", table.name);
        match kind {
            Type::Int => {
                let values = values.into_iter().map(|value| match value {
                    Value::Int(value) => Ok(value),
                    _ => Err(wrong()),
                });
                add::<Postgres, _>(&mut arguments, values.collect::<Result<Vec<_>>>()?)?;
                arrays.push(format!("${place}::bigint[]"));
            }
            Type::Bytes => {
                let values = values.into_iter().map(|value| match value {
                    Value::Bytes(value) => Ok(value),
                    _ => Err(wrong()),
                });
                add::<Postgres, _>(&mut arguments, values.collect::<Result<Vec<_>>>()?)?;
                arrays.push(format!("${place}::bytea[]"));
            }
            Type::Text => {
                let values = values.into_iter().map(|value| match value {
                    Value::Text(value) => Ok(value),
                    _ => Err(wrong()),
                });
                add::<Postgres, _>(&mut arguments, values.collect::<Result<Vec<_>>>()?)?;
                arrays.push(format!("${place}::text[]"));
            }
        }
    }
    let text = format!(
        "{}SELECT * FROM UNNEST({}){}",
        table.into(),
        arrays.join(", "),
        table.on_conflict()
    );
    Ok((text, arguments))
}
