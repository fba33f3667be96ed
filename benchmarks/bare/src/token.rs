//! Client credentials (RFC 6749 §4.4): a signed JWT in an answer of Keycloak's shape.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Serialize;

use crate::client::Form;
use crate::{Bare, JSON};

const LIFETIME: u64 = 86_400;

/// The members that Jeton writes (RFC 9068 §2.2).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    exp: u64,
    aud: &'a str,
    sub: &'a str,
    client_id: &'a str,
    iat: u64,
    jti: &'a str,
}

/// `POST /{alg}/token`
pub(crate) async fn post(State(bare): State<Arc<Bare>>, Path(alg): Path<String>, body: Bytes) -> Response {
    let form = Form::read(&body);
    if form.grant_type != "client_credentials" {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let Some(client) = bare.clients.authenticated(&form.client_id, &form.client_secret) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let header = match alg.as_str() {
        "es256" => r#"{"alg":"ES256","typ":"at+jwt","kid":"es256"}"#,
        "eddsa" => r#"{"alg":"EdDSA","typ":"at+jwt","kid":"eddsa"}"#,
        _ => r#"{"alg":"RS256","typ":"at+jwt","kid":"rs256"}"#,
    };
    let issuer = format!("http://127.0.0.1:8080/realms/{alg}");
    let iat = now();
    let claims = Claims {
        iss: &issuer,
        exp: iat + LIFETIME,
        aud: &issuer,
        sub: &client.subject,
        client_id: &form.client_id,
        iat,
        jti: &random_id(),
    };
    let Ok(claims) = serde_json::to_string(&claims) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut message = String::with_capacity(1024);
    BASE64URL.encode_string(header, &mut message);
    message.push('.');
    BASE64URL.encode_string(claims, &mut message);
    match bare.keys.sign(&alg, message) {
        Some(token) => (JSON, answer(&token)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(token: &str) -> String {
    format!(
        r#"{{"access_token":"{token}","expires_in":{LIFETIME},"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":""}}"#
    )
}

/// Seconds since the epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// 128 random bits, in hexadecimal.
fn random_id() -> String {
    let mut bytes = [0; 16];
    // Zeros, if the system has no randomness, would be found out: every token must differ from the one before.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes.iter().fold(String::with_capacity(36), |mut text, byte| {
        // A String takes everything that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
