//! Everything that a request needs, put together once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jeton_core::domain::certificate::MutualTls;
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::token::pepper::Pepper;
use jeton_store::Store;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::dialects::Dialects;
use crate::fault::Fault;
use crate::feed::Feed;
use crate::fresh::FreshTokens;
use crate::hashing::Pool;
use crate::issuer_keys::IssuerKeys;
use crate::keyring::Keyring;
use crate::keys::{self, Keys, RealmKeys, Signer};
use crate::limiter::Limiter;
use crate::metrics::Metrics;
use crate::mounts::{MountTable, Mounts};

/// How many sign-ins of different accounts can be under way before two of them may wait for each other.
const ACCOUNT_LOCKS: usize = 256;

/// How many counters' keys are kept: enough for the clients that ask all the time.
const THROTTLE_KEYS: usize = 1024;

/// Where the server stands in the network.
#[derive(Clone, Debug)]
pub struct Site {
    /// The address that issuers and metadata begin with, such as `https://auth.example.org`.
    pub public_url: String,
    /// Peers whose forwarded headers count.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether the listener asks clients for a certificate.
    pub mutual_tls: MutualTls,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// How long a body may take.
    pub body_timeout: Duration,
}

impl Site {
    /// Limits of security.md O3 for a server at this address.
    pub fn at(public_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into(),
            trusted_proxies: Vec::new(),
            mutual_tls: MutualTls::Off,
            body_limit: 64 * 1024,
            body_timeout: Duration::from_secs(10),
        }
    }

    /// Whether forwarded headers from this peer count.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&peer.to_canonical()))
    }
}

/// The server's parts. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// See [`App`].
pub struct Parts {
    /// The store.
    pub store: Store,
    /// What the signing keys and the pepper are sealed under.
    pub master: Keyring,
    /// The key of the store's digests.
    pub pepper: Pepper,
    /// The dialects.
    pub dialects: Dialects,
    /// The time.
    pub clock: Clock,
    /// Where the server stands.
    pub site: Site,
    /// Password checks.
    pub hashing: Pool,
    /// Rate limits.
    pub limiter: Limiter,
    /// Counters.
    pub metrics: Metrics,
    /// What is told to those who follow revocations.
    pub feed: Feed,
    /// Keyed hashes that were computed lately: realm, kind of account, account and source to its counters' keys.
    pub(crate) throttle_keys: quick_cache::sync::Cache<(String, &'static str, String, IpAddr), ThrottleKeys>,
    /// Keys of foreign issuers.
    pub issuer_keys: IssuerKeys,
    pub(crate) fresh: FreshTokens,
    keys: Keys,
    mounts: MountTable,
    accounts: Vec<Mutex<()>>,
    covering: Mutex<()>,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts the parts together. Draws the pepper from the store, or makes it at the first start.
    pub async fn new(
        store: Store,
        master: impl Into<Keyring>,
        dialects: Dialects,
        clock: Clock,
        site: Site,
    ) -> Result<Self, Fault> {
        let master = master.into();
        let pepper = crate::pepper::load_or_make(&store, &master, clock.now()).await?;
        let hashing = Pool::new().map_err(|error| Fault::new(format!("password hashing cannot start: {error}")))?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), clock.now());
        Ok(Self(Arc::new(Parts {
            store,
            master,
            pepper,
            dialects,
            clock,
            site,
            hashing,
            limiter: Limiter::default(),
            metrics,
            feed: Feed::default(),
            throttle_keys: quick_cache::sync::Cache::new(THROTTLE_KEYS),
            issuer_keys: IssuerKeys::new()?,
            fresh: FreshTokens::default(),
            keys: Keys::default(),
            mounts: MountTable::default(),
            accounts: (0..ACCOUNT_LOCKS).map(|_| Mutex::new(())).collect(),
            covering: Mutex::new(()),
        })))
    }

    /// Where the realms' dialects are mounted now.
    pub async fn mounts(&self) -> Result<Arc<Mounts>, Fault> {
        self.mounts.current(&self.store, &self.dialects).await
    }

    /// A realm's keys.
    pub async fn keys(&self, realm_id: Id) -> Result<Arc<RealmKeys>, Fault> {
        let version = self.store.config_version().await?;
        self.keys.of(&self.store, &self.master, realm_id, version).await
    }

    /// The key that signs a realm's tokens of this algorithm.
    pub async fn signer(&self, realm_id: Id, alg: Alg) -> Result<Arc<Signer>, Fault> {
        self.signer_at(self.store.config_version().await?, realm_id, alg, Duration::ZERO).await
    }

    /// The same, for whoever knows the version of the configuration already, and how long tokens usually live.
    pub(crate) async fn signer_at(
        &self,
        version: i64,
        realm_id: Id,
        alg: Alg,
        token_life: Duration,
    ) -> Result<Arc<Signer>, Fault> {
        if let Some(signer) = self.keys.of(&self.store, &self.master, realm_id, version).await?.signer(alg) {
            return Ok(signer);
        }
        keys::create(&self.store, &self.master, realm_id, alg, token_life, self.clock.now()).await?;
        // Of two nodes that make the first key at the same time, one wins and both use it.
        let keys = self.keys(realm_id).await?;
        keys.signer(alg).ok_or(Fault::new("the realm has no signing key"))
    }

    /// Writes down that what `signer` is about to sign has to verify for `life`, unless its row says so: the key is
    /// published for as long.
    ///
    /// # Errors
    /// [`jeton_store::Error::Conflict`] if the key is gone: take another.
    pub(crate) async fn cover(
        &self,
        realm_id: Id,
        alg: Alg,
        signer: &Signer,
        life: Duration,
    ) -> Result<(), jeton_store::Error> {
        if life <= signer.token_life {
            return Ok(());
        }
        // Whoever waited for another finds it done.
        let _turn = self.covering.lock().await;
        let version = self.store.config_version().await?;
        let known = self.keys.of(&self.store, &self.master, realm_id, version).await;
        let known = known.ok().and_then(|keys| keys.signer(alg)).filter(|known| known.kid == signer.kid);
        if known.is_some_and(|known| life <= known.token_life) {
            return Ok(());
        }
        self.store.cover_tokens(realm_id, &signer.kid, life, self.clock.now()).await
    }

    /// One sign-in of an account at a time: what one failure counts, the next one sees (security.md H9).
    pub async fn account_lock(&self, account: &[u8]) -> tokio::sync::MutexGuard<'_, ()> {
        let hash = account.iter().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.accounts[hash % ACCOUNT_LOCKS].lock().await
    }
}
