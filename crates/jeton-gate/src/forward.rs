//! Forward-auth: a proxy asks whether a call may go on, and sends it itself.
//!
//! nginx (`auth_request`), Traefik (`forwardAuth`), Caddy (`forward_auth`) and others send a sub-request
//! that names the original call in headers. The answer is its status alone: 200 with the identity headers,
//! or a no. The proxy sends the original on as it came, so whatever an API could read otherwise than it was
//! decided on here is refused, not repaired.

use http::header::{CACHE_CONTROL, HOST, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use jeton_core::domain::refusal::{Reason, Refusal};

use crate::check::CheckToken;
use crate::decide::{Original, Rejection};
use crate::guard::{Guard, Passage, Peer};
use crate::response::{self, Body};
use crate::{bearer, headers, host};

/// Answers a sub-request with these headers from this peer.
///
/// 200 with all identity headers (empty where there is nothing to say, so that a proxy overwrites what a
/// client sent); 401 when there is no good token; 503 when nobody can tell; 403 for everything else, since
/// `auth_request` knows no other no. The body is always empty.
pub async fn forward_auth<C: CheckToken>(guard: &Guard<C>, peer: Peer, headers: &HeaderMap) -> Response<Body> {
    let mut response = match decide(guard, peer, headers).await {
        Ok(passage) => {
            let mut response = response::empty(StatusCode::OK);
            response.headers_mut().extend(headers::identity(passage.caller.as_ref()));
            response
        }
        Err(rejection) => refuse(guard, &rejection.refusal),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn decide<'g, C: CheckToken>(
    guard: &'g Guard<C>,
    peer: Peer,
    headers: &HeaderMap,
) -> Result<Passage<'g>, Rejection> {
    if !guard.trusts(&peer) {
        return Err(deny("the peer is not a trusted proxy"));
    }
    // The proxy would hand such headers to the API, beside ours or against what is decided here.
    if headers.keys().any(|name| headers::is_identity(name) || headers::overrides_call(name)) {
        return Err(deny("the call carries a header that no client may send"));
    }
    let call = NamedCall::read(headers)?;
    let (path, query) = match call.uri.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (call.uri, None),
    };
    if query.is_some_and(|query| query.contains('#')) {
        return Err(deny("the call's URI has a fragment"));
    }
    // What a certificate the proxy saw is not known: tokens that are bound to one do not pass.
    let original = Original { method: &call.method, host: &call.host, path, query, headers, certificate: None };
    let passage = guard.pass(&original).await?;
    if passage.admission.path.was_restructured() {
        return Err(deny("the call's path has dot segments or empty segments"));
    }
    Ok(passage)
}

fn refuse<C>(guard: &Guard<C>, refusal: &Refusal) -> Response<Body> {
    let realm = guard.realm.as_str();
    tracing::debug!(realm, reason = refusal.reason.name(), detail = refusal.detail.as_deref(), "forward-auth: no");
    match refusal.reason.parent().unwrap_or(refusal.reason) {
        Reason::InvalidToken | Reason::WrongCredentials => {
            let mut response = response::empty(StatusCode::UNAUTHORIZED);
            if let Ok(challenge) = HeaderValue::try_from(bearer::challenge(realm, guard.usage.metadata(), refusal)) {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        }
        Reason::Unavailable => {
            let mut response = response::empty(StatusCode::SERVICE_UNAVAILABLE);
            let seconds = refusal.retry_after.map_or(1, |wait| wait.as_secs().max(1));
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
            response
        }
        _ => response::empty(StatusCode::FORBIDDEN),
    }
}

fn deny(detail: &'static str) -> Rejection {
    Refusal::new(Reason::Denied).detail(detail).into()
}

/// The original call as the sub-request's headers name it.
struct NamedCall<'a> {
    method: Method,
    uri: &'a str,
    host: String,
}

impl<'a> NamedCall<'a> {
    /// Reads `X-Original-Method`, `-URI`, `-Host` (nginx; the host may be in `Host`) or `X-Forwarded-Method`,
    /// `-Uri`, `-Host` (Traefik, Caddy).
    ///
    /// A proxy sets one family and hands a client's own headers of the other through. So each family is
    /// there whole or not at all, and two that differ are a client's attempt.
    fn read(headers: &'a HeaderMap) -> Result<Self, Rejection> {
        let original_host = single(headers, "x-original-host")?;
        let forwarded_host = single(headers, "x-forwarded-host")?;
        let original = family(headers, "x-original-method", "x-original-uri")?;
        let forwarded = family(headers, "x-forwarded-method", "x-forwarded-uri")?;
        let ((method, uri), host) = match (original, forwarded) {
            (Some(one), Some(other)) if one != other => {
                return Err(deny("the two families of headers name different calls"));
            }
            (Some(call), _) => (call, original_host.or(single(headers, HOST.as_str())?)),
            (None, Some(call)) => (call, forwarded_host),
            (None, None) => return Err(deny("no headers name the original call")),
        };

        let host =
            host::normalise(host.unwrap_or_default()).map_err(|_| deny("the original call names no valid host"))?;
        for other in [original_host, forwarded_host].into_iter().flatten() {
            if host::normalise(other).as_ref() != Ok(&host) {
                return Err(deny("the two families of headers name different hosts"));
            }
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| deny("the original method is none"))?;
        Ok(Self { method, uri, host })
    }
}

fn family<'a>(headers: &'a HeaderMap, method: &str, uri: &str) -> Result<Option<(&'a str, &'a str)>, Rejection> {
    match (single(headers, method)?, single(headers, uri)?) {
        (Some(method), Some(uri)) => Ok(Some((method, uri))),
        (None, None) => Ok(None),
        _ => Err(deny("only one of method and URI of the original call is named")),
    }
}

/// The value of a header that may stand once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| deny("a header is not UTF-8"))
        }
        (Some(_), Some(_)) => Err(deny("a header that names the original call stands twice")),
    }
}
