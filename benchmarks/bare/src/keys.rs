//! Signing keys of the three algorithms, made at the start, and their public parts as JWK sets (RFC 7517).

use std::sync::Arc;

use anyhow::anyhow;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::{Bare, JSON};

/// A key pair for each algorithm.
pub(crate) struct Keys {
    es256: EcdsaKeyPair,
    /// What ES256 tokens are verified with.
    pub(crate) es256_public: ParsedPublicKey,
    eddsa: Ed25519KeyPair,
    rs256: RsaKeyPair,
    random: SystemRandom,
}

impl Keys {
    pub(crate) fn generate() -> anyhow::Result<Self> {
        let failed = |_: Unspecified| anyhow!("no signing key could be made");
        let es256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let es256_public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, es256.public_key().as_ref())?;
        Ok(Self {
            es256,
            es256_public,
            eddsa: Ed25519KeyPair::generate().map_err(failed)?,
            rs256: RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?,
            random: SystemRandom::new(),
        })
    }

    /// `message.base64url(signature)`, if the algorithm is one of the three.
    pub(crate) fn sign(&self, alg: &str, mut message: String) -> Option<String> {
        let mut rsa = [0; 256];
        let (ecdsa, ed25519);
        let signature: &[u8] = match alg {
            "es256" => {
                ecdsa = self.es256.sign(&self.random, message.as_bytes()).ok()?;
                ecdsa.as_ref()
            }
            "eddsa" => {
                ed25519 = self.eddsa.sign(message.as_bytes());
                ed25519.as_ref()
            }
            "rs256" => {
                self.rs256.sign(&RSA_PKCS1_SHA256, &self.random, message.as_bytes(), &mut rsa).ok()?;
                &rsa
            }
            _ => return None,
        };
        message.push('.');
        BASE64URL.encode_string(signature, &mut message);
        Some(message)
    }

    fn jwk(&self, alg: &str) -> Option<Value> {
        let text = |bytes: &[u8]| BASE64URL.encode(bytes);
        match alg {
            "es256" => {
                // SEC 1 §2.3.3: 0x04, then both coordinates.
                let point = self.es256.public_key().as_ref();
                let (x, y) = (text(point.get(1..33)?), text(point.get(33..)?));
                Some(json!({"kty": "EC", "alg": "ES256", "kid": alg, "crv": "P-256", "x": x, "y": y}))
            }
            "eddsa" => {
                let x = text(self.eddsa.public_key().as_ref());
                Some(json!({"kty": "OKP", "alg": "EdDSA", "kid": alg, "crv": "Ed25519", "x": x}))
            }
            "rs256" => {
                let public = self.rs256.public_key();
                let n = text(public.modulus().big_endian_without_leading_zero());
                let e = text(public.exponent().big_endian_without_leading_zero());
                Some(json!({"kty": "RSA", "alg": "RS256", "kid": alg, "n": n, "e": e}))
            }
            _ => None,
        }
    }
}

/// `GET /{alg}/certs`
pub(crate) async fn get(State(bare): State<Arc<Bare>>, Path(alg): Path<String>) -> Response {
    match bare.keys.jwk(&alg) {
        Some(jwk) => (JSON, json!({"keys": [jwk]}).to_string()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
