//! The handle that everything else goes through.

use std::sync::Arc;

use jeton_core::change::{Audit, Change};
use jeton_core::domain::throttle::Throttle;
use jeton_core::facts::{Facts, Query};
use jeton_core::time::Timestamp;

use crate::cache::{Cache, Head};
use crate::database::Database;
use crate::engine::Engine;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Reply, Step};
use crate::{audit, commit, config, event, facts, migrate};

/// How often facts are asked for whose connection was lost meanwhile: a server that was restarted leaves some behind.
const TRIES: u32 = 4;

/// The store. Clones share one set of connections.
///
/// Any number of processes may have the same one open: what one has committed, the next read of any other sees. Where
/// many machines share one, what hardly changes may be answered from memory for up to a second ([`Store::load`]).
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    cache: Cache,
}

impl Store {
    /// Opens the store there; makes its tables where they are missing (and for a file its folders), and brings
    /// them up to date.
    ///
    /// # Errors
    /// [`Error::Open`] if others than the owner can open the file, if it is no store, or a newer Jeton's;
    /// [`Error::Unavailable`] if a database does not answer.
    pub async fn open(database: &Database) -> Result<Self, Error> {
        let engine = Engine::open(database).await?;
        Ok(Self { inner: Arc::new(Inner { engine, cache: Cache::new() }) })
    }

    /// What [`Store::open`] would do to the tables there, oldest step first, in words such as `schema 2`: nothing
    /// if they are up to date. Changes nothing.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn pending_migrations(database: &Database) -> Result<Vec<String>, Error> {
        migrate::missing(&Engine::taken(database).await?)
    }

    /// The version of everything but sessions, tokens and counters. What was made of the rest (decoded keys,
    /// routes of dialects) is good while this stands, whichever process changes something.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn config_version(&self) -> Result<i64, Error> {
        let Inner { cache, engine } = &*self.inner;
        let head = engine.head();
        if let Some(version) = head.as_ref().and_then(|head| cache.version_at(head)) {
            return Ok(version);
        }
        let version = config::version(&mut self.snapshot().await?).await?;
        if let Some(head) = head {
            cache.note(head, version, None);
        }
        Ok(version)
    }

    /// Writes what waits and takes no more. Reading goes on until the last clone is dropped.
    pub async fn close(&self) {
        self.inner.engine.close().await;
    }

    /// Everything that a decision about `query` can depend on, all of one moment; nothing if there is no such realm.
    ///
    /// A query that names only a realm, clients and API keys may be answered from memory: on SQLite as of now, on
    /// PostgreSQL as of a second ago at most.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn load(&self, query: &Query<'_>) -> Result<Option<Facts>, Error> {
        let head = self.inner.engine.head();
        if let Some(facts) = head.as_ref().and_then(|head| self.remembered(head, query)) {
            return Ok(Some(facts));
        }
        let mut tried = 1;
        loop {
            let mut tx = self.snapshot().await?;
            match self.read_facts(&mut tx, head.clone(), query).await {
                Err(_) if tx.is_lost() && tried < TRIES => tried += 1,
                outcome => return outcome,
            }
        }
    }

    /// The facts as memory has them, if it has them all and nobody changed anything since.
    fn remembered(&self, head: &Head, query: &Query<'_>) -> Option<Facts> {
        let cache = &self.inner.cache;
        let version = cache.version_at(head)?;
        let quiet = query.throttle.is_none_or(|keys| cache.is_quiet_at(head, &keys.pair));
        facts::from_memory(cache, version, query, quiet)
    }

    /// The facts as the store has them. `head` was there before.
    async fn read_facts(
        &self,
        tx: &mut Snapshot,
        head: Option<Head>,
        query: &Query<'_>,
    ) -> Result<Option<Facts>, Error> {
        let cache = &self.inner.cache;
        let version = config::version(tx).await?;
        let facts = facts::load(tx, cache, version, query).await?;
        if let Some(head) = head {
            let counted = facts.as_ref().map(|facts| facts.throttle);
            let pair = query.throttle.map(|keys| keys.pair);
            cache.note(head, version, pair.filter(|_| counted == Some(Throttle::default())));
        }
        Ok(facts)
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

    /// One state of the store, to read from.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.inner.engine.snapshot().await
    }

    /// Writes `steps`, all or none. Returns how many rows each changed.
    pub(crate) async fn write(&self, steps: Vec<Step>) -> Reply {
        self.inner.engine.write(steps).await
    }

    /// Writes `steps` with the line of the trail that tells of them, and makes every process forget what it kept.
    pub(crate) async fn configure(&self, steps: Vec<Step>, record: Audit) -> Result<(), Error> {
        self.configure_all(steps, vec![record]).await
    }

    /// The same for what more than one line tells of. They are of one moment, and none is nothing to be written.
    pub(crate) async fn configure_all(&self, mut steps: Vec<Step>, records: Vec<Audit>) -> Result<(), Error> {
        let Some(at) = records.first().map(|record| record.at) else { return Ok(()) };
        steps.extend((0..).zip(records).map(|(line, record)| audit::append(record, line)));
        self.configure_silently(steps, at).await
    }

    /// The same for what nobody decided, so that no line of the trail is to tell of it.
    pub(crate) async fn configure_silently(&self, mut steps: Vec<Step>, at: Timestamp) -> Result<(), Error> {
        steps.push(config::bump());
        steps.push(event::configured(at));
        let written = self.write(steps).await;
        // Others are told; what this process did, its next request sees.
        self.inner.cache.doubt();
        written.map(|_| ())
    }
}
