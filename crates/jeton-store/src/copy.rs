//! Moves a store to another place, of the same engine or the other, and compares every row before the new one counts.
//!
//! - The target is empty at first. Until the end every Jeton, older ones too, refuses to open it: the checksums of its
//!   schema are negative, and those of a schema never are. So half a copy is never taken for a store. It is not gone
//!   on with either: it is thrown away and begun anew.
//! - One state of the source is copied, and a later one is compared with the copy: what others committed meanwhile is
//!   then missing, and found to be. That is why a copy is no backup of a store in use.
//! - Both go a page at a time in the order of keys: of millions of rows, memory holds some hundreds.
//! - What only tells running nodes something is left out (`event`, `lease`), and the tables' own history, which the
//!   target has already.

mod compare;
mod tables;

use jeton_core::time::Timestamp;

use self::compare::compare;
#[cfg(test)]
pub(crate) use self::tables::STATEMENTS as TABLE_STATEMENTS;
use self::tables::{Pages, TABLES, Table};
use crate::database::Database;
use crate::db::{Sql, Value, statements};
use crate::engine::Engine;
use crate::error::Error;
use crate::migrate::{EXPANSIONS, missing};
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    // The new tables bring a version of the configuration along: the source's comes instead.
    MAKE_ROOM = "DELETE FROM config WHERE id = 1";
    BEGIN = "UPDATE schema_version SET checksum = -1 - checksum WHERE version > 0 AND checksum >= 0";
    FINISH = "UPDATE schema_version SET checksum = -1 - checksum WHERE version > 0 AND checksum < 0";
    LATEST = "SELECT version, (SELECT MAX(at) FROM audit) FROM config WHERE id = 1";
}

/// PostgreSQL gives numbers out by itself and does not know of those that rows brought along; SQLite does.
pub(crate) const GO_ON_COUNTING: Sql = Sql::per_engine(
    "UPDATE config SET version = version WHERE id = 1",
    "SELECT setval(pg_get_serial_sequence('revocation', 'seq'), \
     (SELECT COALESCE(MAX(seq), 0) + 1 FROM revocation), false)",
);

/// A table, every row of which is in both stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
}

/// Copies the store at `from` to `to`, where none is or an empty one, and compares every row. The tables come back in
/// the order in which they were copied. Nobody should have either open meanwhile.
///
/// # Errors
/// [`Error::Open`] if there is no store at `from` or one of another version, or if there is one at `to`, which is then
/// as it was. [`Error::Invalid`] if the copy was begun and came to nothing; the text says why, and that what is at
/// `to` has to be removed.
pub async fn copy(from: &Database, to: &Database) -> Result<Vec<Copied>, Error> {
    check_source(from).await?;
    check_target(to).await?;
    let (source, target) = (Store::open(from).await?, Store::open(to).await?);
    let outcome = Copy { source: &source, target: &target, from, to }.run().await;
    source.close().await;
    target.close().await;
    outcome
}

async fn check_source(from: &Database) -> Result<(), Error> {
    match tables_at(from).await? {
        Tables::Current => Ok(()),
        Tables::Older => {
            Err(Error::Open(format!("{from} is a store of an older version: run `jeton migrate` on it first")))
        }
        Tables::None => Err(Error::Open(format!("there is no store at {from}: name the one to copy"))),
    }
}

async fn check_target(to: &Database) -> Result<(), Error> {
    match tables_at(to).await? {
        Tables::Current | Tables::None => Ok(()),
        // Opening it would change it.
        Tables::Older => Err(taken(to)),
    }
}

/// The tables at a place, as far as this program could copy them as a whole.
enum Tables {
    None,
    Older,
    Current,
}

async fn tables_at(place: &Database) -> Result<Tables, Error> {
    let taken = Engine::taken(place).await.map_err(|error| Error::Open(format!("{place}: {error}")))?;
    if taken.levels.iter().any(|checksum| *checksum < 0) {
        return Err(Error::Open(format!("{place} holds a copy that was not finished: remove it, then copy again")));
    }
    if taken.expansions.len() > EXPANSIONS.len() {
        return Err(Error::Open(format!(
            "a newer Jeton added to the tables at {place}, and this one would leave that out: copy with the newer one"
        )));
    }
    let missing = missing(&taken).map_err(|error| Error::Open(format!("{place}: {error}")))?;
    Ok(match (taken.levels.is_empty(), missing.is_empty()) {
        (true, _) => Tables::None,
        (false, false) => Tables::Older,
        (false, true) => Tables::Current,
    })
}

fn taken(to: &Database) -> Error {
    Error::Open(format!("there is a store at {to} already, and a copy overwrites nothing: name an empty place"))
}

/// A copy under way.
struct Copy<'a> {
    source: &'a Store,
    target: &'a Store,
    from: &'a Database,
    to: &'a Database,
}

impl Copy<'_> {
    async fn run(&self) -> Result<Vec<Copied>, Error> {
        self.begin().await?;
        let outcome = async {
            self.fill().await?;
            let copied = self.verify().await?;
            self.finish().await?;
            Ok(copied)
        };
        outcome.await.map_err(|error: Error| {
            Error::Invalid(format!("{error}; what {} holds now is no store: remove it, then copy again", self.to))
        })
    }

    /// From here on nobody opens the target.
    async fn begin(&self) -> Result<(), Error> {
        let mut tx = self.target.snapshot().await?;
        for table in TABLES.iter().filter(|table| table.name != "config") {
            if !Pages::of(table).next(&mut tx).await?.is_empty() {
                return Err(taken(self.to));
            }
        }
        drop(tx);
        let steps = vec![Step::new(BEGIN, Vec::new(), Needs::Guard), Step::new(MAKE_ROOM, Vec::new(), Needs::Guard)];
        match self.target.write(steps).await {
            // Another copy was faster.
            Err(Error::Conflict) => Err(taken(self.to)),
            outcome => outcome.map(|_| ()),
        }
    }

    async fn fill(&self) -> Result<(), Error> {
        let mut tx = self.source.snapshot().await?;
        for table in TABLES {
            let mut pages = Pages::of(table);
            loop {
                let page = pages.next(&mut tx).await?;
                if page.is_empty() {
                    break;
                }
                self.put(table, page).await?;
            }
        }
        Ok(())
    }

    async fn put(&self, table: &Table, page: Vec<Vec<Value>>) -> Result<(), Error> {
        if let (Database::Postgres(_), Some(row)) = (self.to, page.iter().find(|row| row.iter().any(has_zero_byte))) {
            return Err(Error::Invalid(format!(
                "{} has a text with a zero byte, which PostgreSQL does not take: change it in {}",
                table.shown(row),
                self.from
            )));
        }
        let steps = page.into_iter().map(|row| Step::new(table.put, row, Needs::Guard)).collect();
        match self.target.write(steps).await {
            Err(Error::Conflict) => Err(Error::Invalid(format!(
                "a row of {} could not be added: something else is at {}, or what the row belongs to is missing",
                table.name, self.to
            ))),
            outcome => outcome.map(|_| ()),
        }
    }

    /// Compares every row of the target with what the source holds by now.
    async fn verify(&self) -> Result<Vec<Copied>, Error> {
        let (mut source, mut target) = (self.source.snapshot().await?, self.target.snapshot().await?);
        let before = latest(&mut source).await?;
        let mut copied = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            let rows = compare(table, &mut source, &mut target).await?;
            copied.push(Copied { table: table.name, rows });
        }
        if latest(&mut self.source.snapshot().await?).await? != before {
            return Err(Error::Invalid(format!("{} was written to meanwhile: stop its servers", self.from)));
        }
        Ok(copied)
    }

    async fn finish(&self) -> Result<(), Error> {
        let steps = [FINISH, GO_ON_COUNTING].map(|sql| Step::new(sql, Vec::new(), Needs::Guard));
        self.target.write(steps.into()).await.map(|_| ())
    }
}

fn has_zero_byte(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.contains('\0'))
}

/// What moves with most that is written: cheap, where counting a large store is not.
async fn latest(tx: &mut Snapshot) -> Result<Option<(i64, Option<Timestamp>)>, Error> {
    tx.one(LATEST, &[], |row| Ok((row.take()?, row.take()?))).await
}

#[cfg(test)]
mod tests;
