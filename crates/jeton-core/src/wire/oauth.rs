//! Answers of the token, introspection and revocation endpoints in Keycloak's shape (RFC 6749 §5, as recorded from
//! Keycloak 26).

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, PRAGMA, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use crate::domain::realm::{ClientErrors, Profile, Settings};
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::Confirmation;
use crate::rules::Issue;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::dpop;

/// An answer to send.
pub type Answer = http::Response<String>;

/// The answer to a token request that was granted; `token` is the signed token (RFC 6749 §5.1), `issued` its type where
/// it was had for another token (RFC 8693 §2.2.1).
pub fn token_answer(
    issue: &Issue,
    token: &Secret<String>,
    issued: Option<&'static str>,
    now: Timestamp,
    not_before: i64,
) -> Answer {
    let left = |end: Timestamp| end.as_secs() - now.as_secs();
    let expires_in = left(issue.expires_at);
    let refresh_expires_in = issue.refresh_expires_at.map_or(0, left);
    // What we make needs no escape in JSON.
    let refresh = issue.refresh.as_ref().map(|refresh| format!(r#""refresh_token":"{}","#, refresh.expose()));
    let issued = issued.map(|name| format!(r#""issued_token_type":"{name}","#)).unwrap_or_default();
    let token_type = if matches!(issue.cnf, Some(Confirmation::Jkt(_))) { "DPoP" } else { "Bearer" };
    let scope = serde_json::Value::String(issue.scope.clone());
    let body = format!(
        r#"{{"access_token":"{}","expires_in":{expires_in},"refresh_expires_in":{refresh_expires_in},{}{issued}"token_type":"{token_type}","not-before-policy":{not_before},"scope":{scope}}}"#,
        token.expose(),
        refresh.unwrap_or_default(),
    );
    answer(200, body)
}

/// The answer to a refusal, by Keycloak's table.
pub fn refusal_answer(refusal: &Refusal, settings: Option<&Settings>) -> Answer {
    let uniform = settings.is_none_or(|settings| settings.client_errors == ClientErrors::Uniform);
    let compat = settings.and_then(|settings| settings.keycloak_compat);
    let detail = refusal.detail.as_deref();
    let bad_client = "Invalid client or Invalid client credentials";
    let (status, code, text) = match refusal.reason {
        // RFC 8628 §3.5.
        Reason::Pending => (400, "authorization_pending", Some("The person has not decided yet".to_owned())),
        Reason::Throttled if is_about_device(refusal) => {
            (400, "slow_down", Some("Wait five seconds longer from now on".to_owned()))
        }
        Reason::Expired if is_about_device(refusal) => {
            (400, "expired_token", Some("The device code is over; ask for another".to_owned()))
        }
        Reason::Denied if is_about_device(refusal) => (400, "access_denied", Some("The person said no".to_owned())),
        // RFC 8693 §2.2.2.
        reason if is_about_grant(refusal) && refusal.field.as_deref() == Some("subject_token") => {
            (400, "invalid_request", Some(detail.unwrap_or(grant_text(reason)).to_owned()))
        }
        reason if is_about_grant(refusal) => {
            // Keycloak answers a person's wrong password as a client's.
            let keycloak = settings.is_some_and(|settings| settings.profile == Profile::Keycloak);
            let status = if keycloak && refusal.field.as_deref() == Some("password") { 401 } else { 400 };
            (status, "invalid_grant", Some(detail.unwrap_or(grant_text(reason)).to_owned()))
        }
        Reason::Malformed if refusal.field.as_deref() == Some(dpop::HEADER) => {
            (400, "invalid_dpop_proof", detail.map(str::to_owned))
        }
        Reason::Missing if refusal.field.as_deref() == Some(dpop::NONCE_HEADER) => {
            (400, "use_dpop_nonce", detail.map(str::to_owned))
        }
        Reason::NoRealm => match detail {
            None => (404, "Realm does not exist", None),
            Some(text) => (403, "access_denied", Some(text.to_owned())),
        },
        Reason::NoRoute => (404, "Unable to find matching target resource method", None),
        Reason::WrongMethod => (405, "HTTP 405 Method Not Allowed", None),
        Reason::UnsupportedType => (415, "HTTP 415 Unsupported Media Type", None),
        Reason::TooLarge => (413, "HTTP 413 Request Entity Too Large", None),
        Reason::Insecure => (403, "invalid_request", Some("HTTPS required".to_owned())),
        Reason::Missing if refusal.field.as_deref() == Some("client_id") && compat == Some(19) => {
            (400, "invalid_client", Some("Missing client_id parameter".to_owned()))
        }
        Reason::Missing if refusal.field.as_deref() == Some("client_id") => {
            (401, "invalid_client", Some(bad_client.to_owned()))
        }
        Reason::Missing => {
            let text = match (&refusal.field, detail) {
                (_, Some(text)) => text.to_owned(),
                (field, None) => format!("Missing form parameter: {}", field.as_deref().unwrap_or_default()),
            };
            (400, "invalid_request", Some(text))
        }
        Reason::Repeated => (400, "invalid_request", Some("duplicated parameter".to_owned())),
        Reason::UnsupportedGrant => (400, "unsupported_grant_type", Some("Unsupported grant_type".to_owned())),
        Reason::WrongCredentials | Reason::Locked if !uniform => {
            (401, "unauthorized_client", Some(bad_client.to_owned()))
        }
        Reason::InvalidClient | Reason::WrongCredentials | Reason::Locked => {
            (401, "invalid_client", Some(bad_client.to_owned()))
        }
        Reason::Disabled => (401, "invalid_request", Some(detail.unwrap_or("Service account disabled").to_owned())),
        Reason::DeniedGrant if detail.is_some() => (400, "unauthorized_client", detail.map(str::to_owned)),
        Reason::DeniedGrant => {
            let status = if compat == Some(26) { 400 } else { 401 };
            (status, "unauthorized_client", Some("Client not enabled to retrieve service account".to_owned()))
        }
        Reason::DeniedScope => (400, "invalid_scope", detail.map(str::to_owned)),
        Reason::DeniedAudience => (400, "invalid_target", detail.map(str::to_owned)),
        Reason::Throttled => (429, "slow_down", Some("Too many requests".to_owned())),
        Reason::Unavailable => (503, "temporarily_unavailable", Some("Try again later".to_owned())),
        reason => (reason.status(), "invalid_request", detail.map(str::to_owned)),
    };
    let mut answer = error(status, code, text.as_deref());
    if !refusal.allow.is_empty() {
        insert(&mut answer, ALLOW, &refusal.allow.join(", "));
    }
    if let Some(wait) = refusal.retry_after {
        let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(secs.max(1)));
    }
    answer
}

/// Whether it is the offered grant that is no good (RFC 6749 §5.2 `invalid_grant`): the rules name its parameter.
fn is_about_grant(refusal: &Refusal) -> bool {
    use Reason::{InvalidToken, Locked, WrongCredentials};
    let branch = refusal.reason.parent().unwrap_or(refusal.reason);
    refusal.field.is_some() && (matches!(branch, InvalidToken | WrongCredentials) || refusal.reason == Locked)
}

fn is_about_device(refusal: &Refusal) -> bool {
    refusal.field.as_deref() == Some("device_code")
}

/// What is said of a grant that is no good: no more than its holder may know.
fn grant_text(reason: Reason) -> &'static str {
    match reason {
        Reason::WrongCredentials | Reason::Locked => "Invalid user credentials",
        Reason::Expired => "Token is not active",
        Reason::Revoked => "Session not active",
        Reason::Disabled => "Account disabled",
        _ => "Invalid token",
    }
}

/// A 401 without a body: who uses another scheme than Basic is told which one is spoken here.
pub fn challenge(realm: &str) -> Answer {
    let mut answer = empty(401);
    add_challenge(&mut answer, realm);
    answer
}

/// The same challenge for a client that was refused after it used the `Authorization` header (RFC 6749 §5.2).
pub fn add_challenge(answer: &mut Answer, realm: &str) {
    insert(answer, WWW_AUTHENTICATE, &format!("Basic realm=\"{realm}\""));
}

/// `{"error":…,"error_description":…}` (RFC 6749 §5.2).
pub fn error(status: u16, code: &str, text: Option<&str>) -> Answer {
    let code = serde_json::Value::from(code);
    let body = match text {
        Some(text) => format!(r#"{{"error":{code},"error_description":{}}}"#, serde_json::Value::from(text)),
        None => format!(r#"{{"error":{code}}}"#),
    };
    answer(status, body)
}

/// The same headers, and nothing said.
pub fn empty(status: u16) -> Answer {
    let mut answer = answer(status, String::new());
    answer.headers_mut().remove(CONTENT_TYPE);
    answer
}

/// A JSON answer with the headers that Keycloak gives every answer of its token endpoint.
pub fn answer(status: u16, body: String) -> Answer {
    let mut answer = Answer::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().reserve(HEADERS.len());
    for (name, value) in &HEADERS {
        answer.headers_mut().insert(name, value.clone());
    }
    answer
}

static HEADERS: [(HeaderName, HeaderValue); 8] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (PRAGMA, HeaderValue::from_static("no-cache")),
    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("none")),
];

/// Adds a header. What we write is fit for one; if it were not, an answer without it is better than none.
pub(super) fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
