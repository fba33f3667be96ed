//! Values in and cells out, as rusqlite has them.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::db::{Cell, Value};

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Digest(bytes) => ValueRef::Blob(bytes),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The column at `at`; nothing if it holds what no column of ours does.
pub(crate) fn cell<'r>(row: &'r rusqlite::Row<'_>, at: usize) -> Option<Cell<'r>> {
    Some(match row.get_ref(at).ok()? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(str::from_utf8(text).ok()?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes),
        ValueRef::Real(_) => return None,
    })
}
