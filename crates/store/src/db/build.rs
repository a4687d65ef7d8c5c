//! Statements built with sea-query, for lists with optional filters.

use sea_query::{PostgresQueryBuilder, QueryStatementWriter, SqliteQueryBuilder};

use super::{Dialect, Error, Value};

/// Renders a statement for the dialect, with its values as parameters.
///
/// # Errors
/// [`Error::Bind`] for kinds of values the facade has none for, and integers above `i64::MAX`.
pub fn build(dialect: Dialect, statement: &impl QueryStatementWriter) -> Result<(String, Vec<Value>), Error> {
    let (sql, values) = match dialect {
        Dialect::Sqlite => statement.build(SqliteQueryBuilder),
        Dialect::Postgres => statement.build(PostgresQueryBuilder),
    };
    Ok((sql, values.into_iter().map(convert).collect::<Result<_, _>>()?))
}

fn convert(value: sea_query::Value) -> Result<Value, Error> {
    use sea_query::Value as V;
    Ok(match value {
        V::Bool(v) => v.into(),
        V::TinyInt(v) => v.map(i64::from).into(),
        V::SmallInt(v) => v.into(),
        V::Int(v) => v.into(),
        V::BigInt(v) => v.into(),
        V::TinyUnsigned(v) => v.into(),
        V::SmallUnsigned(v) => v.into(),
        V::Unsigned(v) => v.into(),
        V::BigUnsigned(None) => Value::Null,
        V::BigUnsigned(Some(v)) => i64::try_from(v).map_err(|_| Error::Bind(v.to_string()))?.into(),
        V::Float(v) => v.map(f64::from).into(),
        V::Double(v) => v.into(),
        V::String(v) => v.into(),
        V::Char(v) => v.map(String::from).into(),
        V::Bytes(v) => v.into(),
        V::Uuid(v) => v.into(),
        other => return Err(Error::Bind(format!("{other:?}"))),
    })
}
