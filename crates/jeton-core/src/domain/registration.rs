//! Clients that register themselves (RFC 7591): who lets them, and what they may have.

use serde::{Deserialize, Serialize};

use super::grant::GrantType;
use super::id::{Digest, Id};
use super::realm::Realm;
use crate::time::Timestamp;

/// Whether clients can register themselves in a realm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationMode {
    /// No: there is no such endpoint.
    #[default]
    Off,
    /// Whoever shows an initial access token (RFC 7591 §3).
    Token,
}

impl RegistrationMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Off, Self::Token];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Token => "token",
        }
    }
}

/// The grants that a client can register for. With any other it would speak for people or issuers that an operator
/// has to know of.
pub const REGISTRABLE: [GrantType; 3] = [GrantType::ClientCredentials, GrantType::RefreshToken, GrantType::DeviceCode];

/// What a client that registers itself may have, and what it has if it asks for nothing. Kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationBounds {
    /// Grant types.
    pub grants: Vec<GrantType>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Audiences.
    pub audiences: Vec<String>,
}

/// An initial access token: lets whoever shows it register so many clients, until it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialAccessToken {
    /// Its row.
    pub id: Id,
    /// The realm that its clients come to be in.
    pub realm_id: Id,
    /// Keyed hash of the token.
    pub digest: Digest,
    /// What its clients may have.
    pub bounds: RegistrationBounds,
    /// How many clients it still registers.
    pub uses_left: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this instant on it registers nothing.
    pub expires_at: Timestamp,
}

impl InitialAccessToken {
    /// Whether it registers a client of its realm at `now`.
    pub fn is_live(&self, realm: &Realm, now: Timestamp) -> bool {
        self.realm_id == realm.id && self.uses_left > 0 && now < self.expires_at && self.created_at >= realm.not_before
    }
}

/// That a client registered itself. Kept as JSON, but for the token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registration {
    /// What it calls itself, for people (`client_name`). Anybody's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may have.
    pub bounds: RegistrationBounds,
    /// Keyed hash of its registration access token (RFC 7592 §3). None once an operator has set something for it: what
    /// that was, it cannot change back.
    #[serde(skip)]
    pub token: Option<Digest>,
}
