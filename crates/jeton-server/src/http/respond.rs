//! Answers of the core as HTTP responses.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::ext::ReasonPhrase;
use jeton_core::dialect::Answer;
use jeton_core::domain::realm::Settings;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::wire::oauth;

use crate::exchange::Ended;

/// The realm that answered: whose CORS setting holds.
#[derive(Clone)]
pub(super) struct AnsweredBy(pub(super) String);

/// A dialect's answer, byte for byte. Over HTTP/2 the reason phrase is lost, as it must be.
pub(super) fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        // What the core writes is fit for a header; if it were not, an answer without it is better than none.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(phrase) = answer.reason_phrase.and_then(|phrase| ReasonPhrase::try_from(phrase.into_bytes()).ok()) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// A refusal in OAuth's shape.
pub(super) fn oauth_refusal(refusal: &Refusal, settings: Option<&Settings>) -> Response {
    oauth::refusal_answer(refusal, settings).map(Body::from)
}

/// What a peer is told of a request that ended without success. A fault is logged here and nowhere else.
pub(super) fn refusal_of(ended: Ended) -> Refusal {
    match ended {
        Ended::Refused(refusal) => refusal,
        Ended::Broken(fault) => {
            tracing::error!(%fault, "a request could not be answered");
            Refusal::new(Reason::Unavailable).retry_after(std::time::Duration::from_secs(1))
        }
    }
}

/// Nothing is served here.
pub(super) fn not_found() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
