//! What a client signs by a dialect: JWTs by which it proves itself, against ones made with `openssl`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jeton_client::Profile;
use jeton_client::flow::{Act, DialectFlow, Flow, FlowError};
use jeton_core::dialect::{Dialect, WriteError};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

const SHIP: &str = include_str!("../../jeton-core/tests/dialects/ship.toml");

/// The Ed25519 key of RFC 8037, §A.1, in PKCS #8.
const ED: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n";

/// `openssl pkeyutl -sign -rawin` with the key above, and `openssl dgst -sha256 -hmac`, over the same claims.
const SIGNED: [&str; 2] = [
    "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCIsImtpZCI6ImtleS03In0.eyJpc3MiOiJzaGlwIFwib25lXCIiLCJhdWQiOiJoYXJi\
     b3VyIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAzMDAsImp0aSI6ImI2YmYxNWI0LWUwMGYtNGQwMy04ZTJiLTdlZDg4\
     MjljOGZmNiJ9.ufiQTS9u2OF9_T1LpAPcIIpMVcVi55xGqAmMEhNCjwKbspXMxAZtc4SRt1HJDgY7sv8VzjeyFhZql25gvJUXCQ",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzaGlwIFwib25lXCIiLCJhdWQiOiJoYXJib3VyIiwiaWF0IjoxNzA\
     wMDAwMDAwLCJleHAiOjE3MDAwMDAzMDAsImp0aSI6ImI2YmYxNWI0LWUwMGYtNGQwMy04ZTJiLTdlZDg4MjljOGZmNiJ9.MX72jN\
     JeiaTMW1S0TWTbqmcY4jbh3YC4bd7nH1w7GbY",
];

/// The body of a sign-in by this file, with this key.
fn written(file: &str, key: Option<&str>, kid: Option<&str>) -> Result<String, FlowError> {
    let dialect = Dialect::parse(file).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let mut values = BTreeMap::from([("client_id".to_owned(), "ship \"one\"".to_owned())]);
    kid.map(|kid| values.insert("key_id".to_owned(), kid.to_owned()));
    let profile = Profile { url: "https://ship.example".to_owned(), values, ..Profile::default() };
    let flow = Flow::Dialect(Box::new(DialectFlow::new(Arc::new(dialect), &profile)?));
    let secrets = key.map(|key| ("private_key".to_owned(), Secret::from(key))).into_iter().collect();
    let fresh = || Ok("b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6".to_owned());
    let request = flow.write(Act::SignIn, &secrets, None, &fresh, Timestamp::from_secs(1_700_000_000))?;
    Ok(request.unwrap().body.expose().clone())
}

#[test]
fn a_jwt_is_the_one_that_openssl_makes() {
    let shared = SHIP.replace("jwt:EdDSA:private_key:key_id", "jwt:HS256:private_key");
    for (file, key, kid, signed) in
        [(SHIP, ED, Some("key-7"), SIGNED[0]), (&shared, "a shared \"secret\"", None, SIGNED[1])]
    {
        let body = written(file, Some(key), kid).unwrap();
        assert_eq!(body.split_once("&assertion=").map(|(_, assertion)| assertion), Some(signed));
    }
}

#[test]
fn a_key_that_cannot_sign_is_named() {
    let with = |alg: &str| SHIP.replace("jwt:EdDSA", alg);
    for (alg, key) in [("jwt:EdDSA", "nonsense"), ("jwt:ES256", ED), ("jwt:RS256", ED)] {
        let error = written(&with(alg), Some(key), None).unwrap_err();
        let FlowError::Write(WriteError::Unfit { name, why }) = error else { panic!("{alg}: {error}") };
        assert_eq!((name.as_str(), why.contains(&alg[4..])), ("private_key", true), "{why}");
        assert!(!why.contains(key));
    }
    let missing = written(SHIP, None, None).unwrap_err();
    assert!(matches!(missing, FlowError::Write(WriteError::Missing(_))), "{missing:?}");
}
