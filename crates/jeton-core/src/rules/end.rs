//! Ending what was issued: sign-out and revocation (RFC 7009).

use super::Decision;
use crate::change::{Audit, Change};
use crate::domain::client::Client;
use crate::domain::id::Digest;
use crate::facts::Facts;
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
pub fn revoke(
    facts: &Facts,
    client: &Client,
    jwt: Option<(&Claims, Digest)>,
    source: &str,
    now: Timestamp,
) -> Decision<bool> {
    if let Some(token) = &facts.token {
        let own = token.session.client_id == Some(client.id);
        let changes = if own { session(facts, source, now) } else { Vec::new() };
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
    let end = Change::EndToken { digest, expires_at: claims.expires_at() };
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
