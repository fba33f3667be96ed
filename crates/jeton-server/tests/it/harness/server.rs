//! One server: its own folder and store, or another server's.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use ipnet::IpNet;
use jeton_core::domain::certificate::MutualTls;
use jeton_core::domain::realm::Settings;
use jeton_core::time::Timestamp;
use jeton_gate::Upstream;
use jeton_sample_apis::Api;
use jeton_server::app::{App, Site};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::gates::Gates;
use jeton_server::http::{Http, router};
use jeton_server::listen::Listener;
use jeton_server::sealing::MasterKeys;
use jeton_store::{Database, Store};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Answer, Call, exchange};
use super::logs;
use super::seed::{Key, Seed, Seeded};

/// Where every server's clock stands at the start: 2026-01-15T15:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_768_489_200);
/// What issuers and metadata begin with. Not where the server listens: nothing may come from `Host`.
pub(crate) const PUBLIC_URL: &str = "https://auth.example.test";

/// What a server can be started with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Dialect files beside the built-in ones.
    pub(crate) dialects: Vec<PathBuf>,
    /// Peers whose forwarded headers count.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Whether the server says that its listener asks clients for a certificate.
    pub(crate) mutual_tls: MutualTls,
    /// Where the store is, if it is not a file in the server's folder.
    pub(crate) database: Option<Database>,
}

/// A running server. Dropping it stops it; its folder goes with the last server on it.
pub(crate) struct Server {
    /// The server's parts, for what an operator does beside it: `server.app.store`.
    pub(crate) app: App,
    /// The time, shared by all servers on this store.
    pub(crate) clock: Clock,
    /// Id and secret of the client in the realm `api-keys`.
    pub(crate) ion: Key,
    /// Id and secret of the API key in the realm `zro`.
    pub(crate) zro: Key,
    /// Id and secret of the client in the realm `plain`.
    pub(crate) plain: Key,
    address: SocketAddr,
    folder: Arc<TempDir>,
    options: Options,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Server {
    /// A server on a new store with the realms `inevent`, `pitchpoint`, `api-keys`, `zro` and `plain`.
    ///
    /// The first four have their sample API behind the gate. Behind the gate of `plain`, at `/plain/…`, and of
    /// a realm `custom`, if one is made, stands an API that answers with the request it was sent.
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// The same, with options.
    pub(crate) async fn start_with(options: Options) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        MasterKeys::generate(&master_key(folder.path())).unwrap();
        let clock = Clock::standing_at(NOW);
        let app = open(folder.path(), &clock, &options).await;
        let seeded = Seed { app: &app }.all().await;
        Self::serve(app, clock, folder, options, seeded).await
    }

    /// A second server on the same store and clock, as another process would be.
    pub(crate) async fn beside(&self) -> Self {
        let app = open(self.folder.path(), &self.clock, &self.options).await;
        let seeded = Seeded { ion: self.ion.clone(), zro: self.zro.clone(), plain: self.plain.clone() };
        Self::serve(app, self.clock.clone(), Arc::clone(&self.folder), self.options.clone(), seeded).await
    }

    /// Stops this server, closes its store and starts another one on it.
    pub(crate) async fn restart(mut self) -> Self {
        self.stop().await;
        self.beside().await
    }

    /// Stops this server, when it has answered what it was asked, and closes its store.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(serving) = self.serving.take() {
            serving.await.unwrap();
        }
        self.app.store.close().await;
    }

    async fn serve(app: App, clock: Clock, folder: Arc<TempDir>, options: Options, seeded: Seeded) -> Self {
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr();
        let http = Http { app: app.clone(), gates: Arc::new(Gates::new(app.clone(), upstreams())) };
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(listener.serve(router(http), async {
            let _ = stopped.await;
        }));
        let Seeded { ion, zro, plain } = seeded;
        Self { app, clock, ion, zro, plain, address, folder, options, stop: Some(stop), serving: Some(serving) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A call with this method and target, to be built on and awaited.
    pub(crate) fn call(&self, method: &str, target: &str) -> Call {
        Call::new(self.address, method, target)
    }

    /// `GET target`.
    pub(crate) fn get(&self, target: &str) -> Call {
        self.call("GET", target)
    }

    /// `POST target`.
    pub(crate) fn post(&self, target: &str) -> Call {
        self.call("POST", target)
    }

    /// The answer to these bytes, sent as they are; nothing else is added.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let read = self.send_raw(request).await;
        Answer::read(&read, false).unwrap_or_else(|| panic!("no whole answer: {:?}", String::from_utf8_lossy(&read)))
    }

    /// All bytes that come back for these bytes, until the server closes.
    pub(crate) async fn send_raw(&self, request: impl AsRef<[u8]>) -> Vec<u8> {
        exchange(self.address, request.as_ref()).await
    }

    /// The folder of the store (`jeton.db`) and whatever a test puts beside it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Changes a realm's settings, as an operator would while the server runs.
    pub(crate) async fn configure(&self, realm: &str, change: impl FnOnce(&mut Settings)) {
        self.seed().configure(realm, change).await;
    }

    /// For making realms, people, clients and keys, and for changing them.
    pub(crate) fn seed(&self) -> Seed<'_> {
        Seed { app: &self.app }
    }
}

fn master_key(folder: &Path) -> PathBuf {
    folder.join("master.key")
}

async fn open(folder: &Path, clock: &Clock, options: &Options) -> App {
    logs::start();
    let file = Database::file(folder.join("jeton.db"));
    let store = Store::open(options.database.as_ref().unwrap_or(&file)).await.unwrap();
    let master = MasterKeys::load(&master_key(folder)).unwrap();
    let dialects = Dialects::load(options.dialects.clone()).unwrap();
    let Options { trusted_proxies, mutual_tls, .. } = options.clone();
    let site = Site { trusted_proxies, mutual_tls, ..Site::at(PUBLIC_URL) };
    App::new(store, master, dialects, clock.clone(), site).await.unwrap()
}

fn upstreams() -> Vec<(String, Upstream)> {
    let sample = |api| Upstream::service(jeton_sample_apis::router(api));
    let echo = || Upstream::service(Router::new().fallback(echo));
    vec![
        ("inevent".to_owned(), sample(Api::Events)),
        ("pitchpoint".to_owned(), sample(Api::Orders)),
        ("api-keys".to_owned(), sample(Api::Runs)),
        ("zro".to_owned(), sample(Api::Wallets)),
        ("plain".to_owned(), echo()),
        ("custom".to_owned(), echo()),
    ]
}

/// An API that answers with what reached it: `{"method":…,"target":…,"headers":[[name, value], …]}`.
async fn echo(request: Request) -> String {
    let headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let (method, target) = (request.method().as_str(), request.uri().to_string());
    serde_json::json!({ "method": method, "target": target, "headers": headers }).to_string()
}
