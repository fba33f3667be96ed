//! The grant types of OAuth, by the names they have on the wire.

use serde::{Deserialize, Serialize};

/// What a client can offer for a token (`grant_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GrantType {
    /// The client speaks for itself (RFC 6749 §4.4).
    #[serde(rename = "client_credentials")]
    ClientCredentials,
    /// A refresh token (RFC 6749 §6).
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// A person's password (RFC 6749 §4.3), which RFC 9700 §2.4 advises against.
    #[serde(rename = "password")]
    Password,
    /// An assertion of an issuer that the client trusts (RFC 7523 §2.1).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
    /// What a person said elsewhere to a device (RFC 8628 §3.4).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// A token for another token (RFC 8693).
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// All that Jeton knows.
    pub const ALL: [Self; 6] = [
        Self::ClientCredentials,
        Self::RefreshToken,
        Self::Password,
        Self::JwtBearer,
        Self::DeviceCode,
        Self::TokenExchange,
    ];

    /// The value of `grant_type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::Password => "password",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }

    /// The grant type of this name, compared exactly.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }
}
