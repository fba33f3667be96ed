//! Clients that register themselves (RFC 7591) and manage what they registered (RFC 7592).
//!
//! One function makes the settings of a new client and those of one that is updated (security.md C10).

use std::collections::BTreeSet;

use rand_core::CryptoRng;

use super::client_settings;
use crate::domain::certificate::{CertificateName, MutualTls};
use crate::domain::client::{AuthMethod, Client, ClientSettings, StoredSecret, any_matches};
use crate::domain::grant::GrantType;
use crate::domain::id::{Digest, Id};
use crate::domain::realm::Realm;
use crate::domain::refusal::Refusal;
use crate::domain::registration::{InitialAccessToken, Registration, RegistrationBounds, RegistrationMode};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::jwk::Jwk;
use crate::token::opaque;
use crate::token::pepper::{Pepper, Purpose};

/// What a client says of itself (RFC 7591 §2), read and well formed. What it leaves out of a list it leaves to us.
#[derive(Clone, Debug, Default)]
pub struct ClientMetadata {
    /// `client_id`, which counts in an update alone (RFC 7592 §2.2).
    pub client_id: Option<String>,
    /// `client_secret`, likewise.
    pub client_secret: Option<Secret<String>>,
    /// `client_name`.
    pub name: Option<String>,
    /// `token_endpoint_auth_method`; left out, it is `client_secret_basic`.
    pub auth: Option<AuthMethod>,
    /// `grant_types`.
    pub grants: Option<Vec<GrantType>>,
    /// `scope`.
    pub scopes: Option<Vec<String>>,
    /// `audience`.
    pub audiences: Option<Vec<String>>,
    /// `jwks`.
    pub keys: Vec<Jwk>,
    /// `tls_client_auth_…`.
    pub certificates: Vec<CertificateName>,
    /// `dpop_bound_access_tokens`.
    pub dpop: bool,
    /// `tls_client_certificate_bound_access_tokens`.
    pub certificate_bound: bool,
}

/// Why metadata is not registered (RFC 7591 §3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// `invalid_redirect_uri`.
    #[error("there is no sign-in page that redirects: register without redirect_uris")]
    RedirectUri,
    /// `unapproved_software_statement`.
    #[error("no software statement is approved here: register without one")]
    SoftwareStatement,
    /// `invalid_client_metadata`, with what is wrong.
    #[error("{0}")]
    Invalid(String),
}

impl MetadataError {
    /// The value of `error`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RedirectUri => "invalid_redirect_uri",
            Self::SoftwareStatement => "unapproved_software_statement",
            Self::Invalid(_) => "invalid_client_metadata",
        }
    }
}

/// Why a request about registration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It shows no token.
    NoToken,
    /// Its token is no good, whyever: whom it was for is gone or disabled, too.
    WrongToken,
    /// What the client says of itself.
    Metadata(MetadataError),
    /// Anything that can be wrong with any request.
    Other(Refusal),
}

impl From<MetadataError> for Refused {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

impl<T: Into<Refusal>> From<T> for Refused {
    fn from(refusal: T) -> Self {
        Self::Other(refusal.into())
    }
}

/// A client to be, with what is shown of it once.
#[derive(Debug)]
pub struct Registered {
    /// Its id, which it cannot choose (security.md D6).
    pub client_id: String,
    /// What it may do.
    pub settings: ClientSettings,
    /// That it registered itself.
    pub registration: Registration,
    /// Its secret, where one proves it.
    pub secret: Option<NewSecret>,
    /// Its registration access token.
    pub token: Secret<String>,
}

/// What becomes of a client that was updated.
#[derive(Debug)]
pub struct Updated {
    /// What it may do from now on.
    pub settings: ClientSettings,
    /// That it registered itself.
    pub registration: Registration,
    /// Its secrets.
    pub secrets: SecretChange,
}

/// What becomes of a client's secrets.
#[derive(Debug)]
pub enum SecretChange {
    /// They stay, if there are any.
    Keep,
    /// It proves itself otherwise now.
    Remove,
    /// It proves itself with one now.
    Add(NewSecret),
}

/// A secret that was just made.
#[derive(Debug)]
pub struct NewSecret {
    /// What is shown of it, once.
    pub value: Secret<String>,
    /// What is kept of it.
    pub stored: StoredSecret,
}

/// What the store knows an initial access token by.
pub fn digest_initial(pepper: &Pepper, token: &str) -> Digest {
    pepper.digest(Purpose::InitialAccessToken, &[token.as_bytes()])
}

/// What the store knows a registration access token by.
pub fn digest_registration(pepper: &Pepper, token: &str) -> Digest {
    pepper.digest(Purpose::RegistrationToken, &[token.as_bytes()])
}

/// Whether clients can register themselves in a realm at all.
pub fn is_open(realm: &Realm) -> bool {
    realm.enabled && realm.settings.registration != RegistrationMode::Off
}

/// What a client may have that shows this initial access token.
///
/// # Errors
/// [`Refused::WrongToken`] if it is unknown, over or used up.
pub fn admit<'a>(
    realm: &Realm,
    token: Option<&'a InitialAccessToken>,
    now: Timestamp,
) -> Result<&'a InitialAccessToken, Refused> {
    token.filter(|token| is_open(realm) && token.is_live(realm, now)).ok_or(Refused::WrongToken)
}

/// A new client, as it asks to be.
///
/// # Errors
/// What it may not have, what does not go together, or what its certificate cannot do here.
pub fn register(
    realm: &Realm,
    mutual_tls: MutualTls,
    bounds: &RegistrationBounds,
    asked: ClientMetadata,
    pepper: &Pepper,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Registered, MetadataError> {
    let name = asked.name.clone();
    let settings = settings(realm, mutual_tls, bounds, asked)?;
    let token = opaque::new_registration_token(rng);
    let secret = settings.has_secret().then(|| new_secret(pepper, now, rng));
    let digest = digest_registration(pepper, token.expose());
    let registration = Registration { name, bounds: bounds.clone(), token: Some(digest) };
    Ok(Registered { client_id: Id::random(rng).to_string(), settings, registration, secret, token })
}

/// The client that a registration access token is for, and how it registered.
///
/// # Errors
/// [`Refused::WrongToken`] if there is no such client, if it is disabled (security.md C9), or if it did not register
/// itself with this token.
pub fn manage<'a>(
    realm: &Realm,
    client: Option<&'a Client>,
    pepper: &Pepper,
    token: &str,
) -> Result<(&'a Client, &'a Registration), Refused> {
    let digest = digest_registration(pepper, token);
    let found = client.and_then(|client| Some((client, client.registration.as_ref()?)));
    let (client, registration) = found.ok_or(Refused::WrongToken)?;
    let matches = registration.token.is_some_and(|known| known.matches(&digest));
    // Its token was issued with it, and is refused with what else was issued before such an instant.
    let lives = client.enabled
        && client.service.enabled
        && client.created_at >= realm.not_before.max(client.not_before).max(client.service.not_before);
    match is_open(realm) && matches && lives {
        true => Ok((client, registration)),
        false => Err(Refused::WrongToken),
    }
}

/// A client as it asks to be from now on (RFC 7592 §2.2): what it does not name again is as if it had never been named.
///
/// # Errors
/// As [`register`]; also if it names another client or a secret that is not its own.
pub fn update(
    realm: &Realm,
    mutual_tls: MutualTls,
    (client, registration): (&Client, &Registration),
    asked: ClientMetadata,
    pepper: &Pepper,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Updated, MetadataError> {
    if asked.client_id.as_deref() != Some(&client.client_id) {
        return Err(invalid("client_id must be there, and the client's own"));
    }
    let proves = |secret: &Secret<String>| {
        let digest = pepper.digest(Purpose::Secret, &[secret.expose().as_bytes()]);
        any_matches(&client.secrets, &digest, now)
    };
    if asked.client_secret.as_ref().is_some_and(|secret| !proves(secret)) {
        return Err(invalid("client_secret is not the client's own; leave it out"));
    }
    let registration = Registration { name: asked.name.clone(), ..registration.clone() };
    let settings = settings(realm, mutual_tls, &registration.bounds, asked)?;
    let secrets = match (client.settings.has_secret(), settings.has_secret()) {
        (true, false) => SecretChange::Remove,
        (false, true) => SecretChange::Add(new_secret(pepper, now, rng)),
        (true, true) | (false, false) => SecretChange::Keep,
    };
    Ok(Updated { settings, registration, secrets })
}

/// The settings of a client that asks for this within these bounds.
fn settings(
    realm: &Realm,
    mutual_tls: MutualTls,
    bounds: &RegistrationBounds,
    asked: ClientMetadata,
) -> Result<ClientSettings, MetadataError> {
    let auth = asked.auth.unwrap_or(AuthMethod::ClientSecretBasic);
    if !auth.is_possible(mutual_tls) {
        return Err(invalid(
            "no client can prove itself here by such a certificate: register with another token_endpoint_auth_method",
        ));
    }
    if asked.certificate_bound && !mutual_tls.is_on() {
        return Err(invalid(
            "nobody is asked for a certificate here: register without tls_client_certificate_bound_access_tokens",
        ));
    }
    let settings = ClientSettings {
        auth: Some(auth),
        grants: within("grant_types", asked.grants, &bounds.grants, |grant| grant.name())?,
        scopes: within("scope", asked.scopes, &bounds.scopes, |word| word)?,
        audiences: within("audience", asked.audiences, &bounds.audiences, |audience| audience)?,
        keys: asked.keys,
        certificates: asked.certificates,
        dpop: asked.dpop,
        certificate_bound: asked.certificate_bound,
        ..ClientSettings::default()
    };
    match client_settings::check(&realm.settings, &settings) {
        Ok(()) => Ok(settings),
        Err(why) => Err(MetadataError::Invalid(why.to_string())),
    }
}

/// What was asked for, each once, if all of it is allowed; all that is allowed, if nothing was said.
fn within<T: Clone + Ord>(
    member: &str,
    asked: Option<Vec<T>>,
    allowed: &[T],
    name: impl Fn(&T) -> &str,
) -> Result<Vec<T>, MetadataError> {
    let Some(mut asked) = asked else { return Ok(allowed.to_vec()) };
    if asked.iter().any(|one| !allowed.contains(one)) {
        let known: Vec<&str> = allowed.iter().map(name).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(" ") };
        return Err(MetadataError::Invalid(format!("{member} is more than this client may have, which is: {known}")));
    }
    let mut seen = BTreeSet::new();
    asked.retain(|one| seen.insert(one.clone()));
    Ok(asked)
}

fn new_secret(pepper: &Pepper, now: Timestamp, rng: &mut dyn CryptoRng) -> NewSecret {
    let value = opaque::new_secret(rng);
    let digest = pepper.digest(Purpose::Secret, &[value.expose().as_bytes()]);
    NewSecret { stored: StoredSecret { id: Id::new(now, rng), digest, created_at: now, expires_at: None }, value }
}

fn invalid(text: &str) -> MetadataError {
    MetadataError::Invalid(text.to_owned())
}
