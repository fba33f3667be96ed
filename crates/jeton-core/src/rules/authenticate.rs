//! Authentication of clients (RFC 6749 §2.3), for every endpoint that asks for one.

use std::sync::Arc;

use super::throttle;
use crate::domain::client::{Client, any_matches};
use crate::domain::refusal::Reason;
use crate::facts::Facts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::pepper::{Pepper, Purpose};

/// The client that `secret` proves. Equal work for every outcome.
///
/// [`Reason::InvalidClient`] for an unknown or disabled client, [`Reason::WrongCredentials`] for a wrong or
/// missing secret, [`Reason::Locked`] after too many of either, whatever is presented. Whether a peer sees the
/// difference is the realm's setting. The first two count as a failure ([`counts`]).
pub fn client<'a>(
    facts: &'a Facts,
    pepper: &Pepper,
    secret: Option<&Secret<String>>,
    now: Timestamp,
) -> Result<&'a Arc<Client>, Reason> {
    let presented = secret.map_or("", |secret| secret.expose().as_str());
    let digest = pepper.digest(Purpose::Secret, &[presented.as_bytes()]);
    let client = facts.client.as_ref();
    let matches = client.is_some_and(|client| any_matches(&client.secrets, &digest, now));
    if throttle::machine(&facts.throttle, now).is_some() {
        return Err(Reason::Locked);
    }
    let client = client.filter(|client| client.enabled).ok_or(Reason::InvalidClient)?;
    if matches { Ok(client) } else { Err(Reason::WrongCredentials) }
}

/// Whether a client's failure with this reason is counted. One that was not looked at is not: a program that
/// asks again and again with a mended secret must come to its turn.
pub fn counts(reason: Reason) -> bool {
    reason != Reason::Locked
}
