//! Reading along what is told, whichever node or program tells it.
//!
//! Numbers are not committed in their order: 6 may become visible after 7 was read. But they are given out one after
//! the other. So what lies behind a gap is read again until the gap is filled, or has been there for longer than a
//! transaction lasts: then its number was given back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jeton_core::domain::revocation::Told;
use jeton_core::time::Timestamp;

use super::read;
use crate::db::statements;
use crate::error::Error;
use crate::postgres::connect::LONGEST_TRANSACTION;
use crate::store::Store;

statements! {
    BEHIND = "SELECT seq, realm_id, kind, name, issued_before, expires_at FROM revocation \
        WHERE seq > $1 ORDER BY seq LIMIT $2";
    // What was told so long ago that everything before it is there or will never be.
    LONG_AGO = "SELECT seq FROM revocation WHERE at <= $1 ORDER BY at DESC LIMIT 1";
}

/// A number is visible this long after it was given out, or never: three times what a transaction may last, as a
/// commit that waits for a standby may take longer.
const LONGEST: Duration = LONGEST_TRANSACTION.saturating_mul(3);

/// So many rows are read at a time.
const PAGE: usize = 1000;

/// One reader of what is told, in all realms.
pub struct Reader {
    store: Store,
    window: Window,
}

impl Reader {
    /// A reader of what is told from `now` on, and for half a minute before.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn open(store: &Store, now: Timestamp) -> Result<Self, Error> {
        let values = [(now - LONGEST).into()];
        let settled = store.snapshot().await?.one(LONG_AGO, &values, |row| row.take()).await?.unwrap_or(0);
        Ok(Self { store: store.clone(), window: Window { settled, seen: BTreeMap::new() } })
    }

    /// What has become visible since the last time.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`]; the next call reads what this one could not.
    pub async fn read(&mut self) -> Result<Vec<Told>, Error> {
        let began = Instant::now();
        let mut tx = self.store.snapshot().await?;
        let mut behind = self.window.settled;
        let mut found = Vec::new();
        loop {
            let values = [behind.into(), i64::try_from(PAGE).unwrap_or(i64::MAX).into()];
            let page = tx.all(BEHIND, &values, read).await?;
            let last = page.last().map(|told| told.seq).filter(|_| page.len() == PAGE);
            found.extend(page.into_iter().filter(|told| !self.window.seen.contains_key(&told.seq)));
            match last {
                Some(last) => behind = last,
                None => break,
            }
        }
        self.window.note(found.iter().map(|told| told.seq), began, LONGEST);
        Ok(found)
    }

    /// Up to this number nothing new can come.
    pub fn settled(&self) -> i64 {
        self.window.settled
    }
}

/// Which numbers were seen, as far as others could still come in between.
#[derive(Debug)]
struct Window {
    settled: i64,
    /// What lies beyond, and when it was first seen.
    seen: BTreeMap<i64, Instant>,
}

impl Window {
    /// Notes numbers that were asked for at `now`. Whoever took a number had taken it before the next one was seen.
    fn note(&mut self, seqs: impl Iterator<Item = i64>, now: Instant, longest: Duration) {
        for seq in seqs.filter(|seq| *seq > self.settled) {
            self.seen.entry(seq).or_insert(now);
        }
        while let Some(first) = self
            .seen
            .first_entry()
            .filter(|first| *first.key() == self.settled + 1 || now.saturating_duration_since(*first.get()) >= longest)
        {
            self.settled = *first.key();
            first.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_a_gap_waits_for_it() {
        // At which second which numbers are seen for the first time; up to where all is settled then.
        let rows: &[(u64, &[i64], i64)] = &[
            (0, &[4, 5], 5),
            (1, &[7], 5),
            (2, &[8, 9], 5),
            (3, &[6], 9),
            (4, &[11], 9),
            (5, &[13], 9),
            (33, &[], 9),
            (34, &[], 11),
            (35, &[12], 13),
            (36, &[14], 14),
        ];
        let start = Instant::now();
        let mut window = Window { settled: 3, seen: BTreeMap::new() };
        for (second, seqs, settled) in rows {
            window.note(seqs.iter().copied(), start + Duration::from_secs(*second), LONGEST);
            assert_eq!(window.settled, *settled, "{second} s: {window:?}");
        }
        assert!(window.seen.is_empty());
    }
}
