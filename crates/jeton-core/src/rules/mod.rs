//! What may be issued, refused, confirmed and ended: pure functions of facts, request, time and chance.
//!
//! [`exchange`] is the only way to get a token, whatever the grant and whatever the dialect. [`state`] is
//! the only way to tell whether a token is good.

pub mod audience;
pub mod authenticate;
pub mod client_settings;
pub mod device;
pub mod end;
pub mod forecast_keys;
pub mod issue;
pub mod registration;
pub mod rotate_keys;
pub mod state;
pub mod throttle;
pub mod token_exchange;
pub mod trust;

mod api_key;
mod client;
mod mint;
mod oauth;
mod password;
mod refresh;
mod successor;

use std::borrow::Cow;
use std::time::Duration;

use rand_core::CryptoRng;

use crate::change::{Audit, Change};
use crate::dialect::{Dialect, Values};
use crate::domain::client::Client;
use crate::domain::grant::GrantType;
use crate::domain::id::Digest;
use crate::domain::policy::{Limited, Policy};
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::Confirmation;
use crate::domain::throttle::ThrottleKeys;
use crate::facts::Facts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::dpop::DpopError;
use crate::token::pepper::Pepper;

pub use authenticate::ClientProof;
pub use issue::{Access, Issue};
pub use token_exchange::SubjectToken;

/// A request for a token, read and well formed.
#[derive(Debug)]
pub struct Request<'a> {
    /// What is offered for the token.
    pub grant: Grant,
    /// How the client that asks proves itself, where one must.
    pub client: ClientProof,
    /// A parameter stands twice. Refused after the client has proven itself, as Keycloak does.
    pub repeated: bool,
    /// Scope words asked for.
    pub scope: Option<String>,
    /// Resources asked for (RFC 8707).
    pub resources: Vec<String>,
    /// The key that the sender proved to hold by DPoP: the token is bound to it.
    pub cnf: Option<Confirmation>,
    /// The certificate of the sender's connection: tokens of a client with `certificate_bound` are bound to it.
    pub certificate: Option<Confirmation>,
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
    /// That the client has proven itself (RFC 6749 §4.4).
    ClientCredentials,
    /// A refresh token, or an old access token where the policy renews those.
    Refresh,
    /// An assertion of an issuer that the client trusts (RFC 7523 §2.1).
    Assertion(trust::Offered),
    /// A device code (RFC 8628 §3.4).
    DeviceCode,
    /// Another token (RFC 8693 §2.1).
    TokenExchange(SubjectToken),
}

impl Grant {
    /// The name in logs, metrics and dialect files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Password { .. } => "password",
            Self::ApiKey { .. } => "api_key",
            Self::ClientCredentials => "client_credentials",
            Self::Refresh => "refresh",
            Self::Assertion(_) => "assertion",
            Self::DeviceCode => "device_code",
            Self::TokenExchange(_) => "token_exchange",
        }
    }

    /// The parameter of OAuth's form that is offered: a refusal about it is `invalid_grant` (RFC 6749 §5.2).
    fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Password { .. } => Some("password"),
            Self::Refresh => Some("refresh_token"),
            Self::Assertion(_) => Some("assertion"),
            Self::DeviceCode => Some("device_code"),
            Self::TokenExchange(_) => Some("subject_token"),
            Self::ApiKey { .. } | Self::ClientCredentials => None,
        }
    }

    /// What OAuth calls it; nothing if OAuth has no such grant.
    fn grant_type(&self) -> Option<GrantType> {
        match self {
            Self::Password { .. } => Some(GrantType::Password),
            Self::ApiKey { .. } => None,
            Self::ClientCredentials => Some(GrantType::ClientCredentials),
            Self::Refresh => Some(GrantType::RefreshToken),
            Self::Assertion(_) => Some(GrantType::JwtBearer),
            Self::DeviceCode => Some(GrantType::DeviceCode),
            Self::TokenExchange(_) => Some(GrantType::TokenExchange),
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

/// Who asks, and on what terms.
struct Terms<'a> {
    /// The client, where one must prove itself.
    client: Option<&'a Client>,
    /// The dialect's policy, or what a client's settings make of OAuth's.
    policy: Cow<'a, Policy>,
    /// What the token is bound to.
    cnf: Option<Confirmation>,
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
/// The phases, for every grant alike: the realm answers at all → the client proves itself, where one must, and may use
/// the grant → the grant's proof → scope and audience narrowed → issue.
pub fn exchange(known: &Known<'_>, request: &Request<'_>, now: Timestamp, rng: &mut dyn CryptoRng) -> Decision<Issue> {
    if !known.facts.realm.enabled {
        return Decision::refuse(Refusal::new(Reason::NoRealm).detail("Realm not enabled"));
    }
    if request.nonce.is_some_and(|(digest, _)| known.facts.used.contains(&digest)) {
        if request.cnf.is_some() {
            return Decision::refuse(DpopError::Invalid("the DPoP proof was used before (jti)"));
        }
        return Decision::refuse(Refusal::new(Reason::Malformed).field("nonce").detail("nonce was used before"));
    }
    let mut decision = match terms(known, request, now) {
        Ok((terms, changes)) => {
            let mut decision = grant(known, request, &terms, now, rng);
            decision.changes.splice(..0, changes);
            decision
        }
        Err(no) => Decision { answer: Err(no.refusal), changes: no.changes },
    };
    if let (Some((digest, remembered)), Ok(_)) = (request.nonce, &decision.answer) {
        decision.changes.push(Change::UseNonce { digest, expires_at: now + remembered });
    }
    decision
}

/// Who asks, and on what terms; and what is written because a client has proven itself.
fn terms<'a>(known: &Known<'a>, request: &Request<'a>, now: Timestamp) -> Result<(Terms<'a>, Vec<Change>), Unproven> {
    match (request.shape, &request.grant) {
        (Shape::OAuth, _) => client::prove(known, request, now),
        (Shape::Dialect(_), Grant::ClientCredentials) => {
            within_rate(known)?;
            // A client's own token is OAuth's, whatever the dialect it is asked for in.
            client::prove(known, request, now)
        }
        (Shape::Dialect(dialect), _) => {
            Ok((Terms { client: None, policy: Cow::Borrowed(&dialect.policy), cnf: None }, Vec::new()))
        }
    }
}

/// The grant's proof, and the token.
fn grant(
    known: &Known<'_>,
    request: &Request<'_>,
    terms: &Terms<'_>,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Decision<Issue> {
    let proven = match (&request.grant, terms.client) {
        (Grant::Password { target, act_as }, _) => password::prove(known, request, terms, *target, *act_as, now),
        (Grant::ApiKey { secret }, _) => api_key::prove(known, request, secret, now),
        (Grant::ClientCredentials, Some(client)) => client::for_itself(client),
        (Grant::DeviceCode, Some(client)) => device::prove(known, client, now),
        (Grant::Refresh, _) => refresh::prove(known, request, terms, now),
        (Grant::Assertion(offered), Some(client)) => trust::prove(known, request, client, offered, now),
        (Grant::TokenExchange(subject), Some(client)) => {
            token_exchange::prove(known, request, terms, client, now, subject)
        }
        (Grant::ClientCredentials | Grant::DeviceCode | Grant::Assertion(_) | Grant::TokenExchange(_), None) => {
            Err(Reason::InvalidClient.into())
        }
    };
    match proven {
        Ok(proven) => issue::issue(known, request, terms, proven, now, rng),
        Err(Unproven { mut refusal, changes }) => {
            if let (Shape::OAuth, Some(offered)) = (request.shape, request.grant.parameter()) {
                refusal.field.get_or_insert_with(|| offered.to_owned());
            }
            Decision { answer: Err(refusal), changes }
        }
    }
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
    failed_because(known, request, reason, request.grant.name(), now)
}

/// The same, with more for the audit trail.
fn failed_because(known: &Known<'_>, request: &Request<'_>, reason: Reason, why: &str, now: Timestamp) -> Unproven {
    let changes = request.throttle.map(|keys| Change::Fail { keys, at: now });
    let audit = audit(known, request, "proof.refused", why, now);
    Unproven { refusal: reason.into(), changes: changes.into_iter().chain([audit]).collect() }
}

/// A line of the audit trail about this request; `detail` is its text.
fn audit(known: &Known<'_>, request: &Request<'_>, event: &'static str, detail: &str, at: Timestamp) -> Change {
    let facts = known.facts;
    let principal_id = facts.person.as_ref().map(|person| person.principal.id);
    let principal_id = principal_id.or(facts.api_key.as_ref().map(|key| key.service.id));
    let principal_id = principal_id.or(facts.token.as_ref().map(|token| token.principal.id));
    let principal_id = principal_id.or(facts.client.as_ref().map(|client| client.service.id));
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
