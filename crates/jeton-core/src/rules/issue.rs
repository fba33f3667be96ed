//! The last phases of every grant: narrow the scope, make the token.

use std::time::Duration;

use rand_core::CryptoRng;

use super::successor::Successor;
use super::{Decision, Known, Proven, Request, Shape, audit};
use crate::change::Change;
use crate::dialect::{Dialect, Values};
use crate::domain::client::{ApiKey, Client};
use crate::domain::id::{Digest, Id};
use crate::domain::policy::{Alg, End, Format, Policy, Refresh, TokenText};
use crate::domain::principal::Principal;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::{Session, Token, TokenKind};
use crate::domain::target::{Membership, Target};
use crate::facts::TokenFacts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::pepper::{Pepper, Purpose};
use crate::token::{claims, jwt, opaque};

/// No session lives longer than this, however often it is renewed.
const LONGEST_SESSION: Duration = Duration::from_secs(180 * 24 * 3600);

/// A token to be sent, and what is said of it.
#[derive(Debug)]
pub struct Issue {
    /// The access token.
    pub access: Access,
    /// The refresh token, where there is one.
    pub refresh: Option<Secret<String>>,
    /// Scope words, separated by spaces.
    pub scope: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// What a dialect's answer can say. The access token itself is added when it is signed.
    pub values: Values,
}

/// An access token, finished or still to be signed.
#[derive(Debug)]
pub enum Access {
    /// Random text.
    Opaque(Secret<String>),
    /// The one that was presented.
    Presented,
    /// A JWT: what the realm's current key for this algorithm has to sign.
    Jwt {
        /// The algorithm.
        alg: Alg,
        /// `base64url(header).base64url(claims)`.
        signing_input: String,
    },
}

/// Whom a token is made for.
pub(super) enum Subject<'a> {
    /// A client for itself: no session.
    Client(&'a Client),
    /// A new session.
    Begin(Begin<'a>),
    /// A session that goes on.
    Continue(Continue<'a>),
}

/// A new session's parties.
pub(super) struct Begin<'a> {
    pub(super) principal: &'a Principal,
    pub(super) actor: Option<&'a Principal>,
    pub(super) api_key: Option<&'a ApiKey>,
    pub(super) target: Option<(&'a Target, &'a Membership)>,
}

/// A session that goes on.
pub(super) struct Continue<'a> {
    /// The token that was presented.
    pub(super) token: &'a TokenFacts,
    /// What it goes on with.
    pub(super) with: Next<'a>,
}

/// Which access token a session goes on with.
pub(super) enum Next<'a> {
    /// The presented one.
    Same,
    /// One more of the same generation.
    Another,
    /// The one successor of the presented token.
    Successor,
    /// That successor once more, as it was made before.
    Again(&'a Token),
}

pub(super) fn issue(
    known: &Known<'_>,
    request: &Request<'_>,
    proven: Proven<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Decision<Issue> {
    let made = match (proven.subject, request.shape) {
        (Subject::Client(client), _) => for_client(known, request, client, now, rng),
        (Subject::Begin(begin), Shape::Dialect(dialect)) => begin_session(known, request, dialect, begin, now, rng),
        (Subject::Continue(next), Shape::Dialect(dialect)) => continue_session(known, dialect, &next, now, rng),
        // OAuth's own grants for people come with the pages that they sign in on.
        (_, Shape::OAuth) => Err(Reason::DeniedGrant.into()),
    };
    match made {
        Ok((issue, changes)) => Decision { answer: Ok(issue), changes: [proven.changes, changes].concat() },
        Err(refusal) => Decision::refuse(refusal),
    }
}

type Made = Result<(Issue, Vec<Change>), Refusal>;

/// A JWT by the realm's and the client's settings. It writes no row.
fn for_client(
    known: &Known<'_>,
    request: &Request<'_>,
    client: &Client,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Made {
    let scope = narrow(request.scope.as_deref(), &client.settings.scopes)?;
    let settings = &known.facts.realm.settings;
    let secs = client.settings.access_token_secs.unwrap_or(settings.access_token_secs);
    let issued_at = now.whole_secs();
    let expires_at = issued_at + Duration::from_secs(u64::from(secs));
    let id = Id::random(rng);
    let times = (issued_at, expires_at);
    let (header, claims) = claims::client_token(settings, known.issuer, known.kid, client, &scope, times, id);
    let access = Access::Jwt { alg: settings.alg, signing_input: jwt::signing_input(&header, &claims) };
    let mut values = Values::new();
    // OAuth's answer is not written from values; a dialect's is.
    if let Shape::Dialect(_) = request.shape {
        values.set("client_id", client.client_id.as_str());
        describe_token(&mut values, known, id, &scope, issued_at, expires_at);
    }
    Ok((Issue { access, refresh: None, scope, issued_at, expires_at, values }, Vec::new()))
}

/// What was asked for, if all of it is allowed; all that is allowed, if nothing was asked for (RFC 6749 §3.3).
fn narrow(asked: Option<&str>, allowed: &[String]) -> Result<String, Refusal> {
    let asked: Vec<&str> = asked.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
    if asked.is_empty() {
        return Ok(allowed.join(" "));
    }
    if asked.iter().any(|word| !allowed.iter().any(|known| known == word)) {
        let text = format!("Invalid scopes: {}", asked.join(" "));
        return Err(Refusal::new(Reason::DeniedScope).detail(text));
    }
    Ok(asked.join(" "))
}

fn begin_session(
    known: &Known<'_>,
    request: &Request<'_>,
    dialect: &Dialect,
    begin: Begin<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Made {
    let policy = &dialect.policy;
    let realm = &known.facts.realm;
    let target = begin.target.map(|(target, _)| target);
    let scope = if target.is_some() { &policy.target_scope } else { &policy.realm_scope };
    let session = Session {
        id: Id::new(now, rng),
        realm_id: realm.id,
        principal_id: begin.principal.id,
        actor_id: begin.actor.map(|actor| actor.id),
        api_key_id: begin.api_key.map(|key| key.id),
        client_id: None,
        target_id: target.map(|target| target.id),
        dialect: dialect.name.clone(),
        scope: scope.clone(),
        started_at: now,
        expires_at: session_end(policy, now),
        last_used_at: now,
        idle_secs: policy.idle.map(|idle| i64::try_from(idle.as_secs()).unwrap_or(i64::MAX)),
        generation: 0,
        renewed_at: None,
        ended_at: None,
    };
    let refresh = matches!(policy.refresh, Refresh::Keep { .. } | Refresh::Rotate { .. })
        .then(|| opaque::new_token(&TokenText::Checked, TokenKind::Refresh, rng));

    let parties = Parties {
        principal: begin.principal,
        actor: begin.actor,
        key_id: begin.api_key.map(|key| key.key_id.as_str()),
        target,
    };
    let made = make(known, dialect, &session, &parties, now.whole_secs(), Id::random(rng), rng)?;
    let mut issue = made.issue;
    let mut changes = Vec::new();
    // A realm may tighten what the dialect allows.
    let caps = [policy.sessions, realm.settings.session_cap];
    if let Some(cap) = caps.into_iter().flatten().min() {
        let keep = cap.saturating_sub(1);
        changes.push(Change::CapSessions { principal_id: session.principal_id, keep, at: now });
    }
    changes.push(Change::StartSession(session.clone()));
    changes.push(Change::PutToken(made.token));
    if let Some(refresh) = refresh {
        changes.push(Change::PutToken(refresh_row(known, policy, &session, &refresh, now)));
        issue.values.set("refresh_token", refresh.clone());
        issue.refresh = Some(refresh);
    }
    changes.push(audit(known, request, "session.started", request.grant.name(), now));
    Ok((issue, changes))
}

fn continue_session(
    known: &Known<'_>,
    dialect: &Dialect,
    next: &Continue<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Made {
    let token = next.token;
    let (generation, issued_at) = match next.with {
        Next::Same | Next::Another => (token.session.generation, now.whole_secs()),
        Next::Successor => (token.session.generation + 1, now.whole_secs()),
        Next::Again(made) => (made.generation, made.issued_at),
    };
    let session = Session { generation, ..token.session.clone() };
    let parties = Parties {
        principal: &token.principal,
        actor: token.actor.as_deref(),
        key_id: token.api_key.as_ref().map(|key| key.key_id.as_str()),
        target: token.target.as_ref().map(|(target, _)| &**target),
    };
    let mut made = match next.with {
        Next::Same => {
            let unused = session.idle_secs.map(|secs| now + Duration::from_secs(secs.unsigned_abs()));
            let expires_at = unused.map_or(token.token.expires_at, |end| end.min(token.token.expires_at));
            let times = (token.token.issued_at, now, expires_at);
            return Ok((same(known, &session, &parties, times, rng), Vec::new()));
        }
        Next::Another => make(known, dialect, &session, &parties, issued_at, Id::random(rng), rng)?,
        Next::Successor | Next::Again(_) => {
            let mut derived = Successor::new(known.pepper, token.token.digest, generation);
            let mut made = make(known, dialect, &session, &parties, issued_at, derived.id(), &mut derived)?;
            if let Refresh::Rotate { .. } = dialect.policy.refresh {
                made.issue.refresh = Some(opaque::new_token(&TokenText::Checked, TokenKind::Refresh, &mut derived));
            }
            made
        }
    };
    let mut changes = vec![Change::PutToken(made.token.clone())];
    if let Some(refresh) = &made.issue.refresh {
        made.issue.values.set("refresh_token", refresh.clone());
        changes.push(Change::PutToken(refresh_row(known, &dialect.policy, &session, refresh, issued_at)));
    }
    match next.with {
        Next::Again(before) if before.digest == made.token.digest => Ok((made.issue, Vec::new())),
        // A key, a claim or the dialect is another than a moment ago: this would be a second successor.
        Next::Again(_) => Err(Reason::Revoked.into()),
        Next::Same | Next::Another | Next::Successor => Ok((made.issue, changes)),
    }
}

/// What the store keeps of a session's refresh token.
fn refresh_row(
    known: &Known<'_>,
    policy: &Policy,
    session: &Session,
    refresh: &Secret<String>,
    issued_at: Timestamp,
) -> Token {
    let expires_at = match policy.refresh {
        Refresh::Rotate { within, .. } => session.expires_at.min(issued_at + within),
        _ => session.expires_at,
    };
    Token {
        digest: digest_opaque(known.pepper, refresh.expose()),
        kind: TokenKind::Refresh,
        session_id: session.id,
        generation: session.generation,
        issued_at,
        expires_at,
        forget_at: expires_at,
    }
}

/// The presented token once more: when it was issued, when this is said, when it ends unless it is used.
fn same(
    known: &Known<'_>,
    session: &Session,
    parties: &Parties<'_>,
    (issued_at, now, expires_at): (Timestamp, Timestamp, Timestamp),
    rng: &mut dyn CryptoRng,
) -> Issue {
    let mut values = describe_all(known, session, parties, Id::random(rng), (issued_at, expires_at));
    values.set("expires_in", expires_at.as_secs() - now.as_secs());
    let scope = session.scope.clone();
    Issue { access: Access::Presented, refresh: None, scope, issued_at, expires_at, values }
}

struct Parties<'a> {
    principal: &'a Principal,
    actor: Option<&'a Principal>,
    key_id: Option<&'a str>,
    target: Option<&'a Target>,
}

struct Minted {
    issue: Issue,
    token: Token,
}

/// An access token of a session, in the dialect's format.
fn make(
    known: &Known<'_>,
    dialect: &Dialect,
    session: &Session,
    parties: &Parties<'_>,
    issued_at: Timestamp,
    id: Id,
    rng: &mut dyn CryptoRng,
) -> Result<Minted, Refusal> {
    let policy = &dialect.policy;
    let expires_at = issued_at + policy.lifetime;
    let values = describe_all(known, session, parties, id, (issued_at, expires_at));
    let (access, digest) = match &policy.format {
        Format::Opaque(text) => {
            let token = opaque::new_token(text, TokenKind::Access, rng);
            let digest = digest_opaque(known.pepper, token.expose());
            (Access::Opaque(token), digest)
        }
        Format::Jwt(alg) => {
            let written = dialect.jwt(&values, known.settings);
            // Dialects tell their peers nothing of this detail: it is for the log.
            let broken = |error| Refusal::new(Reason::Unavailable).detail(format!("claims not written: {error}"));
            let (header, claims) = written.map_err(broken)?;
            let signing_input = jwt::signing_input(&header, &claims);
            let digest = digest_jwt(known.pepper, &signing_input);
            (Access::Jwt { alg: *alg, signing_input }, digest)
        }
    };
    let forget_at = match policy.refresh {
        Refresh::Renew { within, .. } => expires_at.max(issued_at + within),
        _ => expires_at,
    };
    let token = Token {
        digest,
        kind: TokenKind::Access,
        session_id: session.id,
        generation: session.generation,
        issued_at,
        expires_at,
        forget_at,
    };
    let scope = session.scope.clone();
    Ok(Minted { issue: Issue { access, refresh: None, scope, issued_at, expires_at, values }, token })
}

/// What can be said of a session's token: of itself, of its session, and of whom it speaks for.
fn describe_all(
    known: &Known<'_>,
    session: &Session,
    parties: &Parties<'_>,
    id: Id,
    (issued_at, expires_at): (Timestamp, Timestamp),
) -> Values {
    let mut values = Values::new();
    describe_token(&mut values, known, id, &session.scope, issued_at, expires_at);
    values.set("session.started", session.started_at);
    if let Some(key_id) = parties.key_id {
        values.set("key_id", key_id);
    }
    if let Some(target) = parties.target {
        values.set("target.number", target.number);
        values.set("target.name", target.name.as_str());
    }
    describe(&mut values, parties.principal, parties.actor);
    values
}

/// The values that every token has.
fn describe_token(
    values: &mut Values,
    known: &Known<'_>,
    id: Id,
    scope: &str,
    issued_at: Timestamp,
    expires_at: Timestamp,
) {
    values.set("realm", known.facts.realm.name.as_str());
    values.set("issuer", known.issuer);
    values.set("token.id", id.to_string());
    values.set("key.id", known.kid);
    values.set("scope", scope);
    values.set("issued_at", issued_at);
    values.set("expires_at", expires_at);
    values.set("expires_in", expires_at.as_secs() - issued_at.as_secs());
}

/// The values of whom a token speaks for: a person's attributes too, under their own names.
pub(super) fn describe(values: &mut Values, principal: &Principal, actor: Option<&Principal>) {
    describe_as(values, "person", principal);
    for (name, value) in &principal.profile.attributes {
        if values.get(name).is_none() {
            values.set(name.as_str(), value.as_str());
        }
    }
    if let Some(actor) = actor {
        describe_as(values, "actor", actor);
    }
}

/// A principal's values under `person.` or `actor.`.
fn describe_as(values: &mut Values, role: &str, principal: &Principal) {
    values.set(format!("{role}.id"), principal.id.to_string());
    values.set(format!("{role}.number"), principal.number);
    values.set(format!("{role}.username"), principal.username.as_str());
    values.set(format!("{role}.created_at"), principal.created_at);
    // An address that is not verified is no value: a template says what stands for that (`=false`).
    if principal.attribute("email_verified") == Some("true") {
        values.set(format!("{role}.email_verified"), true);
    }
    let name = principal.display_name();
    if !name.is_empty() {
        values.set(format!("{role}.name"), name);
    }
    for attribute in ["given_name", "family_name", "email", "picture", "zoneinfo", "phone_number"] {
        if let Some(value) = principal.attribute(attribute) {
            values.set(format!("{role}.{attribute}"), value);
        }
    }
}

/// When a session that begins now ends, whatever happens.
pub fn session_end(policy: &Policy, now: Timestamp) -> Timestamp {
    match &policy.refresh {
        Refresh::None | Refresh::Extend => now + policy.lifetime,
        Refresh::Keep { end } | Refresh::Rotate { end: Some(end), .. } => fixed_end(end, now),
        Refresh::Renew { .. } | Refresh::Rotate { end: None, .. } => now + LONGEST_SESSION,
    }
}

/// Elapsed time from a whole second, then up to the next midnight of the zone if one is named. A zone that
/// this build does not know (a dialect file was checked against it when it was loaded) leaves the plain end.
fn fixed_end(end: &End, now: Timestamp) -> Timestamp {
    let plain = now.whole_secs() + end.after;
    let zone = end.midnight_in.as_deref().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    zone.map_or(plain, |zone| plain.round_up_to_midnight(&zone))
}

/// What the store keeps of an opaque token.
pub fn digest_opaque(pepper: &Pepper, token: &str) -> Digest {
    pepper.digest(Purpose::Token, &[token.as_bytes()])
}

/// What the store keeps of a JWT that belongs to a session.
pub fn digest_jwt(pepper: &Pepper, signing_input: &str) -> Digest {
    pepper.digest(Purpose::Jwt, &[signing_input.as_bytes()])
}
