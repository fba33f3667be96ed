//! Reading requests and writing answers: what the four APIs have in common.

use axum::body::{Body, to_bytes};
use axum::extract::Query;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

/// Largest body that is read, in bytes: far more than any sample call needs.
const MAX_BODY: usize = 64 * 1024;

/// The whole body, or `None` if it is longer than [`MAX_BODY`] or broke off.
pub(crate) async fn read_body(body: Body) -> Option<Vec<u8>> {
    Some(to_bytes(body, MAX_BODY).await.ok()?.to_vec())
}

/// The query's pairs in order, percent-decoded; `None` if they are not UTF-8.
pub(crate) fn query_pairs(uri: &Uri) -> Option<Vec<(String, String)>> {
    Some(Query::try_from_uri(uri).ok()?.0)
}

/// Whether the media type is `application/json`, whatever its parameters.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, content_type: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Names the methods that a path understands, as RFC 9110 wants it of a 405.
pub(crate) fn allow(mut response: Response, methods: &'static str) -> Response {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}
