//! The last phases of every grant: narrow the scope, make the token.

use std::time::Duration;

use rand_core::CryptoRng;

use super::mint::{Limits, Minter, Parties};
use super::successor::Successor;
use super::{Decision, Grant, Known, Proven, Request, Terms, audience, audit};
use crate::change::Change;
use crate::dialect::Values;
use crate::domain::client::{ApiKey, Client};
use crate::domain::id::{Digest, Id};
use crate::domain::policy::{Alg, End, Format, Policy, Refresh, TokenText};
use crate::domain::principal::Principal;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::{Bounds, Confirmation, Exchanged, Session, Token, TokenKind};
use crate::domain::target::{Membership, Target};
use crate::facts::TokenFacts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::opaque;
use crate::token::pepper::{Pepper, Purpose};

/// No session lives longer than this, however often it is renewed.
const LONGEST_SESSION: Duration = Duration::from_secs(180 * 24 * 3600);

/// A token to be sent, and what is said of it.
#[derive(Clone, Debug)]
pub struct Issue {
    /// The access token.
    pub access: Access,
    /// Its id: the `jti` of a JWT of OAuth.
    pub id: Id,
    /// The refresh token, where there is one.
    pub refresh: Option<Secret<String>>,
    /// Scope words, separated by spaces.
    pub scope: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// From when on the refresh token is refused.
    pub refresh_expires_at: Option<Timestamp>,
    /// What it is bound to.
    pub cnf: Option<Confirmation>,
    /// What a dialect's answer can say. The access token itself is added when it is signed.
    pub values: Values,
}

/// An access token, finished or still to be signed.
#[derive(Clone, Debug)]
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
    /// A client for itself.
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
    pub(super) within: Option<Within>,
}

/// What a session may be that is begun in place of another token.
pub(super) struct Within {
    pub(super) scope: Vec<String>,
    /// Nobody in particular, if it is empty.
    pub(super) audience: Vec<String>,
    /// How long that token is still good.
    pub(super) left: Duration,
    /// That token, and all that it was exchanged for itself.
    pub(super) exchanged: Vec<Exchanged>,
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
    terms: &Terms<'_>,
    proven: Proven<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Decision<Issue> {
    let minter = Minter { known, request, terms };
    let made = match (proven.subject, &terms.policy.format) {
        // It writes no row: it says all by itself.
        (Subject::Client(client), Format::Jwt(alg)) => minter.client_token(client, *alg, now, rng),
        (Subject::Client(client), Format::Opaque(_)) => {
            let service = Begin { principal: &client.service, actor: None, api_key: None, target: None, within: None };
            begin_session(&minter, &ends_by_itself(&terms.policy, None), service, now, rng)
        }
        (Subject::Begin(begin), _) => match &begin.within {
            Some(within) => {
                let policy = ends_by_itself(&terms.policy, Some(within.left));
                begin_session(&minter, &policy, begin, now, rng)
            }
            None => begin_session(&minter, &terms.policy, begin, now, rng),
        },
        (Subject::Continue(next), _) => continue_session(&minter, &next, now, rng),
    };
    match made {
        Ok((issue, changes)) => Decision { answer: Ok(issue), changes: [proven.changes, changes].concat() },
        Err(refusal) => Decision::refuse(refusal),
    }
}

/// The policy of a session that nothing moves on, and that is good for no longer than `left`.
fn ends_by_itself(policy: &Policy, left: Option<Duration>) -> Policy {
    let lifetime = left.map_or(policy.lifetime, |left| left.min(policy.lifetime));
    Policy { refresh: Refresh::None, idle: None, lifetime, ..policy.clone() }
}

pub(super) type Made = Result<(Issue, Vec<Change>), Refusal>;

fn begin_session(
    minter: &Minter<'_>,
    policy: &Policy,
    begin: Begin<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Made {
    let Minter { known, request, terms } = *minter;
    let realm = &known.facts.realm;
    let target = begin.target.map(|(target, _)| target);
    let (scope, bounds) = match (terms.client, begin.within) {
        (Some(_), Some(within)) => of_exchanged(known, request, within)?,
        (Some(client), None) => of_client(known, request, client, terms.cnf.as_ref())?,
        (None, _) if target.is_some() => (policy.target_scope.clone(), Bounds::default()),
        (None, _) => (policy.realm_scope.clone(), Bounds::default()),
    };
    let session = Session {
        id: Id::new(now, rng),
        realm_id: realm.id,
        principal_id: begin.principal.id,
        actor_id: begin.actor.map(|actor| actor.id),
        api_key_id: begin.api_key.map(|key| key.id),
        client_id: terms.client.map(|client| client.id),
        target_id: target.map(|target| target.id),
        dialect: minter.dialect().map_or("oauth", |dialect| &dialect.name).to_owned(),
        scope,
        bounds,
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
    let limits = Limits::of(&session, terms.cnf.clone());
    let made = minter.mint(&session, &parties, &limits, now.whole_secs(), Id::random(rng), rng)?;
    let mut issue = made.issue;
    let mut changes = Vec::new();
    // A realm may tighten what the dialect allows. What a token was exchanged for is no sign-in.
    let caps =
        [policy.sessions, realm.settings.session_cap].map(|cap| cap.filter(|_| session.bounds.exchanged.is_empty()));
    if let Some(cap) = caps.into_iter().flatten().min() {
        let keep = cap.saturating_sub(1);
        changes.push(Change::CapSessions { principal_id: session.principal_id, keep, at: now });
    }
    changes.push(Change::StartSession(session.clone()));
    changes.push(Change::PutToken(made.token));
    if let Some(refresh) = refresh {
        changes.push(Change::PutToken(give_refresh(&mut issue, known, policy, &session, refresh, now)));
    }
    changes.push(audit(known, request, "session.started", request.grant.name(), now));
    Ok((issue, changes))
}

/// Scope and bounds of a session that a client begins.
fn of_client(
    known: &Known<'_>,
    request: &Request<'_>,
    client: &Client,
    cnf: Option<&Confirmation>,
) -> Result<(String, Bounds), Refusal> {
    let settings = &client.settings;
    let (scope, audience) = match (&request.grant, &known.facts.device) {
        // What the person was asked about, and nothing else.
        (Grant::DeviceCode, Some(device)) => {
            let (scope, audience) = still(client, &device.authorization.scope, &device.authorization.bounds)?;
            (scope.join(" "), audience)
        }
        _ => {
            let allowed: Vec<&str> = settings.scopes.iter().map(String::as_str).collect();
            let scope = audience::scope(request.scope.as_deref(), &allowed)?;
            (scope, audience::audience(&request.resources, &settings.audiences)?)
        }
    };
    // A public client's refresh token is its own whole proof: it is bound too (RFC 9449 §5, RFC 8705 §4).
    let cnf = cnf.filter(|_| client.is_public()).cloned();
    let audience = Some(audience).filter(|names| !names.is_empty());
    Ok((scope, Bounds { audience, cnf, ..Bounds::default() }))
}

/// Scope and bounds of a session in place of another token.
fn of_exchanged(known: &Known<'_>, request: &Request<'_>, within: Within) -> Result<(String, Bounds), Refusal> {
    let allowed: Vec<&str> = within.scope.iter().map(String::as_str).collect();
    let scope = audience::scope(request.scope.as_deref(), &allowed)?;
    let resources = audience::but_the_realm(&request.resources, &within.audience, known.issuer);
    let audience = Some(audience::audience(resources, &within.audience)?).filter(|names| !names.is_empty());
    Ok((scope, Bounds { audience, exchanged: within.exchanged, ..Bounds::default() }))
}

fn continue_session(minter: &Minter<'_>, next: &Continue<'_>, now: Timestamp, rng: &mut dyn CryptoRng) -> Made {
    let Minter { known, request, terms } = *minter;
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
    let limits = match (terms.client, &next.with) {
        // A repeat gets what was granted, whatever it asks for now.
        (_, Next::Again(made)) => Limits::of_token(&session, &made.bounds),
        (Some(client), _) => narrowed(request, client, &session, terms.cnf.as_ref())?,
        (None, _) => Limits::of(&session, None),
    };
    let mut made = match next.with {
        Next::Same => {
            let expires_at = refresh_end(&session, now).min(token.token.expires_at);
            let times = (token.token.issued_at, now, expires_at);
            return Ok((minter.same(&session, &parties, times, rng), Vec::new()));
        }
        Next::Another => minter.mint(&session, &parties, &limits, issued_at, Id::random(rng), rng)?,
        Next::Successor | Next::Again(_) => {
            let mut derived = Successor::new(known.pepper, token.token.digest, generation);
            let id = derived.id();
            let mut made = minter.mint(&session, &parties, &limits, issued_at, id, &mut derived)?;
            if let Refresh::Rotate { .. } = terms.policy.refresh {
                made.issue.refresh = Some(opaque::new_token(&TokenText::Checked, TokenKind::Refresh, &mut derived));
            }
            made
        }
    };
    let mut changes = vec![Change::PutToken(made.token.clone())];
    if let Some(refresh) = made.issue.refresh.take() {
        let row = give_refresh(&mut made.issue, known, &terms.policy, &session, refresh, issued_at);
        changes.push(Change::PutToken(row));
    }
    match next.with {
        Next::Again(before) if before.digest == made.token.digest => Ok((made.issue, Vec::new())),
        // A key, a claim or the dialect is another than a moment ago: this would be a second successor.
        Next::Again(_) => Err(Reason::Revoked.into()),
        Next::Another => {
            made.issue.refresh_expires_at = Some(refresh_end(&session, now));
            Ok((made.issue, changes))
        }
        Next::Same | Next::Successor => Ok((made.issue, changes)),
    }
}

/// What an access token of a client's session is limited to: what is asked for, within what was granted and is still
/// the client's to have. The grant itself stays as it is (security.md E9).
fn narrowed(
    request: &Request<'_>,
    client: &Client,
    session: &Session,
    cnf: Option<&Confirmation>,
) -> Result<Limits, Refusal> {
    let (scope, audience) = still(client, &session.scope, &session.bounds)?;
    let scope = audience::scope(request.scope.as_deref(), &scope)?;
    let audience = audience::audience(&request.resources, &audience)?;
    Ok(Limits { scope, audience, cnf: cnf.cloned() })
}

/// Scope words and audience that were granted and are still the client's to have. A grant for an audience that was taken
/// away altogether is none: a token for nobody in particular would be for more.
fn still<'a>(client: &Client, scope: &'a str, bounds: &Bounds) -> Result<(Vec<&'a str>, Vec<String>), Refusal> {
    let settings = &client.settings;
    let scope = audience::words(scope).filter(|word| settings.scopes.iter().any(|known| known == word)).collect();
    let granted = bounds.audience.as_deref().unwrap_or_default();
    let audience: Vec<String> = granted.iter().filter(|name| settings.audiences.contains(name)).cloned().collect();
    if audience.is_empty() && !granted.is_empty() {
        return Err(Refusal::new(Reason::DeniedAudience).detail("Invalid resource: it was taken away"));
    }
    Ok((scope, audience))
}

/// Puts a refresh token into an answer. Returns what the store keeps of it.
fn give_refresh(
    issue: &mut Issue,
    known: &Known<'_>,
    policy: &Policy,
    session: &Session,
    refresh: Secret<String>,
    issued_at: Timestamp,
) -> Token {
    let expires_at = match policy.refresh {
        Refresh::Rotate { within, .. } => session.expires_at.min(issued_at + within),
        _ => session.expires_at,
    };
    let row = Token {
        digest: digest_opaque(known.pepper, refresh.expose()),
        kind: TokenKind::Refresh,
        session_id: session.id,
        generation: session.generation,
        bounds: Bounds::default(),
        issued_at,
        expires_at,
        forget_at: expires_at,
    };
    issue.values.set("refresh_token", refresh.clone());
    issue.refresh = Some(refresh);
    issue.refresh_expires_at = Some(expires_at.min(refresh_end(session, issued_at)));
    row
}

/// When a refresh token that is used now, and then no more, is good no longer.
fn refresh_end(session: &Session, now: Timestamp) -> Timestamp {
    let unused = session.idle_secs.map(|secs| now + Duration::from_secs(secs.unsigned_abs()));
    unused.map_or(session.expires_at, |end| end.min(session.expires_at))
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
