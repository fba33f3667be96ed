//! A JWT access token as far as it can be judged by itself.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::revocation::LONGEST_LIFE;
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::VerifyingKey;
use jeton_core::token::jwt::{self, Claims};
use jeton_core::wire::revocations::About;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::caller::Caller;

/// The clock that stamped a token may be ahead of the one that is asked by this much.
const SKEW: Duration = Duration::from_secs(60);

/// A token whose signature was verified and that the feed could name.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) kid: String,
    pub(super) jti: String,
    pub(super) sid: Option<String>,
    pub(super) client_id: String,
    pub(super) claims: Claims,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    kid: String,
}

/// Claims that decide whether a token can be judged without asking.
#[derive(Deserialize)]
struct More {
    sid: Option<String>,
    act: Option<IgnoredAny>,
}

impl Candidate {
    /// Reads a token; nothing if it cannot be judged without asking, or should be refused.
    ///
    /// By its `typ` and its client it is one of OAuth's (RFC 9068 §2), all of which have an id and, where there is one,
    /// their session: what the feed names. A dialect's tokens may have neither. Who shows a token bound to a key (`cnf`)
    /// has to prove to hold it, and one with an actor (`act`) hangs on two principals: the realm knows of both.
    pub(super) fn read(token: &str, key: impl FnOnce(&str) -> Option<VerifyingKey>) -> Option<Self> {
        if !jwt::looks_like_jwt(token) {
            return None;
        }
        let verified = jwt::verify(token, key).ok()?;
        let (header, claims) = verified.signing_input.split_once('.')?;
        let (Header { typ, kid }, More { sid, act }) = (segment(header)?, segment(claims)?);
        let typ = typ.to_ascii_lowercase();
        let is_access_token = typ.strip_prefix("application/").unwrap_or(&typ) == "at+jwt";
        let claims = verified.claims;
        let (jti, client_id) = (claims.jti.clone()?, claims.client_id.clone()?);
        let bare = is_access_token && claims.cnf.is_none() && act.is_none() && claims.aud.is_some();
        bare.then_some(Self { kid, jti, sid, client_id, claims })
    }

    /// Whether it is of this realm, for its follower, and good at `now` as far as it says itself.
    pub(super) fn fits(&self, about: &About, now: Timestamp) -> bool {
        let (claims, issued_at, expires_at) = (&self.claims, self.claims.issued_at(), self.claims.expires_at());
        let meant = about.audiences.is_empty()
            || claims.aud.as_ref().is_some_and(|aud| about.audiences.iter().any(|name| aud.contains(name)));
        claims.iss == about.issuer
            && meant
            && now < expires_at
            && issued_at <= now + SKEW
            && expires_at.since(issued_at) <= LONGEST_LIFE
            && claims.nbf.is_none_or(|nbf| Timestamp::from_secs(nbf) <= now)
    }

    /// Whom it speaks for. What only the realm knows of that is not there.
    pub(super) fn into_caller(self, realm: &str) -> Caller {
        let expires_at = self.claims.expires_at();
        let scope = self.claims.scope.unwrap_or_default();
        Caller {
            realm: realm.to_owned(),
            subject: self.claims.sub,
            number: None,
            username: None,
            client_id: Some(self.client_id),
            key_id: None,
            scope: scope.split_ascii_whitespace().map(str::to_owned).collect(),
            target: None,
            level: None,
            actor: None,
            cnf: None,
            expires_at,
        }
    }
}

fn segment<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&BASE64URL.decode(text).ok()?).ok()
}
