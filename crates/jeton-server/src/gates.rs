//! The realms' gates: their rules as of the newest configuration, over this server's store.

use std::sync::{Arc, PoisonError, RwLock};

use jeton_core::domain::realm::Realm;
use jeton_gate::proxy::BODY_LIMIT;
use jeton_gate::{Gate, Guard, Rule, Rules, Upstream, Usage};

use crate::app::App;
use crate::fault::Fault;
use crate::inspect::StoreCheck;
use crate::mounts::Mounts;

/// Guards for forward-auth, and gates in front of APIs that live in this process.
pub struct Gates {
    app: App,
    upstreams: Vec<(String, Upstream)>,
    table: RwLock<(i64, u64, Arc<Table>)>,
}

/// The gates at one version of the configuration.
#[derive(Default)]
pub struct Table {
    /// A guard for every enabled realm.
    pub guards: Vec<Guard<StoreCheck>>,
    /// A gate for every enabled realm whose API lives here.
    pub gates: Vec<Gate<StoreCheck>>,
}

impl Gates {
    /// Gates over `app`; `upstreams` are the APIs in this process, by realm.
    pub fn new(app: App, upstreams: Vec<(String, Upstream)>) -> Self {
        Self { app, upstreams, table: RwLock::default() }
    }

    /// The gates now.
    pub async fn current(&self) -> Result<Arc<Table>, Fault> {
        let (version, edition) = (self.app.store.config_version().await?, self.app.dialects.edition());
        {
            let known = self.table.read().unwrap_or_else(PoisonError::into_inner);
            if known.0 == version && known.1 == edition {
                return Ok(Arc::clone(&known.2));
            }
        }
        let mounts = self.app.mounts().await?;
        let mut table = Table::default();
        for realm in self.app.store.realms().await?.iter().filter(|realm| realm.enabled) {
            table.guards.push(self.guard(realm, &mounts));
            if let Some((_, upstream)) = self.upstreams.iter().find(|(name, _)| *name == realm.name) {
                let guard = self.guard(realm, &mounts);
                table.gates.push(Gate { guard, upstream: upstream.clone(), body_limit: BODY_LIMIT });
            }
        }
        let table = Arc::new(table);
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = (version, edition, Arc::clone(&table));
        Ok(table)
    }

    fn guard(&self, realm: &Realm, mounts: &Mounts) -> Guard<StoreCheck> {
        let usage = match mounts.main_dialect(&realm.name) {
            Some(dialect) => Usage::Dialect(Arc::clone(dialect)),
            None => Usage::Bearer { realm: realm.name.clone() },
        };
        let parsed: Result<Vec<Rule>, _> = realm.settings.gate.iter().map(|rule| rule.parse()).collect();
        // Rules are checked when they are set. One that cannot be read lets nothing through (security.md L6).
        let rules = parsed.unwrap_or_else(|error| {
            tracing::error!(realm = realm.name, %error, "a rule of the gate cannot be read: nothing is let through");
            Vec::new()
        });
        Guard {
            realm: realm.name.clone(),
            rules: rules.into_iter().collect::<Rules>(),
            usage,
            check: StoreCheck { app: self.app.clone(), realm: realm.name.clone() },
            trusted: self.app.site.trusted_proxies.clone(),
        }
    }
}
