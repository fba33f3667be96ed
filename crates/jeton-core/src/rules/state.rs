//! Whether a token is good: one function for every endpoint that confirms one.

use std::time::Duration;

use super::{Decision, Shape, issue};
use crate::change::Change;
use crate::dialect::Values;
use crate::domain::client::Client;
use crate::domain::policy::Refresh;
use crate::domain::principal::Principal;
use crate::domain::realm::Realm;
use crate::domain::refusal::Reason;
use crate::domain::session::{Session, TokenKind};
use crate::facts::{Facts, TokenFacts};
use crate::time::Timestamp;
use crate::token::jwt::Claims;

/// A session's last use is written down at most this often: a call must not cost a write.
const NOTE_USE: Duration = Duration::from_secs(3600);

/// A live access token, and what it speaks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Live<'a> {
    /// Whom it speaks for.
    pub principal: &'a Principal,
    /// Who really signed in, where that is somebody else.
    pub actor: Option<&'a Principal>,
    /// The `client_id` it was issued to, if one asked.
    pub client: Option<&'a Client>,
    /// The id of the API key it was issued to, if one asked.
    pub key_id: Option<&'a str>,
    /// Its session, if it has one.
    pub session: Option<&'a Session>,
    /// Scope words.
    pub scope: &'a str,
    /// The number of the target it is limited to.
    pub target: Option<i64>,
    /// The level it acts with there, after the dialect's rule.
    pub level: Option<&'a str>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on it is refused.
    pub expires_at: Timestamp,
}

impl Live<'_> {
    /// What a dialect's answer can tell of the token and of whom it speaks for.
    pub fn values(&self, realm: &Realm, issuer: &str, now: Timestamp) -> Values {
        let mut values = Values::new();
        values.set("realm", realm.name.as_str());
        values.set("issuer", issuer);
        values.set("scope", self.scope);
        values.set("issued_at", self.issued_at);
        values.set("expires_at", self.expires_at);
        values.set("expires_in", self.expires_at.as_secs() - now.as_secs());
        if let Some(session) = self.session {
            values.set("session.started", session.started_at);
        }
        if let Some(client) = self.client {
            values.set("client_id", client.client_id.as_str());
        }
        if let Some(key_id) = self.key_id {
            values.set("key_id", key_id);
        }
        if let Some(number) = self.target {
            values.set("target.number", number);
        }
        issue::describe(&mut values, self.principal, self.actor);
        values
    }
}

/// The state of a token that belongs to a session. Good only while everything it hangs on is.
///
/// Changes note that the session is in use, about once an hour, and a successor's first use at once: from then on
/// its predecessor is answered no more (docs/adr/0007). The answer does not hang on either being written.
pub fn of_session_token<'a>(
    realm: &Realm,
    facts: &'a TokenFacts,
    shape: Shape<'a>,
    now: Timestamp,
) -> Decision<Live<'a>> {
    let newest = facts.token.generation == facts.session.generation;
    // Where refresh tokens rotate, the access tokens before live their own time.
    let rotates = matches!(shape.policy().map(|policy| &policy.refresh), Some(Refresh::Rotate { .. }));
    if facts.token.kind != TokenKind::Access || !(newest || rotates) {
        return Decision::refuse(Reason::Revoked);
    }
    if let Err(reason) = parents(realm, facts, now) {
        return Decision::refuse(reason);
    }
    if now >= facts.token.expires_at {
        return Decision::refuse(Reason::Expired);
    }
    let session = &facts.session;
    let place = facts.target.as_ref();
    let level = place.and_then(|(_, member)| member.as_deref()).map(|member| member.level.as_str());
    let rule = shape.policy().and_then(|policy| policy.target.as_ref());
    let live = Live {
        principal: &facts.principal,
        actor: facts.actor.as_deref(),
        client: facts.client.as_deref(),
        key_id: facts.api_key.as_ref().map(|key| key.key_id.as_str()),
        session: Some(session),
        scope: &session.scope,
        target: place.map(|(target, _)| target.number),
        level: level.map(|level| rule.map_or(level, |rule| rule.level_inside(level))),
        issued_at: facts.token.issued_at,
        expires_at: facts.token.expires_at,
    };
    let idle_slice = session.idle_secs.map_or(NOTE_USE, |secs| Duration::from_secs(secs.unsigned_abs() / 4));
    let noted = now < session.last_used_at + NOTE_USE.min(idle_slice);
    let (id, generation) = (session.id, session.generation);
    let change = match session.renewed_at {
        // Whatever the time is: that the answer arrived is a fact in a row, and no clock undoes it.
        Some(_) if newest => Some(Change::ConfirmRenewal { id, generation, at: now }),
        _ => (!noted).then_some(Change::UseSession { id, generation, at: now }),
    };
    Decision { answer: Ok(live), changes: change.into_iter().collect() }
}

/// The state of a JWT without a session: one that a client got for itself. Its signature was verified by a key of
/// this realm, whose issuer is `issuer`.
pub fn of_client_token<'a>(
    facts: &'a Facts,
    claims: &'a Claims,
    issuer: &str,
    now: Timestamp,
) -> Result<Live<'a>, Reason> {
    let client = facts.client.as_deref().ok_or(Reason::InvalidToken)?;
    // Only a client's own token may do without a row: everybody else's must have one, swept or not.
    if claims.sub != client.service.id.to_string() || claims.iss != issuer {
        return Err(Reason::InvalidToken);
    }
    if !facts.realm.enabled || !client.enabled || !client.service.enabled {
        return Err(Reason::Disabled);
    }
    let issued_at = claims.issued_at();
    // A client made anew under an old name has nothing to do with the old one's tokens (security.md K11).
    let made = client.created_at.whole_secs();
    let cut_off = facts.realm.not_before.max(client.not_before).max(client.service.not_before).max(made);
    if facts.ended || issued_at < cut_off {
        return Err(Reason::Revoked);
    }
    if now >= claims.expires_at() {
        return Err(Reason::Expired);
    }
    if claims.nbf.is_some_and(|nbf| now < Timestamp::from_secs(nbf)) {
        return Err(Reason::InvalidToken);
    }
    Ok(Live {
        principal: &client.service,
        actor: None,
        client: Some(client),
        key_id: None,
        session: None,
        scope: claims.scope.as_deref().unwrap_or_default(),
        target: None,
        level: None,
        issued_at,
        expires_at: claims.expires_at(),
    })
}

/// Whether everything that a session's token hangs on is alive: realm, session, principal, actor, client, API
/// key, target. For access and refresh alike; the tokens' own ends are looked at elsewhere.
pub(super) fn parents(realm: &Realm, facts: &TokenFacts, now: Timestamp) -> Result<(), Reason> {
    let session = &facts.session;
    let disabled = !realm.enabled
        || !facts.principal.enabled
        || facts.actor.as_ref().is_some_and(|actor| !actor.enabled)
        || facts.client.as_ref().is_some_and(|client| !client.enabled)
        || facts.api_key.as_ref().is_some_and(|key| !key.enabled || key.expires_at.is_some_and(|end| now >= end))
        || facts.target.as_ref().is_some_and(|(target, member)| !target.enabled || member.is_none());
    if disabled {
        return Err(Reason::Disabled);
    }
    // A row that the session names and the store no longer has is as good as disabled.
    let gone = (session.client_id.is_some() && facts.client.is_none())
        || (session.api_key_id.is_some() && facts.api_key.is_none())
        || (session.actor_id.is_some() && facts.actor.is_none())
        || (session.target_id.is_some() && facts.target.is_none());
    let cut_off = [
        Some(facts.principal.not_before),
        facts.actor.as_ref().map(|actor| actor.not_before),
        facts.client.as_ref().map(|client| client.not_before),
    ];
    let cut_off = cut_off.into_iter().flatten().fold(Timestamp::EPOCH, Timestamp::max);
    if gone || session.ended_at.is_some() || session.started_at < cut_off || facts.token.issued_at < realm.not_before {
        return Err(Reason::Revoked);
    }
    let idle = session.idle_secs.map(|secs| session.last_used_at + Duration::from_secs(secs.unsigned_abs()));
    if idle.is_some_and(|end| now >= end) {
        return Err(Reason::Expired);
    }
    Ok(())
}
