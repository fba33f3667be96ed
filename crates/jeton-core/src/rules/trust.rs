//! The assertion grant (RFC 7523 §2.1): an issuer that the client trusts says who asks, and the client's token is theirs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Known, Proven, Request, Unproven, client, failed_because};
use crate::change::Change;
use crate::domain::client::Client;
use crate::domain::id::Digest;
use crate::domain::refusal::{Reason, echo};
use crate::domain::trust::Trust;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::token::assertion::Assertion;
use crate::token::jwk::VerifyingKey;
use crate::token::pepper::{Pepper, Purpose};

/// How far an issuer's clock may be from ours, in seconds.
const SKEW: i64 = 30;

/// An assertion, and what there is to judge it by. The store was asked for its [`digest`].
#[derive(Debug)]
pub struct Offered {
    /// The assertion as presented.
    pub assertion: Secret<String>,
    /// The client's trusts in the issuer that the assertion names, each with the keys that were had for it.
    pub candidates: Vec<Candidate>,
}

/// A trust, and its issuer's keys or why there are none.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The trust.
    pub trust: Trust,
    /// The keys.
    pub keys: Result<Arc<[VerifyingKey]>, String>,
}

/// Why an assertion was not accepted: one line, for the operator and not for the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyNot {
    /// It has not the form of a signed JWT with the claims that RFC 7523 §3 wants.
    #[error("it is no signed JWT with iss, sub, aud and exp")]
    Unreadable,
    /// No trust names its issuer.
    #[error("its issuer `{0}` is none that the client trusts")]
    Issuer(String),
    /// The issuer's keys could not be had.
    #[error("the issuer's keys cannot be had: {0}")]
    NoKeys(String),
    /// The issuer has no such key.
    #[error("its key `{0}` is none of the issuer's")]
    UnknownKey(String),
    /// The signature is wrong.
    #[error("its signature is not by a key of the issuer's (ES256, EdDSA, RS256 or PS256)")]
    Signature,
    /// It is for somebody else.
    #[error("its audience is `{found}`, not `{wanted}`")]
    Audience {
        /// What it says.
        found: String,
        /// What it must say.
        wanted: String,
    },
    /// Its time is over.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// It is good for too long.
    #[error("it is good until {end}, which is further off than {max_secs} s")]
    TooLong {
        /// Its end.
        end: Timestamp,
        /// How far off it may be.
        max_secs: u32,
    },
    /// Its time has not begun.
    #[error("it is not good before {0}")]
    NotYet(Timestamp),
    /// A claim that a condition is about is not there.
    #[error("it has no claim `{0}` that is a text, number or truth")]
    NoClaim(String),
    /// A condition is not met.
    #[error("its claim `{name}` is `{found}`, not `{wanted}`")]
    Claim {
        /// The claim's name.
        name: String,
        /// What it says.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// It was used before.
    #[error("it was used before, and this issuer's assertions are good once")]
    Used,
}

/// What an assertion's id is known by once it was used; nothing if it has none.
pub fn digest(pepper: &Pepper, realm: &str, assertion: &str) -> Option<Digest> {
    let claims = Assertion::read(assertion)?.claims;
    let id = claims.jti.filter(|id| !id.is_empty())?;
    Some(pepper.digest(Purpose::Nonce, &[realm.as_bytes(), b"assertion", claims.iss.as_bytes(), id.as_bytes()]))
}

/// Judges an assertion by one trust: whose it is, who signed it, for whom, when, and what it says. `issuer` is that of
/// the client's realm.
///
/// # Errors
/// The first thing that is wrong. What the assertion says is repeated only after its signature was verified.
pub fn judge(trust: &Trust, keys: &[VerifyingKey], text: &str, issuer: &str, now: Timestamp) -> Result<(), WhyNot> {
    let assertion = Assertion::read(text).ok_or(WhyNot::Unreadable)?;
    let claims = &assertion.claims;
    if claims.iss != trust.issuer {
        return Err(WhyNot::Issuer(echo(&claims.iss)));
    }
    if let Some(kid) = assertion.kid().filter(|kid| !keys.iter().any(|key| key.kid == *kid)) {
        return Err(WhyNot::UnknownKey(echo(kid)));
    }
    if !assertion.is_signed_by(keys.iter()) {
        return Err(WhyNot::Signature);
    }
    let wanted = trust.audience.as_deref().unwrap_or(issuer);
    if !claims.aud.contains(wanted) {
        let found = echo(&claims.aud.to_vec().join(" "));
        return Err(WhyNot::Audience { found, wanted: wanted.to_owned() });
    }
    in_time(trust, claims.exp, [claims.iat, claims.nbf], now)?;
    let said: Said = assertion.said().ok_or(WhyNot::Unreadable)?;
    trust.claims.iter().try_for_each(|(name, wanted)| said.meets(name, wanted))
}

/// The client speaks for itself, because an issuer that it trusts says who asks.
pub(super) fn prove<'a>(
    known: &Known<'_>,
    request: &Request<'_>,
    client: &'a Client,
    offered: &Offered,
    now: Timestamp,
) -> Result<Proven<'a>, Unproven> {
    let refused = |why: &str| failed_because(known, request, Reason::InvalidToken, &format!("assertion: {why}"), now);
    let trust = accepted(known, client, offered, now).map_err(|why| refused(&why))?;
    let mut proven = client::for_itself(client)?;
    if !trust.reusable
        && let Some(digest) = digest(known.pepper, &known.facts.realm.name, offered.assertion.expose())
    {
        if known.facts.used.contains(&digest) {
            return Err(refused(&WhyNot::Used.to_string()));
        }
        // For as long as it could come again.
        let remembered = std::time::Duration::from_secs(u64::from(trust.max_secs) + SKEW.unsigned_abs());
        proven.changes.push(Change::UseNonce { digest, expires_at: now + remembered });
    }
    let recovered = request.throttle.filter(|_| known.facts.throttle.pair.count > 0);
    proven.changes.extend(recovered.map(|keys| Change::Succeed { keys, at: now }));
    Ok(proven)
}

/// The trust that accepts the assertion, or why each does not.
fn accepted<'o>(known: &Known<'_>, client: &Client, offered: &'o Offered, now: Timestamp) -> Result<&'o Trust, String> {
    let text = offered.assertion.expose();
    let mut reasons = Vec::new();
    // One that was taken away since the keys were asked for counts no more.
    for candidate in offered.candidates.iter().filter(|candidate| client.settings.trusts.contains(&candidate.trust)) {
        let judged = match &candidate.keys {
            Ok(keys) => judge(&candidate.trust, keys, text, known.issuer, now),
            Err(why) => Err(WhyNot::NoKeys(why.clone())),
        };
        match judged {
            Ok(()) => return Ok(&candidate.trust),
            Err(why) => reasons.push(why.to_string()),
        }
    }
    if reasons.is_empty() {
        let issuer = Assertion::read(text).map(|assertion| WhyNot::Issuer(echo(&assertion.claims.iss)));
        reasons.push(issuer.unwrap_or(WhyNot::Unreadable).to_string());
    }
    Err(reasons.join("; "))
}

fn in_time(trust: &Trust, exp: i64, begins: [Option<i64>; 2], now: Timestamp) -> Result<(), WhyNot> {
    let (end, now) = (Timestamp::from_secs(exp), now.as_secs());
    if now >= exp {
        return Err(WhyNot::Expired(end));
    }
    if exp > now + i64::from(trust.max_secs) + SKEW {
        return Err(WhyNot::TooLong { end, max_secs: trust.max_secs });
    }
    match begins.into_iter().flatten().max().filter(|begin| *begin > now + SKEW) {
        Some(begin) => Err(WhyNot::NotYet(Timestamp::from_secs(begin))),
        None => Ok(()),
    }
}

/// All that an assertion says. A name that stands twice makes it unreadable.
struct Said(BTreeMap<String, Value>);

impl Said {
    fn meets(&self, name: &str, wanted: &str) -> Result<(), WhyNot> {
        let found = match self.0.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => return Err(WhyNot::NoClaim(name.to_owned())),
        };
        let met = match wanted.strip_suffix('*') {
            Some(beginning) => found.starts_with(beginning),
            None => found == wanted,
        };
        let found = echo(&found);
        if met { Ok(()) } else { Err(WhyNot::Claim { name: name.to_owned(), found, wanted: wanted.to_owned() }) }
    }
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Said;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said, A::Error> {
                let mut said = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if said.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim stands twice"));
                    }
                }
                Ok(Said(said))
            }
        }
        deserializer.deserialize_map(Members)
    }
}
