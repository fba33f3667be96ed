//! What hardly ever changes, kept in memory and believed while the version of the configuration stands.

use std::hash::Hash;
use std::sync::Arc;

use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::{Membership, Target};

use crate::error::Error;

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
        }
    }
}

/// Values of one noun, each with the version of the configuration it was read at.
pub(crate) struct Shelf<K, V>(quick_cache::sync::Cache<K, Arc<(i64, V)>>);

impl<K: Eq + Hash, V: Clone> Shelf<K, V> {
    fn new() -> Self {
        Self(quick_cache::sync::Cache::new(MOST))
    }

    /// The value as of `version`, from memory or else by `read`. What is not there is not remembered,
    /// so that asking for made-up names pushes nothing out.
    pub(crate) fn get(
        &self,
        key: K,
        version: i64,
        read: impl FnOnce(&K) -> Result<Option<V>, Error>,
    ) -> Result<Option<V>, Error> {
        if let Some(kept) = self.0.get(&key)
            && kept.0 == version
        {
            return Ok(Some(kept.1.clone()));
        }
        let value = read(&key)?;
        if let Some(value) = &value {
            self.0.insert(key, Arc::new((version, value.clone())));
        }
        Ok(value)
    }
}
