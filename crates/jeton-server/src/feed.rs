//! What is told to those who follow a realm's revocations: one reader of the store on each node, for all of them.
//!
//! It reads while somebody follows. What it finds, and that it looked, goes to every follower; whoever does not take it
//! falls behind and is cut off.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jeton_core::domain::revocation::Told;
use jeton_store::{Error, RevocationReader, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::clock::Clock;

/// How often the store is asked.
const EVERY: Duration = Duration::from_millis(200);

/// A follower may be this many looks behind: some fifty seconds, far beyond the two in which a gate gives up a feed.
const BEHIND: usize = 256;

/// So many follow at a time on one node.
const FOLLOWERS: usize = 256;

/// One look at the store.
#[derive(Debug)]
pub(crate) struct Look {
    /// When it began: whatever was committed before is told by now.
    pub(crate) at: Instant,
    /// Nothing new can come up to this number.
    pub(crate) settled: i64,
    /// The version of the configuration.
    pub(crate) config_version: i64,
    /// What was not seen before, in all realms.
    pub(crate) told: Vec<Told>,
}

/// The looks, as one follower gets them.
pub(crate) struct Following {
    /// The next looks.
    pub(crate) looks: broadcast::Receiver<Arc<Look>>,
    _place: OwnedSemaphorePermit,
}

/// Where followers come to.
pub struct Feed {
    looks: Arc<Mutex<Option<broadcast::Sender<Arc<Look>>>>>,
    places: Arc<Semaphore>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { looks: Arc::default(), places: Arc::new(Semaphore::new(FOLLOWERS)) }
    }
}

impl Feed {
    /// Begins to follow; nothing if too many do.
    pub(crate) fn follow(&self, store: &Store, clock: &Clock) -> Option<Following> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = match &*looks {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(BEHIND);
                *looks = Some(sender.clone());
                tokio::spawn(read_along(Arc::clone(&self.looks), sender, store.clone(), clock.clone()));
                receiver
            }
        };
        Some(Following { looks: receiver, _place: place })
    }
}

/// Reads until nobody follows any more. While the store does not answer, followers are told nothing: that is how they
/// know.
async fn read_along(
    shared: Arc<Mutex<Option<broadcast::Sender<Arc<Look>>>>>,
    looks: broadcast::Sender<Arc<Look>>,
    store: Store,
    clock: Clock,
) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut reader = None;
    let mut lost = false;
    loop {
        tick.tick().await;
        {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if looks.receiver_count() == 0 {
                *shared = None;
                return;
            }
        }
        let at = Instant::now();
        match look(&mut reader, &store, &clock).await {
            Ok((settled, config_version, told)) => {
                lost = false;
                // Whoever followed may have gone meanwhile.
                let _followers = looks.send(Arc::new(Look { at, settled, config_version, told }));
            }
            Err(error) => {
                if !lost {
                    tracing::error!(%error, "revocations cannot be read: gates that follow them ask about every token");
                }
                lost = true;
            }
        }
    }
}

async fn look(
    reader: &mut Option<RevocationReader>,
    store: &Store,
    clock: &Clock,
) -> Result<(i64, i64, Vec<Told>), Error> {
    let reader = match reader {
        Some(reader) => reader,
        none => none.insert(RevocationReader::open(store, clock.now()).await?),
    };
    let told = reader.read().await?;
    Ok((reader.settled(), store.config_version().await?, told))
}
