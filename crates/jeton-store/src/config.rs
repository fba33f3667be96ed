//! The version of the configuration: one number that goes up with every change of what may be cached.

use crate::db::{Value, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};

statements! {
    VERSION = "SELECT version FROM config WHERE id = 1";
    BUMP = "UPDATE config SET version = version + 1 WHERE id = 1";
    HOLD = "UPDATE config SET version = version WHERE id = 1 AND version = $1";
}

pub(crate) async fn version(tx: &mut Snapshot) -> Result<i64, Error> {
    tx.one(VERSION, &[], |row| row.take())
        .await?
        .ok_or_else(|| Error::Corrupt("the version of the configuration is gone".to_owned()))
}

pub(crate) fn bump() -> Step {
    Step::new(BUMP, Vec::new(), Needs::Nothing)
}

/// Assumes that nothing was configured since `version` was read.
pub(crate) fn hold(version: i64) -> Step {
    Step::new(HOLD, vec![Value::Int(version)], Needs::Guard)
}
