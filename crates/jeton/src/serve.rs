//! `jeton serve`: the server for real use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use jeton_core::domain::certificate::MutualTls;
use jeton_server::app::{App, Site};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::keyring::Keyring;
use jeton_server::sealing;
use jeton_server::tls::Tls;
use jeton_store::{Database, Store};

use crate::config::{Config, DatabaseArg, Environment, TlsFiles, check_exposure};
use crate::logging;
use crate::run::{self, Bound};

/// Run the server that a configuration file describes.
///
/// SIGTERM lets requests in flight finish and ends it; SIGHUP reads certificates anew, and the
/// dialects that the file names then.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration file
    #[arg(long, env = "JETON_CONFIG", default_value = "jeton.toml")]
    config: PathBuf,
    #[command(flatten)]
    database: DatabaseArg,
    /// Listen here instead of where the file says
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Serve /live, /ready and /metrics here instead of where the file says
    #[arg(long)]
    admin_listen: Option<SocketAddr>,
}

/// Runs until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let mut config = Config::read(&args.config)?;
    config.listen = args.listen.unwrap_or(config.listen);
    config.admin_listen = args.admin_listen.or(config.admin_listen);
    check_exposure(config.listen, config.tls.is_some(), config.expose, "expose = true")?;
    let database = config.database(&args.database, &Environment::read())?;
    let log = logging::start(config.log.format, &config.log.level)?;
    sealing::no_core_dumps().context("core dumps could not be switched off")?;
    let ended = tokio::runtime::Runtime::new()?.block_on(serve(args.config, config, database));
    log.flush();
    ended
}

async fn serve(file: PathBuf, config: Config, database: Database) -> anyhow::Result<()> {
    let master = Keyring::load(&config.master_key)?;
    let dialects = Dialects::load(config.dialects.clone())?;
    let store = Store::open(&database).await?;
    let mutual_tls = match &config.tls {
        Some(TlsFiles { client_ca: Some(_), .. }) => MutualTls::Authorities,
        Some(TlsFiles { client_certificates: true, .. }) => MutualTls::SelfSigned,
        Some(_) | None => MutualTls::Off,
    };
    let trusted_proxies = config.trusted_proxies.clone();
    let site = Site { trusted_proxies, mutual_tls, ..Site::at(&config.public_url) };
    let app = App::new(store, master, dialects, Clock::system(), site).await?;
    let tls = match &config.tls {
        Some(TlsFiles { certificate, key, client_ca, .. }) => {
            let tls = match mutual_tls.is_on() {
                true => Tls::asking_clients(certificate, key, client_ca.as_deref())?,
                false => Tls::from_files(certificate, key)?,
            };
            Some(Arc::new(tls))
        }
        None => None,
    };
    let bound = Bound::bind(config.listen, config.admin_listen).await?;
    let admin = bound.admin.as_ref().map(|admin| admin.local_addr().to_string());
    let listen = bound.peers.local_addr();
    let ready = move || tracing::info!(%listen, admin, public_url = config.public_url, "ready");
    let dialects = move || Ok(Config::read(&file)?.dialects);
    run::serve(bound, app, Vec::new(), tls, dialects, ready).await
}
