//! `jeton proxy`: the API at an address of this machine, where every call gets the token that its caller never sees.

mod caller;
mod relay;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::bail;
use axum::Router;
use axum::extract::Request;
use jeton_server::listen::Listener;
use tokio::signal::unix::{SignalKind, signal};

use self::relay::Relay;
use super::{Folder, valid};
use crate::local::print::print;

/// Offer the API on this machine, with a valid token added to every call
///
/// Prints its address, to be used in place of the API's. The program that calls it needs no secret, and what it sends
/// in the token's place is taken away. The token is refreshed while the proxy runs, also when the API suddenly refuses
/// it. Whoever can connect to the address can call the API; pages in a browser cannot.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// Listen here; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach: they all can call the API then, without TLS
    #[arg(long)]
    allow_remote: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<()> {
    if !args.listen.ip().is_loopback() && !args.allow_remote {
        bail!(
            "{} is an address that other machines reach, and they all could call the API; listen on 127.0.0.1, or say \
             --allow-remote",
            args.listen
        );
    }
    tokio::runtime::Runtime::new()?.block_on(serve(args))
}

/// Serves until SIGTERM or SIGINT, then lets the calls in flight finish.
async fn serve(args: Args) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    // A profile that gives no token is told now and not at the first call.
    valid(&source).await?;
    let relay = Arc::new(Relay::new(source)?);
    let router = Router::new().fallback(move |request: Request| {
        let relay = Arc::clone(&relay);
        async move { relay.handle(request).await }
    });
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = Listener::bind(args.listen)?;
    print(&format!("http://{}", listener.local_addr()))?;
    let stopped = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    listener.serve(router, stopped).await;
    Ok(())
}
