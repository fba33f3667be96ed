//! Claims of the access tokens that clients get for themselves.

use serde::Serialize;

use crate::domain::client::Client;
use crate::domain::id::Id;
use crate::domain::realm::{Profile, Settings};
use crate::time::Timestamp;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// Keycloak's members in Keycloak's order.
#[derive(Serialize)]
struct Keycloak<'a> {
    exp: i64,
    iat: i64,
    jti: String,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'a>>,
    sub: String,
    typ: &'a str,
    azp: &'a str,
    acr: &'a str,
    scope: &'a str,
    email_verified: bool,
    preferred_username: String,
    client_id: &'a str,
}

/// RFC 9068 §2.2.
#[derive(Serialize)]
struct Rfc9068<'a> {
    iss: &'a str,
    exp: i64,
    aud: Audience<'a>,
    sub: String,
    client_id: &'a str,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// A string for one audience, an array for several (RFC 7519 §4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// Header and claims of a client's own token, as JSON.
pub(crate) fn client_token(
    settings: &Settings,
    iss: &str,
    kid: &str,
    client: &Client,
    scope: &str,
    (issued_at, expires_at): (Timestamp, Timestamp),
    id: Id,
) -> (String, String) {
    let (exp, iat, jti) = (expires_at.as_secs(), issued_at.as_secs(), id.to_string());
    let (sub, client_id) = (client.service.id.to_string(), client.client_id.as_str());
    let aud = match client.settings.audiences.as_slice() {
        [] => None,
        [one] => Some(Audience::One(one)),
        many => Some(Audience::Many(many)),
    };
    let (typ, claims) = match settings.profile {
        Profile::Keycloak => (
            "JWT",
            json(&Keycloak {
                exp,
                iat,
                jti,
                iss,
                aud,
                sub,
                typ: "Bearer",
                azp: client_id,
                acr: "1",
                scope,
                email_verified: false,
                preferred_username: service_account(client_id),
                client_id,
            }),
        ),
        // RFC 9068 §3: without a resource asked for, a default audience stands: the realm itself.
        Profile::Rfc9068 => {
            let aud = aud.unwrap_or(Audience::One(iss));
            ("at+jwt", json(&Rfc9068 { iss, exp, aud, sub, client_id, iat, jti, scope }))
        }
    };
    (json(&Header { alg: settings.alg.name(), typ, kid }), claims)
}

/// The username that Keycloak gives to a client's service account.
pub(crate) fn service_account(client_id: &str) -> String {
    format!("service-account-{}", client_id.to_lowercase())
}

/// Strings, numbers and booleans only: writing them cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
