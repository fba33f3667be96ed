//! Device authorization (RFC 8628): asked for by a client, decided on once by one person, exchanged once for tokens.

use std::time::Duration;

use rand_core::CryptoRng;

use super::issue::{Begin, Subject};
use super::{Decision, Known, Proven, Unproven, audience, throttle};
use crate::change::{Audit, Change};
use crate::domain::client::Client;
use crate::domain::device::{DeviceAuthorization, Verdict, canonical_user_code, new_user_code};
use crate::domain::grant::GrantType;
use crate::domain::id::Digest;
use crate::domain::principal::{Kind, Principal};
use crate::domain::realm::Realm;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::Bounds;
use crate::domain::throttle::ThrottleKeys;
use crate::facts::Facts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::opaque;
use crate::token::pepper::{Pepper, Purpose};

/// How long a person has to decide.
const LIFETIME: Duration = Duration::from_secs(600);

/// How long a client waits between two questions, in seconds; so much longer each time it does not (RFC 8628 §3.5).
const INTERVAL: i64 = 5;

/// What a client is told that asked for a device (RFC 8628 §3.2).
#[derive(Debug)]
pub struct Begun {
    /// What it shows at the token endpoint.
    pub device_code: Secret<String>,
    /// What the person types.
    pub user_code: Secret<String>,
    /// How long both are good, in seconds.
    pub expires_in: u64,
    /// How long it waits between two questions, in seconds.
    pub interval: i64,
}

/// What the store knows a device code by.
pub fn digest_device_code(pepper: &Pepper, code: &str) -> Digest {
    pepper.digest(Purpose::DeviceCode, &[code.as_bytes()])
}

/// What the store knows a user code by, however it was typed.
pub fn digest_user_code(pepper: &Pepper, realm: &str, typed: &str) -> Digest {
    pepper.digest(Purpose::UserCode, &[realm.as_bytes(), canonical_user_code(typed).as_bytes()])
}

/// Begins a device authorization for a client that has proven itself, for this scope and these resources.
///
/// Refused with [`Reason::DeniedGrant`], [`Reason::DeniedScope`] or [`Reason::DeniedAudience`] if the client may not ask.
pub fn begin(
    realm: &Realm,
    client: &Client,
    pepper: &Pepper,
    (scope, resources): (Option<&str>, &[String]),
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Decision<Begun> {
    if !client.settings.grants.contains(&GrantType::DeviceCode) {
        let text = format!("Client not allowed to use {}", GrantType::DeviceCode.name());
        return Decision::refuse(Refusal::new(Reason::DeniedGrant).detail(text));
    }
    let allowed: Vec<&str> = client.settings.scopes.iter().map(String::as_str).collect();
    let scope = match audience::scope(scope, &allowed) {
        Ok(scope) => scope,
        Err(refusal) => return Decision::refuse(refusal),
    };
    let audience = match audience::audience(resources, &client.settings.audiences) {
        Ok(audience) => audience,
        Err(refusal) => return Decision::refuse(refusal),
    };
    let begun = Begun {
        device_code: opaque::new_device_code(rng),
        user_code: Secret::new(new_user_code(rng)),
        expires_in: LIFETIME.as_secs(),
        interval: INTERVAL,
    };
    let device = DeviceAuthorization {
        device_code: digest_device_code(pepper, begun.device_code.expose()),
        user_code: digest_user_code(pepper, &realm.name, begun.user_code.expose()),
        realm_id: realm.id,
        client_id: client.id,
        scope,
        bounds: Bounds { audience: Some(audience), ..Bounds::default() },
        created_at: now,
        expires_at: now + LIFETIME,
        polled_at: None,
        interval_secs: INTERVAL,
        verdict: None,
    };
    Decision { answer: Ok(begun), changes: vec![Change::StartDevice(device)] }
}

/// What a signed-in person says to the device whose user code was typed: for the page that asks.
///
/// A wrong code counts against `keys`, where it came from; after ten the next is not looked at ([`Reason::Locked`] with
/// a wait). A code that is unknown, over, decided on already, or whose client may no longer ask, is
/// [`Reason::InvalidToken`]: nothing more is said of it.
pub fn decide(
    facts: &Facts,
    person: &Principal,
    approve: bool,
    keys: Option<ThrottleKeys>,
    source: &str,
    now: Timestamp,
) -> Decision<()> {
    if let Some(wait) = throttle::user_code(&facts.throttle, now) {
        return Decision::refuse(Refusal::new(Reason::Locked).retry_after(wait));
    }
    let audit = |event, detail: &str| {
        Change::Audit(Audit {
            at: now,
            realm_id: Some(facts.realm.id),
            event,
            principal_id: Some(person.id),
            session_id: None,
            source: source.to_owned(),
            detail: detail.to_owned(),
        })
    };
    if !may_decide(person, facts) {
        return Decision::refuse(Reason::Disabled);
    }
    let Some((device, client)) = open(facts, now) else {
        let changes = keys.map(|keys| Change::Fail { keys, at: now });
        let changes = changes.into_iter().chain([audit("device.refused", "no such user code")]).collect();
        return Decision { answer: Err(Reason::InvalidToken.into()), changes };
    };
    let (event, verdict) = match approve {
        true => ("device.approved", Verdict::Approved { principal_id: person.id, version: person.version }),
        false => ("device.denied", Verdict::Denied),
    };
    let changes = vec![
        Change::HoldPrincipal { id: person.id, version: person.version },
        Change::DecideDevice { device_code: device.device_code, verdict },
        audit(event, &client.client_id),
    ];
    Decision { answer: Ok(()), changes }
}

fn may_decide(person: &Principal, facts: &Facts) -> bool {
    person.enabled && person.kind == Kind::Person && person.realm_id == facts.realm.id
}

/// The device authorization that can still be decided on, and its client.
fn open(facts: &Facts, now: Timestamp) -> Option<(&DeviceAuthorization, &Client)> {
    let found = facts.device.as_ref()?;
    let (device, client) = (&found.authorization, &*found.client);
    let on = |grants: &[GrantType]| grants.contains(&GrantType::DeviceCode);
    let asked =
        facts.realm.enabled && client.enabled && on(&facts.realm.settings.grants) && on(&client.settings.grants);
    (asked && device.verdict.is_none() && now < device.expires_at).then_some((device, client))
}

/// A device code, shown by the client that it was given to (RFC 8628 §3.4).
pub(super) fn prove<'a>(known: &Known<'a>, client: &Client, now: Timestamp) -> Result<Proven<'a>, Unproven> {
    let facts = known.facts;
    let found = facts.device.as_ref().filter(|found| found.authorization.client_id == client.id);
    let found = found.ok_or(Reason::InvalidToken)?;
    let device = &found.authorization;
    if now >= device.expires_at {
        return Err(Reason::Expired.into());
    }
    if device.created_at < facts.realm.not_before.max(client.not_before) {
        return Err(Reason::Revoked.into());
    }
    match (device.verdict, &found.principal) {
        (None, _) => Err(not_yet(device, now)),
        (Some(Verdict::Denied), _) => Err(Reason::Denied.into()),
        (Some(Verdict::Approved { version, .. }), Some(person))
            if may_decide(person, facts) && person.version == version && device.created_at >= person.not_before =>
        {
            let changes = vec![
                Change::HoldPrincipal { id: person.id, version },
                // Whoever shows it a second time finds nothing.
                Change::UseDevice { device_code: device.device_code },
            ];
            let begin = Begin { principal: person, actor: None, api_key: None, target: None, within: None };
            Ok(Proven { subject: Subject::Begin(begin), changes })
        }
        (Some(Verdict::Approved { .. }), _) => Err(Reason::Revoked.into()),
    }
}

/// The person has not decided: ask again, and not too soon.
fn not_yet(device: &DeviceAuthorization, now: Timestamp) -> Unproven {
    let interval = Duration::from_secs(device.interval_secs.unsigned_abs());
    let too_soon = device.polled_at.is_some_and(|at| now < at + interval);
    let (reason, more) = if too_soon { (Reason::Throttled, INTERVAL) } else { (Reason::Pending, 0) };
    let interval_secs = device.interval_secs.saturating_add(more);
    let polled = Change::PollDevice { device_code: device.device_code, at: now, interval_secs };
    Unproven { refusal: reason.into(), changes: vec![polled] }
}
