//! A realm's metadata (RFC 8414, OIDC Discovery §3): made from what is switched on, nothing else.

use serde::Serialize;

use crate::domain::policy::Alg;
use crate::domain::realm::Realm;

#[derive(Serialize)]
struct Metadata<'a> {
    issuer: &'a str,
    token_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'a str; 1],
    response_types_supported: [&'a str; 0],
    subject_types_supported: [&'a str; 1],
    id_token_signing_alg_values_supported: Vec<Alg>,
    token_endpoint_auth_methods_supported: [&'a str; 2],
    introspection_endpoint_auth_methods_supported: [&'a str; 2],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'a str; 2],
}

/// The document at `/.well-known/openid-configuration`. All addresses come from the issuer and the
/// configured public URL, never from a request's `Host`.
pub fn document(realm: &Realm, public_url: &str) -> String {
    let issuer = realm.issuer(public_url);
    let base = format!("{}/realms/{}/protocol/openid-connect", public_url.trim_end_matches('/'), realm.name);
    let methods = ["client_secret_basic", "client_secret_post"];
    let metadata = Metadata {
        issuer: &issuer,
        token_endpoint: format!("{base}/token"),
        introspection_endpoint: format!("{base}/token/introspect"),
        jwks_uri: format!("{base}/certs"),
        grant_types_supported: ["client_credentials"],
        response_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: vec![realm.settings.alg],
        token_endpoint_auth_methods_supported: methods,
        introspection_endpoint_auth_methods_supported: methods,
        revocation_endpoint: format!("{base}/revoke"),
        revocation_endpoint_auth_methods_supported: methods,
    };
    serde_json::to_string(&metadata).unwrap_or_default()
}
