//! `jeton demo`: four sample realms, their APIs behind the gate, and the lines to try them with.

mod credentials;
mod lines;
mod seed;

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use ipnet::IpNet;
use jeton_gate::Upstream;
use jeton_sample_apis::Api;
use jeton_server::app::{App, Site};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::sealing::{self, MasterKeys};
use jeton_server::tls::{Tls, demo_ca};
use jeton_store::{Database, Store};

use crate::config::{DatabaseArg, Environment, check_exposure};
use crate::logging::{self, LogFormat};
use crate::run::{self, Bound};

/// Run four sample realms with their APIs, and print the lines to try them with.
///
/// People, events and API keys keep their ids in DIR, or in the PostgreSQL at URL; their passwords and secrets are random and new at every
/// start, and those of the last start end. Nothing but the lines to try goes to standard output.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Listen here; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Serve /live, /ready and /metrics here
    #[arg(long, default_value = "127.0.0.1:0")]
    admin_listen: SocketAddr,
    /// Keep the store and its master key here (default: a new folder, removed at the end)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArg,
    /// Print one line of JSON instead, once ready
    #[arg(long)]
    json: bool,
    /// Serve HTTPS, with a certificate made for this run
    #[arg(long)]
    tls: bool,
    /// A further host name for the certificate (with --tls); repeatable
    #[arg(long, value_name = "HOST", requires = "tls")]
    tls_name: Vec<String>,
    /// A proxy whose X-Forwarded-* and X-Original-* headers count, as for forward-auth; repeatable
    #[arg(long, value_name = "NET")]
    trusted_proxy: Vec<IpNet>,
    /// Listen on an address that other machines reach
    #[arg(long)]
    expose: bool,
    /// How much is logged, to standard error
    #[arg(long, default_value = "warn")]
    log_level: String,
}

/// Runs until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    // TLS does not make a demo fit for others: its passwords stand on a screen.
    check_exposure(args.listen, false, args.expose, "--expose")?;
    let log = logging::start(LogFormat::Text, &args.log_level)?;
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    let ended = tokio::runtime::Runtime::new()?.block_on(demo(args));
    log.flush();
    ended
}

async fn demo(args: Args) -> anyhow::Result<()> {
    let database = args.database.alone(&Environment::read())?;
    if database.is_some() && args.data.is_none() {
        bail!("--database needs --data DIR beside it, a folder for the master key of what is stored there");
    }
    let bound = Bound::bind(args.listen, Some(args.admin_listen)).await?;
    let scheme = if args.tls { "https" } else { "http" };
    let url = format!("{scheme}://{}", bound.peers.local_addr());
    let admin_url = bound.admin.as_ref().map(|admin| format!("http://{}", admin.local_addr())).unwrap_or_default();

    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("jeton-demo-").tempdir().context("no temporary folder")?),
    };
    let folder = args.data.as_deref().or(temporary.as_ref().map(|folder| folder.path())).unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    let store = Store::open(database.as_ref().unwrap_or(&Database::file(folder.join("jeton.db")))).await?;
    let master = master_key(folder)?;
    let clock = Clock::system();
    let site = Site { trusted_proxies: args.trusted_proxy, ..Site::at(&url) };
    let app = App::new(store, master, Dialects::load(Vec::new())?, clock.clone(), site).await?;
    if let Some(database) = &database {
        seed::claim(&app).await.with_context(|| format!("{database} is not for the demo"))?;
    }
    let credentials = seed::seed(&app).await.context("the demo's realms")?;

    let mut ca = None;
    let tls = match args.tls {
        true => {
            let certificate = demo_ca(&args.tls_name, clock.now())?;
            let path = std::path::absolute(folder.join("ca.pem"))?;
            std::fs::write(&path, &certificate.ca_pem)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            ca = Some(path);
            Some(Arc::new(Tls::from_demo(certificate)?))
        }
        false => None,
    };
    let upstreams = [
        (seed::EVENTS, Api::Events),
        (seed::ORDERS, Api::Orders),
        (seed::RUNS, Api::Runs),
        (seed::WALLETS, Api::Wallets),
    ];
    let upstreams = upstreams
        .into_iter()
        .map(|(realm, api)| (realm.to_owned(), Upstream::service(jeton_sample_apis::router(api))))
        .collect();
    let ready = match args.json {
        true => credentials.json(&url, &admin_url),
        false => lines::lines(&credentials, &url, &admin_url, ca.as_deref()),
    };
    if let Some(ca) = &ca {
        anstream::eprintln!("CA certificate: {}", ca.display());
    }
    let serving = run::serve(bound, app, upstreams, tls, || Ok(Vec::new()), move || anstream::println!("{ready}"));
    serving.await
}

/// The folder's master key; a new one beside a new store.
fn master_key(folder: &Path) -> anyhow::Result<MasterKeys> {
    let path = folder.join("master.key");
    let keys = match path.exists() {
        true => MasterKeys::load(&path)?,
        false => MasterKeys::generate(&path)?,
    };
    Ok(keys)
}
