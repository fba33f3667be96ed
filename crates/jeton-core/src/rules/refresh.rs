//! A new access token for an old one, or for a refresh token. The policy of the dialect says which.

use std::time::Duration;

use super::issue::{Continue, Next, Subject};
use super::{Known, Proven, Request, Terms, Unproven, audit, state, within_rate};
use crate::change::Change;
use crate::domain::policy::Refresh;
use crate::domain::refusal::Reason;
use crate::domain::session::{Token, TokenKind};
use crate::facts::TokenFacts;
use crate::time::Timestamp;

/// A renewal that is asked for again within this time gets the same answer, unless that was used: the first one may
/// have been lost on the way. Otherwise two hold the token, and the session ends (RFC 9700 §4.14.2).
const REPEAT: Duration = Duration::from_secs(10);

/// How far the clock of the node that renewed may be ahead of this one's. Further ahead it is this clock that was set
/// back, and no time can be believed.
const SKEW: Duration = Duration::from_secs(30);

pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    terms: &Terms<'_>,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    let token = known.facts.token.as_ref().ok_or(Reason::InvalidToken)?;
    // A token of one dialect means nothing in another, a client's nothing in another's hands (security.md E1).
    if token.session.dialect != request.shape.name() || token.session.client_id != terms.client.map(|client| client.id)
    {
        return Err(Reason::InvalidToken.into());
    }
    // Who cannot prove to hold what the session is bound to, has found the token somewhere.
    if token.session.bounds.cnf.is_some() && token.session.bounds.cnf != terms.cnf {
        return Err(Reason::InvalidToken.into());
    }
    match (&terms.policy.refresh, token.token.kind) {
        (Refresh::Keep { .. }, TokenKind::Refresh) => go_on(known, token, Next::Another, now),
        (Refresh::Rotate { .. }, TokenKind::Refresh) => {
            renew(known, request, terms, token, token.token.expires_at, now)
        }
        (Refresh::Extend, TokenKind::Access) => go_on(known, token, Next::Same, now),
        (Refresh::Renew { within, .. }, TokenKind::Access) => {
            renew(known, request, terms, token, token.token.issued_at + *within, now)
        }
        _ => Err(Reason::InvalidToken.into()),
    }
}

/// The token stays as it is until its end, and its session is in use.
fn go_on<'a>(known: &Known<'a>, token: &'a TokenFacts, with: Next<'a>, now: Timestamp) -> Result<Proven<'a>, Unproven> {
    if now >= token.session.expires_at || now >= token.token.expires_at {
        return Err(Reason::Expired.into());
    }
    state::parents(&known.facts.realm, token, now)?;
    within_rate(known)?;
    let session = &token.session;
    let used = Change::UseSession { id: session.id, generation: session.generation, at: now };
    let subject = Subject::Continue(Continue { token, with });
    Ok(Proven { subject, changes: vec![used] })
}

/// The token is good for one renewal until `until`, and dies of it: a refresh token, or an old access token,
/// expired or not.
fn renew<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    terms: &Terms<'_>,
    token: &'a TokenFacts,
    until: Timestamp,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    let session = &token.session;
    state::parents(&known.facts.realm, token, now)?;
    if now >= until || now >= session.expires_at {
        return Err(Reason::Expired.into());
    }
    if token.token.generation == session.generation {
        within_rate(known)?;
        let renewed = Change::RenewSession { id: session.id, generation: session.generation, at: now };
        let subject = Subject::Continue(Continue { token, with: Next::Successor });
        return Ok(Proven { subject, changes: vec![renewed] });
    }
    match answer_again(token, terms, now) {
        Ok(successor) => {
            let subject = Subject::Continue(Continue { token, with: Next::Again(successor) });
            Ok(Proven { subject, changes: Vec::new() })
        }
        Err(why) => {
            let ended = Change::EndSession { id: session.id, at: now };
            let reused = audit(known, request, "token.reused", why, now);
            Err(Unproven { refusal: Reason::Revoked.into(), changes: vec![ended, reused] })
        }
    }
}

/// The successor that may go out once more for a token that was renewed, or why its coming back is reuse.
fn answer_again<'a>(token: &'a TokenFacts, terms: &Terms<'_>, now: Timestamp) -> Result<&'a Token, &'static str> {
    let session = &token.session;
    if token.token.generation + 1 < session.generation {
        return Err("presented again after its successor was renewed");
    }
    let Some(renewed_at) = session.renewed_at else { return Err("presented again after its successor was used") };
    match &token.successor {
        Some(successor) if successor.bounds.cnf != terms.cnf => Err("presented again with another key"),
        Some(successor) if renewed_at <= now + SKEW && now < renewed_at + REPEAT => Ok(successor),
        _ => Err("presented again outside of the ten seconds after it was renewed"),
    }
}
