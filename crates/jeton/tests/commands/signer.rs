//! A key that is not Jeton's: a foreign issuer's, or a client's for DPoP.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt::{assemble, signing_input};
use jeton_server::clock::Clock;
use serde_json::{Value, json};

/// A P-256 key.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// Its public part.
    pub(crate) fn jwk(&self) -> Jwk {
        Jwk::from_p256(self.0.public_key().as_ref()).unwrap()
    }

    /// A JWT with these claims that names this key.
    pub(crate) fn assertion(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "ES256", "kid": self.jwk().kid }), claims)
    }

    /// A DPoP proof with these claims.
    pub(crate) fn proof(&self, claims: &Value) -> String {
        let Jwk { x, y, .. } = self.jwk();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y });
        self.sign(&json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk }), claims)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = signing_input(&header.to_string(), &claims.to_string());
        assemble(&input, self.0.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref())
    }
}

/// The time, in seconds since the epoch.
pub(crate) fn now() -> i64 {
    Clock::system().now().as_secs()
}
