//! Values in and cells out, as tokio-postgres has them.

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::db::{Cell, Value};

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql_checked(ty, out),
            Self::Text(text) => text.to_sql_checked(ty, out),
            Self::Digest(bytes) => bytes.as_slice().to_sql_checked(ty, out),
            Self::Bytes(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each value's own type is checked when it is written.
        true
    }

    to_sql_checked!();
}

/// Whether `value` is a text that PostgreSQL cannot hold. No row has it.
pub(super) fn is_foreign(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.contains('\0'))
}

/// The column at `at`; nothing if it holds what no column of ours does.
pub(crate) fn cell(row: &Row, at: usize) -> Option<Cell<'_>> {
    let ty = row.columns().get(at)?.type_();
    let cell = if *ty == Type::INT8 {
        row.try_get::<_, Option<i64>>(at).ok()?.map(Cell::Int)
    } else if *ty == Type::INT4 {
        row.try_get::<_, Option<i32>>(at).ok()?.map(|number| Cell::Int(number.into()))
    } else if *ty == Type::BYTEA {
        row.try_get::<_, Option<&[u8]>>(at).ok()?.map(Cell::Bytes)
    } else {
        row.try_get::<_, Option<&str>>(at).ok()?.map(Cell::Text)
    };
    Some(cell.unwrap_or(Cell::Null))
}
