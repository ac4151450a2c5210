//! One shape of query, value and row for SQLite and Postgres: text with `$1`, `$2`, …, which both take.

use alloy_primitives::{Address, B256, Bytes};
use anyhow::Result;
use sqlx::{
    Arguments, AssertSqlSafe, Encode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection,
    Type,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

/// SQL and what its placeholders stand for. All text is of the program; whatever a caller says is bound.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

/// What is bound; NULL has a type as well, which Postgres asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
    Text(Option<String>),
}

impl Query {
    /// A query whose `$1`, `$2`, … are given by [`Query::bind`], in this order.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// What the next placeholder of the text stands for.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text.
    pub(crate) fn push(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// More text, and a placeholder after it.
    pub(crate) fn push_bind(mut self, text: &'static str, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.push_str(text);
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// A condition that holds only where there is something to compare with: `AND`, the text, a placeholder.
    pub(crate) fn and(self, text: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.push(" AND ").push_bind(text, value),
            None => self,
        }
    }
}

/// Neither database has unsigned numbers. What would be above is no block, place or time: it equals none.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

macro_rules! value {
    ($($from:ty => $kind:ident, $convert:expr;)*) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                #[allow(clippy::redundant_closure_call)]
                Self::$kind(Some(($convert)(value)))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$kind(value.map($convert))
            }
        }
    )*};
}
value! {
    i64 => Int, |value| value;
    u64 => Int, int;
    u32 => Int, i64::from;
    B256 => Bytes, |value: B256| value.to_vec();
    Address => Bytes, |value: Address| value.to_vec();
    Bytes => Bytes, |value: Bytes| value.to_vec();
    Vec<u8> => Bytes, |value| value;
    &[u8] => Bytes, <[u8]>::to_vec;
    String => Text, |value| value;
    &str => Text, str::to_owned;
}

/// A row of either database. A column that is missing or of another type is an error, never a default.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr, $type:ty) => {
        match $row {
            Row::Sqlite(row) => row.try_get::<$type, _>($column),
            Row::Postgres(row) => row.try_get::<$type, _>($column),
        }
    };
}

impl Row {
    /// A BIGINT. In Postgres `SUM` and literals are of other types: write `CAST(… AS BIGINT)`.
    pub(crate) fn int(&self, column: &str) -> Result<i64> {
        Ok(get!(self, column, i64)?)
    }

    /// A BIGINT that is a number of ours.
    pub(crate) fn uint(&self, column: &str) -> Result<u64> {
        Ok(u64::try_from(self.int(column)?)?)
    }

    pub(crate) fn optional_uint(&self, column: &str) -> Result<Option<u64>> {
        Ok(get!(self, column, Option<i64>)?.map(u64::try_from).transpose()?)
    }

    pub(crate) fn bytes(&self, column: &str) -> Result<Vec<u8>> {
        Ok(get!(self, column, Vec<u8>)?)
    }

    pub(crate) fn optional_bytes(&self, column: &str) -> Result<Option<Vec<u8>>> {
        Ok(get!(self, column, Option<Vec<u8>>)?)
    }

    /// 32 bytes.
    pub(crate) fn hash(&self, column: &str) -> Result<B256> {
        Ok(B256::try_from(get!(self, column, &[u8])?)?)
    }

    pub(crate) fn address(&self, column: &str) -> Result<Address> {
        Ok(Address::try_from(get!(self, column, &[u8])?)?)
    }

    pub(crate) fn optional_address(&self, column: &str) -> Result<Option<Address>> {
        Ok(get!(self, column, Option<&[u8]>)?.map(Address::try_from).transpose()?)
    }

    pub(crate) fn text(&self, column: &str) -> Result<String> {
        Ok(get!(self, column, String)?)
    }

    pub(crate) fn optional_text(&self, column: &str) -> Result<Option<String>> {
        Ok(get!(self, column, Option<String>)?)
    }
}

/// A connection of either database.
#[derive(Debug)]
pub(super) enum On<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl On<'_> {
    pub(super) async fn fetch(self, query: Query) -> Result<Vec<Row>> {
        let text = AssertSqlSafe(query.text);
        Ok(match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query_with(text, in_sqlite(query.values)?);
                rows.fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query_with(text, in_postgres(query.values)?);
                rows.fetch_all(connection).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// How many rows it wrote.
    pub(super) async fn execute(self, query: Query) -> Result<u64> {
        let text = AssertSqlSafe(query.text);
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_with(text, in_sqlite(query.values)?)
                .execute(connection)
                .await?
                .rows_affected(),
            Self::Postgres(connection) => sqlx::query_with(text, in_postgres(query.values)?)
                .execute(connection)
                .await?
                .rows_affected(),
        })
    }
}

fn in_sqlite(values: Vec<Value>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(value) => add::<Sqlite, _>(&mut arguments, value)?,
            Value::Bytes(value) => add::<Sqlite, _>(&mut arguments, value)?,
            Value::Text(value) => add::<Sqlite, _>(&mut arguments, value)?,
        }
    }
    Ok(arguments)
}

fn in_postgres(values: Vec<Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(value) => add::<Postgres, _>(&mut arguments, value)?,
            Value::Bytes(value) => add::<Postgres, _>(&mut arguments, value)?,
            Value::Text(value) => add::<Postgres, _>(&mut arguments, value)?,
        }
    }
    Ok(arguments)
}

pub(super) fn add<DB, T>(arguments: &mut DB::Arguments, value: T) -> Result<()>
where
    DB: sqlx::Database,
    DB::Arguments: Arguments<Database = DB>,
    T: for<'t> Encode<'t, DB> + Type<DB>,
{
    arguments.add(value).map_err(|error| anyhow::anyhow!("binding a value: {error}"))
}
