//! What a realm's and a client's settings make of a token of OAuth: a policy, as a dialect's file has one.

use std::time::Duration;

use crate::domain::client::Client;
use crate::domain::client::{ClientSettings, TokenFormat};
use crate::domain::grant::GrantType;
use crate::domain::policy::{End, Format, Policy, Refresh, TokenText};
use crate::domain::realm::Settings;

/// How the tokens of this client come to be and to end.
pub(super) fn policy(realm: &Settings, client: &Client) -> Policy {
    let settings = &client.settings;
    let format = match settings.access_token {
        TokenFormat::Jwt => Format::Jwt(settings.alg.unwrap_or(realm.alg)),
        TokenFormat::Opaque => Format::Opaque(TokenText::Checked),
    };
    let refresh = refresh(settings, client.is_public());
    Policy {
        format,
        lifetime: secs(settings.access_token_secs.unwrap_or(realm.access_token_secs)),
        // A token that stays is in use when it is used; one that rotates, ends by its own time.
        idle: matches!(refresh, Refresh::Keep { .. }).then(|| secs(settings.refresh.idle_secs)),
        refresh,
        realm_scope: String::new(),
        target_scope: String::new(),
        target: None,
        limits: Vec::new(),
        nonce_once_within: None,
        sessions: None,
    }
}

/// How its sessions go on: by a refresh token, if the client can use one.
fn refresh(settings: &ClientSettings, public: bool) -> Refresh {
    if !settings.grants.contains(&GrantType::RefreshToken) {
        return Refresh::None;
    }
    let end = End { after: secs(settings.refresh.session_secs), midnight_in: settings.refresh.midnight_in.clone() };
    // Nothing but rotation finds a public client's stolen token (RFC 9700 §2.2.2).
    match settings.refresh.rotate || public {
        true => Refresh::Rotate { within: secs(settings.refresh.idle_secs), end: Some(end) },
        false => Refresh::Keep { end },
    }
}

fn secs(secs: u32) -> Duration {
    Duration::from_secs(u64::from(secs))
}
