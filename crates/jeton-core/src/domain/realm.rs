//! A realm: an isolated namespace with its own issuer, keys, clients, people and policy (a tenant).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::grant::GrantType;
use super::id::Id;
use super::policy::Alg;
use super::registration::RegistrationMode;
use crate::time::Timestamp;

/// A realm as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Realm {
    /// Its row.
    pub id: Id,
    /// The name in URLs: `/realms/{name}`. Letters, digits, `-`, `_`, `.`; at most 64.
    pub name: String,
    /// A disabled realm answers nothing.
    pub enabled: bool,
    /// Tokens issued before this instant are refused, whatever they say.
    pub not_before: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// What can be set.
    pub settings: Settings,
}

/// The grants of a new realm.
const DEFAULT_GRANTS: [GrantType; 2] = [GrantType::ClientCredentials, GrantType::RefreshToken];

/// What can be set for a realm. Kept as JSON; unknown members are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The dialects this realm speaks beside OAuth, and where.
    pub dialects: Vec<Mount>,
    /// Grant types of its token endpoint. A client may use those of them that are its own too.
    #[serde(skip_serializing_if = "are_grants_default")]
    pub grants: Vec<GrantType>,
    /// How OAuth access tokens are signed.
    pub alg: Alg,
    /// How long an OAuth access token is good, in seconds.
    pub access_token_secs: u32,
    /// The shape of OAuth access tokens and answers.
    pub profile: Profile,
    /// Whether unknown clients and wrong secrets can be told apart.
    pub client_errors: ClientErrors,
    /// Which Keycloak is imitated where versions differ, 19 or 26; without, 26 but for the status of a client
    /// that may not use a grant.
    pub keycloak_compat: Option<u8>,
    /// Origins that browsers may call from. Empty: no CORS headers at all.
    pub cors_origins: Vec<String>,
    /// The issuer, if it is not `{public_url}/realms/{name}`.
    pub issuer: Option<String>,
    /// The identifier of the API behind the gate, `https://HOST/PATH`: it says there whose tokens it takes (RFC 9728).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// At most this many live sessions per principal; the oldest ends when another begins.
    pub session_cap: Option<u32>,
    /// Whether clients can register themselves (RFC 7591).
    #[serde(skip_serializing_if = "is_registration_off")]
    pub registration: RegistrationMode,
    /// What the dialects' files call settings: their names and values.
    pub values: BTreeMap<String, String>,
    /// Rules of the gate for this realm's API, in order, in the gate's notation.
    pub gate: Vec<String>,
    /// How long a signing key signs before the next one does, in seconds; zero: until it is rotated by hand.
    #[serde(skip_serializing_if = "is_key_rotation_default")]
    pub key_rotation_secs: u32,
    /// How long verifiers may keep the key set, in seconds: its `max-age` (RFC 9111 §5.2.2.1).
    #[serde(skip_serializing_if = "is_jwks_max_age_default")]
    pub jwks_max_age_secs: u32,
}

const KEY_ROTATION_SECS: u32 = 90 * 24 * 3600;
const JWKS_MAX_AGE_SECS: u32 = 300;

// What is not written can be read by the version before this one.
fn are_grants_default(grants: &[GrantType]) -> bool {
    grants == DEFAULT_GRANTS
}

fn is_key_rotation_default(secs: &u32) -> bool {
    *secs == KEY_ROTATION_SECS
}

fn is_registration_off(mode: &RegistrationMode) -> bool {
    *mode == RegistrationMode::Off
}

fn is_jwks_max_age_default(secs: &u32) -> bool {
    *secs == JWKS_MAX_AGE_SECS
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dialects: Vec::new(),
            grants: DEFAULT_GRANTS.to_vec(),
            alg: Alg::ES256,
            access_token_secs: 300,
            profile: Profile::Rfc9068,
            client_errors: ClientErrors::Uniform,
            keycloak_compat: None,
            cors_origins: Vec::new(),
            issuer: None,
            resource: None,
            session_cap: None,
            registration: RegistrationMode::Off,
            values: BTreeMap::new(),
            gate: Vec::new(),
            key_rotation_secs: KEY_ROTATION_SECS,
            jwks_max_age_secs: JWKS_MAX_AGE_SECS,
        }
    }
}

/// A dialect at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The dialect's name.
    pub dialect: String,
    /// Only for this host name, if one is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Below this path, such as `/legacy`; empty for the root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

/// The shape of OAuth access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// RFC 9068: `typ` is `at+jwt`.
    Rfc9068,
    /// Keycloak's claims, their order and its `typ`.
    Keycloak,
}

/// How client authentication fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientErrors {
    /// The same bytes for an unknown client and a wrong secret.
    Uniform,
    /// Keycloak's own, which tell them apart.
    Keycloak,
}

impl Realm {
    /// The issuer of this realm's tokens, byte for byte as in its metadata.
    pub fn issuer(&self, public_url: &str) -> String {
        match &self.settings.issuer {
            Some(issuer) => issuer.clone(),
            None => format!("{}/realms/{}", public_url.trim_end_matches('/'), self.name),
        }
    }
}

/// Whether `name` can name a realm, client, target or API key.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name != "."
        && name != ".."
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
