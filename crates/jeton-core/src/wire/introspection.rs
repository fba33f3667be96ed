//! What introspection says of a live token (RFC 7662 §2.2), in Keycloak's order.

use serde::Serialize;

use crate::domain::principal::Kind;
use crate::rules::state::Live;
use crate::token::claims::service_account;
use crate::token::jwt::{Audience, Claims};

/// The answer for a token that is not good, for whatever reason: nothing more is said (RFC 7662 §2.2).
pub const INACTIVE: &str = r#"{"active":false}"#;

#[derive(Serialize)]
struct Active<'a> {
    exp: i64,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<serde_json::Value>,
    sub: String,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    acr: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Actor>,
    email_verified: bool,
    preferred_username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    username: String,
    jeton_number: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jeton_target: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jeton_level: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jeton_key_id: Option<&'a str>,
    token_type: &'a str,
    active: bool,
}

#[derive(Serialize)]
struct Actor {
    sub: String,
}

/// The answer for a live token. `claims` are those of a JWT.
pub fn active(live: &Live<'_>, issuer: &str, claims: Option<&Claims>) -> String {
    let client_id = live.client.map(|client| client.client_id.as_str());
    let username = match (live.principal.kind, client_id) {
        (Kind::Service, Some(client_id)) => service_account(client_id),
        _ => live.principal.username.clone(),
    };
    let audience = claims.and_then(|claims| claims.aud.as_ref()).map(|aud| match aud {
        Audience::One(one) => serde_json::Value::from(one.as_str()),
        Audience::Many(many) => serde_json::Value::from(many.clone()),
    });
    let body = Active {
        exp: live.expires_at.as_secs(),
        iat: live.issued_at.as_secs(),
        jti: claims.and_then(|claims| claims.jti.as_deref()),
        iss: issuer,
        aud: audience,
        sub: live.principal.id.to_string(),
        typ: "Bearer",
        azp: client_id,
        sid: live.session.map(|session| session.id.to_string()),
        acr: "1",
        scope: live.scope,
        act: live.actor.map(|actor| Actor { sub: actor.id.to_string() }),
        email_verified: live.principal.attribute("email_verified") == Some("true"),
        preferred_username: username.clone(),
        client_id,
        username,
        jeton_number: live.principal.number,
        jeton_target: live.target,
        jeton_level: live.level,
        jeton_key_id: live.key_id,
        token_type: "Bearer",
        active: true,
    };
    serde_json::to_string(&body).unwrap_or_else(|_| INACTIVE.to_owned())
}
