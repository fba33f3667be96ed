//! A client with a key pair of its own.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use jeton_core::domain::policy::Alg;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt;
use jeton_server::keys::generate;
use serde_json::{Value, json};

/// A client that signs with its own key.
pub(crate) struct Machine {
    /// The public part.
    pub(crate) jwk: Jwk,
    pkcs8: Vec<u8>,
}

impl Machine {
    pub(crate) fn new(alg: Alg) -> Self {
        let (jwk, pkcs8) = generate(alg).unwrap();
        Self { jwk, pkcs8: pkcs8.to_vec() }
    }

    /// A JWS over these bytes.
    pub(crate) fn sign(&self, header: &Value, claims: &str) -> String {
        let input = jwt::signing_input(&header.to_string(), claims);
        let (random, message) = (SystemRandom::new(), input.as_bytes());
        let rsa = |padding| {
            let pair = RsaKeyPair::from_pkcs8(&self.pkcs8).unwrap();
            let mut out = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &random, message, &mut out).unwrap();
            out
        };
        let signature = match self.jwk.alg {
            Alg::ES256 => {
                let how = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
                EcdsaKeyPair::from_pkcs8(how, &self.pkcs8).unwrap().sign(&random, message).unwrap().as_ref().to_vec()
            }
            Alg::EdDSA => Ed25519KeyPair::from_pkcs8(&self.pkcs8).unwrap().sign(message).as_ref().to_vec(),
            Alg::RS256 => rsa(&signature::RSA_PKCS1_SHA256),
            Alg::PS256 => rsa(&signature::RSA_PSS_SHA256),
        };
        jwt::assemble(&input, &signature)
    }

    /// An assertion with this key's name in its header.
    pub(crate) fn assert(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": self.jwk.alg.name(), "kid": self.jwk.kid }), &claims.to_string())
    }
}
