//! Keys by which a client proves who it is: JSON Web Tokens, signed here (RFC 7515).

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::dialect::ToSign;
use jeton_core::secret::Secret;
use jeton_core::token::jwt;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

/// A private or shared key and the algorithm that it signs by. It is secret, so there is no `Debug`.
pub(crate) struct SigningKey {
    /// The key's name, where the key itself has one.
    kid: Option<String>,
    pair: Pair,
}

enum Pair {
    P256(Box<EcdsaKeyPair>),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Shared(Box<hmac::Key>),
}

impl SigningKey {
    /// Reads a key from a PEM file's text (PKCS #8, PKCS #1, SEC 1) or a private JWK. Nothing if it is neither, or of a
    /// kind that signs by none of ES256, EdDSA and RS256.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.trim_start().starts_with('{') {
            return from_jwk(&serde_json::from_str(text).ok()?);
        }
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
        Some(Self { kid: None, pair: from_der(key.secret_der())? })
    }

    /// A secret that whoever checks the signature has too: HS256. The bytes of the text are the key.
    pub(crate) fn shared(secret: &str) -> Self {
        Self { kid: None, pair: Pair::Shared(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))) }
    }

    /// The algorithm by its name in a JWT's header: `ES256`, `EdDSA`, `RS256` or `HS256`.
    pub(crate) fn alg(&self) -> &'static str {
        match self.pair {
            Pair::P256(_) => "ES256",
            Pair::Ed25519(_) => "EdDSA",
            Pair::Rsa(_) => "RS256",
            Pair::Shared(_) => "HS256",
        }
    }

    /// The claims, a JSON object as text, signed as they stand. `kid` names the key where the key itself has no name.
    /// Nothing if the library fails.
    pub(crate) fn sign(&self, kid: Option<&str>, claims: &str) -> Option<Secret<String>> {
        let mut header = json!({ "alg": self.alg(), "typ": "JWT" });
        if let Some(kid) = self.kid.as_deref().or(kid) {
            header["kid"] = kid.into();
        }
        let input = jwt::signing_input(&header.to_string(), claims);
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
            Pair::Shared(key) => Some(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

/// The JWT that a dialect asks for; nothing if the key is none for its algorithm.
pub(crate) fn sign(asked: &ToSign<'_>) -> Option<String> {
    let key = match asked.alg {
        "HS256" => SigningKey::shared(asked.key),
        alg => SigningKey::read(asked.key).filter(|key| key.alg() == alg)?,
    };
    Some(key.sign(asked.kid, asked.claims)?.expose().clone())
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

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use base64::engine::general_purpose::STANDARD;
    use jeton_core::domain::policy::Alg;

    /// RFC 7515 §A.3.
    const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"ec","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    /// RFC 8037 §A.1.
    const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    /// RFC 7515 §A.2.
    const RSA: &str = r#"{"kty":"RSA","e":"AQAB",
        "n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        "d":"Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
        "p":"4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
        "q":"uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
        "dp":"BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
        "dq":"h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
        "qi":"IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U"}"#;

    fn verifies(key: &SigningKey, message: &[u8], signature: &[u8]) -> bool {
        use aws_lc_rs::signature::KeyPair;
        let (alg, public) = match &key.pair {
            Pair::P256(pair) => (Alg::ES256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => (Alg::EdDSA, pair.public_key().as_ref()),
            Pair::Rsa(pair) => (Alg::RS256, pair.public_key().as_ref()),
            Pair::Shared(_) => panic!("a shared key has no public half"),
        };
        jeton_core::token::jwk::VerifyingKey::new(String::new(), alg, public).unwrap().verify(message, signature)
    }

    #[test]
    fn keys_of_the_standards_sign_as_the_standards_show() {
        let rsa_input = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let rsa = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let ed = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        for (jwk, input, signature) in
            [(RSA, rsa_input, rsa), (ED, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", ed)]
        {
            let key = SigningKey::read(jwk).unwrap();
            assert_eq!(BASE64URL.encode(key.signature(input.as_bytes()).unwrap()), signature);
        }
        // ECDSA draws a number for each signature.
        let key = SigningKey::read(EC).unwrap();
        assert!(verifies(&key, b"message", &key.signature(b"message").unwrap()));
        assert!(!verifies(&key, b"another", &key.signature(b"message").unwrap()));
    }

    #[test]
    fn headers_name_algorithm_and_key() {
        for (jwk, kid, header) in [
            (EC, None, r#"{"alg":"ES256","typ":"JWT","kid":"ec"}"#),
            (EC, Some("other"), r#"{"alg":"ES256","typ":"JWT","kid":"ec"}"#),
            (ED, Some("mine"), r#"{"alg":"EdDSA","typ":"JWT","kid":"mine"}"#),
            (RSA, None, r#"{"alg":"RS256","typ":"JWT"}"#),
        ] {
            let key = SigningKey::read(jwk).unwrap();
            let token = key.sign(kid, r#"{"iss":"me"}"#).unwrap();
            let parts: Vec<&str> = token.expose().split('.').collect();
            assert_eq!(BASE64URL.decode(parts[0]).unwrap(), header.as_bytes());
            assert_eq!(BASE64URL.decode(parts[1]).unwrap(), br#"{"iss":"me"}"#);
            let input = format!("{}.{}", parts[0], parts[1]);
            assert!(verifies(&key, input.as_bytes(), &BASE64URL.decode(parts[2]).unwrap()));
        }
    }

    #[test]
    fn pem_files_of_every_usual_form_are_read_and_nothing_else() {
        let pem = |kind: &str, der: &[u8]| {
            format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
        };
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let p384 = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let ed = Ed25519KeyPair::generate().unwrap();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let sec1: EcPrivateKeyRfc5915Der<'_> = ec.private_key().as_der().unwrap();
        let rsa: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
        for (text, alg) in [
            (pem("PRIVATE KEY", ec.to_pkcs8v1().unwrap().as_ref()), Some("ES256")),
            (pem("EC PRIVATE KEY", sec1.as_ref()), Some("ES256")),
            (pem("PRIVATE KEY", ed.to_pkcs8v1().unwrap().as_ref()), Some("EdDSA")),
            (pem("PRIVATE KEY", ed.to_pkcs8().unwrap().as_ref()), Some("EdDSA")),
            (pem("PRIVATE KEY", rsa.as_ref()), Some("RS256")),
            (pem("RSA PRIVATE KEY", &pkcs1_of(RSA)), Some("RS256")),
            (pem("PRIVATE KEY", p384.to_pkcs8v1().unwrap().as_ref()), None),
            (pem("PRIVATE KEY", b"no key"), None),
            (pem("PUBLIC KEY", ec.to_pkcs8v1().unwrap().as_ref()), None),
            (EC.replace("P-256", "P-384"), None),
            (EC.replace("\"d\"", "\"D\""), None),
            (EC.replace("x_FEz", "x_FEy"), None),
            (ED.replace("11qY", "11qX"), None),
            (RSA.replace("\"qi\"", "\"ti\""), None),
            ("{".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(SigningKey::read(&text).map(|key| key.alg()), alg, "{text}");
        }
    }

    fn pkcs1_of(jwk: &str) -> Zeroizing<Vec<u8>> {
        let jwk: serde_json::Value = serde_json::from_str(jwk).unwrap();
        let numbers = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
            .map(|name| BASE64URL.decode(jwk[name].as_str().unwrap()).unwrap());
        pkcs1(numbers.each_ref().map(Vec::as_slice))
    }
}
