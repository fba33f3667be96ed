//! What an issuer says of itself (RFC 8414, OIDC Discovery).

use jeton_core::dialect::Values;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use serde::Deserialize;

use super::super::{FlowError, Request, Response};
use crate::address::{self, join};

/// What an issuer says of itself, as far as it is used here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) device_authorization_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    /// How many seconds the issuer's clock is ahead of this one.
    #[serde(skip)]
    pub(super) ahead: i64,
}

/// The request for an issuer's metadata (OIDC Discovery §4).
pub fn discovery(issuer: &str) -> Request {
    metadata_request(join(issuer, "/.well-known/openid-configuration"))
}

/// The same for an issuer that knows OAuth alone: the path goes behind, not before (RFC 8414 §3).
pub fn oauth_discovery(issuer: &str) -> Request {
    let path_at = issuer.find("://").and_then(|at| issuer.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
    let (host, path) = issuer.split_at_checked(path_at.unwrap_or(issuer.len())).unwrap_or((issuer, ""));
    metadata_request(format!("{host}/.well-known/oauth-authorization-server{}", path.trim_end_matches('/')))
}

fn metadata_request(url: String) -> Request {
    let headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    Request { method: http::Method::GET, url, headers, body: Secret::default(), asked: Values::new() }
}

impl Metadata {
    /// Reads the answer to [`discovery`], come in at `now`.
    ///
    /// # Errors
    /// It is no metadata, it is another issuer's (RFC 8414 §3.3), or an endpoint is one that no secret is sent to.
    pub fn read(issuer: &str, response: &Response, now: Timestamp) -> Result<Self, FlowError> {
        let shape = |why: String| FlowError::Shape { status: response.status, why };
        if let Some(refusal) = response.overload() {
            return Err(FlowError::Refused(refusal));
        }
        if response.status != 200 {
            return Err(shape(format!("`{issuer}` has no metadata")));
        }
        // Without serde's words, which quote what stands there.
        let metadata: Self = serde_json::from_slice(response.body.expose())
            .map_err(|_| shape(format!("the metadata of `{issuer}` name no token endpoint")))?;
        if metadata.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(shape(format!(
                "the metadata are those of the issuer `{}`, not of `{issuer}`",
                metadata.issuer
            )));
        }
        let more =
            [&metadata.authorization_endpoint, &metadata.device_authorization_endpoint, &metadata.revocation_endpoint];
        for endpoint in more.into_iter().flatten().chain([&metadata.token_endpoint]) {
            address::check_endpoint(endpoint).map_err(|error| shape(error.to_string()))?;
        }
        let ahead = response.date().map_or(0, |date| date.as_secs() - now.as_secs());
        Ok(Self { ahead, ..metadata })
    }

    /// Whether clients may prove themselves by this method; Basic where nothing is said (RFC 8414 §2).
    pub(super) fn takes(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|known| known == method),
            None => method == "client_secret_basic",
        }
    }
}
