//! What stands in a sealed file: JSON.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::State;
use crate::profile::Profile;
use crate::token::Token;

/// Times are microseconds since the epoch.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Of the profile that token and pause belong to.
    profile: String,
    secrets: BTreeMap<String, String>,
    token: Option<SealedToken>,
    not_before: Option<i64>,
    failures: u32,
}

#[derive(Serialize, Deserialize)]
struct SealedToken {
    access: String,
    refresh: Option<String>,
    obtained_at: i64,
    refresh_at: Option<i64>,
    expires_at: Option<i64>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    said: BTreeMap<String, String>,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.secrets.values_mut().for_each(Zeroize::zeroize);
        if let Some(token) = &mut self.token {
            token.access.zeroize();
            token.refresh.zeroize();
        }
    }
}

/// A short name of all that a profile says.
pub(super) fn fingerprint(profile: &Profile) -> String {
    let text = toml::to_string(profile).unwrap_or_default();
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The state as bytes to seal; nothing if it cannot be written.
pub(super) fn write(state: &State, fingerprint: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = |secret: &Secret<String>| secret.expose().clone();
    let sealed = Sealed {
        profile: fingerprint.to_owned(),
        secrets: state.secrets.iter().map(|(name, secret)| (name.clone(), text(secret))).collect(),
        token: state.token.as_ref().map(|token| SealedToken {
            access: text(&token.access),
            refresh: token.refresh.as_ref().map(text),
            obtained_at: token.obtained_at.as_micros(),
            refresh_at: token.refresh_at.map(Timestamp::as_micros),
            expires_at: token.expires_at.map(Timestamp::as_micros),
            url: token.url.clone(),
            said: token.said.clone(),
        }),
        not_before: state.not_before.map(Timestamp::as_micros),
        failures: state.failures,
    };
    serde_json::to_vec(&sealed).ok().map(Zeroizing::new)
}

/// The state in opened bytes; nothing if it is not there. What belongs to another profile is left out.
pub(super) fn read(plain: &[u8], fingerprint: &str) -> Option<State> {
    let sealed: Sealed = serde_json::from_slice(plain).ok()?;
    let secrets = sealed.secrets.iter().map(|(name, text)| (name.clone(), Secret::from(text.as_str()))).collect();
    if sealed.profile != fingerprint {
        return Some(State { secrets, ..State::default() });
    }
    let time = Timestamp::from_micros;
    let token = sealed.token.as_ref().map(|token| Token {
        access: Secret::from(token.access.as_str()),
        refresh: token.refresh.as_deref().map(Secret::from),
        obtained_at: time(token.obtained_at),
        refresh_at: token.refresh_at.map(time),
        expires_at: token.expires_at.map(time),
        url: token.url.clone(),
        said: token.said.clone(),
        deviations: Vec::new(),
    });
    Some(State { secrets, token, not_before: sealed.not_before.map(time), failures: sealed.failures })
}
