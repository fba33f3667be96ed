//! Everything a decision can depend on, as plain data: loaded before, all at once.
//!
//! What a store keeps in memory is shared, not copied.

use std::sync::Arc;

use crate::domain::client::{ApiKey, Client};
use crate::domain::device::DeviceAuthorization;
use crate::domain::id::Digest;
use crate::domain::principal::Principal;
use crate::domain::realm::Realm;
use crate::domain::session::{Session, Token};
use crate::domain::target::{Membership, Target};
use crate::domain::throttle::{Throttle, ThrottleKeys};

/// What a request names: the question to the store.
#[derive(Clone, Debug, Default)]
pub struct Query<'a> {
    /// The realm's name.
    pub realm: &'a str,
    /// An OAuth client's `client_id`.
    pub client_id: Option<&'a str>,
    /// An API key's id.
    pub key_id: Option<&'a str>,
    /// A username in canonical form.
    pub username: Option<&'a str>,
    /// The username to act as, in canonical form.
    pub act_as: Option<&'a str>,
    /// A target's number.
    pub target: Option<i64>,
    /// A token by its digest.
    pub token: Option<Digest>,
    /// The `client_id` that a token without a session says it was issued to, where somebody else shows it.
    pub issued_to: Option<&'a str>,
    /// A token without a session by the digest of its `jti`.
    pub ended: Option<Digest>,
    /// What is good once, by its digest: nonces, and the ids of assertions and proofs.
    pub once: Vec<Digest>,
    /// A device by the digest of its device code.
    pub device_code: Option<Digest>,
    /// A device by the digest of its user code.
    pub user_code: Option<Digest>,
    /// The counters of failures that matter.
    pub throttle: Option<ThrottleKeys>,
}

/// The store's answer: what of the [`Query`] exists.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The version of the configuration that they were read at.
    pub config_version: i64,
    /// The realm, enabled or not.
    pub realm: Arc<Realm>,
    /// The client, enabled or not, with its live secrets.
    pub client: Option<Arc<Client>>,
    /// The API key, enabled or not, with its live secrets.
    pub api_key: Option<Arc<ApiKey>>,
    /// The person of that username, enabled or not.
    pub person: Option<Person>,
    /// The person to act as.
    pub act_as: Option<Principal>,
    /// The target, enabled or not.
    pub target: Option<Arc<Target>>,
    /// The person's place in that target.
    pub membership: Option<Membership>,
    /// The token, live or not, with all it hangs on.
    pub token: Option<TokenFacts>,
    /// The client that a token without a session was issued to.
    pub issued_to: Option<Arc<Client>>,
    /// A token without a session that was ended.
    pub ended: bool,
    /// Those of [`Query::once`] that were used before.
    pub used: Vec<Digest>,
    /// The device of that code.
    pub device: Option<DeviceFacts>,
    /// Failures counted so far.
    pub throttle: Throttle,
}

/// A person and the realm-wide password.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The principal.
    pub principal: Principal,
    /// Argon2id hash in PHC form; none if the person has no realm-wide password.
    pub password: Option<String>,
}

/// A device's request and everything it hangs on.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceFacts {
    /// The request.
    pub authorization: DeviceAuthorization,
    /// The client that asks, without its secrets.
    pub client: Arc<Client>,
    /// The person who said yes.
    pub principal: Option<Arc<Principal>>,
}

/// A token's row and everything that must be alive for the token to be.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFacts {
    /// The token.
    pub token: Token,
    /// Its session. Where several sessions hold the very same JWT: a live one if there is one.
    pub session: Session,
    /// Whom it speaks for.
    pub principal: Arc<Principal>,
    /// Who really signed in, where that is somebody else.
    pub actor: Option<Arc<Principal>>,
    /// The client it was issued to, without its secrets.
    pub client: Option<Arc<Client>>,
    /// The API key it was issued to, without its secrets.
    pub api_key: Option<Arc<ApiKey>>,
    /// What it is limited to, and the principal's place there.
    pub target: Option<(Arc<Target>, Option<Arc<Membership>>)>,
    /// What became of the tokens that its session was exchanged for, each as in
    /// [`Bounds::exchanged`](crate::domain::session::Bounds::exchanged).
    pub exchanged: Vec<ExchangedFacts>,
    /// The live token of the session's newest generation, where this is not it: when it was issued.
    pub successor: Option<Token>,
}

/// A token that another was exchanged for.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangedFacts {
    /// The client that it was issued to, if there still is one.
    pub client: Option<Arc<Client>>,
    /// It, or its session, was ended.
    pub ended: bool,
}
