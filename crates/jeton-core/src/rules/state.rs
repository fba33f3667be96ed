//! Whether a token is good: one function for every endpoint that confirms one.

use std::borrow::Cow;
use std::time::Duration;

use super::{Decision, Shape, audience, mint};
use crate::change::Change;
use crate::dialect::Values;
use crate::domain::client::Client;
use crate::domain::grant::GrantType;
use crate::domain::policy::Refresh;
use crate::domain::principal::Principal;
use crate::domain::realm::Realm;
use crate::domain::refusal::Reason;
use crate::domain::session::{Confirmation, Session, TokenKind};
use crate::facts::{Facts, TokenFacts};
use crate::time::Timestamp;
use crate::token::jwt::{Audience, Claims};

/// A session's last use is written down at most this often: a call must not cost a write.
const NOTE_USE: Duration = Duration::from_secs(3600);

/// A live token, and what it speaks for.
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
    /// Scope words: those that its client may still have.
    pub scope: Cow<'a, str>,
    /// Whom it is meant for; nobody in particular if that is empty.
    pub audience: Vec<String>,
    /// What whoever shows it must prove to hold.
    pub cnf: Option<&'a Confirmation>,
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
        values.set("scope", self.scope.as_ref());
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
        mint::describe(&mut values, self.principal, self.actor);
        values
    }
}

/// The state of a token that belongs to a session. Good only while everything it hangs on is.
///
/// `jwt` are the claims of one that is a JWT, and the issuer of its realm.
///
/// Changes note that the session is in use, about once an hour, and a successor's first use at once: from then on
/// its predecessor is answered no more (docs/adr/0007). The answer does not hang on either being written.
pub fn of_session_token<'a>(
    realm: &Realm,
    facts: &'a TokenFacts,
    shape: Shape<'a>,
    jwt: Option<(&Claims, &str)>,
    now: Timestamp,
) -> Decision<Live<'a>> {
    let newest = facts.token.generation == facts.session.generation;
    // Where refresh tokens rotate, the access tokens before live their own time.
    let rotates = match shape {
        Shape::OAuth => true,
        Shape::Dialect(dialect) => matches!(dialect.policy.refresh, Refresh::Rotate { .. }),
    };
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
    let bounds = &facts.token.bounds;
    let scope = bounds.scope.as_ref().unwrap_or(&session.scope);
    let client = facts.client.as_deref();
    let said = jwt.and_then(|(claims, issuer)| Some((claims.aud.as_ref()?.to_vec(), issuer)));
    let kept = bounds.audience.as_ref().or(session.bounds.audience.as_ref());
    let (named, issuer) = match said {
        Some((named, issuer)) => (named, Some(issuer)),
        None => (kept.cloned().unwrap_or_default(), None),
    };
    let audience = match client.map_or(Ok(named.clone()), |client| still_for(&named, client, issuer)) {
        Ok(audience) => audience,
        Err(reason) => return Decision::refuse(reason),
    };
    let live = Live {
        principal: &facts.principal,
        actor: facts.actor.as_deref(),
        client,
        key_id: facts.api_key.as_ref().map(|key| key.key_id.as_str()),
        session: Some(session),
        scope: still_allowed(scope, &client.into_iter().chain(exchanged_by(facts)).collect::<Vec<_>>()),
        audience,
        cnf: bounds.cnf.as_ref(),
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

/// The state of a refresh token of OAuth, for the client that asks: nobody but its own learns that it lives. One that
/// was used, or that realm or client may no longer use, lives no more.
pub fn of_refresh_token<'a>(facts: &'a Facts, client: &Client, now: Timestamp) -> Result<Live<'a>, Reason> {
    let row = facts.token.as_ref().ok_or(Reason::InvalidToken)?;
    let (token, session) = (&row.token, &row.session);
    // To everybody else it is what any token is that opens nothing.
    let owner = row.client.as_deref().filter(|owner| owner.id == client.id).ok_or(Reason::Revoked)?;
    if session.dialect != Shape::OAuth.name() || token.kind != TokenKind::Refresh {
        return Err(Reason::Revoked);
    }
    let grants = [&facts.realm.settings.grants, &owner.settings.grants];
    let usable = grants.into_iter().all(|grants| grants.contains(&GrantType::RefreshToken));
    if !usable || token.generation != session.generation {
        return Err(Reason::Revoked);
    }
    parents(&facts.realm, row, now)?;
    let expires_at = token.expires_at.min(session.expires_at);
    if now >= expires_at {
        return Err(Reason::Expired);
    }
    let named = session.bounds.audience.as_deref().unwrap_or_default();
    Ok(Live {
        principal: &row.principal,
        actor: row.actor.as_deref(),
        client: Some(owner),
        key_id: None,
        session: Some(session),
        scope: still_allowed(&session.scope, &[owner]),
        audience: still_for(named, owner, None)?,
        cnf: session.bounds.cnf.as_ref(),
        target: None,
        level: None,
        issued_at: token.issued_at,
        expires_at,
    })
}

/// The state of a JWT without a session: one that a client got for itself. Its signature was verified by a key of
/// this realm, whose issuer is `issuer`; `client` the one that it names, if
/// there is one.
pub fn of_client_token<'a>(
    facts: &'a Facts,
    client: Option<&'a Client>,
    claims: &'a Claims,
    issuer: &str,
    now: Timestamp,
) -> Result<Live<'a>, Reason> {
    let client = client.ok_or(Reason::InvalidToken)?;
    // Only a client's own token may do without a row: everybody else's must have one, swept or not.
    let another_kind = claims.typ.as_deref().is_some_and(|typ| typ != "Bearer");
    if claims.sub != client.service.id.to_string() || claims.iss != issuer || another_kind {
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
    let named = claims.aud.as_ref().map(Audience::to_vec).unwrap_or_default();
    Ok(Live {
        principal: &client.service,
        actor: None,
        client: Some(client),
        key_id: None,
        session: None,
        scope: still_allowed(claims.scope.as_deref().unwrap_or_default(), &[client]),
        audience: still_for(&named, client, Some(issuer))?,
        cnf: claims.cnf.as_ref(),
        target: None,
        level: None,
        issued_at,
        expires_at: claims.expires_at(),
    })
}

/// Whether a token is for the API behind the realm's gate (security.md F7). One for nobody in particular is. Where the API
/// has an identifier, one that names whom it is for must name that, or the realm.
pub fn is_for_api(token: &Live<'_>, realm: &Realm, issuer: &str) -> bool {
    let Some(resource) = &realm.settings.resource else { return true };
    token.audience.is_empty() || token.audience.iter().any(|name| name == resource || name == issuer)
}

/// The clients of the tokens that it was exchanged for.
fn exchanged_by(facts: &TokenFacts) -> impl Iterator<Item = &Client> {
    facts.exchanged.iter().filter_map(|token| token.client.as_deref())
}

/// The words of a token's scope that its client, and those of the tokens that it was exchanged for, may still have: one
/// that was taken away is gone from tokens too.
fn still_allowed<'a>(scope: &'a str, clients: &[&Client]) -> Cow<'a, str> {
    let allowed = |word: &&str| clients.iter().all(|client| client.settings.scopes.iter().any(|known| known == word));
    match audience::words(scope).all(|word| allowed(&word)) {
        true => Cow::Borrowed(scope),
        false => Cow::Owned(audience::words(scope).filter(allowed).collect::<Vec<_>>().join(" ")),
    }
}

/// Those whom a token is meant for and whom its client may still have tokens for; the realm itself is always one of them.
/// A token for others who were all taken away is meant for nobody, which is less than for nobody in particular.
fn still_for(named: &[String], client: &Client, issuer: Option<&str>) -> Result<Vec<String>, Reason> {
    let allowed = |name: &&String| client.settings.audiences.contains(name) || issuer == Some(name.as_str());
    let audience: Vec<String> = named.iter().filter(allowed).cloned().collect();
    if audience.is_empty() && !named.is_empty() { Err(Reason::Revoked) } else { Ok(audience) }
}

/// Whether everything that a session's token hangs on is alive: realm, session, principal, actor, client, API
/// key, target, and whatever it was exchanged for. For access and refresh alike; the tokens' own ends are looked at elsewhere.
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
        facts.api_key.as_ref().map(|key| key.not_before),
    ];
    let cut_off = cut_off.into_iter().flatten().fold(Timestamp::EPOCH, Timestamp::max);
    if gone || session.ended_at.is_some() || session.started_at < cut_off || facts.token.issued_at < realm.not_before {
        return Err(Reason::Revoked);
    }
    for (token, became) in session.bounds.exchanged.iter().zip(&facts.exchanged) {
        let client = became.client.as_deref().ok_or(Reason::Revoked)?;
        // Whoever acted with it was its client.
        let actor = token.actor_id.map(|_| &client.service);
        if !client.enabled || actor.is_some_and(|actor| !actor.enabled) {
            return Err(Reason::Disabled);
        }
        let cut_off = [realm.not_before, facts.principal.not_before, client.not_before];
        let cut_off = cut_off.into_iter().chain(actor.map(|actor| actor.not_before)).max();
        if became.ended || cut_off.is_some_and(|cut_off| token.began() < cut_off) {
            return Err(Reason::Revoked);
        }
    }
    let idle = session.idle_secs.map(|secs| session.last_used_at + Duration::from_secs(secs.unsigned_abs()));
    if idle.is_some_and(|end| now >= end) {
        return Err(Reason::Expired);
    }
    Ok(())
}
