//! Private keys that prove who asks: JSON Web Tokens, signed here (RFC 7515).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::secret::Secret;
use jeton_core::token::jwt;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::{Zeroize, Zeroizing};

/// A private key and the algorithm that it signs by: ES256, RS256 or EdDSA.
pub(crate) struct SigningKey {
    /// The key's name, where the key itself has one.
    kid: Option<String>,
    pair: Pair,
}

enum Pair {
    P256(Box<EcdsaKeyPair>),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Reads a key from a PEM file's text (PKCS #8, PKCS #1, SEC 1) or a private JWK. Nothing if it is neither, or of a
    /// kind that signs by none of the three algorithms.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.trim_start().starts_with('{') {
            return from_jwk(&serde_json::from_str(text).ok()?);
        }
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
        Some(Self { kid: None, pair: from_der(key.secret_der())? })
    }

    /// The claims, signed. `kid` names the key where the key itself has no name. Nothing if the library fails.
    pub(crate) fn sign(&self, kid: Option<&str>, claims: &Value) -> Option<Secret<String>> {
        let alg = match self.pair {
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
            Pair::Rsa(_) => "RS256",
        };
        let mut header = json!({ "alg": alg, "typ": "JWT" });
        if let Some(kid) = self.kid.as_deref().or(kid) {
            header["kid"] = kid.into();
        }
        let input = jwt::signing_input(&header.to_string(), &claims.to_string());
        let signature = self.signature(input.as_bytes())?;
        Some(Secret::new(jwt::assemble(&input, &signature)))
    }

    fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.pair {
            Pair::P256(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

fn from_der(der: &[u8]) -> Option<Pair> {
    let p256 = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
    let rsa = || RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
    match (p256, Ed25519KeyPair::from_pkcs8(der)) {
        (Ok(pair), _) => Some(Pair::P256(Box::new(pair))),
        (_, Ok(pair)) => Some(Pair::Ed25519(pair)),
        _ => rsa().ok().map(Pair::Rsa),
    }
}

/// RFC 7517, RFC 7518 §6, RFC 8037 §2. The secret members are wiped.
#[derive(Deserialize)]
struct PrivateJwk {
    kty: String,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: String,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

impl Drop for PrivateJwk {
    fn drop(&mut self) {
        self.d.zeroize();
        [&mut self.p, &mut self.q, &mut self.dp, &mut self.dq, &mut self.qi].into_iter().for_each(Zeroize::zeroize);
    }
}

fn from_jwk(jwk: &PrivateJwk) -> Option<SigningKey> {
    let bytes = |text: &str| BASE64URL.decode(text).map(Zeroizing::new).ok();
    let member = |text: &Option<String>| bytes(text.as_deref()?);
    let secret = bytes(&jwk.d)?;
    let pair = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("EC", Some("P-256")) => {
            let point = [[4].as_slice(), member(&jwk.x)?.as_slice(), member(&jwk.y)?.as_slice()].concat();
            let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &secret, &point);
            Pair::P256(Box::new(pair.ok()?))
        }
        ("OKP", Some("Ed25519")) => {
            Pair::Ed25519(Ed25519KeyPair::from_seed_and_public_key(&secret, &member(&jwk.x)?).ok()?)
        }
        ("RSA", None) => {
            let rest = [&jwk.p, &jwk.q, &jwk.dp, &jwk.dq, &jwk.qi].map(member);
            let [Some(p), Some(q), Some(dp), Some(dq), Some(qi)] = rest else { return None };
            let public = [member(&jwk.n)?, member(&jwk.e)?];
            let [n, e] = &public;
            Pair::Rsa(RsaKeyPair::from_der(&pkcs1([n, e, &secret, &p, &q, &dp, &dq, &qi])).ok()?)
        }
        _ => return None,
    };
    Some(SigningKey { kid: jwk.kid.clone(), pair })
}

/// RSAPrivateKey (RFC 8017 §A.1.2) of the numbers in its order, version 0 put before them.
fn pkcs1(numbers: [&[u8]; 8]) -> Zeroizing<Vec<u8>> {
    const INTEGER: u8 = 2;
    const SEQUENCE: u8 = 0x30;
    let mut content = Zeroizing::new(vec![INTEGER, 1, 0]);
    for number in numbers {
        let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        // DER's integers have a sign: a number whose first bit is set gets a zero before it.
        let signed = Zeroizing::new([&[0], number.get(first..).unwrap_or_default()].concat());
        let is_plain = signed.get(1).is_some_and(|byte| byte & 0x80 == 0);
        der(INTEGER, signed.get(usize::from(is_plain)..).unwrap_or_default(), &mut content);
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(content.len() + 8));
    der(SEQUENCE, &content, &mut whole);
    whole
}

fn der(tag: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let length = length.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    match length.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            // At most eight bytes: the length of a usize.
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
}
