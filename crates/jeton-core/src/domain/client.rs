//! Programs and keys that prove themselves with secrets of ours.

use serde::{Deserialize, Serialize};

use super::id::{Digest, Id};
use super::principal::Principal;
use crate::time::Timestamp;

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
}

/// What can be set for a client. Kept as JSON; unknown members are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSettings {
    /// Grant types it may use (`client_credentials`).
    pub grants: Vec<String>,
    /// Scopes it may ask for; they are granted when it asks for none.
    pub scopes: Vec<String>,
    /// Audiences of its tokens.
    pub audiences: Vec<String>,
    /// Lifetime of its access tokens in seconds, if not the realm's.
    pub access_token_secs: Option<u32>,
    /// A resource server: it may introspect every token of the realm that names no other audience.
    pub resource_server: bool,
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
