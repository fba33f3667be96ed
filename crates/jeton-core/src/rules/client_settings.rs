//! Whether a client can work as it is set: asked by everything that makes or changes one.

use crate::domain::certificate::CertificateName;
use crate::domain::client::{AuthMethod, ClientSettings};
use crate::domain::grant::GrantType;
use crate::domain::realm;

/// Why a client with these settings cannot work in its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unworkable {
    /// A grant that the realm does not have.
    #[error("the realm does not have the grant {}", .0.name())]
    NoGrant(GrantType),
    /// A public client with the grant `client_credentials`.
    #[error("a public client has nothing to speak for itself with")]
    PublicForItself,
    /// `private_key_jwt` without a key.
    #[error("a client that signs its assertions needs a key to check them with")]
    NoKey,
    /// `tls_client_auth` without a name.
    #[error("an authority vouches for a name, and the client has none")]
    NoCertificateName,
    /// `self_signed_tls_client_auth` without a thumbprint.
    #[error("a self-signed certificate is known by its thumbprint, and the client has none")]
    NoThumbprint,
    /// `dpop` and `certificate_bound`.
    #[error("tokens are bound to a key or to a certificate, and not to both")]
    BoundTwice,
    /// A public client that introspects.
    #[error("a resource server must prove itself")]
    PublicResourceServer,
}

/// Whether a client with these settings can work in a realm with those.
///
/// # Errors
/// The first reason why it cannot.
pub fn check(realm: &realm::Settings, settings: &ClientSettings) -> Result<(), Unworkable> {
    if let Some(grant) = settings.grants.iter().find(|grant| !realm.grants.contains(grant)) {
        return Err(Unworkable::NoGrant(*grant));
    }
    if settings.dpop && settings.certificate_bound {
        return Err(Unworkable::BoundTwice);
    }
    let thumbprint = CertificateName::is_thumbprint;
    match settings.auth {
        Some(AuthMethod::None) if settings.grants.contains(&GrantType::ClientCredentials) => {
            Err(Unworkable::PublicForItself)
        }
        Some(AuthMethod::None) if settings.resource_server => Err(Unworkable::PublicResourceServer),
        Some(AuthMethod::PrivateKeyJwt) if settings.keys.is_empty() => Err(Unworkable::NoKey),
        Some(AuthMethod::TlsClientAuth) if settings.certificates.iter().all(thumbprint) => {
            Err(Unworkable::NoCertificateName)
        }
        Some(AuthMethod::SelfSignedTlsClientAuth) if !settings.certificates.iter().any(thumbprint) => {
            Err(Unworkable::NoThumbprint)
        }
        _ => Ok(()),
    }
}
