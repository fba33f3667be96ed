//! Token exchange (RFC 8693): a token for another one, never for more than that one.
//!
//! A client that a token is meant for gets one of its own in its place, for calls of its own. What it gets speaks for the
//! same principal, says who acts, and is bounded by the token that was shown: in scope, audience and time, and by
//! whatever ends that one.

use std::time::Duration;

use super::issue::{Begin, Subject, Within};
use super::state::{self, Live};
use super::{Known, Proven, Request, Shape, Terms, Unproven, audience, trust};
use crate::change::Change;
use crate::domain::client::Client;
use crate::domain::id::Digest;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::{Exchanged, ExchangedToken};
use crate::time::Timestamp;
use crate::token::jwt::Claims;

/// How often what came of a token can be exchanged again.
const MOST: usize = 8;

/// The token that is shown for another.
#[derive(Debug)]
pub enum SubjectToken {
    /// An access token of the realm. The store was asked for it; a text that is none names nothing there.
    Ours {
        /// What it says, if it is a JWT, and the digest of its `jti`: its signature was verified.
        jwt: Option<Box<(Claims, Digest)>>,
    },
    /// A JWT of an issuer that the client trusts: workload identity, as with the assertion grant.
    Foreign(trust::Offered),
}

pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &'a Request<'_>,
    terms: &Terms<'_>,
    client: &'a Client,
    now: Timestamp,
    subject: &'a SubjectToken,
) -> Result<Proven<'a>, Unproven> {
    let jwt = match subject {
        SubjectToken::Foreign(offered) => return trust::prove(known, request, client, offered, now),
        SubjectToken::Ours { jwt } => jwt.as_deref(),
    };
    if client.is_public() {
        let text = "Public client not allowed to exchange tokens of the realm";
        return Err(Refusal::new(Reason::DeniedGrant).detail(text).into());
    }
    // It is the actor that the new token names.
    super::client::for_itself(client)?;
    // Whoever asks: why a token is no good is told to those it is for where they introspect it.
    let alike = |refusal: Refusal| refusal.detail("Invalid token");
    let (token, exchanged, changes) = shown(known, jwt, now).map_err(alike)?;
    let within = within(known, terms, client, &token, exchanged, now)?;
    let begin = Begin {
        principal: token.principal,
        actor: Some(&client.service),
        api_key: None,
        target: None,
        within: Some(within),
    };
    Ok(Proven { subject: Subject::Begin(begin), changes })
}

/// The token that was shown, if it is good; by what it can be found later with all that it was exchanged for itself; and
/// what is written because it was used.
fn shown<'a>(
    known: &Known<'a>,
    jwt: Option<&'a (Claims, Digest)>,
    now: Timestamp,
) -> Result<(Live<'a>, Vec<Exchanged>, Vec<Change>), Refusal> {
    let facts = known.facts;
    if let Some(row) = &facts.token {
        // A dialect's tokens have no scope that means something here.
        if row.session.dialect != Shape::OAuth.name() {
            return Err(Reason::InvalidToken.into());
        }
        let claims = jwt.map(|(claims, _)| (claims, known.issuer));
        let decision = state::of_session_token(&facts.realm, row, Shape::OAuth, claims, now);
        let live = decision.answer?;
        let mut exchanged = row.session.bounds.exchanged.clone();
        exchanged.push(Exchanged {
            token: ExchangedToken::Row(row.token.digest),
            client_id: live.client.ok_or(Reason::InvalidToken)?.id,
            actor_id: row.session.actor_id,
            since: row.session.started_at.as_micros(),
        });
        return Ok((live, exchanged, decision.changes));
    }
    let (claims, jti) = jwt.ok_or(Reason::InvalidToken)?;
    let live = state::of_client_token(facts, facts.issued_to.as_deref(), claims, known.issuer, now)?;
    let exchanged = Exchanged {
        token: ExchangedToken::Jti(*jti),
        client_id: live.client.ok_or(Reason::InvalidToken)?.id,
        actor_id: None,
        since: live.issued_at.as_micros(),
    };
    Ok((live, vec![exchanged], Vec::new()))
}

/// What this client may have for the token (security.md D9).
fn within(
    known: &Known<'_>,
    terms: &Terms<'_>,
    client: &Client,
    token: &Live<'_>,
    exchanged: Vec<Exchanged>,
    now: Timestamp,
) -> Result<Within, Refusal> {
    let own = token.client.is_some_and(|owner| owner.id == client.id);
    // The realm stands there for nobody in particular (RFC 9068 §3).
    let named: Vec<String> = token.audience.iter().filter(|name| *name != known.issuer).cloned().collect();
    if !own && !audience::names(&named, client) {
        // Whose token it is instead, is nobody else's business.
        return Err(Reason::InvalidToken.into());
    }
    // A bound token does not come loose: the client proves a key or certificate of its own, or the same.
    let bound = match token.cnf {
        None => true,
        Some(cnf) if own => terms.cnf.as_ref() == Some(cnf),
        Some(_) => terms.cnf.is_some(),
    };
    if !bound {
        return Err(refused("The token is bound to a key or certificate: prove one"));
    }
    if exchanged.len() > MOST {
        return Err(refused("It has been exchanged too often"));
    }
    let settings = &client.settings;
    let scope = audience::words(&token.scope).filter(|word| settings.scopes.iter().any(|known| known == word));
    let audience: Vec<String> = match named.as_slice() {
        [] => settings.audiences.clone(),
        named => settings.audiences.iter().filter(|name| named.contains(name)).cloned().collect(),
    };
    if audience.is_empty() && !named.is_empty() {
        return Err(
            Refusal::new(Reason::DeniedAudience).detail("Invalid resource: the token is for none of the client's")
        );
    }
    let secs = u64::try_from(token.expires_at.as_secs() - now.as_secs()).unwrap_or(0);
    if secs == 0 {
        return Err(Reason::Expired.into());
    }
    let left = Duration::from_secs(secs);
    Ok(Within { scope: scope.map(str::to_owned).collect(), audience, left, exchanged })
}

fn refused(text: &str) -> Refusal {
    Refusal::new(Reason::InvalidToken).detail(text)
}
