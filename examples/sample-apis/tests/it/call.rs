//! One request to a sample API, and what came back.

use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use jeton_sample_apis::{Api, router};
use serde_json::Value;
use tower::ServiceExt;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The HTTP/1.1 reason phrase, where it is not the usual one.
    pub(crate) reason: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("the body is JSON")
    }

    /// A header's text, or the empty string.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("plain text"))
    }
}

/// Sends `METHOD PATH` with further header lines `Name: value`.
pub(crate) async fn call(api: Api, line: &str, headers: &[&str], body: &[u8]) -> Answer {
    let (method, uri) = line.split_once(' ').expect("METHOD PATH");
    let mut request = Request::builder().method(method).uri(uri);
    for header in headers {
        let (name, value) = header.split_once(": ").expect("Name: value");
        request = request.header(name, value);
    }
    let request = request.body(axum::body::Body::from(body.to_vec())).expect("a valid request");
    let response = router(api).oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.expect("the whole body").to_bytes();
    Answer {
        status: parts.status,
        reason: parts
            .extensions
            .get::<hyper::ext::ReasonPhrase>()
            .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned()),
        headers: parts.headers,
        text: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
    }
}
