//! A new access token for an old one, or for a refresh token. The policy of the dialect says which.

use std::time::Duration;

use super::issue::{Continue, Subject};
use super::{Known, Proven, Request, Unproven, audit, state, within_rate};
use crate::change::Change;
use crate::domain::policy::Refresh;
use crate::domain::refusal::Reason;
use crate::domain::session::TokenKind;
use crate::facts::TokenFacts;
use crate::time::Timestamp;

/// A renewal that is asked for again within this time gets the same answer: the first answer may have been
/// lost on the way. Later it means that two hold the token, and the session ends (RFC 9700 §4.14.2).
const REPEAT: Duration = Duration::from_secs(10);

pub(super) fn prove<'a>(known: &Known<'a>, request: &Request<'_>, now: Timestamp) -> Result<Proven<'a>, Unproven> {
    let token = known.facts.token.as_ref().ok_or(Reason::InvalidToken)?;
    // A token of one dialect means nothing in another.
    if token.session.dialect != request.shape.name() {
        return Err(Reason::InvalidToken.into());
    }
    let policy = request.shape.policy().ok_or(Reason::InvalidToken)?;
    match (&policy.refresh, token.token.kind) {
        (Refresh::Keep { .. }, TokenKind::Refresh) => keep(known, token, now),
        (Refresh::Renew { within, .. }, TokenKind::Access) => renew(known, request, token, *within, now),
        _ => Err(Reason::InvalidToken.into()),
    }
}

/// The refresh token stays as it is until the session's fixed end.
fn keep<'a>(known: &Known<'a>, token: &'a TokenFacts, now: Timestamp) -> Result<Proven<'a>, Unproven> {
    if now >= token.session.expires_at || now >= token.token.expires_at {
        return Err(Reason::Expired.into());
    }
    state::parents(&known.facts.realm, token, now)?;
    within_rate(known)?;
    let session = &token.session;
    let used = Change::UseSession { id: session.id, generation: session.generation, at: now };
    let next = Continue { token, generation: session.generation, issued_at: now.whole_secs(), successor_of: None };
    Ok(Proven { subject: Subject::Continue(next), changes: vec![used] })
}

/// The old access token, expired or not, is the credential, and dies of it.
fn renew<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    token: &'a TokenFacts,
    within: Duration,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    let session = &token.session;
    state::parents(&known.facts.realm, token, now)?;
    if now >= token.token.issued_at + within || now >= session.expires_at {
        return Err(Reason::Expired.into());
    }
    let age = session.generation - token.token.generation;
    let repeated = session.renewed_at.is_some_and(|at| now < at + REPEAT);
    match (&token.successor, age) {
        (_, 0) => {
            within_rate(known)?;
            let renewed = Change::RenewSession { id: session.id, generation: session.generation, at: now };
            let next = Continue {
                token,
                generation: session.generation + 1,
                issued_at: now.whole_secs(),
                successor_of: Some(token.token.digest),
            };
            Ok(Proven { subject: Subject::Continue(next), changes: vec![renewed] })
        }
        (Some(successor), 1) if repeated => {
            let next = Continue {
                token,
                generation: session.generation,
                issued_at: successor.issued_at,
                successor_of: Some(token.token.digest),
            };
            Ok(Proven { subject: Subject::Continue(next), changes: Vec::new() })
        }
        _ => {
            let ended = Change::EndSession { id: session.id, at: now };
            let reused = audit(known, request, "token.reused", now);
            Err(Unproven { refusal: Reason::Revoked.into(), changes: vec![ended, reused] })
        }
    }
}
