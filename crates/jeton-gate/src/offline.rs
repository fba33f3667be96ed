//! Judging a realm's tokens without asking it about each: by its keys and its revocation feed.
//!
//! Here nobody says no. A token that is beyond doubt is a yes; about every other one the realm is asked, which knows
//! more and says no in its own words. So the worst that a mistake here can do is a yes that is too late by as much as the
//! feed is, and that is bounded: [`feed`] has the two seconds.

mod feed;
mod keys;
mod marks;
mod token;

use std::sync::Arc;

use http::Uri;
use jeton_core::dialect::Values;
use jeton_core::domain::refusal::Refusal;
use jeton_core::secret::Secret;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::feed::Feed;
use self::keys::Keys;
use self::token::Candidate;
use crate::caller::Caller;
use crate::check::CheckToken;
use crate::introspection::{Introspection, IntrospectionError};

/// Judges JWT access tokens (RFC 9068) itself, and asks the realm about all others and about those in doubt.
#[derive(Debug)]
pub struct Offline {
    introspection: Introspection,
    feed: Arc<Feed>,
    keys: Arc<Keys>,
    tasks: [JoinHandle<()>; 2],
}

impl Offline {
    /// Begins to fetch the realm's keys and to follow its revocations, as the client that `introspection` asks as.
    /// `realm` is the realm's address, such as `https://auth.example.org/realms/shop`. Until both are there the realm is
    /// asked about every token.
    ///
    /// # Errors
    /// [`IntrospectionError`] for an address that cannot be used.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start(introspection: Introspection, realm: &str) -> Result<Self, IntrospectionError> {
        let at = |path: &str| -> Result<Uri, IntrospectionError> {
            crate::introspection::address(&format!("{}/{path}", realm.trim_end_matches('/')))
        };
        let (feed, keys) = (Arc::new(Feed::default()), Arc::new(Keys::default()));
        let follow = feed::follow(introspection.peer(at("revocations")?), Arc::clone(&feed));
        let fetch = keys::keep(introspection.peer(at("protocol/openid-connect/certs")?), Arc::clone(&keys));
        let tasks = [tokio::spawn(follow), tokio::spawn(fetch)];
        Ok(Self { introspection, feed, keys, tasks })
    }

    /// Whom a token speaks for, if it is beyond doubt.
    fn judge(&self, token: &Secret<String>) -> Option<Caller> {
        let candidate = Candidate::read(token.expose(), |kid| self.keys.get(kid, Instant::now()))?;
        let admitted = self.feed.admits(&candidate, Instant::now());
        admitted.then(|| candidate.into_caller(self.introspection.realm()))
    }
}

impl CheckToken for Offline {
    async fn check(&self, token: &Secret<String>, also: &Values) -> Result<Caller, Refusal> {
        match self.judge(token) {
            Some(caller) => Ok(caller),
            None => self.introspection.check(token, also).await,
        }
    }
}

impl Drop for Offline {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
