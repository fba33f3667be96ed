//! An API key: a service principal's id and secret.

use super::issue::{Begin, Subject};
use super::{Known, Proven, Request, Unproven, failed, throttle, within_rate};
use crate::change::Change;
use crate::domain::client::any_matches;
use crate::domain::refusal::Reason;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::pepper::Purpose;

/// Unknown, wrong, disabled and expired end alike.
pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    secret: &Secret<String>,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    within_rate(known)?;
    let facts = known.facts;
    let digest = known.pepper.digest(Purpose::Secret, &[secret.expose().as_bytes()]);
    let key = facts.api_key.as_deref();
    let matches = key.is_some_and(|key| any_matches(&key.secrets, &digest, now));
    if throttle::machine(&facts.throttle, now).is_some() {
        return Err(Reason::WrongCredentials.into());
    }
    let live =
        key.filter(|key| matches && key.enabled && key.service.enabled && key.expires_at.is_none_or(|end| now < end));
    let key = live.ok_or_else(|| failed(known, request, Reason::WrongCredentials, now))?;

    let mut changes = vec![Change::HoldPrincipal { id: key.service.id, version: key.service.version }];
    if facts.throttle.pair.count > 0 {
        changes.extend(request.throttle.map(|keys| Change::Succeed { keys, at: now }));
    }
    let begin = Begin { principal: &key.service, actor: None, api_key: Some(key), target: None, within: None };
    Ok(Proven { subject: Subject::Begin(begin), changes })
}
