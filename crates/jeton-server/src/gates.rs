//! The realms' gates: their rules as of the newest configuration, over this server's store.

use std::sync::{Arc, PoisonError, RwLock};

use jeton_core::domain::realm::Realm;
use jeton_core::wire::protected_resource;
use jeton_gate::proxy::BODY_LIMIT;
use jeton_gate::{Gate, Guard, Proofs, Rule, Rules, Upstream, Usage};

use crate::app::App;
use crate::fault::Fault;
use crate::inspect::StoreCheck;
use crate::mounts::Mounts;

/// Guards for forward-auth, and gates in front of APIs that live in this process.
pub struct Gates {
    app: App,
    upstreams: Vec<(String, Upstream)>,
    proofs: Arc<Proofs>,
    table: RwLock<(i64, u64, Arc<Table>)>,
}

/// The gates at one version of the configuration.
#[derive(Default)]
pub struct Table {
    /// A guard for every enabled realm.
    pub guards: Vec<Guard<StoreCheck>>,
    /// A gate for every enabled realm whose API lives here.
    pub gates: Vec<Gate<StoreCheck>>,
    /// What the APIs behind gates, here or behind forward-auth, say of themselves.
    pub resources: Vec<Resource>,
}

/// An API's metadata (RFC 9728), and the address that it is served at.
pub struct Resource {
    /// The host, without a port.
    pub host: String,
    /// The path.
    pub path: String,
    /// The document.
    pub document: String,
}

impl Gates {
    /// Gates over `app`; `upstreams` are the APIs in this process, by realm.
    pub fn new(app: App, upstreams: Vec<(String, Upstream)>) -> Self {
        let clock = app.clock.clone();
        let proofs = Arc::new(Proofs::new(move || clock.now()));
        Self { app, upstreams, proofs, table: RwLock::default() }
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
            table.resources.extend(self.resource(realm));
            if let Some((_, upstream)) = self.upstreams.iter().find(|(name, _)| *name == realm.name) {
                let guard = self.guard(realm, &mounts);
                table.gates.push(Gate { guard, upstream: upstream.clone(), body_limit: BODY_LIMIT });
            }
        }
        let table = Arc::new(table);
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = (version, edition, Arc::clone(&table));
        Ok(table)
    }

    fn resource(&self, realm: &Realm) -> Option<Resource> {
        let resource = realm.settings.resource.as_deref()?;
        let (host, path) = protected_resource::host_and_path(resource)?;
        let site = &self.app.site;
        // Behind forward-auth the certificate is another proxy's to see.
        let is_here = self.upstreams.iter().any(|(name, _)| *name == realm.name);
        let certificate_bound = is_here && site.mutual_tls.is_on();
        let document = protected_resource::document(resource, &realm.issuer(&site.public_url), certificate_bound);
        Some(Resource { host: host.to_owned(), path, document })
    }

    fn guard(&self, realm: &Realm, mounts: &Mounts) -> Guard<StoreCheck> {
        let usage = match mounts.main_dialect(&realm.name) {
            Some(dialect) => Usage::Dialect(Arc::clone(dialect)),
            None => Usage::Bearer {
                realm: realm.name.clone(),
                metadata: realm.settings.resource.as_deref().and_then(protected_resource::address),
            },
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
            proofs: Arc::clone(&self.proofs),
        }
    }
}
