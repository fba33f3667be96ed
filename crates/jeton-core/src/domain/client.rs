//! Programs and keys that prove themselves with secrets of ours.

use serde::{Deserialize, Serialize};

use super::certificate::{CertificateName, MutualTls};
use super::grant::GrantType;
use super::id::{Digest, Id};
use super::policy::Alg;
use super::principal::Principal;
use super::registration::Registration;
use super::trust::Trust;
use crate::time::Timestamp;
use crate::token::jwk::Jwk;

/// A client: a program allowed to ask for tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its row.
    pub id: Id,
    /// What it calls itself on the wire. Chosen by us; unique in the realm.
    pub client_id: String,
    /// A disabled client gets nothing, and tokens issued to it are refused.
    pub enabled: bool,
    /// Tokens issued to it before this instant are refused.
    pub not_before: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// What can be set.
    pub settings: ClientSettings,
    /// The service that its own tokens speak for.
    pub service: Principal,
    /// Live secrets; any of them proves it. Empty for a public client.
    pub secrets: Vec<StoredSecret>,
    /// That it registered itself, if it did.
    pub registration: Option<Registration>,
}

/// What can be set for a client. Kept as JSON; unknown members are refused, so what is as in a new client is not written:
/// the version before can read on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// Grant types it may use, where its realm knows them too. With `refresh_token` its sessions have one.
    pub grants: Vec<GrantType>,
    /// How it proves itself, and no other way. Without: with a secret, in Basic or in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMethod>,
    /// Its public keys, any of which proves it by `private_key_jwt`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Jwk>,
    /// What its assertions may be, where its library cannot make them as they should be.
    #[serde(skip_serializing_if = "is_default")]
    pub assertion: AssertionSettings,
    /// Foreign issuers whose assertions let it speak for itself, with the grant for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusts: Vec<Trust>,
    /// Names of its certificates, any of which proves it by mutual TLS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateName>,
    /// Scopes it may ask for; they are granted when it asks for none.
    pub scopes: Vec<String>,
    /// Audiences of its tokens, and what it may name as `resource` to have fewer (RFC 8707).
    pub audiences: Vec<String>,
    /// Whether its access tokens are JWTs or random text.
    #[serde(skip_serializing_if = "is_default")]
    pub access_token: TokenFormat,
    /// How its access tokens are signed, if not as the realm's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<Alg>,
    /// Lifetime of its access tokens in seconds, if not the realm's.
    pub access_token_secs: Option<u32>,
    /// How its sessions go on.
    #[serde(skip_serializing_if = "is_default")]
    pub refresh: RefreshSettings,
    /// A machine's request for the very same token is answered with the one it has, while at least half of its
    /// life is left.
    #[serde(skip_serializing_if = "is_default")]
    pub reuse: bool,
    /// At most so many tokens in a span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_limit: Option<IssueLimit>,
    /// Whether its tokens are always bound to a key: a request needs a DPoP proof (`dpop_bound_access_tokens` of
    /// RFC 9449 §5.2).
    #[serde(skip_serializing_if = "is_default")]
    pub dpop: bool,
    /// Whether its tokens are always bound to the certificate of the connection that asks for them
    /// (`tls_client_certificate_bound_access_tokens` of RFC 8705 §3.4). Not together with `dpop`.
    #[serde(skip_serializing_if = "is_default")]
    pub certificate_bound: bool,
    /// A resource server: it may introspect every token of the realm that names no other audience.
    pub resource_server: bool,
}

impl ClientSettings {
    /// Whether a secret proves a client with these settings.
    pub fn has_secret(&self) -> bool {
        matches!(self.auth, None | Some(AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `token_endpoint_auth_method` (RFC 7591 §2, RFC 8705 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A secret in HTTP Basic.
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// A JWT that one of its keys signed (RFC 7523 §2.2).
    PrivateKeyJwt,
    /// A certificate that an authority made for one of its names (RFC 8705 §2.1).
    TlsClientAuth,
    /// A certificate that is registered itself (RFC 8705 §2.2).
    SelfSignedTlsClientAuth,
    /// Nothing: a public client.
    None,
}

impl AuthMethod {
    /// All that can be configured.
    pub const ALL: [Self; 6] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// The registered name.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }

    /// Whether a listener that treats clients' certificates so leaves this way to a proof open.
    pub fn is_possible(self, mutual_tls: MutualTls) -> bool {
        match self {
            Self::TlsClientAuth => mutual_tls == MutualTls::Authorities,
            Self::SelfSignedTlsClientAuth => mutual_tls.is_on(),
            Self::ClientSecretBasic | Self::ClientSecretPost | Self::PrivateKeyJwt | Self::None => true,
        }
    }
}

/// What a client's assertions may be. As it should be: for the issuer alone, and good for five minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssertionSettings {
    /// Audiences that count beside the issuer, such as the token endpoint's address.
    pub audiences: Vec<String>,
    /// How far off the end may be, in seconds.
    pub max_secs: u32,
}

impl Default for AssertionSettings {
    fn default() -> Self {
        Self { audiences: Vec::new(), max_secs: 300 }
    }
}

/// Whether access tokens say something by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenFormat {
    /// A signed JWT (RFC 9068).
    #[default]
    Jwt,
    /// Random text: its meaning is had by introspection alone.
    Opaque,
}

/// How the sessions go on that a client begins for people, and when they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshSettings {
    /// Whether each refresh token is good once (RFC 9700 §4.14.2). A public client's always are.
    pub rotate: bool,
    /// A session ends after this long without a refresh, in seconds.
    pub idle_secs: u32,
    /// A session ends after this long, whatever happens, in seconds.
    pub session_secs: u32,
    /// Its end is moved on to the next midnight in this IANA zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub midnight_in: Option<String>,
}

impl Default for RefreshSettings {
    /// A day without use, thirty days in all.
    fn default() -> Self {
        Self { rotate: true, idle_secs: 24 * 3600, session_secs: 30 * 24 * 3600, midnight_in: None }
    }
}

/// At most `count` tokens in `per_secs` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssueLimit {
    /// How many.
    pub count: u32,
    /// In which time, in seconds.
    pub per_secs: u32,
}

impl Client {
    /// Whether it proves itself with nothing.
    pub fn is_public(&self) -> bool {
        self.settings.auth == Some(AuthMethod::None)
    }
}

/// An API key: a service principal's id and secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// Its row.
    pub id: Id,
    /// The public part. Unique in the realm.
    pub key_id: String,
    /// A disabled key gets nothing, and tokens issued to it are refused.
    pub enabled: bool,
    /// Sessions begun with it before this instant are refused.
    pub not_before: Timestamp,
    /// After this the key is of no use.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whom it speaks for.
    pub service: Principal,
    /// Live secrets; any of them proves it.
    pub secrets: Vec<StoredSecret>,
}

/// A secret of ours, as a keyed hash. Two can live side by side while one replaces the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its row.
    pub id: Id,
    /// Keyed hash of the secret.
    pub digest: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it proves nothing.
    pub expires_at: Option<Timestamp>,
}

/// Whether one of `secrets` is live at `now` and has this digest. All are compared, whatever the answer.
pub fn any_matches(secrets: &[StoredSecret], digest: &Digest, now: Timestamp) -> bool {
    secrets.iter().fold(false, |found, secret| {
        let live = secret.expires_at.is_none_or(|end| now < end);
        found | (secret.digest.matches(digest) & live)
    })
}
