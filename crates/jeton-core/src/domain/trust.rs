//! Foreign issuers that a client trusts: who may speak for it without a secret of ours (workload identity).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::token::jwk::Jwk;

/// An issuer whose assertions let a client speak for itself (RFC 7523 §2.1), and what an assertion must say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Its `iss`, byte for byte.
    pub issuer: String,
    /// Where its keys are. Never what an assertion says.
    pub keys: KeySource,
    /// The `aud` that an assertion must have; without, the issuer of the client's realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Claims by name and what they must be: a text to be equal, or one that ends in `*` to begin with.
    pub claims: BTreeMap<String, String>,
    /// How far off an assertion's end may be, in seconds.
    pub max_secs: u32,
    /// Whether an assertion that has an id (`jti`) is good more than once. Where a platform makes one for each use, it
    /// is not; Kubernetes puts one into a pod that serves for an hour.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reusable: bool,
}

/// Where an issuer's public keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// From the `jwks_uri` of its metadata (OpenID Connect Discovery §4).
    Discovery,
    /// From this address.
    Uri(String),
    /// They are these.
    Inline(Vec<Jwk>),
}

/// Claims that are judged by themselves, and cannot be a condition.
const JUDGED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

impl Trust {
    /// What is wrong with it, in a sentence that says what to do.
    ///
    /// # Errors
    /// It has no condition, so that everybody at the issuer would pass; or a condition that is none.
    pub fn check(&self) -> Result<(), String> {
        if self.claims.is_empty() {
            return Err("everybody whom the issuer knows would pass; give a condition such as --claim sub=…".into());
        }
        for (name, pattern) in &self.claims {
            if JUDGED.contains(&name.as_str()) {
                return Err(format!("`{name}` is checked by itself; give a condition on another claim, such as sub"));
            }
            if pattern.is_empty() || pattern.starts_with('*') {
                return Err(format!("any `{name}` would pass; write what it must be or begin with"));
            }
            if pattern.strip_suffix('*').unwrap_or(pattern).contains('*') {
                return Err(format!("`{pattern}`: a * can stand once, at the end"));
            }
        }
        Ok(())
    }
}
