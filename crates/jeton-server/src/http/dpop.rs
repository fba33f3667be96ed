//! DPoP at the token endpoint (RFC 9449 §5, §8).

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use jeton_core::domain::id::Digest;
use jeton_core::domain::refusal::Refusal;
use jeton_core::token::dpop::{self, Proof};
use jeton_core::token::pepper::Purpose;

use super::receive::Received;
use crate::app::App;

/// No proof that was used once holds any longer after this: its `iat` may be ahead by one window, and behind by another.
const REMEMBERED: Duration = Duration::from_secs(2 * dpop::WINDOW.as_secs() + 1);

/// Whether a request says that it has a proof.
pub(super) fn is_sent(request: &Request) -> bool {
    request.headers().contains_key(dpop::HEADER)
}

/// Whoever sends proofs is told with each answer what the next one needs (RFC 9449 §8.2).
pub(super) fn offer_nonce(app: &App, answer: &mut Response) {
    if let Ok(nonce) = HeaderValue::try_from(dpop::nonce(&app.pepper, app.clock.now())) {
        answer.headers_mut().insert("dpop-nonce", nonce);
    }
}

/// The proof that a request carries, checked but for its newness.
pub(super) fn proof(app: &App, realm: &str, received: &Received) -> Result<Option<Proof>, Refusal> {
    let Some(proof) = dpop::proof_of(&received.parts.headers)? else { return Ok(None) };
    let base = app.site.public_url.trim_end_matches('/');
    let expected = dpop::Expected {
        method: received.parts.method.as_str(),
        is_address: &|htu| {
            let at = |prefix| format!("{base}{prefix}/realms/{realm}/protocol/openid-connect/token");
            ["", "/auth"].into_iter().any(|prefix| dpop::is_same_address(htu, &at(prefix)))
        },
        access_token: None,
        nonces: Some(&app.pepper),
        now: app.clock.now(),
    };
    Ok(Some(dpop::verify(proof, &expected)?))
}

/// What a proof is known by when it is used up, and for how long.
pub(super) fn good_once(app: &App, proof: &Proof) -> (Digest, Duration) {
    (app.pepper.digest(Purpose::DpopProof, &[proof.jkt.as_bytes(), proof.jti.as_bytes()]), REMEMBERED)
}
