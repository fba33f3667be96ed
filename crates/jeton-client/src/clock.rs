//! The one place where the client reads the time and takes chance.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jeton_core::time::Timestamp;

/// Where `now` and chance come from.
#[derive(Clone, Debug)]
pub struct Clock(Option<Standing>);

#[derive(Clone, Debug)]
struct Standing {
    micros: Arc<AtomicI64>,
    chance: f64,
}

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gives no random bytes; without them nothing can be sealed")]
pub struct NoChance;

impl Clock {
    /// The machine's clock and the machine's chance.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is moved, and always the same chance (from 0 up to 1): for tests.
    pub fn standing_at(now: Timestamp, chance: f64) -> Self {
        Self(Some(Standing { micros: Arc::new(AtomicI64::new(now.as_micros())), chance }))
    }

    /// The time.
    #[expect(clippy::disallowed_methods, reason = "this is the place that may")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(standing) => Timestamp::from_micros(standing.micros.load(Ordering::Relaxed)),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
            }
        }
    }

    /// A number from 0 up to 1, so that many clients do not ask at the same moment.
    pub fn chance(&self) -> f64 {
        match &self.0 {
            Some(standing) => standing.chance,
            // Without chance all ask at the same moment, which is no reason to stop.
            None => random::<4>().map_or(0.0, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)),
        }
    }

    /// Moves a standing clock on. Does nothing to the machine's.
    pub fn advance(&self, span: Duration) {
        if let Some(standing) = &self.0 {
            standing.micros.fetch_add(i64::try_from(span.as_micros()).unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoChance> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes)
}

/// A random UUID (version 4), as a message's nonce.
pub(crate) fn uuid() -> Result<String, NoChance> {
    Ok(uuid::Builder::from_random_bytes(random()?).into_uuid().to_string())
}
