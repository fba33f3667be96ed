//! Authentication of clients (RFC 6749 §2.3), for every endpoint that asks for one.

use std::sync::Arc;

use super::throttle;
use crate::change::Change;
use crate::domain::certificate::Certificate;
use crate::domain::client::{AuthMethod, Client, any_matches};
use crate::domain::id::Digest;
use crate::domain::refusal::Reason;
use crate::facts::Facts;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::assertion::Assertion;
use crate::token::jwk::Jwk;
use crate::token::jwt::Audience;
use crate::token::pepper::{Pepper, Purpose};

/// How far a client's clock may be ahead of ours, in seconds (security.md C6).
const SKEW: i64 = 30;

/// What a client proves itself with.
#[derive(Clone, Debug, Default)]
pub enum ClientProof {
    /// Nothing.
    #[default]
    None,
    /// A secret, and how it was sent, where that matters.
    Secret {
        /// The secret as presented.
        secret: Secret<String>,
        /// How it was sent.
        method: Option<AuthMethod>,
    },
    /// A JWT that it signed (RFC 7523 §2.2). The store was asked for its [`assertion_digest`].
    Assertion(Secret<String>),
    /// The certificate of its connection (RFC 8705), and nothing else.
    Certificate(Certificate),
    /// Its proof was looked at already, for this very request.
    Proven,
}

/// What an assertion's `jti` is known by once it was used: each is good once, for one client of one realm.
pub fn assertion_digest(pepper: &Pepper, realm: &str, assertion: &str) -> Option<Digest> {
    let claims = Assertion::read(assertion)?.claims;
    let jti = claims.jti.filter(|jti| !jti.is_empty() && jti.len() <= 256)?;
    Some(pepper.digest(Purpose::Assertion, &[realm.as_bytes(), claims.sub.as_bytes(), jti.as_bytes()]))
}

/// A client that has proven itself.
#[derive(Debug)]
pub struct Authenticated<'a> {
    /// Who.
    pub client: &'a Arc<Client>,
    /// What is written because of it: an assertion is used up.
    pub change: Option<Change>,
}

/// The client that `proof` proves to the realm of this `issuer`. Equal work for every wrong secret.
///
/// [`Reason::InvalidClient`] for an unknown or disabled client, [`Reason::WrongCredentials`] for a wrong or
/// missing proof or another than the client's settings ask for, [`Reason::Locked`] after too many of either, whatever
/// is presented. Whether a peer sees the difference is the realm's setting. The first two count as a failure
/// ([`counts`]).
pub fn client<'a>(
    facts: &'a Facts,
    pepper: &Pepper,
    issuer: &str,
    proof: &ClientProof,
    now: Timestamp,
) -> Result<Authenticated<'a>, Reason> {
    let (presented, method) = match proof {
        ClientProof::Secret { secret, method } => (secret.expose().as_str(), *method),
        ClientProof::None | ClientProof::Assertion(_) | ClientProof::Certificate(_) | ClientProof::Proven => ("", None),
    };
    let digest = pepper.digest(Purpose::Secret, &[presented.as_bytes()]);
    let client = facts.client.as_ref();
    let secret_matches = client.is_some_and(|client| any_matches(&client.secrets, &digest, now));
    if throttle::machine(&facts.throttle, now).is_some() && !matches!(proof, ClientProof::Proven) {
        return Err(Reason::Locked);
    }
    let client = client.filter(|client| client.enabled).ok_or(Reason::InvalidClient)?;
    let mut change = None;
    let matches = match (proof, client.settings.auth) {
        (ClientProof::Proven, _) => true,
        (ClientProof::None, asked) => asked == Some(AuthMethod::None),
        (ClientProof::Assertion(assertion), Some(AuthMethod::PrivateKeyJwt)) => {
            let digest = assertion_digest(pepper, &facts.realm.name, assertion.expose());
            let digest = digest.filter(|digest| !facts.used.contains(digest));
            change = digest.and_then(|digest| by_assertion(client, issuer, assertion, digest, now));
            change.is_some()
        }
        (ClientProof::Assertion(_), _) => false,
        (ClientProof::Certificate(shown), Some(AuthMethod::TlsClientAuth)) => {
            shown.is_issued_to(&client.settings.certificates)
        }
        (ClientProof::Certificate(shown), Some(AuthMethod::SelfSignedTlsClientAuth)) => {
            shown.is_one_of(&client.settings.certificates)
        }
        // A program has one connection for all it does: a public client shows its certificate in vain.
        (ClientProof::Certificate(_), asked) => asked == Some(AuthMethod::None),
        // The registered way and no other (security.md C2).
        (ClientProof::Secret { .. }, Some(asked)) => secret_matches && method.is_none_or(|used| used == asked),
        (ClientProof::Secret { .. }, None) => secret_matches,
    };
    if matches { Ok(Authenticated { client, change }) } else { Err(Reason::WrongCredentials) }
}

/// Uses up an assertion, if it is one of this client's to this issuer, now (RFC 7523 §3; security.md C4, C6).
fn by_assertion(
    client: &Client,
    issuer: &str,
    assertion: &Secret<String>,
    digest: Digest,
    now: Timestamp,
) -> Option<Change> {
    let assertion = Assertion::read(assertion.expose())?;
    let claims = &assertion.claims;
    let settings = &client.settings.assertion;
    let itself = claims.iss == client.client_id && claims.sub == client.client_id;
    // One audience, as a string: an assertion for several servers is of use to each of them.
    let to_us = matches!(&claims.aud, Audience::One(aud) if aud == issuer || settings.audiences.contains(aud));
    let now = now.as_secs();
    let in_time = now < claims.exp && claims.exp <= now + i64::from(settings.max_secs) + SKEW;
    let begun = [claims.iat, claims.nbf].into_iter().flatten().all(|at| at <= now + SKEW);
    let keys: Vec<_> = client.settings.keys.iter().filter_map(Jwk::verifying_key).collect();
    let good = itself && to_us && in_time && begun && assertion.is_signed_by(keys.iter());
    // It is remembered for as long as it could come again.
    good.then_some(Change::UseNonce { digest, expires_at: Timestamp::from_secs(claims.exp) })
}

/// Whether a client's failure with this reason is counted. One that was not looked at is not: a program that
/// asks again and again with a mended secret must come to its turn.
pub fn counts(reason: Reason) -> bool {
    reason != Reason::Locked
}
