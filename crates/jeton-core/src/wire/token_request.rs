//! Requests to the token endpoint (RFC 6749 §3.2): all that can be wrong with their form is found here.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::client_auth::{ClientAuth, client_auth};
use super::form::Form;
use crate::domain::grant::GrantType;
use crate::domain::refusal::{Reason, Refusal};
use crate::secret::Secret;

/// Parameters that may stand several times (RFC 8707 §2, RFC 8693 §2.1).
const LISTS: [&str; 2] = ["resource", "audience"];

/// The type of our access tokens (RFC 8693 §3).
pub const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A token request.
pub struct TokenRequest {
    /// Who asks.
    pub client: ClientAuth,
    /// What is offered.
    pub offered: Offered,
    /// Scope words asked for.
    pub scope: Option<String>,
    /// Resources asked for (RFC 8707), and audiences (RFC 8693).
    pub resources: Vec<String>,
    /// A parameter stands twice that may not.
    pub repeated: bool,
}

/// What is offered for a token, as the form has it.
pub enum Offered {
    /// The client itself.
    ClientCredentials,
    /// A refresh token.
    RefreshToken(Secret<String>),
    /// A person's name and password.
    Password {
        /// As it was typed.
        username: String,
        /// As it was typed.
        password: Secret<String>,
    },
    /// An assertion (RFC 7523 §2.1).
    Assertion(Secret<String>),
    /// A device code.
    DeviceCode(Secret<String>),
    /// An access token of the realm, to be exchanged.
    OwnToken(Secret<String>),
    /// A JWT of somebody else's, to be exchanged.
    ForeignToken(Secret<String>),
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

/// Reads a token request to a realm that has the grants of `known`. The grant type is looked at before the client, as in
/// Keycloak.
pub fn token_request(headers: &HeaderMap, body: &[u8], known: &[GrantType]) -> Result<TokenRequest, Refusal> {
    let form = form(headers, body)?;
    let grant = GrantType::named(required(&form, "grant_type")?).filter(|grant| known.contains(grant));
    let grant = grant.ok_or(Reason::UnsupportedGrant)?;
    // What RFC 8693 §2.1 calls by name or by address: we have one list for both.
    let names = form.fields("audience").filter(|_| grant == GrantType::TokenExchange);
    let resources = form.fields("resource").chain(names);
    Ok(TokenRequest {
        client: client_auth(headers, &form),
        offered: offered(grant, &form)?,
        scope: form.field("scope").map(str::to_owned),
        resources: resources.map(str::to_owned).collect(),
        repeated: form.has_repeated(&LISTS),
    })
}

fn offered(grant: GrantType, form: &Form) -> Result<Offered, Refusal> {
    Ok(match grant {
        GrantType::ClientCredentials => Offered::ClientCredentials,
        GrantType::RefreshToken => Offered::RefreshToken(Secret::from(required(form, "refresh_token")?)),
        GrantType::DeviceCode => Offered::DeviceCode(Secret::from(required(form, "device_code")?)),
        GrantType::Password => Offered::Password {
            username: required(form, "username")?.to_owned(),
            password: Secret::from(required(form, "password")?),
        },
        GrantType::JwtBearer => Offered::Assertion(Secret::from(required(form, "assertion")?)),
        GrantType::TokenExchange => exchanged(form)?,
    })
}

/// What is shown for another token (RFC 8693 §2.1).
fn exchanged(form: &Form) -> Result<Offered, Refusal> {
    let refused = |name, text| Err(Refusal::new(Reason::Malformed).field(name).detail(text));
    let token = Secret::from(required(form, "subject_token")?);
    if form.field("requested_token_type").is_some_and(|asked| asked != ACCESS_TOKEN) {
        return refused("requested_token_type", "Only access tokens are given for tokens");
    }
    if form.field("actor_token").is_some() {
        return refused("actor_token", "The actor is the client that asks: actor_token is not read");
    }
    match required(form, "subject_token_type")? {
        ACCESS_TOKEN => Ok(Offered::OwnToken(token)),
        "urn:ietf:params:oauth:token-type:jwt" | "urn:ietf:params:oauth:token-type:id_token" => {
            Ok(Offered::ForeignToken(token))
        }
        _ => refused("subject_token_type", "Unsupported subject_token_type"),
    }
}

fn required<'a>(form: &'a Form, name: &'static str) -> Result<&'a str, Refusal> {
    form.field(name).ok_or_else(|| Refusal::new(Reason::Missing).field(name))
}
