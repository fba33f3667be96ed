//! Registration requests and what a client is told that registered (RFC 7591, RFC 7592).

use http::HeaderMap;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client_auth::{authorization, is_token68};
use super::oauth::{self, Answer};
use crate::domain::certificate::CertificateName;
use crate::domain::client::{AuthMethod, Client};
use crate::domain::grant::GrantType;
use crate::domain::policy::Alg;
use crate::domain::realm::Realm;
use crate::domain::refusal::{Reason, echo};
use crate::domain::registration::REGISTRABLE;
use crate::rules::audience::words;
use crate::rules::registration::{ClientMetadata, MetadataError, Refused};
use crate::secret::Secret;
use crate::token::jwk::Jwk;
use crate::token::jwk_set;

/// The longest `client_name`, in characters: it stands in listings.
const LONGEST_NAME: usize = 100;

/// The most keys of one client.
const MOST_KEYS: usize = 20;

/// Ways to prove itself that a client can register for. A self-signed certificate is not among them: it is an operator
/// who gives its thumbprint.
const METHODS: [AuthMethod; 5] = [
    AuthMethod::ClientSecretBasic,
    AuthMethod::ClientSecretPost,
    AuthMethod::PrivateKeyJwt,
    AuthMethod::TlsClientAuth,
    AuthMethod::None,
];

/// Metadata as it is written. Members that are not known are passed over (RFC 7591 §2).
#[derive(Deserialize)]
struct Written {
    client_id: Option<String>,
    client_secret: Option<String>,
    client_name: Option<String>,
    redirect_uris: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    grant_types: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    token_endpoint_auth_signing_alg: Option<String>,
    scope: Option<String>,
    audience: Option<Vec<String>>,
    jwks: Option<Value>,
    jwks_uri: Option<Value>,
    software_statement: Option<Value>,
    tls_client_auth_subject_dn: Option<String>,
    tls_client_auth_san_dns: Option<String>,
    tls_client_auth_san_uri: Option<String>,
    tls_client_auth_san_ip: Option<String>,
    tls_client_auth_san_email: Option<String>,
    dpop_bound_access_tokens: Option<bool>,
    tls_client_certificate_bound_access_tokens: Option<bool>,
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1): after one space, and nothing else (security.md G12).
///
/// # Errors
/// [`Refused::NoToken`] if there is none, or not exactly one.
pub fn bearer(headers: &HeaderMap) -> Result<Secret<String>, Refused> {
    let (scheme, token) = authorization(headers).and_then(|value| value.split_once(' ')).ok_or(Refused::NoToken)?;
    match scheme.eq_ignore_ascii_case("bearer") && is_token68(token) {
        true => Ok(Secret::from(token)),
        false => Err(Refused::NoToken),
    }
}

/// Reads what a client says of itself.
///
/// # Errors
/// Another content type than JSON; what cannot be read, or is not to be had here by anybody.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<ClientMetadata, Refused> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Reason::UnsupportedType.into());
    }
    let written: Written = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("the body is no client metadata: {}", echo(&error.to_string()))))?;
    Ok(metadata(written)?)
}

fn metadata(written: Written) -> Result<ClientMetadata, MetadataError> {
    if written.software_statement.is_some() {
        return Err(MetadataError::SoftwareStatement);
    }
    if written.redirect_uris.is_some_and(|uris| !uris.is_empty()) {
        return Err(MetadataError::RedirectUri);
    }
    if written.response_types.is_some_and(|types| !types.is_empty()) {
        return Err(invalid("there is no sign-in page that answers: response_types must be empty or left out"));
    }
    // Whoever may register could have us ask any address (security.md C10, C11).
    if written.jwks_uri.is_some() {
        return Err(invalid("nothing is fetched from a jwks_uri: give the keys themselves, as jwks"));
    }
    let auth = written.token_endpoint_auth_method.as_deref().map(method).transpose()?;
    let keys = keys(written.jwks.as_ref(), written.token_endpoint_auth_signing_alg.as_deref(), auth)?;
    let certificates = [
        ("subject_dn", written.tls_client_auth_subject_dn),
        ("san_dns", written.tls_client_auth_san_dns),
        ("san_uri", written.tls_client_auth_san_uri),
        ("san_ip", written.tls_client_auth_san_ip),
        ("san_email", written.tls_client_auth_san_email),
    ];
    let certificates = certificates.into_iter().filter_map(|(kind, text)| Some((kind, text?))).map(|(kind, text)| {
        let name = CertificateName::new(kind, &text);
        name.ok_or_else(|| invalid(format!("tls_client_auth_{kind} is not written as such a name is")))
    });
    let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
    // RFC 8705 §2.1.2.
    if certificates.len() > 1 {
        return Err(invalid("a certificate is known by one tls_client_auth_… member: give no more than one"));
    }
    let scopes = written.scope.map(|scope| words(&scope).map(str::to_owned).collect());
    Ok(ClientMetadata {
        client_id: written.client_id,
        client_secret: written.client_secret.map(Secret::new),
        name: written.client_name.map(name).transpose()?,
        auth,
        grants: written.grant_types.map(grants).transpose()?,
        scopes,
        audiences: written.audience,
        keys,
        certificates,
        dpop: written.dpop_bound_access_tokens.unwrap_or(false),
        certificate_bound: written.tls_client_certificate_bound_access_tokens.unwrap_or(false),
    })
}

fn name(name: String) -> Result<String, MetadataError> {
    match name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        true => Ok(name),
        false => Err(invalid(format!("client_name is one line of at most {LONGEST_NAME} characters"))),
    }
}

fn grants(names: Vec<String>) -> Result<Vec<GrantType>, MetadataError> {
    let named = |name: &String| REGISTRABLE.into_iter().find(|grant| grant.name() == name);
    let unknown = |name: &str| {
        let known = REGISTRABLE.map(GrantType::name).join(" ");
        invalid(format!("grant_types: `{}` is not to be had, but for: {known}", echo(name)))
    };
    names.iter().map(|name| named(name).ok_or_else(|| unknown(name))).collect()
}

fn method(name: &str) -> Result<AuthMethod, MetadataError> {
    METHODS.into_iter().find(|method| method.name() == name).ok_or_else(|| {
        let known = METHODS.map(AuthMethod::name).join(" ");
        invalid(format!("token_endpoint_auth_method: `{}` is not to be had, but for: {known}", echo(name)))
    })
}

/// The keys of `jwks`, and of these only those for the algorithm that is named.
fn keys(jwks: Option<&Value>, signing_alg: Option<&str>, auth: Option<AuthMethod>) -> Result<Vec<Jwk>, MetadataError> {
    let mut keys = match jwks {
        Some(jwks) => jwk_set::read(&jwks.to_string())
            .ok_or_else(|| invalid("jwks is a JWK set of public keys alone, without any private member"))?,
        None => Vec::new(),
    };
    if let (Some(AuthMethod::PrivateKeyJwt), Some(alg)) = (auth, signing_alg) {
        keys.retain(|key| key.alg.goes_by(alg));
        if keys.is_empty() {
            let known = Alg::ALL.map(Alg::name).join(" ");
            return Err(invalid(format!("no key of jwks signs by `{}`; known algorithms: {known}", echo(alg))));
        }
    }
    match keys.len() <= MOST_KEYS {
        true => Ok(keys),
        false => Err(invalid(format!("jwks has more than {MOST_KEYS} keys"))),
    }
}

/// What a client is told of itself (RFC 7591 §3.2.1, RFC 7592 §3).
#[derive(Serialize)]
struct Information<'a> {
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    registration_access_token: &'a str,
    registration_client_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    redirect_uris: [&'a str; 0],
    response_types: [&'a str; 0],
    grant_types: Vec<&'a str>,
    token_endpoint_auth_method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'a str>,
    scope: String,
    audience: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Keys<'a>>,
    #[serde(flatten)]
    certificate: serde_json::Map<String, Value>,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
}

#[derive(Serialize)]
struct Keys<'a> {
    keys: &'a [Jwk],
}

/// What a client is told of itself: all that is registered now. Its `secret` only where it was made just now.
pub fn information(
    status: u16,
    (realm, public_url): (&Realm, &str),
    client: &Client,
    token: &Secret<String>,
    secret: Option<&Secret<String>>,
) -> Answer {
    let settings = &client.settings;
    let named = |name: &CertificateName| {
        let (kind, text) = name.parts();
        (format!("tls_client_auth_{kind}"), Value::from(text))
    };
    let alg = settings.keys.first().map(|key| key.alg);
    let alg = alg.filter(|alg| settings.keys.iter().all(|key| key.alg == *alg));
    let information = Information {
        client_id: &client.client_id,
        client_secret: secret.map(|secret| secret.expose().as_str()),
        client_id_issued_at: client.created_at.as_secs(),
        // Those of registered clients stay.
        client_secret_expires_at: settings.has_secret().then_some(0),
        registration_access_token: token.expose(),
        registration_client_uri: format!("{}/{}", endpoint(realm, public_url), client.client_id),
        client_name: client.registration.as_ref().and_then(|registration| registration.name.as_deref()),
        redirect_uris: [],
        response_types: [],
        grant_types: settings.grants.iter().map(|grant| grant.name()).collect(),
        token_endpoint_auth_method: settings.auth.unwrap_or(AuthMethod::ClientSecretBasic).name(),
        token_endpoint_auth_signing_alg: alg.map(Alg::name),
        scope: settings.scopes.join(" "),
        audience: &settings.audiences,
        jwks: (!settings.keys.is_empty()).then_some(Keys { keys: &settings.keys }),
        certificate: settings.certificates.iter().map(named).collect(),
        dpop_bound_access_tokens: settings.dpop,
        tls_client_certificate_bound_access_tokens: settings.certificate_bound,
    };
    oauth::answer(status, serde_json::to_string(&information).unwrap_or_default())
}

/// The address of the registration endpoint: Keycloak's.
pub fn endpoint(realm: &Realm, public_url: &str) -> String {
    format!("{}/realms/{}/clients-registrations/openid-connect", public_url.trim_end_matches('/'), realm.name)
}

/// The answer to a request that is refused.
pub fn refusal_answer(refused: &Refused, realm: &Realm) -> Answer {
    let name = &realm.name;
    let (mut answer, challenge) = match refused {
        // RFC 6750 §3.1: who shows nothing is told no error.
        Refused::NoToken => {
            let text = "show the token in an Authorization: Bearer header";
            (oauth::error(401, "invalid_token", Some(text)), format!("Bearer realm=\"{name}\""))
        }
        Refused::WrongToken => {
            let text = "the token is unknown, over or used up";
            let challenge = format!("Bearer realm=\"{name}\", error=\"invalid_token\", error_description=\"{text}\"");
            (oauth::error(401, "invalid_token", Some(text)), challenge)
        }
        Refused::Metadata(error) => return oauth::error(400, error.code(), Some(&error.to_string())),
        Refused::Other(refusal) => return oauth::refusal_answer(refusal, Some(&realm.settings)),
    };
    oauth::insert(&mut answer, WWW_AUTHENTICATE, &challenge);
    answer
}

fn invalid(text: impl Into<String>) -> MetadataError {
    MetadataError::Invalid(text.into())
}
