//! Token, introspection and revocation requests, and their answers in Keycloak's shape
//! (RFC 6749 §3.2, §5, as recorded from Keycloak 26).

use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, PRAGMA, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::form::{Form, basic};
use crate::domain::realm::{ClientErrors, Settings};
use crate::domain::refusal::{Reason, Refusal};
use crate::rules::{Grant, Issue};
use crate::secret::Secret;

/// Who asks: a client's id and secret, from the form or, if that names none, from Basic.
pub struct ClientAuth {
    /// The client's id.
    pub client_id: Option<String>,
    /// Its secret.
    pub secret: Option<Secret<String>>,
    /// There is an `Authorization` header of another scheme and nothing else: answered with a challenge.
    pub challenge: bool,
}

/// An answer to send.
pub type Answer = http::Response<String>;

/// A token request.
pub struct TokenRequest {
    /// Who asks.
    pub client: ClientAuth,
    /// What is offered.
    pub grant: Grant,
    /// What is asked for.
    pub scope: Option<String>,
}

/// Reads a form body, refusing any other content type.
pub fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Reason::UnsupportedType.into());
    }
    Form::parse(body)
}

/// Who asks. The form wins over Basic where both are there, as in Keycloak.
pub fn client_auth(headers: &HeaderMap, form: &Form) -> ClientAuth {
    if let Some(client_id) = form.field("client_id") {
        let mut secret = form.field("client_secret").map(Secret::from);
        if secret.is_none() {
            // RFC 6749 §2.3.1 with the id repeated in the form: the secret still stands in the header.
            secret = authorization(headers).and_then(basic).filter(|(user, _)| user == client_id).map(|pair| pair.1);
        }
        return ClientAuth { client_id: Some(client_id.to_owned()), secret, challenge: false };
    }
    let header = authorization(headers);
    match header.and_then(basic) {
        Some((client_id, secret)) => ClientAuth { client_id: Some(client_id), secret: Some(secret), challenge: false },
        None => ClientAuth { client_id: None, secret: None, challenge: header.is_some() },
    }
}

/// Reads a token request; the grant type is looked at before the client, as in Keycloak.
pub fn token_request(headers: &HeaderMap, body: &[u8]) -> Result<TokenRequest, Refusal> {
    let form = form(headers, body)?;
    let client = client_auth(headers, &form);
    let grant = match form.field("grant_type") {
        None => return Err(Refusal::new(Reason::Missing).field("grant_type")),
        Some("client_credentials") => {
            Grant::ClientCredentials { secret: client.secret.clone(), repeated: form.has_repeated() }
        }
        Some(_) => return Err(Reason::UnsupportedGrant.into()),
    };
    Ok(TokenRequest { client, grant, scope: form.field("scope").map(str::to_owned) })
}

/// The answer to a token request that was granted; `token` is the signed token.
pub fn token_answer(issue: &Issue, token: &Secret<String>, not_before: i64) -> Answer {
    let expires_in = issue.expires_at.as_secs() - issue.issued_at.as_secs();
    let scope = serde_json::Value::String(issue.scope.clone());
    let body = format!(
        r#"{{"access_token":"{}","expires_in":{expires_in},"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":{not_before},"scope":{scope}}}"#,
        token.expose(),
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
        Reason::DeniedGrant => {
            let status = if compat == Some(26) { 400 } else { 401 };
            (status, "unauthorized_client", Some("Client not enabled to retrieve service account".to_owned()))
        }
        Reason::DeniedScope => (400, "invalid_scope", detail.map(str::to_owned)),
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

/// A 401 without a body: who uses another scheme than Basic is told which one is spoken here.
pub fn challenge(realm: &str) -> Answer {
    let mut answer = answer(401, String::new());
    answer.headers_mut().remove(CONTENT_TYPE);
    insert(&mut answer, WWW_AUTHENTICATE, &format!("Basic realm=\"{realm}\""));
    answer
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
fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// The one `Authorization` header; two of them are as good as none.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
