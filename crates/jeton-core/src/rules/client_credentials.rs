//! A client speaks for itself (RFC 6749 §4.4). No session, no refresh token, no row.

use super::issue::Subject;
use super::{Known, Proven, Request, Unproven, authenticate, failed, within_rate};
use crate::change::Change;
use crate::domain::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::claims::service_account;

pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    secret: Option<&Secret<String>>,
    repeated: bool,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    within_rate(known)?;
    let proven = authenticate::client(known.facts, known.pepper, secret, now);
    let client = proven.map_err(|reason| match authenticate::counts(reason) {
        true => failed(known, request, reason, now),
        false => reason.into(),
    })?;
    if repeated {
        return Err(Reason::Repeated.into());
    }
    if !client.settings.grants.iter().any(|grant| grant == request.grant.name()) {
        return Err(Reason::DeniedGrant.into());
    }
    if !client.service.enabled {
        // Told to the client alone, which has proven itself; in Keycloak's words.
        let name = service_account(&client.client_id);
        return Err(Refusal::new(Reason::Disabled).detail(format!("User '{name}' disabled")).into());
    }
    let recovered = request.throttle.filter(|_| known.facts.throttle.pair.count > 0);
    let changes = recovered.map(|keys| Change::Succeed { keys, at: now }).into_iter().collect();
    Ok(Proven { subject: Subject::Client(client), changes })
}
