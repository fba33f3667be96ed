//! `GET /realms/{realm}/.well-known/openid-configuration` (OIDC Discovery §4, RFC 8414 §3).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jeton_core::wire::metadata;

use super::realm;
use super::respond::oauth_refusal;
use super::router::Http;

pub(super) async fn get(State(http): State<Http>, Path(realm): Path<String>) -> Response {
    match realm::find(&http.app, &realm).await {
        Ok(found) => {
            let site = &http.app.site;
            let document = metadata::document(&found, &site.public_url, site.mutual_tls);
            let mut response = Response::new(Body::from(document));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate"));
            response
        }
        Err(refusal) => oauth_refusal(&refusal, None),
    }
}
