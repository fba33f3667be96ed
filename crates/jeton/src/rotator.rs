//! Rotates signing keys while the server runs.
//!
//! What is due is known beforehand, unless somebody configures something: only then are all keys looked at again.

use std::time::{Duration, Instant};

use jeton_core::time::Timestamp;
use jeton_server::app::App;
use jeton_server::fault::Fault;
use jeton_server::key_rotation::rotate_all;
use tokio::sync::watch;

/// How often is asked whether there is something to do.
const EVERY: Duration = Duration::from_secs(1);

/// A look at all keys of all realms takes at most one part in this many of the time.
const SHARE: u32 = 20;

/// When it is tried again after the store could not be read.
const RETRY: Duration = Duration::from_secs(60);

/// What was seen at the last look: the configuration's version, and when something is due.
struct Seen {
    version: i64,
    due: Option<Timestamp>,
}

/// Rotates until the server stops.
pub(crate) async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    let mut seen = None;
    let mut rest = Duration::ZERO;
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(rest) => {}
        }
        let started = Instant::now();
        let looked = tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            looked = look(&app, &mut seen) => looked,
        };
        rest = match looked {
            Ok(()) => EVERY.max(started.elapsed() * SHARE),
            Err(fault) => {
                tracing::error!(%fault, "signing keys could not be looked at; it is tried again in {RETRY:?}");
                RETRY
            }
        };
    }
}

/// Looks whether anything was configured or is due, and at the keys if so.
async fn look(app: &App, seen: &mut Option<Seen>) -> Result<(), Fault> {
    let version = app.store.config_version().await?;
    let now = app.clock.now();
    if seen.as_ref().is_some_and(|seen| seen.version == version && seen.due.is_none_or(|due| now < due)) {
        return Ok(());
    }
    *seen = Some(Seen { version, due: rotate_all(app).await? });
    Ok(())
}
