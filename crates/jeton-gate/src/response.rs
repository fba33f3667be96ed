//! Answers as HTTP.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::ext::ReasonPhrase;
use jeton_core::dialect::Answer;

/// An error of a body that is being read or sent.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every request and answer that a gate makes.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A body with these bytes.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// A dialect's answer, with its reason phrase where HTTP/1.1 carries one.
pub(crate) fn from_answer(answer: Answer) -> Response<Body> {
    let mut response = empty(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::FORBIDDEN));
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(phrase) = answer.reason_phrase.and_then(|phrase| ReasonPhrase::try_from(phrase).ok()) {
        response.extensions_mut().insert(phrase);
    }
    *response.body_mut() = full(answer.body);
    response
}
