//! How a client proves itself to the issuer.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::dialect::Values;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{FlowError, Fresh, Request};
use super::OAuthFlow;
use super::form::{Form, encode};
use crate::jws::SigningKey;
use crate::vault::Secrets;

/// How a client proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `private_key_jwt` (RFC 7523 §2.2): the secret `private_key` is a PEM file's text or a JWK.
    PrivateKeyJwt,
    /// Not at all: a public client, which any program on a person's machine is.
    None,
}

/// What a request is made of beside the profile: secrets, the time, chance.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    /// The profile's secrets.
    pub secrets: &'a Secrets,
    /// Where values that are used once come from.
    pub fresh: Fresh<'a>,
    /// The time by this machine's clock.
    pub now: Timestamp,
}

/// A stolen assertion is of no use for longer.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

impl OAuthFlow {
    /// A request with this form, and with what proves the client.
    pub(super) fn request(&self, url: &str, form: Form, proof: Proof<'_>) -> Result<Request, FlowError> {
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        let form = match self.client_auth(proof.secrets) {
            ClientAuth::Basic => {
                // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
                let secret = encode(given(proof.secrets, "client_secret")?);
                let pair = Secret::new(format!("{}:{}", *encode(&self.client_id), *secret));
                headers.push(("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair.expose()))));
                form
            }
            ClientAuth::Post => {
                let secret = given(proof.secrets, "client_secret")?;
                form.with("client_id", &self.client_id).with("client_secret", secret)
            }
            ClientAuth::PrivateKeyJwt => form
                .with("client_id", &self.client_id)
                .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .with("client_assertion", self.assertion(proof)?.expose()),
            ClientAuth::None => form.with("client_id", &self.client_id),
        };
        Ok(Request {
            method: http::Method::POST,
            url: url.to_owned(),
            headers,
            body: form.into_body(),
            asked: Values::new(),
        })
    }

    /// As the profile says, else by the secret there is and what the issuer takes.
    fn client_auth(&self, secrets: &Secrets) -> ClientAuth {
        let by_secret = || match (secrets.contains_key("private_key"), secrets.contains_key("client_secret")) {
            (true, _) => ClientAuth::PrivateKeyJwt,
            (_, false) => ClientAuth::None,
            _ if self.metadata.takes("client_secret_post") && !self.metadata.takes("client_secret_basic") => {
                ClientAuth::Post
            }
            _ => ClientAuth::Basic,
        };
        self.auth.unwrap_or_else(by_secret)
    }

    /// RFC 7523 §3. The audience is the issuer, which no other server can be taken for; some servers want another text,
    /// which the profile's value `assertion_audience` gives.
    fn assertion(&self, proof: Proof<'_>) -> Result<Secret<String>, FlowError> {
        let wrong = || FlowError::Value {
            name: "private_key".to_owned(),
            demand: "a P-256, Ed25519 or RSA private key, as a PEM file's text or a JWK",
        };
        let key = SigningKey::read(given(proof.secrets, "private_key")?).ok_or_else(wrong)?;
        // The issuer compares with its own clock.
        let now = proof.now.as_secs().saturating_add(self.metadata.ahead);
        let claims = json!({
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.value("assertion_audience").unwrap_or(&self.metadata.issuer),
            "jti": (proof.fresh)()?,
            "iat": now,
            "exp": now.saturating_add_unsigned(ASSERTION_LIFETIME.as_secs()),
        });
        key.sign(self.value("key_id"), &claims.to_string()).ok_or_else(wrong)
    }
}

/// The secret of this name.
pub(super) fn given<'a>(secrets: &'a Secrets, name: &str) -> Result<&'a str, FlowError> {
    let missing = || FlowError::Value { name: name.to_owned(), demand: "given, as a secret" };
    secrets.get(name).map(|secret| secret.expose().as_str()).ok_or_else(missing)
}
