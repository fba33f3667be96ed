//! What both engines speak: statements, values and rows, so that everything above is written once.

use jeton_core::domain::id::{Digest, Id};
use jeton_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::{postgres, sqlite};

/// A statement, in the words that SQLite and PostgreSQL share unless there is a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sql {
    sqlite: &'static str,
    postgres: &'static str,
}

impl Sql {
    /// The statement of this text. One whose parameters are out of order does not compile.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self::per_engine(text, text)
    }

    /// A statement that means the same to both engines, but must be said in the words of each.
    pub(crate) const fn per_engine(sqlite: &'static str, postgres: &'static str) -> Self {
        assert!(in_order(sqlite), "$1, $2, … must first appear in this order: SQLite numbers them by appearance");
        assert!(in_order(postgres), "$1, $2, … must first appear in this order, as for SQLite");
        Self { sqlite, postgres }
    }

    /// As SQLite takes it.
    pub(crate) const fn for_sqlite(self) -> &'static str {
        self.sqlite
    }

    /// As PostgreSQL takes it.
    pub(crate) const fn for_postgres(self) -> &'static str {
        self.postgres
    }
}

/// Whether `$1`, `$2`, … first appear in this order: only then do both engines bind them alike.
const fn in_order(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut seen) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b'$' {
            at += 1;
            continue;
        }
        at += 1;
        let mut number = 0;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            number = number * 10 + (bytes[at] - b'0') as usize;
            at += 1;
        }
        if number == 0 || number > seen + 1 {
            return false;
        }
        if number > seen {
            seen = number;
        }
    }
    true
}

/// Names the statements of a file, and collects them for the test that prepares every one.
macro_rules! statements {
    ($($name:ident = $($text:expr),+;)+) => {
        $(pub(crate) const $name: $crate::db::Sql = $crate::db::Sql::new(concat!($($text),+));)+

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, $crate::db::Sql)] = &[$((stringify!($name), $name)),+];
    };
}
pub(crate) use statements;

/// A value to bind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Digest([u8; 32]),
    Bytes(Vec<u8>),
}

impl Value {
    /// A list or settings, as JSON text.
    pub(crate) fn json(value: &impl Serialize) -> Result<Self, Error> {
        match serde_json::to_string(value) {
            Ok(text) => Ok(Self::Text(text)),
            Err(error) => Err(Error::Invalid(format!("these settings cannot be written as JSON: {error}"))),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Int(i64::from(truth))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.as_micros())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Self::Text(id.to_string())
    }
}

impl From<Digest> for Value {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest.0)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A value of a row, as an engine hands it out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// A row of an answer, read from left to right.
pub(crate) struct Row<'r> {
    row: EngineRow<'r>,
    next: usize,
}

/// The row as the engine's driver has it.
pub(crate) enum EngineRow<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(crate) fn new(row: EngineRow<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn take<T: Column>(&mut self) -> Result<T, Error> {
        let at = self.next;
        self.next += 1;
        let cell = match self.row {
            EngineRow::Sqlite(row) => sqlite::cell(row, at),
            EngineRow::Postgres(row) => postgres::cell(row, at),
        };
        cell.and_then(T::read).ok_or_else(|| self.unreadable(at, "it has another form"))
    }

    /// The next column, as JSON.
    pub(crate) fn take_json<T: DeserializeOwned>(&mut self) -> Result<T, Error> {
        let at = self.next;
        let text: String = self.take()?;
        serde_json::from_str(&text).map_err(|error| self.unreadable(at, &error.to_string()))
    }

    /// The next column, as JSON, if it holds something.
    pub(crate) fn take_optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Error> {
        let at = self.next;
        let text: Option<String> = self.take()?;
        let read = text.map(|text| serde_json::from_str(&text)).transpose();
        read.map_err(|error| self.unreadable(at, &error.to_string()))
    }

    fn unreadable(&self, at: usize, why: &str) -> Error {
        let column = match self.row {
            EngineRow::Sqlite(row) => row.as_ref().column_name(at).ok(),
            EngineRow::Postgres(row) => row.columns().get(at).map(tokio_postgres::Column::name),
        };
        Error::Corrupt(format!("column {} cannot be read: {why}", column.unwrap_or("of this row")))
    }
}

/// A type that a column can hold.
pub(crate) trait Column: Sized {
    /// The value, or nothing if the column holds something else.
    fn read(cell: Cell<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn read(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Int(number) = cell { Some(number) } else { None }
    }
}

impl Column for bool {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(0) => Some(false),
            Cell::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl Column for Timestamp {
    fn read(cell: Cell<'_>) -> Option<Self> {
        i64::read(cell).map(Self::from_micros)
    }
}

impl Column for String {
    fn read(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.to_owned()) } else { None }
    }
}

impl Column for Id {
    fn read(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { text.parse().ok() } else { None }
    }
}

impl Column for Digest {
    fn read(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Bytes(bytes) = cell { bytes.try_into().ok().map(Self) } else { None }
    }
}

impl Column for Vec<u8> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Bytes(bytes) = cell { Some(bytes.to_vec()) } else { None }
    }
}

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::read(cell).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn parameters_first_appear_in_order() {
        for (text, right) in [
            ("SELECT 1", true),
            ("UPDATE t SET a = $1 WHERE b = $2", true),
            ("SELECT a FROM t WHERE b = $1 AND (c > $2 OR d > $1 OR e > $2) LIMIT $3", true),
            ("VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", true),
            ("UPDATE t SET a = $2 WHERE b = $1", false),
            ("VALUES ($1, $3)", false),
            ("VALUES ($0)", false),
            ("VALUES ($name)", false),
        ] {
            assert_eq!(in_order(text), right, "{text}");
        }
    }
}
