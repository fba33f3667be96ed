//! Writing as data: statements, and what each takes for granted.

use crate::db::{Sql, Value};
use crate::error::{Constraint, Error};

/// A statement that writes, and what it takes for granted.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) sql: Sql,
    pub(crate) values: Vec<Value>,
    pub(crate) needs: Needs,
}

/// What a statement takes for granted. Where it does not hold, nothing of the set is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Needs {
    /// Nothing: it may well change no row.
    Nothing,
    /// That a decision's assumption holds: it changes a row, and no key is in its way.
    Guard,
    /// That this is there.
    Row(&'static str),
    /// That the first is new, and the second, which it belongs to, is there.
    New(&'static str, &'static str),
}

impl Step {
    pub(crate) fn new(sql: Sql, values: Vec<Value>, needs: Needs) -> Self {
        Self { sql, values, needs }
    }
}

impl Needs {
    /// What it means that a statement changed `count` rows.
    pub(crate) fn met_by(self, count: usize) -> Result<usize, Error> {
        match (count, self) {
            (0, Self::Guard) => Err(Error::Conflict),
            (0, Self::Row(noun)) => Err(Error::Missing(noun)),
            (count, _) => Ok(count),
        }
    }

    /// What it means that a statement ran into `constraint`; nothing if that was not to be expected of it.
    pub(crate) fn broken_by(self, constraint: Constraint) -> Option<Error> {
        match (constraint, self) {
            (_, Self::Guard | Self::Nothing) => Some(Error::Conflict),
            (Constraint::Unique, Self::New(noun, _) | Self::Row(noun)) => Some(Error::Exists(noun)),
            (Constraint::Parent, Self::New(_, parent) | Self::Row(parent)) => Some(Error::Missing(parent)),
        }
    }
}

/// How many rows each step of a set changed.
pub(crate) type Reply = Result<Vec<usize>, Error>;
