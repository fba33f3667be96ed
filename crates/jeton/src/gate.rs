//! `jeton gate`: a reverse proxy that lets through what a realm's tokens open.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use ipnet::IpNet;
use jeton_core::secret::Secret;
use jeton_gate::proxy::BODY_LIMIT;
use jeton_gate::{
    CheckToken, Gate, Guard, Introspection, IntrospectionConfig, Offline, Proofs, ProtectedResource, Rule, Rules,
    Upstream, Usage,
};
use jeton_server::clock::Clock;
use jeton_server::dialects::Dialects;
use jeton_server::listen::Listener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::check_exposure;
use crate::local::arguments;
use crate::logging::{self, LogFormat};

/// Stand in front of an API and let through what a realm's tokens open.
///
/// Every call is checked at the realm (no answer is remembered, so a revoked token is refused at once), or with
/// --offline only those that show a token in doubt; the token is taken out, and X-Jeton-* headers tell the API who
/// calls. No rule means no.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The realm's address, such as https://auth.example.org/realms/my-api
    #[arg(long, value_name = "URL")]
    realm: String,
    /// The API behind the gate, such as http://127.0.0.1:3000
    #[arg(long, value_name = "URL")]
    upstream: String,
    /// What is let through, such as 'GET,POST /orders/*' or 'GET /health anonymous'; repeatable
    #[arg(long = "rule", value_name = "RULE", required = true)]
    rules: Vec<Rule>,
    /// The gate's own client in the realm: one that was added with --resource-server
    #[arg(long)]
    client_id: String,
    /// A file with that client's secret
    #[arg(long, value_name = "FILE", env = "JETON_GATE_SECRET_FILE")]
    client_secret_file: PathBuf,
    /// Verify JWT access tokens here, by the realm's keys and its revocation feed: a revoked one is refused within two
    /// seconds. About other tokens, and while the feed is lost, the realm is asked
    #[arg(long)]
    offline: bool,
    /// The API's identifier, such as https://api.example.org/orders: it says there whose tokens it takes (RFC 9728), and
    /// where that is in its challenges
    #[arg(long, value_name = "URL", value_parser = arguments::url, conflicts_with = "dialect")]
    resource: Option<String>,
    /// How the API's callers show their token and are refused: a built-in dialect, or one of --dialect-file
    #[arg(long)]
    dialect: Option<String>,
    /// A dialect file to know beside the built-in ones; repeatable
    #[arg(long, value_name = "FILE")]
    dialect_file: Vec<PathBuf>,
    /// Trust these CA certificates (PEM) alone, for the realm and the API
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Listen here; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// A proxy in front whose X-Forwarded-* headers count; repeatable
    #[arg(long, value_name = "NET")]
    trusted_proxy: Vec<IpNet>,
    /// The largest request body, in bytes
    #[arg(long, default_value_t = BODY_LIMIT)]
    body_limit: usize,
    /// Listen on an address that other machines reach, without TLS
    #[arg(long)]
    expose: bool,
    /// How log lines look
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// How much is logged, to standard error
    #[arg(long, default_value = "info")]
    log_level: String,
}

/// Runs until it is told to stop.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    check_exposure(args.listen, false, args.expose, "--expose")?;
    let log = logging::start(args.log_format, &args.log_level)?;
    let ended = tokio::runtime::Runtime::new()?.block_on(gate(args));
    log.flush();
    ended
}

async fn gate(args: Args) -> anyhow::Result<()> {
    let file = &args.client_secret_file;
    let secret = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let base = args.realm.trim_end_matches('/').to_owned();
    let name = base.rsplit('/').next().unwrap_or_default().to_owned();
    let check = Introspection::new(IntrospectionConfig {
        realm: name.clone(),
        endpoint: format!("{base}/protocol/openid-connect/token/introspect"),
        client_id: args.client_id.clone(),
        client_secret: Secret::from(secret.trim_end()),
        ca_file: args.ca_file.as_deref(),
    })?;
    let resource = args.resource.as_deref().map(|resource| {
        let resource = ProtectedResource::new(resource, &base, args.ca_file.as_deref())?;
        anyhow::Ok(Arc::new(resource))
    });
    let resource = resource.transpose()?;
    match args.offline {
        true => {
            let check = Offline::start(check, &base)?;
            serve(name, check, resource, args).await
        }
        false => serve(name, check, resource, args).await,
    }
}

/// Serves until a signal says to stop.
async fn serve(
    realm: String,
    check: impl CheckToken + 'static,
    resource: Option<Arc<ProtectedResource>>,
    args: Args,
) -> anyhow::Result<()> {
    let usage = match &args.dialect {
        None => {
            let metadata = resource.as_ref().map(|resource| resource.address().to_owned());
            Usage::Bearer { realm: realm.clone(), metadata }
        }
        Some(wanted) => {
            let dialects = Dialects::load(args.dialect_file)?;
            let known = dialects.names().join(", ");
            Usage::Dialect(dialects.get(wanted).with_context(|| format!("no dialect `{wanted}`; known: {known}"))?)
        }
    };
    let proofs = Arc::new(Proofs::new(|| Clock::system().now()));
    let guard = Guard {
        realm,
        rules: args.rules.into_iter().collect::<Rules>(),
        usage,
        check,
        trusted: args.trusted_proxy,
        proofs,
    };
    let upstream = Upstream::http(&args.upstream, args.ca_file.as_deref())?;
    let gate = Arc::new(Gate { guard, upstream, body_limit: args.body_limit });
    let router = Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| {
        let (gate, resource) = (Arc::clone(&gate), resource.clone());
        async move {
            let answer = match resource.filter(|resource| resource.is_asked_for(&request)) {
                Some(resource) => resource.answer().await,
                None => gate.handle(peer, request).await,
            };
            answer.map(Body::new)
        }
    });

    let listener = Listener::bind(args.listen)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tracing::info!(listen = %listener.local_addr(), upstream = args.upstream, "ready");
    listener
        .serve(router, async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await;
    Ok(())
}
