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
use jeton_gate::{Gate, Guard, Introspection, IntrospectionConfig, Rule, Rules, Upstream, Usage};
use jeton_server::dialects::Dialects;
use jeton_server::listen::Listener;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::check_exposure;
use crate::logging::{self, LogFormat};

/// Stand in front of an API and let through what a realm's tokens open.
///
/// Every call is checked at the realm (no answer is remembered, so a revoked token is refused at once), the token
/// is taken out, and X-Jeton-* headers tell the API who calls. No rule means no.
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
    let base = args.realm.trim_end_matches('/');
    let name = base.rsplit('/').next().unwrap_or_default().to_owned();
    let check = Introspection::new(IntrospectionConfig {
        realm: name.clone(),
        endpoint: format!("{base}/protocol/openid-connect/token/introspect"),
        client_id: args.client_id,
        client_secret: Secret::from(secret.trim_end()),
        ca_file: args.ca_file.as_deref(),
    })?;
    let usage = match &args.dialect {
        None => Usage::Bearer { realm: name.clone() },
        Some(wanted) => {
            let dialects = Dialects::load(args.dialect_file)?;
            let known = dialects.names().join(", ");
            Usage::Dialect(dialects.get(wanted).with_context(|| format!("no dialect `{wanted}`; known: {known}"))?)
        }
    };
    let guard = Guard {
        realm: name,
        rules: args.rules.into_iter().collect::<Rules>(),
        usage,
        check,
        trusted: args.trusted_proxy,
    };
    let upstream = Upstream::http(&args.upstream, args.ca_file.as_deref())?;
    let gate = Arc::new(Gate { guard, upstream, body_limit: args.body_limit });
    let router = Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request| {
        let gate = Arc::clone(&gate);
        async move { gate.handle(peer, request).await.map(Body::new) }
    });

    let listener = Listener::bind(args.listen).await?;
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
