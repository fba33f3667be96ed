//! Introspection (RFC 7662): the client proves itself, the token is looked up by its hash or verified.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::client::Form;
use crate::token::now;
use crate::verify::verified;
use crate::{Bare, JSON};

/// Opaque tokens, by hash.
pub(crate) struct Tokens(HashMap<Vec<u8>, Row>);

struct Row {
    subject: String,
    username: String,
    issued_at: u64,
    expires_at: u64,
}

impl Tokens {
    /// One token that is good for a day.
    pub(crate) fn with(token: &str) -> Self {
        let row = Row {
            subject: "0193b3a0-7c1e-7000-8000-000000000002".to_owned(),
            username: "person-0".to_owned(),
            issued_at: now(),
            expires_at: now() + 86_400,
        };
        Self(HashMap::from([(digest(&SHA256, token.as_bytes()).as_ref().to_vec(), row)]))
    }
}

#[derive(Serialize)]
struct Active<'a> {
    exp: u64,
    iat: u64,
    iss: &'a str,
    sub: &'a str,
    typ: &'a str,
    acr: &'a str,
    scope: &'a str,
    email_verified: bool,
    preferred_username: &'a str,
    username: &'a str,
    token_type: &'a str,
    active: bool,
}

impl<'a> Active<'a> {
    fn of(sub: &'a str, username: &'a str, iat: u64, exp: u64) -> Self {
        Self {
            exp,
            iat,
            iss: "http://127.0.0.1:8080/realms/opaque",
            sub,
            typ: "Bearer",
            acr: "1",
            scope: "",
            email_verified: false,
            preferred_username: username,
            username,
            token_type: "Bearer",
            active: true,
        }
    }
}

/// `POST /introspect`
pub(crate) async fn post(State(bare): State<Arc<Bare>>, body: Bytes) -> Response {
    let form = Form::read(&body);
    if bare.clients.authenticated(&form.client_id, &form.client_secret).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let token = form.token.as_ref();
    let body = if token.starts_with("eyJ") {
        verified(&bare.keys, token).and_then(|claims| {
            serde_json::to_string(&Active::of(&claims.sub, &claims.client_id, claims.iat, claims.exp)).ok()
        })
    } else {
        let row = bare.tokens.0.get(digest(&SHA256, token.as_bytes()).as_ref());
        row.filter(|row| now() < row.expires_at).and_then(|row| {
            serde_json::to_string(&Active::of(&row.subject, &row.username, row.issued_at, row.expires_at)).ok()
        })
    };
    (JSON, body.unwrap_or_else(|| r#"{"active":false}"#.to_owned())).into_response()
}
