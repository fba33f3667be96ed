//! `GET /.well-known/oauth-protected-resource…` (RFC 9728 §3): what an API behind the gate says of itself.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::dialect::host_of;
use super::respond::{not_found, oauth_refusal, refusal_of};
use super::router::Http;

/// The host that the request names only selects among those that realms name: nothing is written from it.
pub(super) async fn get(State(http): State<Http>, request: Request) -> Response {
    let table = match http.gates.current().await {
        Ok(table) => table,
        Err(fault) => return oauth_refusal(&refusal_of(fault.into()), None),
    };
    let (host, path) = (host_of(&request).unwrap_or_default(), request.uri().path());
    let known = table.resources.iter().find(|known| known.host.eq_ignore_ascii_case(&host) && known.path == path);
    let Some(known) = known else { return not_found() };
    let mut response = Response::new(Body::from(known.document.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate"));
    response
}
