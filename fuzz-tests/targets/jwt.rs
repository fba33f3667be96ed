//! JWTs, as access tokens, as assertions and as DPoP proofs. The input is a header and claims, which a known key signs: what is accepted
//! says what another JSON reader finds there, and no other text is accepted in its place. The input as it stands, signed by
//! nobody, never is.
#![no_main]

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use fuzz_tests::{NOW, read_again};
use jeton_core::domain::policy::Alg;
use jeton_core::token::assertion::{Assertion, AssertionClaims};
use jeton_core::token::dpop::{self, Expected, Proof};
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_core::token::jwt::{Verified, assemble, signing_input, verify};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("any 32 bytes are a seed"));

fn key(kid: &str) -> Option<VerifyingKey> {
    (kid == "k").then(|| VerifyingKey::new(kid.to_owned(), Alg::EdDSA, KEY.public_key().as_ref())).flatten()
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let believed = verify(text, key).is_ok() || asserted(text).is_some() || holder(text).is_some();
    assert!(!believed, "accepted, and nobody signed it");

    let (header, claims) = text.split_once('\n').unwrap_or((text, ""));
    let input = signing_input(header, claims);
    let token = assemble(&input, KEY.sign(input.as_bytes()).as_ref());
    let (verified, asserted_claims, held) = (verify(&token, key), asserted(&token), holder(&token));
    if verified.is_err() && asserted_claims.is_none() && held.is_none() {
        return;
    }
    // Of a member that stands twice this reader takes the last, and another one the first.
    let Some((header, read)) = read_again(header).zip(read_again(claims)) else { return };
    assert!(header["alg"] == "EdDSA" && ["crit", "b64", "zip", "enc"].iter().all(|name| header.get(name).is_none()));
    let same =
        |name: &str, said: Option<&str>| read.get(name).is_none_or(Value::is_string) && read[name].as_str() == said;
    let time = |name: &str, said: Option<i64>| read.get(name).is_none_or(Value::is_i64) && read[name].as_i64() == said;
    if let Ok(Verified { signing_input, claims: said }) = verified {
        assert!(header["kid"] == "k" && signing_input == input);
        assert!(same("iss", Some(&said.iss)) && same("sub", Some(&said.sub)));
        assert!(same("jti", said.jti.as_deref()) && same("client_id", said.client_id.as_deref()));
        assert!(same("scope", said.scope.as_deref()) && same("azp", said.azp.as_deref()));
        assert!(time("exp", Some(said.exp)) && time("iat", Some(said.iat)) && time("nbf", said.nbf));
    }
    if let Some(said) = asserted_claims {
        assert!(header["kid"] == "k" || header.get("kid").is_none());
        assert!(same("iss", Some(&said.iss)) && same("sub", Some(&said.sub)) && same("jti", said.jti.as_deref()));
        assert!(time("exp", Some(said.exp)) && time("iat", said.iat) && time("nbf", said.nbf));
    }

    if let Some(proof) = held {
        // What it says of its key is public, and the one that signed.
        let jwk = Jwk::from_ed25519(KEY.public_key().as_ref());
        assert!(header["jwk"]["x"].as_str() == jwk.x.as_deref() && proof.jkt == jwk.kid);
        assert!(header["jwk"].get("d").is_none() && header["typ"].as_str().is_some_and(|typ| typ.len() == 8));
        assert!(same("jti", Some(&proof.jti)) && same("htm", Some("GET")) && read["iat"].is_i64());
    }

    // One character is another, or one more.
    let at = text.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % token.len();
    for other in ["A", "w", ".", "="] {
        for (end, what) in [(at + 1, "changed"), (at, "longer")] {
            let mut changed = token.clone();
            changed.replace_range(at..end, other);
            let refused = verify(&changed, key).is_err() && asserted(&changed).is_none() && holder(&changed).is_none();
            assert!(refused || changed == token, "{changed} ({what}) is accepted beside {token}");
        }
    }
});

/// What a text says, if it is an assertion that the known key signed.
fn asserted(text: &str) -> Option<AssertionClaims> {
    let keys: Vec<VerifyingKey> = key("k").into_iter().collect();
    Assertion::read(text).filter(|assertion| assertion.is_signed_by(keys.iter())).map(|assertion| assertion.claims)
}

/// What a text proves, if it is a DPoP proof for a call at [`NOW`].
fn holder(text: &str) -> Option<Proof> {
    let is_address = |htu: &http::Uri| dpop::is_same_address(htu, "https://api.example/x");
    let expected = Expected { method: "GET", is_address: &is_address, access_token: None, nonces: None, now: NOW };
    dpop::verify(text, &expected).ok()
}
