//! DPoP proofs (RFC 9449 §4.3): one that holds, and all the ways in which one does not.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::time::Timestamp;
use jeton_core::token::dpop::{self, DpopError, Expected, Proof};
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt::{assemble, signing_input};
use serde_json::{Value, json};

use crate::fixture::pepper;

const NOW: Timestamp = Timestamp::from_secs(1_768_489_200);
const ADDRESS: &str = "https://auth.example/realms/r/protocol/openid-connect/token";
const TOKEN: &str = "jta_token";

fn key() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn public(key: &EcdsaKeyPair) -> Value {
    let jwk = Jwk::from_p256(key.public_key().as_ref()).unwrap();
    json!({ "kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y })
}

fn sign(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let input = signing_input(&header.to_string(), &claims.to_string());
    assemble(&input, key.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref())
}

fn verify(proof: &str, now: Timestamp) -> Result<Proof, DpopError> {
    let pepper = pepper();
    let expected = Expected {
        method: "POST",
        is_address: &|htu| dpop::is_same_address(htu, ADDRESS),
        access_token: Some(TOKEN),
        nonces: Some(&pepper),
        now,
    };
    dpop::verify(proof, &expected)
}

fn claims() -> Value {
    json!({
        "jti": "one", "htm": "POST", "htu": ADDRESS, "iat": NOW.as_secs(),
        "ath": BASE64URL.encode(digest(&SHA256, TOKEN.as_bytes())), "nonce": dpop::nonce(&pepper(), NOW),
    })
}

/// What stands at `path` is `value`, or nothing where that is null.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    object
}

#[test]
fn d11_each_part_of_a_proof_is_checked() {
    let (key, other) = (key(), key());
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&key) });
    let good = verify(&sign(&key, &header, &claims()), NOW).unwrap();
    assert_eq!((good.jti.as_str(), good.jkt), ("one", Jwk::from_p256(key.public_key().as_ref()).unwrap().kid));

    let fine = [
        ("/htu", json!(format!("{ADDRESS}?a=1#b"))),
        ("/htu", json!(ADDRESS.replace("https://auth", "HTTPS://AUTH"))),
        ("/htu", json!(ADDRESS.replace(".example", ".example:443"))),
        ("/iat", json!(NOW.as_secs() - 60)),
        ("/iat", json!(NOW.as_secs() + 60)),
        ("/extra", json!({ "a": 1 })),
    ];
    for (path, value) in fine {
        let claims = with(claims(), path, value.clone());
        assert!(verify(&sign(&key, &header, &claims), NOW).is_ok(), "{path} {value}");
    }

    let wrong_claims = [
        ("/jti", Value::Null),
        ("/jti", json!("")),
        ("/jti", json!("j".repeat(257))),
        ("/jti", json!(1)),
        ("/htm", Value::Null),
        ("/htm", json!("GET")),
        ("/htm", json!("post")),
        ("/htu", Value::Null),
        ("/htu", json!("")),
        ("/htu", json!("/realms/r/protocol/openid-connect/token")),
        ("/htu", json!(ADDRESS.replace("https", "http"))),
        ("/htu", json!(ADDRESS.replace("auth.", "evil."))),
        ("/htu", json!(ADDRESS.replace("auth.", "auth@auth."))),
        ("/htu", json!(ADDRESS.replace(".example", ".example:8443"))),
        ("/htu", json!(format!("{ADDRESS}/introspect"))),
        ("/iat", Value::Null),
        ("/iat", json!("now")),
        ("/iat", json!(NOW.as_secs() - 61)),
        ("/iat", json!(NOW.as_secs() + 61)),
        ("/iat", json!(i64::MIN)),
        ("/iat", json!(i64::MAX)),
        ("/ath", Value::Null),
        ("/ath", json!(TOKEN)),
        ("/ath", json!(BASE64URL.encode(digest(&SHA256, b"another")))),
    ];
    let invalid = |proof: &str| matches!(verify(proof, NOW), Err(DpopError::Invalid(_)));
    for (path, value) in wrong_claims {
        assert!(invalid(&sign(&key, &header, &with(claims(), path, value.clone()))), "{path} {value}");
    }

    let wrong_headers = [
        ("/typ", Value::Null),
        ("/typ", json!("JWT")),
        ("/typ", json!("at+jwt")),
        ("/alg", Value::Null),
        ("/alg", json!("none")),
        ("/alg", json!("HS256")),
        ("/alg", json!("ES384")),
        ("/alg", json!("EdDSA")),
        ("/alg", json!("Ed25519")),
        ("/alg", json!("RS256")),
        ("/crit", json!(["b64"])),
        ("/crit", json!([])),
        ("/jwk", Value::Null),
        ("/jwk", public(&other)),
        ("/jwk/kty", json!("oct")),
        ("/jwk/kty", json!("RSA")),
        ("/jwk/crv", json!("P-384")),
        ("/jwk/crv", Value::Null),
        ("/jwk/x", Value::Null),
        ("/jwk/x", json!("")),
        ("/jwk/y", public(&other)["y"].clone()),
        ("/jwk/d", json!("AAAA")),
        ("/jwk/k", json!("AAAA")),
    ];
    for (path, value) in wrong_headers {
        assert!(invalid(&sign(&key, &with(header.clone(), path, value.clone()), &claims())), "{path} {value}");
    }

    let proof = sign(&key, &header, &claims());
    let damaged = [
        String::new(),
        "a.b".to_owned(),
        "a.b.c".to_owned(),
        format!("{proof}A"),
        format!("{proof}.x"),
        proof.replacen('.', "..", 1),
        format!("{}.", proof.rsplit_once('.').unwrap().0),
        sign(&other, &header, &claims()),
        sign(&key, &header, &with(claims(), "/long", json!("x".repeat(8 * 1024)))),
    ];
    for proof in damaged {
        assert!(invalid(&proof), "{proof}");
    }
}

#[test]
fn d11_a_nonce_is_good_for_five_to_ten_minutes() {
    let key = key();
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&key) });
    let at = |secs: u64, given: u64| {
        let (now, given) = (NOW + Duration::from_secs(secs), NOW + Duration::from_secs(given));
        let claims = with(claims(), "/iat", json!(now.as_secs()));
        let claims = with(claims, "/nonce", json!(dpop::nonce(&pepper(), given)));
        verify(&sign(&key, &header, &claims), now)
    };
    // NOW is the first second of a slice.
    for (now, given, good) in
        [(0, 0, true), (299, 0, true), (599, 0, true), (600, 0, false), (599, 299, true), (0, 300, false)]
    {
        let expected = if good { None } else { Some(DpopError::Nonce) };
        assert_eq!(at(now, given).err(), expected, "at {now}, given at {given}");
    }
    for nonce in [Value::Null, json!(""), json!("made up")] {
        let claims = with(claims(), "/nonce", nonce.clone());
        assert_eq!(verify(&sign(&key, &header, &claims), NOW), Err(DpopError::Nonce), "{nonce}");
    }
}

#[test]
fn an_ed25519_key_proves_as_well() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let jwk = Jwk::from_ed25519(key.public_key().as_ref());
    // RFC 9864 has a name of its own for EdDSA with this curve.
    for alg in ["EdDSA", "Ed25519"] {
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": { "kty": "OKP", "crv": "Ed25519", "x": jwk.x } });
        let input = signing_input(&header.to_string(), &claims().to_string());
        let proof = verify(&assemble(&input, key.sign(input.as_bytes()).as_ref()), NOW).unwrap();
        assert_eq!(proof.jkt, jwk.kid, "{alg}");
    }
}
