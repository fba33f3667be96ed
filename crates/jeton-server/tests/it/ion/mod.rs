//! ION's realm: the OAuth endpoints in Keycloak's shape, and the three spellings of its token (contracts/ion.md).

mod graphql;
mod metadata;
mod state;
mod token;

use crate::harness::Answer;

pub(super) const TOKEN: &str = "/realms/api-keys/protocol/openid-connect/token";
pub(super) const INTROSPECT: &str = "token/introspect";
pub(super) const BAD_CLIENT: &str =
    r#"{"error":"invalid_client","error_description":"Invalid client or Invalid client credentials"}"#;
pub(super) const BAD_SECRET: &str =
    r#"{"error":"unauthorized_client","error_description":"Invalid client or Invalid client credentials"}"#;

/// §3: what every answer of the token endpoint carries, success or not.
const HEADERS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("pragma", "no-cache"),
    ("content-type", "application/json"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-robots-tag", "none"),
];

#[track_caller]
fn assert_keycloak_headers(answer: &Answer, what: &str) {
    let ours = ["connection", "content-length", "date"];
    let mut sent: Vec<(&str, &str)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !ours.contains(name))
        .collect();
    let mut expected = HEADERS.to_vec();
    sent.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sent, expected, "{what}");
}

#[track_caller]
pub(super) fn assert_answer(answer: &Answer, status: u16, body: &str, what: &str) {
    assert_eq!((answer.status, answer.body.as_str()), (status, body), "{what}");
    assert_keycloak_headers(answer, what);
}

pub(super) fn error(code: &str, text: &str) -> String {
    format!(r#"{{"error":"{code}","error_description":"{text}"}}"#)
}

pub(super) const GRANT: (&str, &str) = ("grant_type", "client_credentials");
