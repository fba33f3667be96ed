//! A realm's metadata (RFC 8414, OIDC Discovery §3): made from what is switched on, nothing else.

use serde::Serialize;

use super::registration;
use crate::domain::certificate::MutualTls;
use crate::domain::client::AuthMethod;
use crate::domain::grant::GrantType;
use crate::domain::policy::Alg;
use crate::domain::realm::{Realm, Settings};
use crate::rules::registration::is_open;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    token_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    grant_types_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    response_types_supported: [&'a str; 0],
    subject_types_supported: [&'a str; 1],
    id_token_signing_alg_values_supported: [Alg; 1],
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: [Alg; 4],
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: [Alg; 4],
    introspection_signing_alg_values_supported: [Alg; 1],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: [Alg; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    dpop_signing_alg_values_supported: [Alg; 4],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
}

/// The document at `/.well-known/openid-configuration`. All addresses come from the issuer and the
/// configured public URL, never from a request's `Host`. What takes a certificate is named where clients are asked for
/// one (RFC 8705 §2.1.1, §3.3).
pub fn document(realm: &Realm, public_url: &str, mutual_tls: MutualTls) -> String {
    let issuer = realm.issuer(public_url);
    let base = format!("{}/realms/{}/protocol/openid-connect", public_url.trim_end_matches('/'), realm.name);
    let settings = &realm.settings;
    let public = serves_public_clients(settings);
    let device = settings.grants.contains(&GrantType::DeviceCode);
    let metadata = Metadata {
        issuer: &issuer,
        token_endpoint: format!("{base}/token"),
        introspection_endpoint: format!("{base}/token/introspect"),
        jwks_uri: format!("{base}/certs"),
        grant_types_supported: settings.grants.iter().map(|grant| grant.name()).collect(),
        device_authorization_endpoint: device.then(|| format!("{base}/auth/device")),
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: [settings.alg],
        token_endpoint_auth_methods_supported: auth_methods(public, mutual_tls),
        token_endpoint_auth_signing_alg_values_supported: Alg::ALL,
        introspection_endpoint_auth_methods_supported: auth_methods(false, mutual_tls),
        introspection_endpoint_auth_signing_alg_values_supported: Alg::ALL,
        introspection_signing_alg_values_supported: [settings.alg],
        revocation_endpoint: format!("{base}/revoke"),
        revocation_endpoint_auth_methods_supported: auth_methods(public, mutual_tls),
        revocation_endpoint_auth_signing_alg_values_supported: Alg::ALL,
        registration_endpoint: is_open(realm).then(|| registration::endpoint(realm, public_url)),
        dpop_signing_alg_values_supported: Alg::ALL,
        tls_client_certificate_bound_access_tokens: mutual_tls.is_on(),
    };
    serde_json::to_string(&metadata).unwrap_or_default()
}

/// Whether a client that proves nothing can get a token at all: by what a person gives it or an issuer says of it, and
/// never by itself.
fn serves_public_clients(settings: &Settings) -> bool {
    settings.grants.iter().any(|grant| match grant {
        GrantType::Password | GrantType::DeviceCode | GrantType::JwtBearer | GrantType::TokenExchange => true,
        GrantType::ClientCredentials | GrantType::RefreshToken => false,
    })
}

fn auth_methods(public: bool, mutual_tls: MutualTls) -> Vec<&'static str> {
    let methods = AuthMethod::ALL.into_iter().filter(|method| method.is_possible(mutual_tls));
    let methods = methods.filter(|method| public || *method != AuthMethod::None);
    methods.map(AuthMethod::name).collect()
}
