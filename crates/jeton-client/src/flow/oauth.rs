//! Tokens from an OAuth issuer (RFC 6749): the grants, refresh, revocation (RFC 7009).

mod code;
mod device;
mod form;
mod metadata;
mod proof;

use std::collections::BTreeMap;
use std::time::Duration;

use jeton_core::dialect::Deviation;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use code::Authorization;
pub use device::{Device, Poll};
pub use metadata::{Metadata, discovery, oauth_discovery};
pub use proof::{ClientAuth, Proof};

use self::form::Form;
use self::proof::given;
use super::{Act, FlowError, Issued, Request, Response};
use crate::token::Token;

/// What a client shows an issuer for a first token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Itself (RFC 6749 §4.4).
    #[default]
    ClientCredentials,
    /// A person's name and password (RFC 6749 §4.3), for issuers that have nothing better.
    Password,
    /// Another token (RFC 8693): the secret `subject_token`, and perhaps `actor_token`.
    TokenExchange,
    /// A person's consent, in the browser of the same machine (RFC 6749 §4.1, RFC 8252).
    AuthorizationCode,
    /// A person's consent, on any device (RFC 8628).
    DeviceCode,
}

impl Grant {
    /// Whether a person has to be there.
    pub fn needs_person(self) -> bool {
        matches!(self, Self::AuthorizationCode | Self::DeviceCode)
    }
}

/// Tokens of one client from one issuer.
///
/// The profile's values are `client_id`, and perhaps `scope`, `resource` (RFC 8707; several with spaces between them),
/// `audience`, `key_id` and `assertion_audience` (for `private_key_jwt`), `username` (for a password),
/// `subject_token_type`, `actor_token_type` and `requested_token_type` (for token exchange), `authorize.NAME` (for the
/// page of an authorization code).
#[derive(Clone, Debug)]
pub struct OAuthFlow {
    metadata: Metadata,
    grant: Grant,
    auth: Option<ClientAuth>,
    client_id: String,
    values: BTreeMap<String, String>,
}

impl OAuthFlow {
    /// The flow of a client. Without `auth`, the way of proof is that of the secret there is, as the metadata have it.
    ///
    /// # Errors
    /// There is no `client_id`.
    pub fn new(
        metadata: Metadata,
        grant: Grant,
        auth: Option<ClientAuth>,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, FlowError> {
        let missing = || FlowError::Value { name: "client_id".to_owned(), demand: "given" };
        let client_id = values.get("client_id").ok_or_else(missing)?.clone();
        Ok(Self { metadata, grant, auth, client_id, values: values.clone() })
    }

    /// The request for `act`; nothing if there is none for it: `token` cannot be refreshed or ended, or the first token
    /// needs a person.
    ///
    /// # Errors
    /// What proves the client, or what the grant shows, is missing or has the wrong form.
    pub fn write(&self, act: Act, token: Option<&Token>, proof: Proof<'_>) -> Result<Option<Request>, FlowError> {
        let (url, form) = match act {
            Act::SignIn => match self.first(proof)? {
                Some(form) => (&self.metadata.token_endpoint, form),
                None => return Ok(None),
            },
            Act::Refresh => {
                let Some(refresh) = token.and_then(|token| token.refresh.as_ref()) else { return Ok(None) };
                let form = Form::for_grant("refresh_token").with("refresh_token", refresh.expose());
                (&self.metadata.token_endpoint, form.with_each("resource", self.value("resource")))
            }
            Act::End => {
                let Some((token, endpoint)) = token.zip(self.metadata.revocation_endpoint.as_ref()) else {
                    return Ok(None);
                };
                // RFC 7009 §2.1: with the refresh token the access tokens of the same grant end too.
                let ended = token.refresh.as_ref().unwrap_or(&token.access);
                (endpoint, Form::default().with("token", ended.expose()))
            }
            Act::UserInfo => return Ok(None),
        };
        self.request(url, form, proof).map(Some)
    }

    /// The form that asks for a first token, if that needs nobody.
    fn first(&self, proof: Proof<'_>) -> Result<Option<Form>, FlowError> {
        let form = match self.grant {
            Grant::ClientCredentials => Form::for_grant("client_credentials"),
            Grant::Password => {
                let missing = || FlowError::Value { name: "username".to_owned(), demand: "given" };
                Form::for_grant("password")
                    .with("username", self.value("username").ok_or_else(missing)?)
                    .with("password", given(proof.secrets, "password")?)
            }
            Grant::TokenExchange => {
                let access_token = "urn:ietf:params:oauth:token-type:access_token";
                let kind = |name: &str| self.value(name).unwrap_or(access_token);
                let form = Form::for_grant("urn:ietf:params:oauth:grant-type:token-exchange")
                    .with("subject_token", given(proof.secrets, "subject_token")?)
                    .with("subject_token_type", kind("subject_token_type"))
                    .with_given("requested_token_type", self.value("requested_token_type"));
                match proof.secrets.get("actor_token") {
                    Some(actor) => {
                        form.with("actor_token", actor.expose()).with("actor_token_type", kind("actor_token_type"))
                    }
                    None => form,
                }
            }
            Grant::AuthorizationCode | Grant::DeviceCode => return Ok(None),
        };
        Ok(Some(
            form.with_given("scope", self.value("scope"))
                .with_each("resource", self.value("resource"))
                .with_each("audience", self.value("audience")),
        ))
    }

    /// What the answer of the token endpoint issued.
    ///
    /// # Errors
    /// The issuer refuses, or the answer cannot be read.
    pub fn read(&self, act: Act, response: &Response) -> Result<Issued, FlowError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            token_type: Option<String>,
            refresh_token: Option<String>,
            expires_in: Option<Value>,
        }
        if response.status != 200 {
            return Err(refused(act, response));
        }
        let shape = |why: &str| FlowError::Shape { status: response.status, why: why.to_owned() };
        let answer: Answer = serde_json::from_slice(response.body.expose())
            .map_err(|_| shape("it is not a token answer as in RFC 6749 §5.1"))?;
        let access = Secret::new(answer.access_token);
        let refresh = answer.refresh_token.map(Secret::new);
        // RFC 8693 §2.2.1: what is exchanged may come back as something that is no access token.
        let token_type = answer.token_type.as_deref().unwrap_or("bearer");
        let is_none = self.grant == Grant::TokenExchange && token_type.eq_ignore_ascii_case("n_a");
        if !token_type.eq_ignore_ascii_case("bearer") && !is_none {
            return Err(shape("its token type is not Bearer, the only one that is known here"));
        }
        let mut deviations = Vec::new();
        let mut deviate =
            |name, field: &str, found| deviations.push(Deviation { name, field: field.to_owned(), found });
        if answer.token_type.is_none() {
            deviate("token_type_missing", "token_type", "not there, and taken for Bearer");
        }
        let seconds = answer.expires_in.as_ref().filter(|value| !value.is_null()).and_then(|value| {
            let number = value.as_u64();
            let text = || value.as_str().and_then(|text| text.parse().ok());
            // Rounded down; beyond the whole numbers of a JSON number it is the greatest there is.
            let fraction = || value.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64);
            let (seconds, deviation) = match (number, text(), fraction()) {
                (Some(seconds), ..) => return Some(seconds),
                (None, Some(seconds), _) => (Some(seconds), ("expires_in_as_text", "a string")),
                (None, None, Some(seconds)) => (Some(seconds), ("expires_in_fraction", "a number with a fraction")),
                (None, None, None) => (None, ("expires_in_unreadable", "no number of seconds, and passed over")),
            };
            deviate(deviation.0, "expires_in", deviation.1);
            seconds
        });
        Ok(Issued { access, refresh, lifetime: seconds.map(Duration::from_secs), deviations, ..Issued::default() })
    }

    pub(super) fn read_end(&self, response: &Response) -> Result<(), FlowError> {
        if response.status == 200 { Ok(()) } else { Err(refused(Act::End, response)) }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// RFC 6749 §5.2.
#[derive(Deserialize)]
struct ErrorAnswer {
    error: String,
    error_description: Option<String>,
}

/// The name of the error in an answer, if it has one.
fn error_name(response: &Response) -> Option<String> {
    serde_json::from_slice::<ErrorAnswer>(response.body.expose()).ok().map(|answer| answer.error)
}

fn refused(act: Act, response: &Response) -> FlowError {
    if let Some(refusal) = response.overload() {
        return FlowError::Refused(refusal);
    }
    let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(response.body.expose()) else {
        let why = "it is neither a token nor an error as in RFC 6749 §5.2".to_owned();
        return FlowError::Shape { status: response.status, why };
    };
    FlowError::Refused(refusal(act, &answer.error, answer.error_description.as_deref()))
}

/// What an error of OAuth's registry says.
fn refusal(act: Act, error: &str, description: Option<&str>) -> Refusal {
    let reason = match error {
        "invalid_client" => Reason::InvalidClient,
        "invalid_grant" if act == Act::Refresh => Reason::InvalidToken,
        "invalid_grant" => Reason::WrongCredentials,
        "unauthorized_client" => Reason::DeniedGrant,
        "unsupported_grant_type" => Reason::UnsupportedGrant,
        "invalid_scope" => Reason::DeniedScope,
        "invalid_target" => Reason::DeniedTarget,
        "access_denied" => Reason::Denied,
        "expired_token" => Reason::Expired,
        "temporarily_unavailable" | "server_error" => Reason::Unavailable,
        _ => Reason::InvalidRequest,
    };
    Refusal::new(reason).detail(description.unwrap_or(error))
}

#[cfg(test)]
mod tests;
