//! A small reverse proxy: what a guard lets through goes to the API, without its token and with the caller's
//! identity; what it does not is answered as the API would.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, RETRY_AFTER, UPGRADE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::ext::ReasonPhrase;
use jeton_core::dialect::Carrier;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::token::dpop;

use crate::check::CheckToken;
use crate::decide::{Original, Rejection};
use crate::guard::{Guard, Passage, Peer};
use crate::response::{self, Body, BodyError};
use crate::upstream::{Call, Upstream};
use crate::{headers, host, query};

/// A guard and the API behind it.
#[derive(Debug)]
pub struct Gate<C> {
    /// Who decides.
    pub guard: Guard<C>,
    /// Where calls go that may.
    pub upstream: Upstream,
    /// The most bytes that a request's body may have; [`BODY_LIMIT`] is usual.
    pub body_limit: usize,
}

/// The usual limit of a request's body: 1 MiB.
pub const BODY_LIMIT: usize = 1 << 20;
/// How long a request's body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY: Duration = Duration::from_secs(1);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl<C: CheckToken> Gate<C> {
    /// Answers one call: with the API's answer, streamed, or with a refusal in the API's shape.
    pub async fn handle<B>(&self, peer: impl Into<Peer>, request: Request<B>) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        match self.pass_on(peer.into(), request).await {
            Ok(answer) => answer,
            Err(rejection) => self.refuse(&rejection),
        }
    }

    async fn pass_on<B>(&self, peer: Peer, request: Request<B>) -> Result<Response<Body>, Rejection>
    where
        B: hyper::body::Body<Data = Bytes> + Send,
        B::Error: Into<BodyError>,
    {
        let (parts, body) = request.into_parts();
        let host = host::of_request(&parts.uri, &parts.headers)
            .map_err(|error| Refusal::new(Reason::InvalidRequest).detail(error.to_string()))?;
        let original = Original {
            method: &parts.method,
            host: &host,
            path: parts.uri.path(),
            query: parts.uri.query(),
            headers: &parts.headers,
            certificate: peer.certificate.as_deref(),
        };
        let passage = self.guard.pass(&original).await?;
        let rejected = |refusal| Rejection { show: passage.admission.presented.as_ref().map(|p| p.show), refusal };

        refuse_upgrade(&parts.headers).map_err(rejected)?;
        let target = self.target(&parts, &passage).map_err(rejected)?;
        let body = read_body(body, self.body_limit).await.map_err(rejected)?;
        let headers = self.outgoing(&peer, &parts, &passage, body.len());
        let call = Call { method: parts.method, target, host, headers, body };
        match self.upstream.send(call).await {
            Ok(answer) if answer.status() != StatusCode::SWITCHING_PROTOCOLS => Ok(relay(answer)),
            Ok(_) => Err(rejected(self.unavailable("it switched protocols unasked"))),
            Err(error) => Err(rejected(self.unavailable(&error.to_string()))),
        }
    }

    /// The decided path, and the query without the token.
    fn target(&self, parts: &request::Parts, passage: &Passage<'_>) -> Result<PathAndQuery, Refusal> {
        let carriers = self.guard.usage.carriers();
        let token = passage.admission.presented.as_ref().map(|presented| presented.token.expose().as_str());
        let is_shown = |name: &str, value: &str| {
            Some(value) == token || carriers.iter().any(|c| matches!(c, Carrier::Query(carrier) if carrier == name))
        };
        let path = passage.admission.path.as_str();
        let target = match parts.uri.query().and_then(|query| query::without(query, is_shown)) {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        PathAndQuery::try_from(target).map_err(|_| Refusal::new(Reason::InvalidRequest).detail("the URI is too long"))
    }

    /// The headers that go to the API: first everything is taken away that is not the client's to say, and
    /// only then ours are set.
    fn outgoing(&self, peer: &Peer, parts: &request::Parts, passage: &Passage<'_>, length: usize) -> HeaderMap {
        let mut out = parts.headers.clone();
        let token = passage.admission.presented.as_ref().map(|presented| presented.token.expose().as_str());
        headers::remove_claims(&mut out);
        headers::remove_hop_by_hop(&mut out);
        headers::remove_token(&mut out, &self.guard.usage.carriers(), token);
        out.remove(dpop::HEADER);
        out.remove(HOST);
        if out.remove(CONTENT_LENGTH).is_some() || length > 0 {
            out.insert(CONTENT_LENGTH, length.into());
        }

        let identity = headers::identity(passage.caller.as_ref());
        out.extend(identity.into_iter().filter(|(_, value)| !value.is_empty()));
        self.set_forwarded(peer, parts, &mut out);
        out
    }

    /// `X-Forwarded-For`, `-Host` and `-Proto`: what a trusted proxy says is kept and continued, all else is new.
    fn set_forwarded(&self, peer: &Peer, parts: &request::Parts, out: &mut HeaderMap) {
        let told = |name: &HeaderName| {
            let mut values = parts.headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(value), None) if self.guard.trusts(peer) => Some(value.clone()),
                _ => None,
            }
        };
        let seen_for = match told(&FORWARDED_FOR).as_ref().and_then(|value| value.to_str().ok()) {
            Some(before) => format!("{before}, {}", peer.address),
            None => peer.address.to_string(),
        };
        if let Ok(value) = HeaderValue::try_from(seen_for) {
            out.insert(FORWARDED_FOR, value);
        }
        let named = parts.uri.authority().and_then(|authority| HeaderValue::try_from(authority.as_str()).ok());
        if let Some(value) = told(&FORWARDED_HOST).or(named).or_else(|| parts.headers.get(HOST).cloned()) {
            out.insert(FORWARDED_HOST, value);
        }
        let seen_proto = HeaderValue::from_static(if peer.tls { "https" } else { "http" });
        let proto = told(&FORWARDED_PROTO).filter(|value| value == "https" || value == "http").unwrap_or(seen_proto);
        out.insert(FORWARDED_PROTO, proto);
    }

    fn unavailable(&self, cause: &str) -> Refusal {
        tracing::error!(realm = %self.guard.realm, cause, "the upstream gives no answer");
        Refusal::new(Reason::Unavailable).retry_after(RETRY)
    }

    fn refuse(&self, rejection: &Rejection) -> Response<Body> {
        let Rejection { show, refusal } = rejection;
        tracing::debug!(realm = %self.guard.realm, reason = refusal.reason.name(), "gate: no");
        // What no rule names does not exist, in no API's words.
        if refusal.reason == Reason::NoRoute {
            return response::empty(StatusCode::NOT_FOUND);
        }
        let mut answer = response::from_answer(self.guard.usage.refuse(*show, refusal));
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE && !answer.headers().contains_key(RETRY_AFTER) {
            answer.headers_mut().insert(RETRY_AFTER, RETRY.as_secs().into());
        }
        answer
    }
}

/// Other protocols are not proxied: past the switch there would be no calls to decide on. An offer of HTTP/2
/// is no such wish; RFC 9110 §7.8 lets a server pass over it.
fn refuse_upgrade(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get_all(UPGRADE).iter().find(|value| !value.as_bytes().eq_ignore_ascii_case(b"h2c")) {
        Some(_) => {
            Err(Refusal::new(Reason::InvalidRequest).field("Upgrade").detail("protocol upgrades are not served here"))
        }
        None => Ok(()),
    }
}

/// The whole body, so that one beyond the limit is refused before the API sees any of it.
async fn read_body<B>(body: B, limit: usize) -> Result<Bytes, Refusal>
where
    B: hyper::body::Body<Data = Bytes> + Send,
    B::Error: Into<BodyError>,
{
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(Refusal::new(Reason::TooLarge));
    }
    let body = std::pin::pin!(Limited::new(body, limit));
    match tokio::time::timeout(BODY_TIMEOUT, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(Reason::TooLarge)),
        Ok(Err(_)) => Err(Refusal::new(Reason::InvalidRequest).detail("the body cannot be read")),
        Err(_) => Err(Refusal::new(Reason::InvalidRequest).detail("the body did not arrive in time")),
    }
}

/// The API's answer as this connection's.
fn relay(answer: Response<Body>) -> Response<Body> {
    let (parts, body) = answer.into_parts();
    let mut relayed = Response::new(body);
    *relayed.status_mut() = parts.status;
    *relayed.headers_mut() = parts.headers;
    headers::remove_hop_by_hop(relayed.headers_mut());
    if let Some(phrase) = parts.extensions.get::<ReasonPhrase>() {
        relayed.extensions_mut().insert(phrase.clone());
    }
    relayed
}
