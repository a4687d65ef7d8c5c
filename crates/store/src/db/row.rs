//! Rows of a result, read by position in the order of the SELECT list.

use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

use super::Error;

/// One row of a result, valid until the next is fetched.
pub struct Row<'a>(pub(super) Source<'a>);

pub(super) enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// A value as it lies in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'a> {
    /// No value.
    Null,
    /// Any integer type.
    Int(i64),
    /// BOOLEAN of PostgreSQL; SQLite gives an integer.
    Bool(bool),
    /// Any text type.
    Text(&'a str),
    /// BYTEA, and UUID in SQLite.
    Blob(&'a [u8]),
    /// UUID of PostgreSQL.
    Uuid(Uuid),
    /// Any floating-point type.
    Float(f64),
}

impl ValueRef<'_> {
    fn kind(self) -> &'static str {
        match self {
            ValueRef::Null => "null",
            ValueRef::Int(_) => "an integer",
            ValueRef::Bool(_) => "a boolean",
            ValueRef::Text(_) => "text",
            ValueRef::Blob(_) => "bytes",
            ValueRef::Uuid(_) => "a UUID",
            ValueRef::Float(_) => "a floating-point number",
        }
    }
}

impl<'a> Row<'a> {
    /// The value in column `i`, from 0.
    ///
    /// # Errors
    /// [`Error::Decode`] when it is not a `T`; the driver's error when there is no such column or its type is none of
    /// those the facade knows (on PostgreSQL, `SUM` over BIGINT is NUMERIC and needs a `CAST`).
    pub fn get<T: Column>(&self, i: usize) -> Result<T, Error> {
        let value = self.value(i)?;
        T::decode(value).ok_or_else(|| mismatch::<T>(i, value))
    }

    /// The bytes in column `i`, borrowed.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn blob(&self, i: usize) -> Result<&'a [u8], Error> {
        match self.value(i)? {
            ValueRef::Blob(bytes) => Ok(bytes),
            other => Err(mismatch::<&[u8]>(i, other)),
        }
    }

    /// The text in column `i`, borrowed.
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn text(&self, i: usize) -> Result<&'a str, Error> {
        match self.value(i)? {
            ValueRef::Text(text) => Ok(text),
            other => Err(mismatch::<&str>(i, other)),
        }
    }

    /// Whatever lies in column `i`, borrowed.
    ///
    /// # Errors
    /// As [`Row::get`], and [`Error::Decode`] when SQLite holds text that is not UTF-8.
    pub fn value(&self, i: usize) -> Result<ValueRef<'a>, Error> {
        use rusqlite::types::ValueRef as Lite;
        match self.0 {
            Source::Postgres(row) => Ok(row.try_get(i)?),
            Source::Sqlite(row) => Ok(match row.get_ref(i)? {
                Lite::Null => ValueRef::Null,
                Lite::Integer(v) => ValueRef::Int(v),
                Lite::Real(v) => ValueRef::Float(v),
                Lite::Blob(v) => ValueRef::Blob(v),
                Lite::Text(v) => ValueRef::Text(std::str::from_utf8(v).map_err(|_| Error::Decode {
                    column: i,
                    wanted: "text",
                    found: "text that is not UTF-8",
                })?),
            }),
        }
    }
}

fn mismatch<T>(column: usize, found: ValueRef<'_>) -> Error {
    Error::Decode { column, wanted: std::any::type_name::<T>(), found: found.kind() }
}

impl<'a> FromSql<'a> for ValueRef<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::BOOL => ValueRef::Bool(bool::from_sql(ty, raw)?),
            Type::INT8 => ValueRef::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => ValueRef::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => ValueRef::Int(i16::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => ValueRef::Float(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => ValueRef::Float(f32::from_sql(ty, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            Type::UUID => ValueRef::Uuid(Uuid::from_slice(raw)?),
            _ => ValueRef::Text(<&str>::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(ValueRef::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::BOOL | Type::INT8 | Type::INT4 | Type::INT2 | Type::FLOAT8 | Type::FLOAT4 | Type::BYTEA | Type::UUID
        ) || <&str as FromSql>::accepts(ty)
    }
}

/// A type that one column can be read as.
pub trait Column: Sized {
    /// The value, or `None` when it is not one of these.
    fn decode(value: ValueRef<'_>) -> Option<Self>;
}

macro_rules! column {
    ($($t:ty: $($pattern:pat => $result:expr),+;)*) => {$(
        impl Column for $t {
            fn decode(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    $($pattern => $result,)+
                    _ => None,
                }
            }
        }
    )*};
}

column! {
    i64: ValueRef::Int(v) => Some(v);
    i32: ValueRef::Int(v) => v.try_into().ok();
    u32: ValueRef::Int(v) => v.try_into().ok();
    u16: ValueRef::Int(v) => v.try_into().ok();
    u8: ValueRef::Int(v) => v.try_into().ok();
    bool: ValueRef::Bool(v) => Some(v), ValueRef::Int(v @ (0 | 1)) => Some(v == 1);
    f64: ValueRef::Float(v) => Some(v), ValueRef::Int(v) => Some(v as f64);
    String: ValueRef::Text(v) => Some(v.to_owned());
    Vec<u8>: ValueRef::Blob(v) => Some(v.to_vec());
    Uuid: ValueRef::Uuid(v) => Some(v), ValueRef::Blob(v) => Uuid::from_slice(v).ok();
}

impl<T: Column> Column for Option<T> {
    fn decode(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::decode(value).map(Some),
        }
    }
}

/// A type read from a whole row; a single [`Column`] and tuples of up to twelve are.
pub trait FromRow: Sized {
    /// Reads the row.
    ///
    /// # Errors
    /// As [`Row::get`].
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;
}

impl<T: Column> FromRow for T {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        row.get(0)
    }
}

macro_rules! tuple {
    ($($t:ident $i:tt),+) => {
        impl<$($t: Column),+> FromRow for ($($t,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, Error> {
                Ok(($(row.get($i)?,)+))
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
