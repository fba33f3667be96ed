//! Public keys as JSON (RFC 7517) and as something that verifies.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};

use crate::domain::policy::Alg;

/// The public part of a signing key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2). There is no private member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// `EC`, `OKP` or `RSA`.
    pub kty: String,
    /// The one algorithm of this key.
    pub alg: Alg,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `P-256` or `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// First coordinate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// RSA modulus, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
}

impl Jwk {
    /// From an uncompressed P-256 point (65 bytes, SEC 1 §2.3.3).
    pub fn from_p256(point: &[u8]) -> Option<Self> {
        let coordinates = point.strip_prefix(&[4]).filter(|rest| rest.len() == 64)?;
        let (x, y) = coordinates.split_at(32);
        let (x, y) = (BASE64URL.encode(x), BASE64URL.encode(y));
        let kid = thumbprint(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Some(Self { crv: Some("P-256".into()), x: Some(x), y: Some(y), ..Self::bare(kid, "EC", Alg::ES256) })
    }

    /// From an Ed25519 public key (32 bytes).
    pub fn from_ed25519(public: &[u8]) -> Self {
        let x = BASE64URL.encode(public);
        let kid = thumbprint(&format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
        Self { crv: Some("Ed25519".into()), x: Some(x), ..Self::bare(kid, "OKP", Alg::EdDSA) }
    }

    /// From modulus and exponent (big-endian, no leading zeros).
    pub fn from_rsa(modulus: &[u8], exponent: &[u8], alg: Alg) -> Self {
        let (n, e) = (BASE64URL.encode(modulus), BASE64URL.encode(exponent));
        let kid = thumbprint(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
        Self { n: Some(n), e: Some(e), ..Self::bare(kid, "RSA", alg) }
    }

    /// Something that verifies signatures of this key, or nothing if the members do not fit together
    /// or the key is meant for something else.
    pub fn verifying_key(&self) -> Option<VerifyingKey> {
        if self.usage != "sig" {
            return None;
        }
        let bytes = |member: &Option<String>| BASE64URL.decode(member.as_deref()?).ok();
        let public = match self.alg {
            Alg::ES256 => [&[4][..], &bytes(&self.x)?, &bytes(&self.y)?].concat(),
            Alg::EdDSA => bytes(&self.x)?,
            Alg::RS256 | Alg::PS256 => rsa_public_key(&bytes(&self.n)?, &bytes(&self.e)?),
        };
        VerifyingKey::new(self.kid.clone(), self.alg, &public)
    }

    fn bare(kid: String, kty: &str, alg: Alg) -> Self {
        let usage = "sig".to_owned();
        Self { kid, kty: kty.to_owned(), alg, usage, crv: None, x: None, y: None, n: None, e: None }
    }
}

/// A public key with its one algorithm: the algorithm comes from here, never from a token's header.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// The key's id.
    pub kid: String,
    /// The key's algorithm.
    pub alg: Alg,
    public: ParsedPublicKey,
}

impl VerifyingKey {
    /// From the raw public key: an uncompressed point, 32 bytes of Ed25519, or PKCS#1 `RSAPublicKey` in DER.
    pub fn new(kid: String, alg: Alg, public: &[u8]) -> Option<Self> {
        let algorithm: &'static dyn VerificationAlgorithm = match alg {
            Alg::ES256 => &signature::ECDSA_P256_SHA256_FIXED,
            Alg::EdDSA => &signature::ED25519,
            Alg::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Alg::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        };
        Some(Self { kid, alg, public: ParsedPublicKey::new(algorithm, public).ok()? })
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

/// PKCS#1 `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }` (RFC 8017 §A.1.1) in DER.
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { &[0][..] } else { &[] };
        der(0x02, &[sign, bytes].concat())
    };
    der(0x30, &[integer(modulus), integer(exponent)].concat())
}

/// One DER value: tag, length, contents (X.690 §8.1).
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(short) if short < 128 => out.push(short),
        _ => {
            let length = contents.len().to_be_bytes();
            let first = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
            out.push(0x80 | (length.len() - first) as u8);
            out.extend_from_slice(&length[first..]);
        }
    }
    out.extend_from_slice(contents);
    out
}

/// RFC 7638 §3: SHA-256 over the required members in lexicographic order.
fn thumbprint(members: &str) -> String {
    BASE64URL.encode(digest::digest(&digest::SHA256, members.as_bytes()))
}
