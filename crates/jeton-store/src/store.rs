//! The handle that everything else goes through.

use std::path::Path;
use std::sync::Arc;

use jeton_core::change::{Audit, Change};
use jeton_core::domain::throttle::Throttle;
use jeton_core::facts::{Facts, Query};

use crate::cache::Cache;
use crate::error::Error;
use crate::migrate::migrate;
use crate::open::{connect, prepare_file};
use crate::readers::{Readers, Snapshot};
use crate::stamp::Stamp;
use crate::writer::{Step, Writer};
use crate::{audit, commit, config, facts};

/// The store. Clones share one set of connections.
///
/// Any number of processes may open the same file: what one has committed, the next read of any other sees.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Readers,
    writer: Writer,
    cache: Cache,
    stamp: Option<Stamp>,
}

impl Store {
    /// Opens the file at `path`; makes it, its folders and its tables where they are missing.
    ///
    /// # Errors
    /// [`Error::Open`] if others than the owner can open the file, if it is no store, or a newer Jeton's.
    pub fn open(path: &Path) -> Result<Self, Error> {
        prepare_file(path)?;
        let inner = connect(path)
            .and_then(|db| {
                migrate(&db)?;
                let readers = Readers::open(path)?;
                let (cache, stamp) = (Cache::new(), Stamp::open(path));
                Ok(Inner { readers, writer: Writer::start(path, db)?, cache, stamp })
            })
            .map_err(|error| match error {
                Error::Open(text) => Error::Open(format!("{}: {text}", path.display())),
                other => Error::Open(format!("cannot open the store {}: {other}", path.display())),
            })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The version of everything but sessions, tokens and counters. What was made of the rest (decoded keys,
    /// routes of dialects) is good while this stands, whichever process changes something.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn config_version(&self) -> Result<i64, Error> {
        let Inner { cache, stamp, .. } = &*self.inner;
        let head = stamp.as_ref().and_then(Stamp::read);
        if let Some(version) = head.as_ref().and_then(|head| cache.version_at(head)) {
            return Ok(version);
        }
        let version = self.read(config::version)?;
        if let Some(head) = head {
            cache.note(head, version, None);
        }
        Ok(version)
    }

    /// Writes what waits and takes no more. Reading goes on until the last clone is dropped.
    pub async fn close(&self) {
        self.inner.writer.close().await;
    }

    /// Everything that a decision about `query` can depend on, all of one moment; nothing if there is no such realm.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn load(&self, query: &Query<'_>) -> Result<Option<Facts>, Error> {
        let Inner { cache, stamp, .. } = &*self.inner;
        let head = stamp.as_ref().and_then(Stamp::read);
        let pair = query.throttle.map(|keys| keys.pair);
        if let Some(head) = &head
            && let Some(version) = cache.version_at(head)
        {
            let quiet = pair.is_none_or(|pair| cache.is_quiet_at(head, &pair));
            if let Some(facts) = facts::from_memory(cache, version, query, quiet) {
                return Ok(Some(facts));
            }
        }
        self.read(|tx| {
            let version = config::version(tx)?;
            let facts = facts::load(tx, cache, version, query)?;
            if let Some(head) = head {
                let counted = facts.as_ref().map(|facts| facts.throttle);
                let quiet = pair.filter(|_| counted == Some(Throttle::default()));
                cache.note(head, version, quiet);
            }
            Ok(facts)
        })
    }

    /// Makes the changes of one request, all or none; they are on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Conflict`] if something that a change assumes no longer holds; [`Error::Unavailable`] if nothing
    /// can be written now.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write(commit::steps(changes)).await.map(|_| ())
    }

    /// Does `work` on one state of the store.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.inner.readers.snapshot(work)
    }

    /// Writes `steps`, all or none. Returns how many rows each changed.
    pub(crate) async fn write(&self, steps: Vec<Step>) -> Result<Vec<usize>, Error> {
        self.inner.writer.write(steps).await
    }

    /// Writes `steps` with the line of the trail that tells of them, and makes every process forget what it kept.
    pub(crate) async fn configure(&self, mut steps: Vec<Step>, record: Audit) -> Result<(), Error> {
        steps.push(config::bump());
        steps.push(audit::append(record, 0));
        self.write(steps).await.map(|_| ())
    }
}
