//! What hardly ever changes, kept in memory and believed while the version of the configuration stands.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::{Membership, Target};

use crate::error::Error;
use crate::stamp::Head;

/// At most this many of each noun: at about a kilobyte each, some megabytes on a busy server.
const MOST: usize = 4096;

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
        self.seen().as_ref().filter(|seen| seen.head == *head).map(|seen| seen.version)
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
            Some(seen) if seen.head == head && seen.quiet.len() < MOST => seen,
            other => other.insert(Seen { head, version, quiet: HashSet::new() }),
        };
        seen.quiet.extend(quiet);
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values of one noun, each with the version of the configuration it was read at.
pub(crate) struct Shelf<K, V>(quick_cache::sync::Cache<K, Arc<(i64, V)>>);

impl<K: Eq + Hash, V: Clone> Shelf<K, V> {
    fn new() -> Self {
        Self(quick_cache::sync::Cache::new(MOST))
    }

    /// The value as of `version`, if it is in memory.
    pub(crate) fn kept(&self, key: &K, version: i64) -> Option<V> {
        self.0.get(key).filter(|kept| kept.0 == version).map(|kept| kept.1.clone())
    }

    /// The value as of `version`, from memory or else by `read`. What is not there is not remembered,
    /// so that asking for made-up names pushes nothing out.
    pub(crate) fn get(
        &self,
        key: K,
        version: i64,
        read: impl FnOnce(&K) -> Result<Option<V>, Error>,
    ) -> Result<Option<V>, Error> {
        if let Some(kept) = self.kept(&key, version) {
            return Ok(Some(kept));
        }
        let value = read(&key)?;
        if let Some(value) = &value {
            self.0.insert(key, Arc::new((version, value.clone())));
        }
        Ok(value)
    }
}
