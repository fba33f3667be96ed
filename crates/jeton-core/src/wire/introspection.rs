//! What introspection says of a live token (RFC 7662 §2.2), in Keycloak's order; and the same in a JWT (RFC 9701).

use http::HeaderMap;
use http::header::ACCEPT;
use serde::Serialize;
use serde_json::Value;

use crate::domain::policy::Alg;
use crate::domain::session::{Confirmation, TokenKind};
use crate::rules::state::Live;
use crate::time::Timestamp;
use crate::token::claims::{Act, Audience, username};
use crate::token::jwt::{Claims, signing_input};

/// The media type of an answer that is a JWT (RFC 9701 §4).
pub const JWT: &str = "application/token-introspection+jwt";

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
    aud: Option<Audience<'a>>,
    sub: String,
    typ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    azp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    acr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
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

/// The answer for a live token of this kind. `claims` are those of a JWT.
pub fn active(live: &Live<'_>, kind: TokenKind, issuer: &str, claims: Option<&Claims>) -> String {
    let (typ, token_type) = match (kind, live.cnf) {
        (TokenKind::Refresh, _) => ("Refresh", "Refresh"),
        (TokenKind::Access, Some(Confirmation::Jkt(_))) => ("Bearer", "DPoP"),
        (TokenKind::Access, _) => ("Bearer", "Bearer"),
    };
    let client_id = live.client.map(|client| client.client_id.as_str());
    let username = username(live.principal, live.client);
    let audience = match live.audience.as_slice() {
        [] => None,
        [one] => Some(Audience::One(one)),
        many => Some(Audience::Many(many)),
    };
    let body = Active {
        exp: live.expires_at.as_secs(),
        iat: live.issued_at.as_secs(),
        jti: claims.and_then(|claims| claims.jti.as_deref()),
        iss: issuer,
        aud: audience,
        sub: live.principal.id.to_string(),
        typ,
        azp: client_id,
        sid: live.session.map(|session| session.id.to_string()),
        acr: "1",
        cnf: live.cnf,
        scope: &live.scope,
        act: live.actor.map(|actor| Act::of(actor, live.session)),
        email_verified: live.principal.attribute("email_verified") == Some("true"),
        preferred_username: username.clone(),
        client_id,
        username,
        jeton_number: live.principal.number,
        jeton_target: live.target,
        jeton_level: live.level,
        jeton_key_id: live.key_id,
        token_type,
        active: true,
    };
    serde_json::to_string(&body).unwrap_or_else(|_| INACTIVE.to_owned())
}

/// Whether an answer in a JWT is asked for: `Accept` names its media type, and not with `q=0` (RFC 9110 §12.5.1).
pub fn wants_jwt(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(JWT));
        let refused = |part: &str| match part.split_once('=') {
            Some((name, weight)) => name.eq_ignore_ascii_case("q") && weight.parse() == Ok(0.0),
            None => false,
        };
        named && !parts.any(refused)
    })
}

/// An answer as what has to be signed for `caller`, a client's id (RFC 9701 §5). Its `typ`, and that it has neither `sub`
/// nor `exp`, keep it from being taken for an access token (RFC 9701 §8.1).
pub fn jwt(answer: &str, issuer: &str, caller: &str, (alg, kid): (Alg, &str), now: Timestamp) -> String {
    let (issuer, caller, kid) = (Value::from(issuer), Value::from(caller), Value::from(kid));
    let header = format!(r#"{{"alg":"{}","typ":"token-introspection+jwt","kid":{kid}}}"#, alg.name());
    let iat = now.as_secs();
    let claims = format!(r#"{{"iss":{issuer},"aud":{caller},"iat":{iat},"token_introspection":{answer}}}"#);
    signing_input(&header, &claims)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_jwt_is_written_for_whoever_names_it() {
        let rows: [(&[&'static str], bool); 9] = [
            (&["application/token-introspection+jwt"], true),
            (&["application/json, Application/Token-Introspection+JWT;q=0.5"], true),
            (&["application/json", "application/token-introspection+jwt"], true),
            (&[], false),
            (&["*/*"], false),
            (&["application/json"], false),
            (&["application/jwt"], false),
            (&["application/token-introspection+jwt;q=0"], false),
            (&["application/token-introspection+jwt ; Q=0.000"], false),
        ];
        for (values, expected) in rows {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(wants_jwt(&headers), expected, "{values:?}");
        }
    }
}
