//! Which realm's dialect answers at which address.

use std::sync::{Arc, PoisonError, RwLock};

use jeton_core::dialect::{Dialect, Values};
use jeton_core::domain::realm::Realm;
use jeton_store::Store;

use crate::dialects::Dialects;
use crate::fault::Fault;

/// A realm's dialect at an address.
pub struct Mount {
    /// The realm's name.
    pub realm: String,
    /// The dialect.
    pub dialect: Arc<Dialect>,
    /// The dialect's settings in this realm.
    pub settings: Values,
    host: Option<String>,
    prefix: String,
}

impl Mount {
    /// What of `path` the dialect sees, if this mount answers at this host and path at all.
    pub fn strip<'p>(&self, host: Option<&str>, path: &'p str) -> Option<&'p str> {
        if self.host.as_deref().is_some_and(|own| host != Some(own)) {
            return None;
        }
        let rest = path.strip_prefix(&self.prefix)?;
        match rest {
            "" => Some("/"),
            _ if rest.starts_with('/') => Some(rest),
            _ => None,
        }
    }
}

/// All mounts of enabled realms, those with a host name first, then longer prefixes first.
#[derive(Default)]
pub struct Mounts {
    /// In the order in which they are asked.
    pub all: Vec<Mount>,
    /// Dialects by realm and name: for sessions, whose tokens outlive a request.
    realms: Vec<(String, Arc<Dialect>)>,
}

impl Mounts {
    /// The dialect of this name, if the realm speaks it.
    pub fn dialect(&self, realm: &str, name: &str) -> Option<&Arc<Dialect>> {
        self.realms.iter().find(|(of, dialect)| of == realm && dialect.name == name).map(|(_, dialect)| dialect)
    }

    /// The first dialect of the realm: in whose shape its API says no.
    pub fn main_dialect(&self, realm: &str) -> Option<&Arc<Dialect>> {
        self.realms.iter().find(|(of, _)| of == realm).map(|(_, dialect)| dialect)
    }

    /// Host names, and whether there is a mount without one, where a message stands in the reason phrase,
    /// which HTTP/2 does not have.
    pub fn http1_hosts(&self) -> (Vec<String>, bool) {
        let spoken = || self.all.iter().filter(|mount| mount.dialect.uses_reason_phrase());
        (spoken().filter_map(|mount| mount.host.clone()).collect(), spoken().any(|mount| mount.host.is_none()))
    }

    fn of(realms: &[Realm], dialects: &Dialects) -> Self {
        let mut mounts = Self::default();
        for realm in realms.iter().filter(|realm| realm.enabled) {
            let texts = || realm.settings.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            for mount in &realm.settings.dialects {
                let Some(dialect) = dialects.get(&mount.dialect) else {
                    tracing::error!(realm = realm.name, dialect = mount.dialect, "the realm's dialect is not loaded");
                    continue;
                };
                // Settings are checked when they are set; a file that changed since may not know one any more.
                let settings = dialect.settings(texts()).unwrap_or_else(|error| {
                    tracing::error!(
                        realm = realm.name,
                        dialect = dialect.name,
                        error,
                        "the realm's settings do not fit"
                    );
                    Values::new()
                });
                mounts.realms.push((realm.name.clone(), Arc::clone(&dialect)));
                mounts.all.push(Mount {
                    realm: realm.name.clone(),
                    dialect,
                    settings,
                    host: mount.host.clone(),
                    prefix: mount.prefix.trim_end_matches('/').to_owned(),
                });
            }
        }
        mounts.all.sort_by_key(|mount| (mount.host.is_none(), std::cmp::Reverse(mount.prefix.len())));
        mounts
    }
}

/// The mounts as of the newest configuration.
#[derive(Default)]
pub struct MountTable(RwLock<(i64, u64, Arc<Mounts>)>);

impl MountTable {
    /// The mounts; read anew if the store's configuration or the dialects have changed.
    pub async fn current(&self, store: &Store, dialects: &Dialects) -> Result<Arc<Mounts>, Fault> {
        let (version, edition) = (store.config_version().await?, dialects.edition());
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if known.0 == version && known.1 == edition && edition > 0 {
                return Ok(Arc::clone(&known.2));
            }
        }
        let mounts = Arc::new(Mounts::of(&store.realms().await?, dialects));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (version, edition, Arc::clone(&mounts));
        Ok(mounts)
    }
}
