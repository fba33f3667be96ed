//! Whether two stores hold the same rows of a table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::tables::{Pages, Table};
use crate::db::Value;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// So many rows that only one side has shown are not due to another order any more.
const MOST: usize = 10_000;

/// So many of them are named.
const NAMED: usize = 3;

/// How many rows `table` has, which are the same on both sides in every column.
///
/// Each engine sorts text in an order of its own, so rows are not compared in pairs: both sides are read in their
/// order, and what both have shown is struck out. Where orders agree, and for digests, times and UUIDs they do, a
/// row waits for its like no longer than a page.
///
/// # Errors
/// [`Error::Invalid`] with the keys of rows that are different, or on one side alone.
pub(super) async fn compare(table: &Table, source: &mut Snapshot, target: &mut Snapshot) -> Result<u64, Error> {
    let (mut left, mut right) = (Pages::of(table), Pages::of(table));
    let mut waiting = Waiting::default();
    let mut rows = 0;
    loop {
        let (ours, theirs) = (left.next(source).await?, right.next(target).await?);
        rows += ours.len() as u64;
        let over = ours.is_empty() && theirs.is_empty();
        ours.into_iter().for_each(|row| waiting.strike(row, table, 1));
        theirs.into_iter().for_each(|row| waiting.strike(row, table, -1));
        if over || waiting.0.len() > MOST {
            return waiting.check(table).map(|()| rows);
        }
    }
}

/// Rows by their bytes: their keys, and how many more the source has shown than the target.
#[derive(Default)]
struct Waiting(HashMap<Vec<u8>, (Vec<Value>, i64)>);

impl Waiting {
    fn strike(&mut self, mut row: Vec<Value>, table: &Table, more: i64) {
        match self.0.entry(bytes(&row)) {
            Entry::Vacant(entry) => {
                row.truncate(table.key.len());
                entry.insert((row, more));
            }
            Entry::Occupied(mut entry) => {
                entry.get_mut().1 += more;
                if entry.get().1 == 0 {
                    entry.remove();
                }
            }
        }
    }

    fn check(&self, table: &Table) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut named: Vec<_> = self.0.values().map(|(key, _)| table.shown(key)).collect();
        named.sort_unstable();
        // One that is different waits on both sides.
        named.dedup();
        let more = if named.len() > NAMED { ", and more," } else { "" };
        named.truncate(NAMED);
        Err(Error::Invalid(format!(
            "{}{more} is not the same in both stores: one of them was written to meanwhile, or lost something",
            named.join(", ")
        )))
    }
}

/// Each value with its kind and length, so that no two rows look alike.
fn bytes(row: &[Value]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u8, bytes: &[u8]| {
        all.push(kind);
        all.extend(bytes.len().to_le_bytes());
        all.extend(bytes);
    };
    for value in row {
        match value {
            Value::Null => add(0, &[]),
            Value::Int(number) => add(1, &number.to_le_bytes()),
            Value::Text(text) => add(2, text.as_bytes()),
            Value::Digest(bytes) => add(3, bytes),
            Value::Bytes(bytes) => add(3, bytes),
        }
    }
    all
}
