//! Ending what was issued: sign-out and revocation (RFC 7009).

use super::{Decision, Shape};
use crate::change::{Audit, Change};
use crate::domain::client::Client;
use crate::domain::id::Digest;
use crate::domain::session::TokenKind;
use crate::facts::{Facts, TokenFacts};
use crate::time::Timestamp;
use crate::token::jwt::Claims;

/// Ends the session of the token in `facts`, with every token in it. Ending twice is ending once.
pub fn session(facts: &Facts, source: &str, now: Timestamp) -> Vec<Change> {
    let Some(token) = &facts.token else { return Vec::new() };
    if token.session.ended_at.is_some() {
        return Vec::new();
    }
    let audit = Audit {
        at: now,
        realm_id: Some(facts.realm.id),
        event: "session.ended",
        principal_id: Some(token.principal.id),
        session_id: Some(token.session.id),
        source: source.to_owned(),
        detail: String::new(),
    };
    vec![Change::EndSession { id: token.session.id, at: now }, Change::Audit(audit)]
}

/// Revokes a token for the client that asks (RFC 7009 §2.1): `Ok(true)` if it was this client's and is ended
/// now, `Ok(false)` if there is nothing of this client's to end. A foreign token is left alone, and the
/// answer does not tell it from an unknown one (security.md G10).
///
/// With a refresh token its session ends, and every access token of it (security.md G9). An access token of a person's
/// session ends alone, as in Keycloak: the session goes on by its refresh token. `jwt` are its claims, and the digest
/// of its `jti`.
pub fn revoke(
    facts: &Facts,
    client: &Client,
    jwt: Option<(&Claims, Digest)>,
    source: &str,
    now: Timestamp,
) -> Decision<bool> {
    if let Some(token) = &facts.token {
        let own = token.session.client_id == Some(client.id);
        // A dialect's own sessions, and what a client has for itself, have nothing to go on by.
        let goes_on = token.session.dialect == Shape::OAuth.name() && token.principal.id != client.service.id;
        let changes = match token.token.kind {
            _ if !own => Vec::new(),
            TokenKind::Access if goes_on => one_of_session(facts, token, jwt, source, now),
            _ => session(facts, source, now),
        };
        return Decision { answer: Ok(own), changes };
    }
    match jwt {
        // Several clients can speak for one service: the subject alone does not say whose token it is.
        Some((claims, digest)) => match of_client(facts, client, claims, digest, source, now) {
            Some(changes) => Decision { answer: Ok(true), changes },
            None => Decision { answer: Ok(false), changes: Vec::new() },
        },
        None => Decision { answer: Ok(false), changes: Vec::new() },
    }
}

/// Ends one token of a session that goes on. Nothing where the session has ended already.
fn one_of_session(
    facts: &Facts,
    token: &TokenFacts,
    jwt: Option<(&Claims, Digest)>,
    source: &str,
    now: Timestamp,
) -> Vec<Change> {
    if token.session.ended_at.is_some() || now >= token.token.expires_at {
        return Vec::new();
    }
    let forget = Change::ForgetToken { digest: token.token.digest, session_id: token.session.id };
    // Whoever verifies JWTs by themselves is told of it by its `jti`.
    let end = jwt.map(|(claims, digest)| end_token(facts, claims, digest, now));
    let audit = Change::Audit(Audit {
        at: now,
        realm_id: Some(facts.realm.id),
        event: "token.ended",
        principal_id: Some(token.principal.id),
        session_id: Some(token.session.id),
        source: source.to_owned(),
        detail: token.client.as_ref().map(|client| client.client_id.clone()).unwrap_or_default(),
    });
    [Some(forget), end, Some(audit)].into_iter().flatten().collect()
}

fn end_token(facts: &Facts, claims: &Claims, digest: Digest, now: Timestamp) -> Change {
    Change::EndToken {
        digest,
        realm_id: facts.realm.id,
        jti: claims.jti.clone().unwrap_or_default(),
        at: now,
        expires_at: claims.expires_at(),
    }
}

/// Ends the token that a client got for itself, which has no session; nothing if it is another's. `digest` is that of
/// its `jti`.
pub fn of_client(
    facts: &Facts,
    client: &Client,
    claims: &Claims,
    digest: Digest,
    source: &str,
    now: Timestamp,
) -> Option<Vec<Change>> {
    // Several clients can speak for one service: the subject alone does not say whose token it is.
    if claims.sub != client.service.id.to_string() || claims.client_id.as_ref() != Some(&client.client_id) {
        return None;
    }
    if now >= claims.expires_at() || facts.ended {
        return Some(Vec::new());
    }
    let end = end_token(facts, claims, digest, now);
    let audit = Change::Audit(Audit {
        at: now,
        realm_id: Some(facts.realm.id),
        event: "token.ended",
        principal_id: Some(client.service.id),
        session_id: None,
        source: source.to_owned(),
        detail: client.client_id.clone(),
    });
    Some(vec![end, audit])
}
