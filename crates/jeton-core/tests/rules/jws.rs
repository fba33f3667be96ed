//! JWS verification against other people's vectors, and against the usual attacks (security.md F2–F9).

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::policy::Alg;
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_core::token::jwt::{JwtError, verify};
use serde_json::Value;

/// RFC 8037 §A.1, A.2: an Ed25519 key.
const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
/// RFC 8037 §A.4: its signature over "Example of Ed25519 signing".
const ED25519_JWS: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn ed25519() -> VerifyingKey {
    Jwk::from_ed25519(&BASE64URL.decode(ED25519).unwrap()).verifying_key().unwrap()
}

#[test]
fn f11_rfc_8037_verifies_and_names_its_key() {
    let (input, signature) = ED25519_JWS.rsplit_once('.').unwrap();
    let signature = BASE64URL.decode(signature).unwrap();
    assert!(ed25519().verify(input.as_bytes(), &signature));
    assert!(!ed25519().verify(b"another", &signature));
    // RFC 8037 §A.3: the thumbprint.
    assert_eq!(ed25519().kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn f3_f5_headers_that_are_refused_before_any_signature() {
    let claims = BASE64URL.encode(r#"{"iss":"i","sub":"s","exp":1,"iat":1}"#);
    let token = |header: &str| format!("{}.{claims}.{}", BASE64URL.encode(header), BASE64URL.encode([0; 64]));
    let rows = [
        (r#"{"alg":"none","kid":"k"}"#, JwtError::Unreadable),
        (r#"{"alg":"None","kid":"k"}"#, JwtError::Unreadable),
        (r#"{"alg":"HS256","kid":"k"}"#, JwtError::Unreadable),
        (r#"{"alg":"ES256","kid":"k"}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA","kid":"k","crit":["x"]}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA","kid":"k","b64":false}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA","kid":"k","zip":"DEF"}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA","kid":"k","kid":"k"}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA"}"#, JwtError::Unreadable),
        (r#"{"alg":"EdDSA","kid":"other"}"#, JwtError::UnknownKey),
        (r#"{"alg":"EdDSA","kid":"other","jwk":{"kty":"OKP"}}"#, JwtError::UnknownKey),
    ];
    for (header, expected) in rows {
        let error = verify(&token(header), |kid| (kid == "k").then(ed25519)).unwrap_err();
        assert_eq!(error, expected, "{header}");
    }
    let huge = format!("{}.{}", token(r#"{"alg":"EdDSA","kid":"k"}"#), "a".repeat(17_000));
    for text in ["", ".", "..", "...", "a.b", "a.b.c.d", huge.as_str()] {
        assert_eq!(verify(text, |_| Some(ed25519())).unwrap_err(), JwtError::Unreadable);
    }
}

/// The folder of shared test vectors, where it is there.
fn vectors() -> Option<PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    folder.is_dir().then_some(folder)
}

#[test]
fn f10_wycheproof_accepts_nothing_invalid() {
    let Some(folder) = vectors() else {
        eprintln!("left out: the Wycheproof vectors are not here");
        return;
    };
    let text = std::fs::read_to_string(folder.join("wycheproof/json_web_signature_test.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for group in file["testGroups"].as_array().unwrap() {
        let Some(key) = group.get("public").or(group.get("key")).and_then(jwk) else { continue };
        for test in group["tests"].as_array().unwrap() {
            let Some(token) = test["jws"].as_str() else { continue };
            let good = signed_by(token, &key);
            let valid = test["result"] == "valid";
            assert!(valid || !good, "{} accepted: {}", test["tcId"], test["comment"]);
            assert!(good || !valid || !ours(token, &key), "{} refused: {}", test["tcId"], test["comment"]);
            if good { accepted += 1 } else { refused += 1 }
        }
    }
    eprintln!("Wycheproof JWS: {accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}

/// A key of one of our algorithms, from other people's JWK.
fn jwk(value: &Value) -> Option<VerifyingKey> {
    let alg = match (value["kty"].as_str()?, value["crv"].as_str(), value["alg"].as_str()) {
        ("EC", Some("P-256"), _) => Alg::ES256,
        ("OKP", Some("Ed25519"), _) => Alg::EdDSA,
        ("RSA", _, Some("PS256")) => Alg::PS256,
        ("RSA", _, Some("RS256")) => Alg::RS256,
        _ => return None,
    };
    let mut value = value.clone();
    value["kid"] = Value::from("kid");
    value["alg"] = Value::from(alg.name());
    if value.get("use").is_none() {
        value["use"] = Value::from("sig");
    }
    // RFC 7517 §4.3: another way of saying what a key is for.
    if value.get("key_ops").and_then(Value::as_array).is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
        return None;
    }
    serde_json::from_value::<Jwk>(value).ok()?.verifying_key()
}

/// Whether the token's own algorithm is the key's: the vectors also try others, which we refuse.
fn ours(token: &str, key: &VerifyingKey) -> bool {
    let header = token.split('.').next().and_then(|part| BASE64URL.decode(part).ok());
    let header: Option<Value> = header.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    header.is_some_and(|header| header["alg"] == key.alg.name())
}

fn signed_by(token: &str, key: &VerifyingKey) -> bool {
    let Some((input, signature)) = token.rsplit_once('.') else { return false };
    let Ok(signature) = BASE64URL.decode(signature) else { return false };
    input.matches('.').count() == 1 && ours(token, key) && key.verify(input.as_bytes(), &signature)
}
