//! The gate's one act: the signature and the times of a Bearer JWT, ES256 only.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

use crate::Bare;
use crate::keys::Keys;
use crate::token::now;

/// What of a token's claims is read.
#[derive(Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    pub(crate) client_id: String,
    pub(crate) exp: u64,
    pub(crate) iat: u64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// `GET /verify`
pub(crate) async fn get(State(bare): State<Arc<Bare>>, headers: HeaderMap) -> Response {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match token.and_then(|value| value.strip_prefix("Bearer ")).and_then(|token| verified(&bare.keys, token)) {
        Some(claims) => {
            let [subject, client] = ["x-jeton-subject", "x-jeton-client-id"].map(HeaderName::from_static);
            [(subject, claims.sub), (client, claims.client_id)].into_response()
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// The claims of a token that is good now.
pub(crate) fn verified(keys: &Keys, token: &str) -> Option<Claims> {
    let (message, signature) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: Header = serde_json::from_slice(&BASE64URL.decode(header).ok()?).ok()?;
    if header.alg != "ES256" {
        return None;
    }
    let signature = BASE64URL.decode(signature).ok()?;
    keys.es256_public.verify_sig(message.as_bytes(), &signature).ok()?;
    let claims: Claims = serde_json::from_slice(&BASE64URL.decode(claims).ok()?).ok()?;
    let now = now();
    (claims.iat <= now && now < claims.exp).then_some(claims)
}
