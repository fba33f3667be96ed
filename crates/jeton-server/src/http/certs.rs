//! `GET …/certs` and `…/.well-known/jwks.json`: the realm's public keys (RFC 7517 §5).

use aws_lc_rs::digest;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::realm;
use super::respond::{oauth_refusal, refusal_of};
use super::router::Http;
use jeton_core::token::jwk::Jwk;

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
    let kids: Vec<&str> = keys.jwks().map(|jwk| jwk.kid.as_str()).collect();
    let tag = digest::digest(&digest::SHA256, kids.join(".").as_bytes());
    let tag = format!("\"{}\"", BASE64URL.encode(tag));
    let unchanged = headers.get_all(IF_NONE_MATCH).iter().any(|known| names(known, &tag));
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
    let caching = HeaderValue::try_from(format!("public, max-age={}", found.settings.jwks_max_age_secs));
    caching.into_iter().for_each(|value| drop(headers.insert(CACHE_CONTROL, value)));
    HeaderValue::try_from(tag).into_iter().for_each(|value| drop(headers.insert(ETAG, value)));
    response
}

/// Whether `If-None-Match` names this tag, weak or not (RFC 9110 §13.1.2): proxies that compress weaken it.
fn names(header: &HeaderValue, tag: &str) -> bool {
    let known = header.to_str().unwrap_or_default().split(',').map(str::trim);
    known.map(|known| known.strip_prefix("W/").unwrap_or(known)).any(|known| known == tag || known == "*")
}
