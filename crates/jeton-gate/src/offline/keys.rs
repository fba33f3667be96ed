//! A realm's public keys, fetched before they are too old and when a token names one that is not among them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::header::ACCEPT;
use jeton_core::token::jwk::VerifyingKey;
use jeton_core::token::jwk_set;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::introspection::Peer;
use crate::transport::{self, FetchError, max_age};

/// However often an unknown key is named, the realm is asked no more often than this (security.md M5).
const MISSED: Duration = Duration::from_secs(10);
/// After an answer that is none.
const AGAIN: Duration = Duration::from_secs(5);
/// How long keys are good at least, where the realm does not say so, and at most.
const LEAST_AGE: Duration = Duration::from_secs(10);
const USUAL_AGE: Duration = Duration::from_secs(300);
const LONGEST_AGE: Duration = Duration::from_secs(24 * 3600);

/// The keys as they were fetched last.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: RwLock<Option<Known>>,
    missed: Notify,
}

#[derive(Debug)]
struct Known {
    keys: HashMap<String, VerifyingKey>,
    good_until: Instant,
}

impl Keys {
    /// The key of this id. One that is not there is asked for, in the background.
    pub(super) fn get(&self, kid: &str, at: Instant) -> Option<VerifyingKey> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.as_ref().filter(|known| at < known.good_until).and_then(|known| known.keys.get(kid));
        if found.is_none() {
            self.missed.notify_one();
        }
        found.cloned()
    }
}

/// Why there are no new keys.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
    #[error("the answer is no set of public keys")]
    Set,
}

/// Keeps the keys fresh for ever: at half their age, so that an outage shorter than the other half is not noticed.
pub(super) async fn keep(peer: Peer, keys: Arc<Keys>) {
    loop {
        let began = Instant::now();
        let next = match fetch(&peer).await {
            Ok((fetched, age)) => {
                let known = Known { keys: fetched, good_until: began + age };
                *keys.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
                age / 2
            }
            Err(fault) => {
                tracing::warn!(%fault, "the realm's keys cannot be fetched; those that are there stay until they are too old");
                AGAIN
            }
        };
        due(next, &keys.missed).await;
    }
}

/// Returns when the keys are to be asked for: after `next`, or when one is missed that may have come meanwhile.
async fn due(next: Duration, missed: &Notify) {
    let missed = async {
        sleep(MISSED).await;
        missed.notified().await;
    };
    tokio::select! {
        () = sleep(next) => {}
        () = missed => {}
    }
}

/// The keys, and how long they are good. What this program cannot verify with is left out: about its tokens the realm
/// is asked.
async fn fetch(peer: &Peer) -> Result<(HashMap<String, VerifyingKey>, Duration), Fault> {
    let request = peer.get().header(ACCEPT, "application/json").body(http_body_util::Full::default())?;
    let (headers, body) = transport::fetch(&peer.client, request).await?;
    let said = max_age(&headers);
    let jwks = std::str::from_utf8(&body).ok().and_then(jwk_set::read).ok_or(Fault::Set)?;
    let keys = jwks.into_iter().filter_map(|jwk| Some((jwk.kid.clone(), jwk.verifying_key()?))).collect();
    Ok((keys, said.unwrap_or(USUAL_AGE).clamp(LEAST_AGE, LONGEST_AGE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn m5_unknown_keys_cause_one_question_in_ten_seconds() {
        let keys = Arc::new(Keys::default());
        let named = Arc::clone(&keys);
        tokio::spawn(async move {
            loop {
                assert!(named.get("unknown", Instant::now()).is_none());
                sleep(Duration::from_millis(50)).await;
            }
        });
        let began = Instant::now();
        for round in 1..=5 {
            due(LONGEST_AGE / 2, &keys.missed).await;
            let took = began.elapsed();
            assert!(took >= MISSED * round && took < MISSED * round + Duration::from_secs(1), "{took:?} {round}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_asked_for_when_it_is_time() {
        for next in [AGAIN, LEAST_AGE / 2, LONGEST_AGE / 2] {
            let began = Instant::now();
            due(next, &Notify::new()).await;
            assert_eq!(began.elapsed().as_secs(), next.as_secs());
        }
    }
}
