//! Public keys of others (RFC 7517): read as they come, kept as ours are.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::jwk::Jwk;
use super::jws::there;
use crate::domain::policy::Alg;

/// A key as others write it: nearly everything is optional. Members that decide nothing are passed over.
#[derive(Deserialize)]
pub(super) struct Foreign {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// The private part of EC, OKP and RSA keys.
    #[serde(default, deserialize_with = "there")]
    d: Option<IgnoredAny>,
    /// A symmetric key.
    #[serde(default, deserialize_with = "there")]
    k: Option<IgnoredAny>,
}

/// The keys of a JWK, or of a set of them, that verify signatures of ours: those for something else are passed over.
/// An RSA key that names no algorithm stands for RS256 and PS256 alike.
///
/// Nothing if the text is neither, or if a key in it is private: it has no business here.
pub fn read(text: &str) -> Option<Vec<Jwk>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let members = match value.get("keys") {
        Some(keys) => keys.as_array()?.clone(),
        None => vec![value],
    };
    let mut keys = Vec::new();
    for member in members {
        // One that cannot be read is of a kind to come.
        let Ok(foreign) = serde_json::from_value::<Foreign>(member) else { continue };
        if foreign.d.is_some() {
            return None;
        }
        let meant = |alg: &Alg| foreign.alg.as_deref().is_none_or(|name| alg.goes_by(name));
        if foreign.usage.as_deref().is_none_or(|usage| usage == "sig") {
            keys.extend(Alg::ALL.into_iter().filter(meant).filter_map(|alg| foreign.named(alg)));
        }
    }
    Some(keys)
}

impl Foreign {
    /// Whether there is a secret in it.
    pub(super) fn is_secret(&self) -> bool {
        self.d.is_some() || self.k.is_some()
    }

    /// The key for this algorithm, named by its thumbprint; nothing if it is none for it, or not written in the one form
    /// that its thumbprint is made of: a second form would be a second name.
    pub(super) fn public(&self, alg: Alg) -> Option<Jwk> {
        let bytes = |member: &Option<String>| BASE64URL.decode(member.as_deref()?).ok();
        let jwk = match (alg, self.kty.as_str(), self.crv.as_deref()) {
            (Alg::ES256, "EC", Some("P-256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                (x.len() == 32).then(|| Jwk::from_p256(&[&[4][..], &x, &y].concat()))??
            }
            (Alg::EdDSA, "OKP", Some("Ed25519")) => Jwk::from_ed25519(&bytes(&self.x)?),
            (Alg::RS256 | Alg::PS256, "RSA", None) => {
                let (n, e) = (bytes(&self.n)?, bytes(&self.e)?);
                // RFC 7518 §6.3.1.1: no leading zeros.
                let exact = n.first().is_some_and(|byte| *byte != 0) && e.first().is_some_and(|byte| *byte != 0);
                exact.then(|| Jwk::from_rsa(&n, &e, alg))?
            }
            _ => return None,
        };
        jwk.verifying_key().is_some().then_some(jwk)
    }

    /// The same, by the name that its owner gave it.
    fn named(&self, alg: Alg) -> Option<Jwk> {
        let jwk = self.public(alg)?;
        Some(Jwk { kid: self.kid.clone().unwrap_or(jwk.kid), ..jwk })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    #[test]
    fn keys_as_others_write_them() {
        let rows = [
            (format!("{{{EC}}}"), Some(vec![Alg::ES256])),
            (format!("{{{EC},\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"1\",\"x5c\":[]}}"), Some(vec![Alg::ES256])),
            (format!("{{\"keys\":[{{{EC}}},{{{ED},\"alg\":\"Ed25519\"}}]}}"), Some(vec![Alg::ES256, Alg::EdDSA])),
            (format!("{{{EC},\"use\":\"enc\"}}"), Some(vec![])),
            (format!("{{{EC},\"alg\":\"HS256\"}}"), Some(vec![])),
            (format!("{{{EC},\"d\":\"AA\"}}"), None),
            (r#"{"kty":"oct","k":"AA"}"#.to_owned(), Some(vec![])),
            (r#"{"keys":[{"kty":"new"},5]}"#.to_owned(), Some(vec![])),
            (r#"{"keys":5}"#.to_owned(), None),
            ("-----BEGIN PUBLIC KEY-----".to_owned(), None),
        ];
        for (text, expected) in rows {
            let algs = read(&text).map(|keys| keys.iter().map(|key| key.alg).collect::<Vec<_>>());
            assert_eq!(algs, expected, "{text}");
        }
        let named = read(&format!("{{{EC},\"kid\":\"1\"}}")).unwrap_or_default();
        assert_eq!(named.first().map(|key| key.kid.as_str()), Some("1"));
    }
}
