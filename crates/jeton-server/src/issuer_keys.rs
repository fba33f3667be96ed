//! The keys of foreign issuers: asked for over HTTPS, kept for a while, and used a while longer when an issuer is down.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use jeton_core::domain::trust::{KeySource, Trust};
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_core::token::jwk_set;
use jeton_gate::{HttpClient, http_client, is_loopback, max_age};
use serde::Deserialize;

use crate::fault::Fault;

/// The longest that an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest metadata or key set, in bytes.
const LONGEST: usize = 256 * 1024;
/// How long keys are kept where the issuer does not say.
const KEPT: Duration = Duration::from_secs(600);
/// Keys are kept for no less than this, and asked for no more often on account of a key that is not there.
const LEAST: Duration = Duration::from_secs(60);
/// Keys are kept for no more than this, and used no longer than this past it when the issuer does not answer.
const MOST: Duration = Duration::from_secs(24 * 3600);
/// How long an issuer that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(5);
/// How many issuers are remembered.
const SOURCES: usize = 1024;

/// Keys by issuer.
pub struct IssuerKeys {
    client: HttpClient,
    sources: Mutex<HashMap<(String, Option<String>), Arc<Source>>>,
}

#[derive(Default)]
struct Source {
    state: Mutex<State>,
    /// Of many who need the keys one asks for them.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<[VerifyingKey]>>,
    /// Until when nobody asks for a key that is there.
    fresh_until: Timestamp,
    /// Until when the keys are used though the issuer does not answer.
    good_until: Timestamp,
    /// Until when nobody asks at all.
    quiet_until: Timestamp,
    /// Why the last asking failed.
    failure: String,
}

type Keys = Result<Arc<[VerifyingKey]>, String>;

impl IssuerKeys {
    /// Trusts the public CAs.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new() -> Result<Self, Fault> {
        let client = http_client(None).map_err(|error| Fault::new(error.to_string()))?;
        Ok(Self { client, sources: Mutex::default() })
    }

    /// The keys of a trust's issuer, among which `kid` should be; why they cannot be had, in words.
    ///
    /// # Errors
    /// The issuer does not answer as it should, and there are no keys of it that are still good.
    pub async fn of(&self, trust: &Trust, kid: Option<&str>, now: Timestamp) -> Keys {
        let uri = match &trust.keys {
            KeySource::Inline(keys) => return Ok(verifying(keys)),
            KeySource::Discovery => None,
            KeySource::Uri(uri) => Some(uri.clone()),
        };
        let source = self.source((trust.issuer.clone(), uri.clone()));
        if let Some(keys) = source.ready(kid, now) {
            return keys;
        }
        let _turn = source.turn.lock().await;
        if let Some(keys) = source.ready(kid, now) {
            return keys;
        }
        let asked = tokio::time::timeout(TIMEOUT, self.ask(&trust.issuer, uri.as_deref())).await;
        source.answered(asked.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs()))), now)
    }

    fn source(&self, name: (String, Option<String>)) -> Arc<Source> {
        let mut sources = lock(&self.sources);
        // Only what operators configured gets here; what they took away goes with the rest.
        if sources.len() >= SOURCES {
            sources.clear();
        }
        Arc::clone(sources.entry(name).or_default())
    }

    async fn ask(&self, issuer: &str, uri: Option<&str>) -> Result<(Vec<Jwk>, Duration), String> {
        let uri = match uri {
            Some(uri) => uri.to_owned(),
            None => self.jwks_uri(issuer).await?,
        };
        let (headers, body) = self.get(&uri).await?;
        let text = std::str::from_utf8(&body).map_err(|_| format!("{uri} is no key set"))?;
        let keys = jwk_set::read(text).ok_or_else(|| format!("{uri} is no set of public keys"))?;
        Ok((keys, max_age(&headers).unwrap_or(KEPT).clamp(LEAST, MOST)))
    }

    async fn jwks_uri(&self, issuer: &str) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (_, body) = self.get(&address).await?;
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|_| format!("{address} names no issuer and jwks_uri"))?;
        // OpenID Connect Discovery §4.3.
        if metadata.issuer != issuer {
            return Err(format!("{address} is of another issuer"));
        }
        // An issuer out there has no business with what listens on this machine.
        let here = |text: &str| text.parse::<Uri>().ok().is_some_and(|uri| uri.host().is_some_and(is_loopback));
        match here(&metadata.jwks_uri) && !here(issuer) {
            true => Err(format!("{address} names a jwks_uri on this machine")),
            false => Ok(metadata.jwks_uri),
        }
    }

    /// The body at an address, which is HTTPS or on this machine. No redirect is followed.
    async fn get(&self, address: &str) -> Result<(HeaderMap, Bytes), String> {
        let request =
            Request::get(check_address(address)?).header(ACCEPT, "application/json").body(Full::new(Bytes::new()));
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await.map_err(|error| format!("cannot reach {address}: {error}"))?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{address} answers {}", answer.status()));
        }
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, LONGEST).collect().await;
        let body = body.map_err(|error| format!("the answer of {address} cannot be read: {error}"))?;
        Ok((head.headers, body.to_bytes()))
    }
}

impl Source {
    /// What can be answered without asking the issuer.
    fn ready(&self, kid: Option<&str>, now: Timestamp) -> Option<Keys> {
        let state = lock(&self.state);
        let there = |keys: &Arc<[VerifyingKey]>| kid.is_none_or(|kid| keys.iter().any(|key| key.kid == kid));
        if now < state.fresh_until && state.keys.as_ref().is_some_and(there) || now < state.quiet_until {
            return Some(state.answer(now));
        }
        None
    }

    /// Notes what the issuer answered.
    fn answered(&self, asked: Result<(Vec<Jwk>, Duration), String>, now: Timestamp) -> Keys {
        let mut state = lock(&self.state);
        match asked {
            Ok((keys, kept)) => {
                state.keys = Some(verifying(&keys));
                state.fresh_until = now + kept;
                state.good_until = now + kept + MOST;
                state.quiet_until = now + LEAST;
            }
            Err(why) => {
                state.quiet_until = now + PAUSE;
                state.failure = why;
            }
        }
        state.answer(now)
    }
}

impl State {
    fn answer(&self, now: Timestamp) -> Keys {
        let keys = self.keys.clone().filter(|_| now < self.good_until);
        keys.ok_or_else(|| self.failure.clone())
    }
}

/// An address that keys may be asked for at.
///
/// # Errors
/// It is no URL, or not HTTPS and not on this machine.
pub fn check_address(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| format!("`{text}` is no URL"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(uri),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(uri),
        _ => Err(format!("{uri} is not HTTPS; give an https:// URL")),
    }
}

fn verifying(keys: &[Jwk]) -> Arc<[VerifyingKey]> {
    keys.iter().filter_map(Jwk::verifying_key).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
