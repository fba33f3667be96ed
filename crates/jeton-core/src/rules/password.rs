//! A person's password, for the realm or for one target.

use super::issue::{Begin, Subject};
use super::{Known, Proven, Request, Terms, Unproven, failed, throttle, within_rate};
use crate::change::Change;
use crate::domain::principal::{Kind, canonical_username};
use crate::domain::refusal::{Reason, Refusal};
use crate::time::Timestamp;

/// Unknown, wrong and disabled end alike: same refusal, same changes, and the shell did the same work.
pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    terms: &Terms<'_>,
    target: bool,
    act_as: bool,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    within_rate(known)?;
    let facts = known.facts;
    if let Some(wait) = throttle::person(&facts.throttle, now) {
        return Err(Refusal::new(Reason::Locked).retry_after(wait).into());
    }
    let wrong = || failed(known, request, Reason::WrongCredentials, now);

    let person = facts.person.as_ref().map(|person| &person.principal);
    let signed_in = person.filter(|person| person.enabled && person.kind == Kind::Person).ok_or_else(wrong)?;

    // Where the dialect says so, the realm's password sent for a target gives the realm's token.
    let same = terms.policy.target.as_ref();
    let realm_wide = known.password.realm && (!target || same.is_some_and(|rule| rule.same_secret_is_realm));
    let within = match (facts.target.as_deref(), &facts.membership) {
        _ if realm_wide => None,
        (Some(place), Some(member)) if target && known.password.target && place.enabled => Some((place, member)),
        _ => return Err(wrong()),
    };

    let (principal, actor) = if act_as {
        let alias = facts.act_as.as_ref().filter(|alias| alias.enabled && alias.kind == Kind::Person);
        let alias = alias.ok_or_else(wrong)?;
        let wanted = canonical_username(&alias.username);
        let allowed = &signed_in.profile.may_act_as;
        if !allowed.iter().any(|name| canonical_username(name) == wanted) {
            return Err(wrong());
        }
        (alias, Some(signed_in))
    } else {
        (signed_in, None)
    };

    let mut changes = vec![Change::HoldPrincipal { id: signed_in.id, version: signed_in.version }];
    if actor.is_some() {
        changes.push(Change::HoldPrincipal { id: principal.id, version: principal.version });
    }
    changes.extend(request.throttle.map(|keys| Change::Succeed { keys, at: now }));
    let begin = Begin { principal, actor, api_key: None, target: within, within: None };
    Ok(Proven { subject: Subject::Begin(begin), changes })
}
