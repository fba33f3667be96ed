//! What hardly ever changes, kept in memory and believed while the version of the configuration stands.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::{Membership, Target};

use crate::error::Error;
use crate::sqlite;

/// At most this many of each noun: at about a kilobyte each, some megabytes on a busy server.
const MOST: usize = 4096;

/// For how many seconds the configuration of a shared store is believed though nobody told of a change.
const BELIEVED: u64 = 10;

/// What an engine knows without asking of what others committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// SQLite: the bytes that every commit changes.
    Wal(sqlite::Head),
    /// PostgreSQL: how often there was news of what others configured, and the second in which it was asked for.
    Watched { events: u64, at: u64 },
}

impl Head {
    /// Whether what was configured at `self` is so at `now`.
    fn stands_at(&self, now: &Self) -> bool {
        match (self, now) {
            (Self::Watched { events, at }, Self::Watched { events: news, at: now }) => {
                events == news && now.saturating_sub(*at) < BELIEVED
            }
            (then, now) => then == now,
        }
    }
}

/// What is kept, by how it is asked for.
pub(crate) struct Cache {
    pub(crate) realms: Shelf<String, Realm>,
    pub(crate) clients: Shelf<(Id, String), Client>,
    pub(crate) clients_by_row: Shelf<Id, Client>,
    pub(crate) api_keys: Shelf<(Id, String), ApiKey>,
    pub(crate) api_keys_by_row: Shelf<Id, ApiKey>,
    pub(crate) principals: Shelf<Id, Principal>,
    pub(crate) targets: Shelf<(Id, i64), Target>,
    pub(crate) targets_by_row: Shelf<Id, Target>,
    pub(crate) memberships: Shelf<(Id, Id), Membership>,
    seen: Mutex<Option<Seen>>,
}

/// What was read when the store had this head.
struct Seen {
    head: Head,
    version: i64,
    /// Pairs of account and source for which nothing was counted under any of their keys.
    quiet: HashSet<Digest>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            realms: Shelf::new(),
            clients: Shelf::new(),
            clients_by_row: Shelf::new(),
            api_keys: Shelf::new(),
            api_keys_by_row: Shelf::new(),
            principals: Shelf::new(),
            targets: Shelf::new(),
            targets_by_row: Shelf::new(),
            memberships: Shelf::new(),
            seen: Mutex::new(None),
        }
    }

    /// The version of the configuration at this head, if it was read.
    pub(crate) fn version_at(&self, head: &Head) -> Option<i64> {
        self.seen().as_ref().filter(|seen| seen.head.stands_at(head)).map(|seen| seen.version)
    }

    /// Whether nothing was counted under `pair` at this head, as far as it was read.
    pub(crate) fn is_quiet_at(&self, head: &Head, pair: &Digest) -> bool {
        self.seen().as_ref().is_some_and(|seen| seen.head == *head && seen.quiet.contains(pair))
    }

    /// Notes what was read after the head was: if anything was committed in between, the head is another by now,
    /// and this is never believed.
    pub(crate) fn note(&self, head: Head, version: i64, quiet: Option<Digest>) {
        let mut seen = self.seen();
        let seen = match &mut *seen {
            // Many read under one head of a shared store: who began later knows better.
            Some(seen) if seen.head == head && seen.version > version => return,
            Some(seen) if seen.head == head && seen.version == version && seen.quiet.len() < MOST => seen,
            other => other.insert(Seen { head, version, quiet: HashSet::new() }),
        };
        seen.quiet.extend(quiet);
    }

    /// Believes nothing until the store was asked again.
    pub(crate) fn doubt(&self) {
        *self.seen() = None;
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values of one noun, each with the version of the configuration it was read at.
pub(crate) struct Shelf<K, V>(quick_cache::sync::Cache<K, (i64, Arc<V>)>);

impl<K: Eq + Hash, V> Shelf<K, V> {
    fn new() -> Self {
        Self(quick_cache::sync::Cache::new(MOST))
    }

    /// The value as of `version`, if it is in memory.
    pub(crate) fn kept<Q>(&self, key: &Q, version: i64) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.0.get(key).filter(|(read_at, _)| *read_at == version).map(|(_, value)| value)
    }

    /// The value as of `version`, from memory or else by `read`, which is not begun before. What is not there is
    /// not remembered, so that asking for made-up names pushes nothing out.
    pub(crate) async fn get(
        &self,
        key: K,
        version: i64,
        read: impl Future<Output = Result<Option<V>, Error>>,
    ) -> Result<Option<Arc<V>>, Error> {
        if let Some(kept) = self.kept(&key, version) {
            return Ok(Some(kept));
        }
        let value = read.await?.map(Arc::new);
        if let Some(value) = &value {
            self.0.insert(key, (version, Arc::clone(value)));
        }
        Ok(value)
    }
}
