//! DPoP proofs (RFC 9449 §4): a JWT, new for each request, that shows that its sender holds a private key.

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use http::{HeaderMap, Uri};
use serde::Deserialize;

use super::jwk_set::Foreign;
use super::jws::{Jws, there};
use super::pepper::{Pepper, Purpose};
use crate::domain::policy::Alg;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::Confirmation;
use crate::time::Timestamp;

/// The header that a proof stands in.
pub const HEADER: &str = "DPoP";
/// The header that a server's nonce stands in (RFC 9449 §8).
pub const NONCE_HEADER: &str = "DPoP-Nonce";
/// `iat` may be off the server's clock by this much, either way.
pub const WINDOW: Duration = Duration::from_secs(60);

/// Longer than a proof with an RSA key of 8192 bits.
const MAX_LENGTH: usize = 8 * 1024;
/// Longer than any UUID or random text that libraries make.
const MAX_JTI: usize = 256;
/// A nonce is good in the slice of time that it was given in, and in the next one: 5 to 10 minutes.
const NONCE_SECS: i64 = 300;

/// What a proof is held against.
pub struct Expected<'a> {
    /// The request's method.
    pub method: &'a str,
    /// Whether the request's address is this one (`htu`). Query and fragment do not count.
    pub is_address: &'a dyn Fn(&Uri) -> bool,
    /// The access token that is shown beside it, if one is.
    pub access_token: Option<&'a str>,
    /// The key of the nonces that must have been given before, where they are asked for.
    pub nonces: Option<&'a Pepper>,
    /// The time.
    pub now: Timestamp,
}

/// A proof that holds. That its `jti` is new is for the caller to see to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proof {
    /// The key's RFC 7638 thumbprint.
    pub jkt: String,
    /// The proof's id; new for each, under one key.
    pub jti: String,
}

impl Proof {
    /// What a token is bound to that is issued to its sender (RFC 9449 §6).
    pub fn confirmation(&self) -> Confirmation {
        Confirmation::Jkt(self.jkt.clone())
    }
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It is none, or one for another request.
    #[error("{0}")]
    Invalid(&'static str),
    /// It lacks a nonce that is good now; the next answer names one.
    #[error("use the nonce of the DPoP-Nonce header in the next DPoP proof")]
    Nonce,
}

impl From<DpopError> for Refusal {
    /// As the token endpoint says it: `invalid_dpop_proof` (RFC 9449 §5), `use_dpop_nonce` (§8).
    fn from(error: DpopError) -> Self {
        let (reason, field) = match error {
            DpopError::Invalid(_) => (Reason::Malformed, HEADER),
            DpopError::Nonce => (Reason::Missing, NONCE_HEADER),
        };
        Self::new(reason).field(field).detail(error.to_string())
    }
}

/// What a proof's header has beside what every JWT's has.
#[derive(Deserialize)]
struct Header {
    jwk: Foreign,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default, deserialize_with = "there")]
    ath: Option<String>,
    #[serde(default, deserialize_with = "there")]
    nonce: Option<String>,
}

/// The proof that a request carries, if it carries one: in one header.
pub fn proof_of(headers: &HeaderMap) -> Result<Option<&str>, DpopError> {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            value.to_str().map(Some).map_err(|_| DpopError::Invalid("the DPoP header is not a DPoP proof"))
        }
        (Some(_), Some(_)) => Err(DpopError::Invalid("send one DPoP header")),
    }
}

/// Checks a proof as RFC 9449 §4.3 says, all but the newness of its `jti`.
pub fn verify(proof: &str, expected: &Expected<'_>) -> Result<Proof, DpopError> {
    let (jkt, claims) = read(proof).ok_or(DpopError::Invalid("the DPoP header is not a DPoP proof"))?;
    let hold = |holds: bool, why| if holds { Ok(()) } else { Err(DpopError::Invalid(why)) };
    hold((1..=MAX_JTI).contains(&claims.jti.len()), "the DPoP proof needs a jti of at most 256 bytes")?;
    hold(claims.htm == expected.method, "the DPoP proof is for another method (htm)")?;
    let address = claims.htu.parse::<Uri>().is_ok_and(|htu| (expected.is_address)(&htu));
    hold(address, "the DPoP proof is for another address (htu)")?;
    let window = i64::try_from(WINDOW.as_secs()).unwrap_or(i64::MAX);
    let fresh = expected.now.as_secs().abs_diff(claims.iat) <= window.unsigned_abs();
    hold(fresh, "the DPoP proof was not made just now (iat); look at the clock")?;
    if let Some(token) = expected.access_token {
        let ath = BASE64URL.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        hold(claims.ath.is_some_and(|said| said == ath), "the DPoP proof is for another access token (ath)")?;
    }
    match expected.nonces {
        Some(pepper) if !claims.nonce.is_some_and(|said| is_nonce(pepper, &said, expected.now)) => {
            Err(DpopError::Nonce)
        }
        _ => Ok(Proof { jkt, jti: claims.jti }),
    }
}

/// Whether an `htu` is this address: neither query nor fragment counts, nor the case of scheme and host, nor whether a
/// usual port is named (RFC 9449 §4.3, RFC 3986 §6.2).
pub fn is_same_address(htu: &Uri, address: &str) -> bool {
    let Ok(address) = address.parse::<Uri>() else { return false };
    let port = |uri: &Uri| uri.port_u16().or(if uri.scheme_str() == Some("https") { Some(443) } else { Some(80) });
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    let plain = htu.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    plain
        && htu.scheme() == address.scheme()
        && host(htu) == host(&address)
        && port(htu) == port(&address)
        && htu.path() == address.path()
}

/// The nonce to give out now. It needs no memory: every node with this pepper knows it again.
pub fn nonce(pepper: &Pepper, now: Timestamp) -> String {
    nonce_of(pepper, now.as_secs().div_euclid(NONCE_SECS))
}

fn is_nonce(pepper: &Pepper, said: &str, now: Timestamp) -> bool {
    let slice = now.as_secs().div_euclid(NONCE_SECS);
    [slice, slice - 1].into_iter().any(|slice| nonce_of(pepper, slice) == said)
}

fn nonce_of(pepper: &Pepper, slice: i64) -> String {
    BASE64URL.encode(pepper.digest(Purpose::DpopNonce, &[&slice.to_be_bytes()]).0)
}

/// Thumbprint and claims of a proof whose signature is its key's.
fn read(proof: &str) -> Option<(String, Claims)> {
    let proof = Some(proof).filter(|proof| proof.len() <= MAX_LENGTH)?;
    let jws = Jws::read(proof).filter(|jws| jws.typ.as_deref() == Some("dpop+jwt"))?;
    let Header { jwk } = jws.header()?;
    if jwk.is_secret() {
        return None;
    }
    let jwk = jwk.public(Alg::by_others(&jws.alg)?)?;
    let claims = jws.claims()?;
    jws.is_signed_by(&jwk.verifying_key()?).then_some((jwk.kid, claims))
}
