//! Signatures of tokens, checked with the keys that the server itself publishes (RFC 7515, RFC 7517).

use anyhow::{Context, bail};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

/// A JWK set.
#[derive(Deserialize)]
pub(crate) struct Keys {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    alg: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
struct Header {
    kid: String,
    alg: String,
}

/// Checks a token's signature.
///
/// # Errors
/// It is not by one of `keys`.
pub(crate) fn verify(keys: &Keys, token: &str) -> anyhow::Result<()> {
    let (message, signature) = token.rsplit_once('.').context("no signature")?;
    let (header, _) = message.split_once('.').context("no claims")?;
    let header: Header = serde_json::from_slice(&BASE64URL.decode(header)?)?;
    let known = keys.keys.iter().find(|key| key.kid == header.kid && key.alg == header.alg);
    let key = known.with_context(|| format!("no key {} for {}", header.kid, header.alg))?;
    let signature = BASE64URL.decode(signature)?;
    let bytes = |text: &str| BASE64URL.decode(text);
    let message = message.as_bytes();
    let verified = match key.alg.as_str() {
        "ES256" => {
            // SEC 1 §2.3.3: 0x04, then both coordinates.
            let point = [&[4][..], &bytes(&key.x)?, &bytes(&key.y)?].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, &signature)
        }
        "EdDSA" => UnparsedPublicKey::new(&ED25519, bytes(&key.x)?).verify(message, &signature),
        "RS256" => RsaPublicKeyComponents { n: bytes(&key.n)?, e: bytes(&key.e)? }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            message,
            &signature,
        ),
        alg => bail!("signed with {alg}"),
    };
    verified.ok().with_context(|| format!("a wrong signature: {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody else's key (RFC 8037 §A.2).
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn tokens_are_told_from_forgeries() {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref();
        let keys = |x: &str| {
            let key = format!(r#"{{"keys":[{{"kid":"k","alg":"EdDSA","x":"{x}"}}]}}"#);
            serde_json::from_str::<Keys>(&key).unwrap()
        };
        let message = format!("{}.e30", BASE64URL.encode(r#"{"kid":"k","alg":"EdDSA"}"#));
        let token = format!("{message}.{}", BASE64URL.encode(pair.sign(message.as_bytes())));
        assert!(verify(&keys(&BASE64URL.encode(public)), &token).is_ok());
        assert!(verify(&keys(X), &token).is_err());
        assert!(verify(&keys(&BASE64URL.encode(public)), &token.replace("e30", "e31")).is_err());
        assert!(verify(&Keys { keys: Vec::new() }, &token).is_err());
    }
}
