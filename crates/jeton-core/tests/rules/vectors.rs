//! JWS verification against other people's vectors: the examples of RFC 7515 and RFC 8037 here, Wycheproof and the
//! cookbook of RFC 7520 beside the checkout.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::policy::Alg;
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_core::token::jwt::{JwtError, verify};
use serde_json::Value;

/// The payload of RFC 7515 §A.1 to §A.3.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// Key and token of RFC 7515 §A.2 (RS256), §A.3 (ES256) and RFC 8037 §A.1, §A.4 (EdDSA).
const EXAMPLES: [(&str, &str, &str, &str); 3] = [
    (
        r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        "eyJhbGciOiJSUzI1NiJ9",
        PAYLOAD,
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ),
    (
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9",
        PAYLOAD,
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    (
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9",
        "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    ),
];

#[test]
fn f11_the_standards_own_examples_verify() {
    for (key, header, payload, signature) in EXAMPLES {
        let key = jwk(&serde_json::from_str(key).unwrap()).unwrap();
        let token = format!("{header}.{payload}.{signature}");
        assert!(signed_by(&token, &key), "{token}");
        assert!(!signed_by(&format!("{header}.{payload}A.{signature}"), &key), "{token}");
        // §A.5: the same claims, secured by nothing.
        assert!(!signed_by(&format!("eyJhbGciOiJub25lIn0.{payload}."), &key));
    }
    let keys = EXAMPLES.map(|(key, ..)| jwk(&serde_json::from_str(key).unwrap()).unwrap());
    for (at, (_, header, payload, signature)) in EXAMPLES.iter().enumerate() {
        let others = keys.iter().enumerate().filter(|(other, _)| *other != at);
        assert!(others.into_iter().all(|(_, key)| !signed_by(&format!("{header}.{payload}.{signature}"), key)));
    }
    // RFC 8037 §A.3: the thumbprint.
    let public = BASE64URL.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
    assert_eq!(Jwk::from_ed25519(&public).kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

/// The folder of shared test vectors, where it is there.
fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    folder.is_dir().then_some(folder)
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn f11_the_cookbook_of_rfc_7520_verifies() {
    let Some(folder) = vectors() else {
        eprintln!("left out: the examples of RFC 7520 are not here");
        return;
    };
    let (mut verified, mut refused) = (0, 0);
    for part in ["jws", "curve25519", "rfc7797", "jwe"] {
        for file in std::fs::read_dir(folder.join("jose-cookbook").join(part)).unwrap() {
            let path = file.unwrap().path();
            let example = json(&path);
            let Some(token) = example["output"]["compact"].as_str() else { continue };
            // Of our algorithms are §4.1 (RS256) and the EdDSA of RFC 8037; nobody has a key of ours for the others.
            match jwk(&example["input"]["key"]).filter(|key| ours(token, key)) {
                Some(key) => {
                    assert!(signed_by(token, &key), "{}", path.display());
                    verified += 1;
                }
                None => {
                    let (key, ..) = EXAMPLES[2];
                    let key = jwk(&serde_json::from_str(key).unwrap()).unwrap();
                    assert!(!signed_by(token, &key), "{}", path.display());
                    refused += 1;
                }
            }
            // None of them holds an access token's claims.
            assert!(verify(token, |_| jwk(&example["input"]["key"])).is_err(), "{}", path.display());
        }
    }
    eprintln!("RFC 7520: {verified} verified, {refused} of other algorithms, encrypted ones among them, refused");
    assert!(verified >= 2 && refused >= 10);
}

/// Of what Wycheproof calls invalid, the signatures that are right: those by a key that is weak because of the card that
/// made it (ROCA, CVE-2017-15361). Who has such a key must replace it; no verifier can tell at every signature.
const BY_A_WEAK_KEY: &str = "rejectsKeyWithRocaVulnerability";

#[test]
fn f10_wycheproof_accepts_nothing_invalid() {
    let Some(folder) = vectors() else {
        eprintln!("left out: the Wycheproof vectors are not here");
        return;
    };
    let (mut accepted, mut refused) = (0, 0);
    for name in ["json_web_signature_test.json", "json_web_key_test.json", "json_web_crypto_test.json"] {
        let file = json(&folder.join("wycheproof").join(name));
        for group in file["testGroups"].as_array().unwrap() {
            let Some(keys) = group.get("public").or(group.get("key")) else { continue };
            let keys: Vec<_> = match keys["keys"].as_array() {
                Some(set) => set.iter().filter_map(jwk).collect(),
                None => jwk(keys).into_iter().collect(),
            };
            for test in group["tests"].as_array().unwrap() {
                let Some(token) = test["jws"].as_str() else { continue };
                let what = format!("{name} {}: {}", test["tcId"], test["comment"]);
                let good = keys.iter().any(|key| signed_by(token, key));
                let valid = test["result"] == "valid";
                assert!(valid || !good || test["comment"] == BY_A_WEAK_KEY, "accepted: {what}");
                assert!(good || !valid || !keys.iter().any(|key| ours(token, key)), "refused: {what}");
                if good { accepted += 1 } else { refused += 1 }
            }
        }
    }
    eprintln!("Wycheproof JWS: {accepted} accepted, {refused} refused");
    assert!(accepted > 0 && refused > 0);
}

#[test]
fn f16_wycheproof_what_is_encrypted_is_refused() {
    let Some(folder) = vectors() else {
        eprintln!("left out: the Wycheproof vectors are not here");
        return;
    };
    let mut refused = 0;
    for name in ["json_web_encryption_test.json", "json_web_crypto_test.json"] {
        for group in json(&folder.join("wycheproof").join(name))["testGroups"].as_array().unwrap() {
            for token in group["tests"].as_array().unwrap().iter().filter_map(|test| test["jwe"].as_str()) {
                assert_eq!(verify(token, |_| None).unwrap_err(), JwtError::Unreadable, "{token}");
                refused += 1;
            }
        }
    }
    eprintln!("Wycheproof JWE: {refused} refused");
    assert!(refused > 100);
}

/// A key of one of our algorithms, from other people's JWK.
fn jwk(value: &Value) -> Option<VerifyingKey> {
    let alg = match (value["kty"].as_str()?, value["crv"].as_str(), value["alg"].as_str()) {
        ("EC", Some("P-256"), None | Some("ES256")) => Alg::ES256,
        ("OKP", Some("Ed25519"), None | Some("EdDSA")) => Alg::EdDSA,
        ("RSA", _, Some("PS256")) => Alg::PS256,
        ("RSA", _, None | Some("RS256")) => Alg::RS256,
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
