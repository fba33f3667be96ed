//! A realm's introspection endpoint (RFC 7662) as the one who checks tokens.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use jeton_core::dialect::Values;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::session::Confirmation;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use serde::Deserialize;

use crate::caller::Caller;
use crate::check::CheckToken;
use crate::transport::{self, HttpClient, TransportError};

/// Asks a realm about every token, over HTTPS, and remembers nothing.
#[derive(Debug)]
pub struct Introspection {
    realm: String,
    endpoint: Uri,
    authorization: HeaderValue,
    client: HttpClient,
}

/// An address of a realm, and as whom it is asked.
#[derive(Debug)]
pub(crate) struct Peer {
    address: Uri,
    authorization: HeaderValue,
    pub(crate) client: HttpClient,
}

impl Peer {
    /// A request to begin with.
    pub(crate) fn get(&self) -> http::request::Builder {
        Request::get(self.address.clone()).header(AUTHORIZATION, self.authorization.clone())
    }
}

/// An address to which tokens and secrets may be sent: HTTPS, or plain HTTP on this machine.
pub(crate) fn address(text: &str) -> Result<Uri, IntrospectionError> {
    let wrong = || IntrospectionError::Endpoint(text.to_owned());
    let address: Uri = text.parse().map_err(|_| wrong())?;
    match (address.scheme_str(), address.host()) {
        (Some("https"), Some(_)) => Ok(address),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(address),
        (Some("http"), Some(_)) => Err(IntrospectionError::Insecure(text.to_owned())),
        _ => Err(wrong()),
    }
}

/// Where to ask and as whom.
#[derive(Debug)]
pub struct IntrospectionConfig<'a> {
    /// The realm's name, for the identity headers.
    pub realm: String,
    /// The introspection endpoint, as the realm's metadata names it. Plain HTTP only on loopback addresses.
    pub endpoint: String,
    /// The gate's own client in that realm.
    pub client_id: String,
    /// That client's secret.
    pub client_secret: Secret<String>,
    /// A PEM file with the only certificates to trust; without it the public CAs.
    pub ca_file: Option<&'a Path>,
}

/// A configuration that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionError {
    /// Not a usable address.
    #[error("`{0}` is not an address of an introspection endpoint; give its whole https:// URL")]
    Endpoint(String),
    /// Tokens and the secret would be readable on the way.
    #[error(
        "`{0}` is plain HTTP and not on this machine: tokens and the client secret would be readable; use https://"
    )]
    Insecure(String),
    /// No client could be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

const TIMEOUT: Duration = Duration::from_secs(2);
const ANSWER_LIMIT: usize = 64 * 1024;
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Introspection {
    /// Prepares to ask. Nothing is sent before the first token.
    pub fn new(config: IntrospectionConfig<'_>) -> Result<Self, IntrospectionError> {
        let endpoint = address(&config.endpoint)?;
        // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
        let pair =
            Secret::new(format!("{}:{}", form_encode(&config.client_id), form_encode(config.client_secret.expose())));
        let authorization = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair.expose())));
        let mut authorization = authorization.map_err(|_| IntrospectionError::Endpoint(config.endpoint))?;
        authorization.set_sensitive(true);
        Ok(Self { realm: config.realm, endpoint, authorization, client: transport::client(config.ca_file)? })
    }

    /// The realm's name.
    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    /// Another address of the realm, asked as the same client.
    pub(crate) fn peer(&self, address: Uri) -> Peer {
        Peer { address, authorization: self.authorization.clone(), client: self.client.clone() }
    }

    async fn ask(&self, token: &Secret<String>) -> Result<Answer, Fault> {
        let form = format!("token={}&token_type_hint=access_token", form_encode(token.expose()));
        let request = Request::post(self.endpoint.clone())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(Full::new(Bytes::from(form)))?;
        let response = self.client.request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(Fault::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await.map_err(Fault::Body)?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}

impl CheckToken for Introspection {
    async fn check(&self, token: &Secret<String>, _also: &Values) -> Result<Caller, Refusal> {
        let answer = match tokio::time::timeout(TIMEOUT, self.ask(token)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Late),
        };
        match answer {
            Ok(answer) => answer.into_caller(&self.realm),
            Err(fault) => {
                tracing::error!(realm = %self.realm, %fault, "cannot check tokens: introspection fails");
                Err(Refusal::new(Reason::Unavailable).retry_after(RETRY_AFTER))
            }
        }
    }
}

/// Why the endpoint gave no answer. Each of these is a no to the caller: a gate fails closed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Late,
    #[error("status {0}; 401 or 403 mean that the gate's client id or secret is wrong")]
    Status(StatusCode),
    #[error("cannot reach the endpoint: {0}")]
    Connection(#[from] hyper_util::client::legacy::Error),
    #[error("cannot write the request: {0}")]
    Request(#[from] http::Error),
    #[error("cannot read the answer: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    // Without serde's words, which can quote what the answer says about a person.
    #[error("the answer is not JSON as in RFC 7662 (line {}, column {})", .0.line(), .0.column())]
    Json(#[from] serde_json::Error),
}

/// RFC 7662 §2.2, and the members that a Jeton realm adds.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    token_type: Option<String>,
    sub: Option<String>,
    username: Option<String>,
    client_id: Option<String>,
    scope: Option<String>,
    exp: Option<i64>,
    act: Option<Actor>,
    cnf: Option<Confirmation>,
    jeton_reason: Option<String>,
    jeton_target: Option<i64>,
    jeton_level: Option<String>,
    jeton_number: Option<i64>,
    jeton_key_id: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    sub: String,
}

impl Answer {
    fn into_caller(self, realm: &str) -> Result<Caller, Refusal> {
        if !self.active {
            return Err(Refusal::new(self.reason()));
        }
        // A refresh token is active too, and opens nothing.
        let is_access_token = match &self.cnf {
            Some(Confirmation::Jkt(_)) => self.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("dpop")),
            _ => self.token_type.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")),
        };
        let (true, Some(subject), Some(exp)) = (is_access_token, self.sub.or_else(|| self.client_id.clone()), self.exp)
        else {
            return Err(Refusal::new(Reason::InvalidToken));
        };
        Ok(Caller {
            realm: realm.to_owned(),
            subject,
            username: self.username,
            client_id: self.client_id,
            key_id: self.jeton_key_id,
            scope: self.scope.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
            target: self.jeton_target,
            level: self.jeton_level,
            number: self.jeton_number,
            actor: self.act.map(|actor| actor.sub),
            cnf: self.cnf,
            expires_at: Timestamp::from_secs(exp),
        })
    }

    /// What a realm may tell its own gate; to all others an inactive token is just inactive.
    fn reason(&self) -> Reason {
        let told = self.jeton_reason.as_deref().and_then(Reason::named);
        told.filter(|reason| match reason {
            Reason::Throttled | Reason::Unavailable | Reason::InvalidToken => true,
            other => other.parent() == Some(Reason::InvalidToken),
        })
        .unwrap_or(Reason::Revoked)
    }
}

/// Whether a URL's host is this machine.
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn form_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
