//! CORS (Fetch standard §3.2): closed, unless a realm names the origin. Credentials are never allowed.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jeton_core::facts::Query;

use super::dialect::realm_at;
use super::respond::AnsweredBy;
use super::router::Http;

/// How long a browser may keep a preflight's answer, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// What a page's script may read of an answer besides what it always may (Fetch standard §3.2.3): without these it could
/// neither send a DPoP proof again (RFC 9449 §8) nor wait as it is told to nor learn why it was refused.
const EXPOSED: HeaderValue = HeaderValue::from_static("DPoP-Nonce, Retry-After, WWW-Authenticate");

/// The answer to a request for what everybody may read, wherever a page comes from: keys and metadata (security.md A14).
/// It is the same with and without an origin, so that caches keep it for all.
pub(super) async fn answer_to_all(request: Request, next: Next) -> Response {
    let asked = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match request.method() == Method::OPTIONS && asked {
        true => leave(&Method::GET, request.headers()),
        false => next.run(request).await,
    };
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// The answer to a request, with leave for the browser that asked if its origin has it.
pub(super) async fn answer(http: &Http, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else {
        return next.run(request).await;
    };
    if request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        let (parts, _) = request.into_parts();
        return preflight(http, &parts, origin).await;
    }
    let realm = realm_in(request.uri().path()).map(str::to_owned);
    let mut response = next.run(request).await;
    let answered_by = response.extensions().get::<AnsweredBy>().map(|by| by.0.clone());
    if let Some(realm) = realm.or(answered_by)
        && allows(http, &realm, &origin).await
    {
        allow(response.headers_mut(), origin);
        // Beside what an API behind the gate exposes of its own.
        response.headers_mut().append(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// The answer to a browser's question whether it may ask. Without leave it has no CORS header at all.
async fn preflight(http: &Http, parts: &Parts, origin: HeaderValue) -> Response {
    let wanted = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD);
    let method = wanted.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
    let realm = match (realm_in(parts.uri.path()), &method) {
        (Some(realm), _) => Some(realm.to_owned()),
        (None, Some(method)) => realm_at(http, method, parts).await,
        (None, None) => None,
    };
    if let (Some(realm), Some(method)) = (realm, method)
        && allows(http, &realm, &origin).await
    {
        let mut response = leave(&method, &parts.headers);
        allow(response.headers_mut(), origin);
        return response;
    }
    no_content()
}

/// Leave to ask so, but for the origin.
fn leave(method: &Method, asked: &HeaderMap) -> Response {
    let mut response = no_content();
    let headers = response.headers_mut();
    HeaderValue::try_from(method.as_str())
        .into_iter()
        .for_each(|method| drop(headers.insert(ACCESS_CONTROL_ALLOW_METHODS, method)));
    if let Some(asked) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// The realm that an address of the OAuth suite names.
fn realm_in(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/auth").unwrap_or(path);
    path.strip_prefix("/realms/")?.split('/').next()
}

async fn allows(http: &Http, realm: &str, origin: &HeaderValue) -> bool {
    let facts = http.app.store.load(&Query { realm, ..Query::default() }).await;
    let realm = facts.ok().flatten().map(|facts| facts.realm);
    realm.is_some_and(|realm| realm.settings.cors_origins.iter().any(|known| known.as_bytes() == origin.as_bytes()))
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("Origin"));
}
