//! Removes rows that are of no more use while the server runs.
//!
//! A bite is small, and after each the sweeper rests for as long as the bite took: however much there is to remove,
//! at least half of the time what writes is there for requests.

use std::time::{Duration, Instant};

use jeton_server::app::App;
use tokio::sync::watch;

/// How often rows are looked for.
const EVERY: Duration = Duration::from_secs(60);

/// Rows that go at a time: on SQLite some milliseconds of work, for which a commit beside it waits.
const BITE: usize = 250;

/// Sweeps until the server stops.
pub(crate) async fn run(app: App, mut stopped: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            _ = tick.tick() => {}
        }
        while let Some(rest) = bite(&app).await {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }
}

/// Removes some rows. Returns how long to rest before the next bite, or nothing if there is none left for now.
async fn bite(app: &App) -> Option<Duration> {
    let started = Instant::now();
    match app.store.sweep(app.clock.now(), BITE).await {
        Ok(removed) => (removed >= BITE).then(|| started.elapsed()),
        Err(error) => {
            tracing::error!(%error, "expired rows could not be removed; it is tried again in {} s", EVERY.as_secs());
            None
        }
    }
}
