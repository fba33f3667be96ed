//! A running server: its listeners, and what signals do to it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use jeton_gate::Upstream;
use jeton_server::app::App;
use jeton_server::gates::Gates;
use jeton_server::http::{Http, admin_router, router};
use jeton_server::listen::Listener;
use jeton_server::tls::Tls;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::{rotator, sweeper};

/// Listeners that are bound and not served yet: their addresses are known before anybody is let in.
pub(crate) struct Bound {
    /// For peers.
    pub(crate) peers: Listener,
    /// For the operator.
    pub(crate) admin: Option<Listener>,
}

impl Bound {
    /// Binds both addresses.
    pub(crate) async fn bind(listen: SocketAddr, admin: Option<SocketAddr>) -> anyhow::Result<Self> {
        let peers = Listener::bind(listen)?;
        let admin = match admin {
            Some(address) => Some(Listener::bind(address).context("the admin listener")?),
            None => None,
        };
        Ok(Self { peers, admin })
    }
}

/// Serves until SIGTERM or SIGINT, then drains; `ready` is called once peers can come. SIGHUP reads certificates anew, and the
/// dialect files that `dialects` names then.
pub(crate) async fn serve(
    bound: Bound,
    app: App,
    upstreams: Vec<(String, Upstream)>,
    tls: Option<Arc<Tls>>,
    dialects: impl Fn() -> anyhow::Result<Vec<PathBuf>>,
    ready: impl FnOnce(),
) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    announce_http1_hosts(&app, tls.as_deref()).await?;
    let http = Http { app: app.clone(), gates: Arc::new(Gates::new(app.clone(), upstreams)) };
    let peers = match &tls {
        Some(tls) => bound.peers.with_tls(Arc::clone(tls)),
        None => bound.peers,
    };
    let serving = tokio::spawn(peers.serve(router(http), until(stopped.clone())));
    let admin = bound.admin.map(|admin| tokio::spawn(admin.serve(admin_router(app.clone()), until(stopped.clone()))));
    let rotating = tokio::spawn(rotator::run(app.clone(), stopped.clone()));
    let sweeping = tokio::spawn(sweeper::run(app.clone(), stopped));

    let mut signals = Signals::listen()?;
    ready();
    signals.until_stop(&app, tls.as_deref(), &dialects).await;
    tracing::info!("draining");
    let _ = stop.send(true);
    serving.await.context("the listener")?;
    if let Some(admin) = admin {
        admin.await.context("the admin listener")?;
    }
    rotating.await.context("the rotation of signing keys")?;
    sweeping.await.context("the sweeper")?;
    app.store.close().await;
    Ok(())
}

/// The signals that mean something to a running server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Returns when the server shall end.
    async fn until_stop(&mut self, app: &App, tls: Option<&Tls>, dialects: &impl Fn() -> anyhow::Result<Vec<PathBuf>>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => reload(app, tls, dialects()).await,
            }
        }
    }
}

/// Reads certificates and these dialect files anew. What is broken is told and stays as it was.
async fn reload(app: &App, tls: Option<&Tls>, files: anyhow::Result<Vec<PathBuf>>) {
    match files.and_then(|files| Ok(app.dialects.reload(&files)?)) {
        Ok(()) => tracing::info!("dialects reloaded"),
        Err(error) => tracing::error!("dialects not reloaded, those in use stay: {error:#}"),
    }
    if let Some(tls) = tls {
        match tls.reload() {
            Ok(()) => tracing::info!("certificate reloaded"),
            Err(error) => tracing::error!(%error, "certificate not reloaded: the one in use stays"),
        }
    }
    if let Err(error) = announce_http1_hosts(app, tls).await {
        tracing::error!(%error, "the mounted dialects could not be read");
    }
}

/// Tells the TLS listener where HTTP/2 would lose what a dialect says in the reason phrase.
async fn announce_http1_hosts(app: &App, tls: Option<&Tls>) -> anyhow::Result<()> {
    if let Some(tls) = tls {
        let (hosts, everywhere) = app.mounts().await?.http1_hosts();
        tls.set_http1_only(hosts, everywhere);
    }
    Ok(())
}
