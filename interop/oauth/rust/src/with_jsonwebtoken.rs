//! The crate `jsonwebtoken`: whether it takes tokens, by a key set.

use std::io::stdin;

use anyhow::{Context, bail};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

/// Reads an audience (or null) and a token a line, as a JSON array, and prints `ok` or why the token is refused.
pub(crate) fn run(keys: &str, issuer: &str) -> anyhow::Result<()> {
    let keys: JwkSet = serde_json::from_slice(&std::fs::read(keys)?)?;
    for line in stdin().lines() {
        let (audience, token): (Option<String>, String) = serde_json::from_str(&line?)?;
        match verify(&keys, issuer, audience.as_deref(), &token) {
            Ok(()) => println!("ok"),
            Err(error) => println!("{}", format!("{error:#}").replace('\n', " ")),
        }
    }
    Ok(())
}

/// As its documentation has it for a key set: the key by `kid`, the algorithm by the key.
fn verify(keys: &JwkSet, issuer: &str, audience: Option<&str>, token: &str) -> anyhow::Result<()> {
    let header = decode_header(token)?;
    let kid = header.kid.context("it names no key")?;
    let jwk = keys.find(&kid).context("an unknown key")?;
    let Some(alg) = jwk.common.key_algorithm else { bail!("the key has no algorithm") };
    let mut validation = Validation::new(alg.to_string().parse()?);
    validation.set_issuer(&[issuer]);
    match audience {
        Some(audience) => validation.set_audience(&[audience]),
        None => validation.validate_aud = false,
    }
    decode::<Value>(token, &DecodingKey::from_jwk(jwk)?, &validation)?;
    Ok(())
}
