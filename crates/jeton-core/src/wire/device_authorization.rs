//! The answer of the device authorization endpoint (RFC 8628 §3.2).

use serde::Serialize;

use super::oauth::{self, Answer};
use crate::domain::realm::Realm;
use crate::rules::device::Begun;

#[derive(Serialize)]
struct Body<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: &'a str,
    verification_uri_complete: String,
    expires_in: u64,
    interval: i64,
}

/// Where a person of this realm types a user code.
pub fn verification_uri(realm: &Realm, public_url: &str) -> String {
    format!("{}/realms/{}/device", public_url.trim_end_matches('/'), realm.name)
}

/// The answer: both codes, and where the person's is typed.
pub fn answer(begun: &Begun, verification_uri: &str) -> Answer {
    let user_code = begun.user_code.expose();
    let body = Body {
        device_code: begun.device_code.expose(),
        user_code,
        verification_uri,
        verification_uri_complete: format!("{verification_uri}?user_code={user_code}"),
        expires_in: begun.expires_in,
        interval: begun.interval,
    };
    oauth::answer(200, serde_json::to_string(&body).unwrap_or_default())
}
