//! What may be issued, refused, confirmed and ended: pure functions of facts, request, time and chance.
//!
//! [`exchange`] is the only way to get a token, whatever the grant and whatever the dialect. [`state`] is
//! the only way to tell whether a token is good.

pub mod authenticate;
pub mod end;
pub mod issue;
pub mod state;
pub mod throttle;

mod api_key;
mod client_credentials;
mod password;
mod refresh;
mod successor;

use std::time::Duration;

use rand_core::CryptoRng;

use crate::change::{Audit, Change};
use crate::dialect::{Dialect, Values};
use crate::domain::id::Digest;
use crate::domain::policy::{Limited, Policy};
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::throttle::ThrottleKeys;
use crate::facts::Facts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::pepper::Pepper;

pub use issue::{Access, Issue};

/// A request for a token, read and well formed.
#[derive(Debug)]
pub struct Request<'a> {
    /// What is offered for the token.
    pub grant: Grant,
    /// Scope words asked for.
    pub scope: Option<String>,
    /// The shape of the token to make.
    pub shape: Shape<'a>,
    /// A nonce to be used up, and how long it is remembered.
    pub nonce: Option<(Digest, Duration)>,
    /// Which counters a failed proof moves; none where nothing is proven by a guessable secret.
    pub throttle: Option<ThrottleKeys>,
    /// From where, for the audit trail.
    pub source: String,
}

/// What is offered for a token. The store was asked for everything it names.
#[derive(Debug)]
pub enum Grant {
    /// A person's password, checked before (see [`Known::password`]).
    Password {
        /// A target was named, known or not.
        target: bool,
        /// Another account was named to act as, known or not.
        act_as: bool,
    },
    /// An API key's secret.
    ApiKey {
        /// The secret as presented.
        secret: Secret<String>,
    },
    /// A client's own secret (RFC 6749 §4.4).
    ClientCredentials {
        /// The secret as presented; none if the client did not authenticate.
        secret: Option<Secret<String>>,
        /// A form parameter stands twice. Refused after the client has proven itself, as Keycloak does.
        repeated: bool,
    },
    /// A refresh token, or an old access token where the policy renews those.
    Refresh,
}

impl Grant {
    /// The name in logs, metrics and dialect files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::ApiKey { .. } => "api_key",
            Self::ClientCredentials { .. } => "client_credentials",
            Self::Refresh => "refresh",
        }
    }
}

/// Whose bytes and policy a token has.
#[derive(Clone, Copy, Debug)]
pub enum Shape<'a> {
    /// OAuth's, by the realm's and the client's settings.
    OAuth,
    /// A dialect's, by its file.
    Dialect(&'a Dialect),
}

/// What the shell knows beside the store's facts.
#[derive(Debug)]
pub struct Known<'a> {
    /// What the store knows.
    pub facts: &'a Facts,
    /// The key of the store's digests.
    pub pepper: &'a Pepper,
    /// The issuer of this realm's tokens.
    pub issuer: &'a str,
    /// The `kid` of the realm's current key for the algorithm that is needed; empty for opaque tokens.
    pub kid: &'a str,
    /// What the passwords' checks gave. Checked once; not repeated on conflict.
    pub password: PasswordCheck,
    /// The rate limit is used up: try again after this.
    pub limited: Option<Duration>,
    /// The dialect's settings in this realm.
    pub settings: &'a Values,
}

/// Whether the presented password is that of the realm, and that of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PasswordCheck {
    /// It is the person's realm-wide password.
    pub realm: bool,
    /// It is the person's password for the target.
    pub target: bool,
}

/// A decision: the answer, and what is to be written whatever the answer.
#[derive(Debug)]
pub struct Decision<T> {
    /// Yes or no.
    pub answer: Result<T, Refusal>,
    /// Committed together, before the answer goes out.
    pub changes: Vec<Change>,
}

impl<T> Decision<T> {
    /// A no that leaves no trace.
    pub fn refuse(refusal: impl Into<Refusal>) -> Self {
        Self { answer: Err(refusal.into()), changes: Vec::new() }
    }
}

/// What a grant proved: whom the token will speak for, and within what bounds.
struct Proven<'a> {
    subject: issue::Subject<'a>,
    changes: Vec<Change>,
}

/// How a grant's proof ends short of a token.
struct Unproven {
    refusal: Refusal,
    changes: Vec<Change>,
}

impl From<Refusal> for Unproven {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, changes: Vec::new() }
    }
}

impl From<Reason> for Unproven {
    fn from(reason: Reason) -> Self {
        Refusal::new(reason).into()
    }
}

/// Decides one token request. Same arguments, same decision.
///
/// The phases, for every grant alike: the realm answers at all → the rate allows it → the grant's proof
/// (authentication included) → scope narrowed → issue.
pub fn exchange(known: &Known<'_>, request: &Request<'_>, now: Timestamp, rng: &mut dyn CryptoRng) -> Decision<Issue> {
    if !known.facts.realm.enabled {
        return Decision::refuse(Refusal::new(Reason::NoRealm).detail("Realm not enabled"));
    }
    if known.facts.nonce_used {
        return Decision::refuse(Refusal::new(Reason::Malformed).field("nonce").detail("nonce was used before"));
    }
    let proven = match &request.grant {
        Grant::Password { target, act_as } => password::prove(known, request, *target, *act_as, now),
        Grant::ApiKey { secret } => api_key::prove(known, request, secret, now),
        Grant::ClientCredentials { secret, repeated } => {
            client_credentials::prove(known, request, secret.as_ref(), *repeated, now)
        }
        Grant::Refresh => refresh::prove(known, request, now),
    };
    let mut decision = match proven {
        Ok(proven) => issue::issue(known, request, proven, now, rng),
        Err(no) => Decision { answer: Err(no.refusal), changes: no.changes },
    };
    if let (Some((digest, remembered)), Ok(_)) = (request.nonce, &decision.answer) {
        decision.changes.push(Change::UseNonce { digest, expires_at: now + remembered });
    }
    decision
}

/// The refusal for a rate limit that is used up, unless nothing is.
fn within_rate(known: &Known<'_>) -> Result<(), Refusal> {
    match known.limited {
        Some(wait) => Err(Refusal::new(Reason::Throttled).retry_after(wait)),
        None => Ok(()),
    }
}

/// A failed proof: refused, counted, written down.
fn failed(known: &Known<'_>, request: &Request<'_>, reason: Reason, now: Timestamp) -> Unproven {
    let changes = request.throttle.map(|keys| Change::Fail { keys, at: now });
    let audit = audit(known, request, "proof.refused", request.grant.name(), now);
    Unproven { refusal: reason.into(), changes: changes.into_iter().chain([audit]).collect() }
}

/// A line of the audit trail about this request; `detail` is its text.
fn audit(known: &Known<'_>, request: &Request<'_>, event: &'static str, detail: &str, at: Timestamp) -> Change {
    let facts = known.facts;
    let principal_id = facts.person.as_ref().map(|person| person.principal.id);
    let principal_id = principal_id.or(facts.api_key.as_ref().map(|key| key.service.id));
    let principal_id = principal_id.or(facts.client.as_ref().map(|client| client.service.id));
    let principal_id = principal_id.or(facts.token.as_ref().map(|token| token.principal.id));
    Change::Audit(Audit {
        at,
        realm_id: Some(facts.realm.id),
        event,
        principal_id,
        session_id: facts.token.as_ref().map(|token| token.session.id),
        source: request.source.clone(),
        detail: detail.to_owned(),
    })
}

impl<'a> Shape<'a> {
    /// The dialect's name, or `oauth`.
    pub fn name(self) -> &'a str {
        match self {
            Self::OAuth => "oauth",
            Self::Dialect(dialect) => &dialect.name,
        }
    }

    /// The dialect's policy; OAuth's stands in the realm's and the client's settings.
    pub fn policy(self) -> Option<&'a Policy> {
        match self {
            Self::OAuth => None,
            Self::Dialect(dialect) => Some(&dialect.policy),
        }
    }
}

/// How often `what` may be done under a policy: count and span.
pub fn limit(policy: &Policy, what: Limited) -> Option<(u32, Duration)> {
    policy.limits.iter().find(|limit| limit.what == what).map(|limit| (limit.count, limit.per))
}
