//! `GET …/certs` and `…/.well-known/jwks.json`: the realm's public keys (RFC 7517 §5).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::realm;
use super::respond::{AnsweredBy, oauth_refusal, refusal_of};
use super::router::Http;
use jeton_core::token::jwk::Jwk;

/// How long a verifier may keep the keys, in seconds: a key is published at least this long before it signs.
const MAX_AGE: u32 = 300;

#[derive(Serialize)]
struct JwkSet<'a> {
    keys: Vec<&'a Jwk>,
}

pub(super) async fn get(State(http): State<Http>, Path(realm): Path<String>, headers: HeaderMap) -> Response {
    let app = &http.app;
    let found = match realm::find(app, &realm).await {
        Ok(found) => found,
        Err(refusal) => return oauth_refusal(&refusal, None),
    };
    let keys = match app.keys(found.id).await {
        Ok(keys) => keys,
        Err(fault) => return oauth_refusal(&refusal_of(fault.into()), Some(&found.settings)),
    };
    // The set is named by the ids in it: they are thumbprints, so they say it all.
    let tag: Vec<&str> = keys.jwks().map(|jwk| jwk.kid.as_str()).collect();
    let tag = format!("\"{}\"", tag.join("."));
    let unchanged = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let body = match unchanged {
        true => Body::empty(),
        false => Body::from(serde_json::to_string(&JwkSet { keys: keys.jwks().collect() }).unwrap_or_default()),
    };
    let mut response = Response::new(body);
    if unchanged {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A cache must not give one origin what it kept for none.
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    let caching = HeaderValue::try_from(format!("public, max-age={MAX_AGE}"));
    caching.into_iter().for_each(|value| drop(headers.insert(CACHE_CONTROL, value)));
    HeaderValue::try_from(tag).into_iter().for_each(|value| drop(headers.insert(ETAG, value)));
    response.extensions_mut().insert(AnsweredBy(realm));
    response
}
