//! A request's body and sender, within limits.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::request::Parts;
use jeton_core::domain::certificate::Certificate;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::token::pepper::Purpose;

use crate::app::App;
use crate::limiter::source_prefix;
use crate::listen::{BodyError, Transport, read_body};

/// A whole request.
pub(super) struct Received {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    pub(super) source: IpAddr,
}

impl Received {
    /// The certificate that the client showed in the TLS handshake.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match self.parts.extensions.get::<Transport>() {
            Some(Transport::Tls { certificate, .. }) => certificate.as_deref(),
            Some(Transport::Plain) | None => None,
        }
    }
}

/// Reads a request to its end. Compressed bodies are not read at all (security.md O6).
pub(super) async fn receive(app: &App, request: Request) -> Result<Received, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key(CONTENT_ENCODING) {
        return Err(Reason::UnsupportedType.into());
    }
    let body = read_body(body, app.site.body_limit, app.site.body_timeout).await.map_err(|error| match error {
        BodyError::TooLarge => Refusal::new(Reason::TooLarge).detail("body is too large"),
        BodyError::Timeout => Refusal::new(Reason::InvalidRequest).detail("body took too long"),
        BodyError::Broken => Refusal::new(Reason::InvalidRequest).detail("body broke off"),
    })?;
    let source = source(app, &parts);
    Ok(Received { parts, body, source })
}

/// Who sent it: the peer, or what a trusted proxy says in the last entry of `X-Forwarded-For`.
pub(super) fn source(app: &App, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |info| info.0.ip().to_canonical());
    if !app.site.trusts(peer) {
        return peer;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()).and_then(|list| list.rsplit(',').next());
    last.and_then(|address| address.trim().parse::<IpAddr>().ok()).map_or(peer, |address| address.to_canonical())
}

/// The counters that a failed proof of `account` from `source` moves. One account has one set, whatever
/// the dialect (security.md H7); a source is an IPv4 address or an IPv6 /64 (H12).
pub(super) fn throttle_keys(app: &App, realm: &str, kind: &'static str, account: &str, source: IpAddr) -> ThrottleKeys {
    let source = source_prefix(source);
    let asked = (realm.to_owned(), kind, account.to_owned(), source);
    if let Some(keys) = app.throttle_keys.get(&asked) {
        return keys;
    }
    let source = source.to_string();
    let digest = |parts: &[&str]| {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        app.pepper.digest(Purpose::Throttle, &parts)
    };
    let keys = ThrottleKeys {
        pair: digest(&[realm, kind, account, &source]),
        account: digest(&[realm, kind, account]),
        source: digest(&[&source]),
    };
    app.throttle_keys.insert(asked, keys);
    keys
}
