//! What a client signs: JWTs by which it proves itself, against ones made with `openssl`.

use jeton_core::dialect::{Dialect, Values, WriteError};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

const SHIP: &str = r#"
jeton = 1
name = "ship"
[token]
format = "opaque"
lifetime = "1h"
[field]
jti = { from = "client", make = "uuid4" }
private_key = { from = "client", type = "secret" }
[part]
claims = '{"iss":"{{client_id}}","aud":"harbour","iat":{{asked_at|epoch}},"exp":{{asked_at|plus:5m|epoch}},"jti":"{{jti}}"}'
[[exchange]]
grant = "client_credentials"
only = "client"
request = '''
POST /token
Content-Type: application/x-www-form-urlencoded

grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={{claims|jwt:EdDSA:private_key:key_id}}'''
answer = '''
200
Content-Type: application/json

{"access_token":"{{access_token}}"}'''
"#;

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

fn values(key: &str, kid: Option<&str>) -> Values {
    let values = Values::new()
        .with("client_id", "ship \"one\"")
        .with("asked_at", Timestamp::from_secs(1_700_000_000))
        .with("jti", "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6")
        .with("private_key", Secret::from(key));
    kid.map_or(values.clone(), |kid| values.with("key_id", kid))
}

#[test]
fn a_jwt_is_the_one_that_openssl_makes() {
    let shared = SHIP.replace("jwt:EdDSA:private_key:key_id", "jwt:HS256:private_key");
    for (text, key, kid, signed) in
        [(SHIP, ED, Some("key-7"), SIGNED[0]), (&shared, "a shared \"secret\"", None, SIGNED[1])]
    {
        let dialect = Dialect::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let request = dialect.write_request(0, &values(key, kid), &Values::new()).unwrap();
        let assertion = request.body.split_once("&assertion=").map(|(_, assertion)| assertion);
        assert_eq!(assertion, Some(signed));
        let slots = dialect.exchanges[0].request_slots();
        assert!(slots.iter().any(|slot| slot.name == "private_key" && slot.required), "{slots:?}");
    }
}

#[test]
fn a_key_that_cannot_sign_is_named() {
    let with = |alg: &str| Dialect::parse(&SHIP.replace("jwt:EdDSA", alg)).unwrap();
    for (alg, key) in [("jwt:EdDSA", "nonsense"), ("jwt:ES256", ED), ("jwt:RS256", ED)] {
        let error = with(alg).write_request(0, &values(key, None), &Values::new()).err();
        let Some(WriteError::Unfit { name, why }) = error else { panic!("{alg}") };
        assert_eq!((name.as_str(), why.contains(&alg[4..])), ("private_key", true), "{why}");
        assert!(!why.contains(key));
    }
    let missing = with("jwt:EdDSA").write_request(0, &Values::new().with("client_id", "ship"), &Values::new()).err();
    assert!(matches!(missing, Some(WriteError::Missing(_))), "{missing:?}");
}

#[test]
fn what_cannot_be_signed_is_refused() {
    for (from, to, says) in [
        ("only = \"client\"\n", "", "a server cannot read back what a client hashes, signs or dates"),
        ("jwt:EdDSA", "jwt:ES255", "unknown algorithm `ES255` (did you mean `ES256`?)"),
        ("jwt:EdDSA", "jwt:none", "unknown algorithm `none` (known: ES256, EdDSA, RS256, HS256)"),
        ("jwt:EdDSA:private_key:key_id", "jwt", "a JWT needs its algorithm and key"),
        ("jwt:EdDSA:private_key:key_id", "jwt:EdDSA", "a JWT needs its algorithm and key"),
        ("private_key:key_id", "privat_key", "did you mean `private_key`?"),
        ("private_key:key_id", "asked_at", "`asked_at` cannot be the key"),
        ("jwt:EdDSA:", "jws:EdDSA:", "unknown transform"),
        ("{{claims|", "{{client_id|", "`client_id` is not a part with the claims of a JWT"),
        ("\"aud\":\"harbour\",", "\"aud\":harbour,", "`claims` is not a part with the claims of a JWT"),
        ("plus:5m", "plus:5", "`5` is not a span of time"),
        ("plus:5m", "plus", "how much later is not said"),
        ("asked_at|plus:5m|epoch", "asked_at|plus:5m", "`asked_at` is a point in time"),
        ("asked_at|plus:5m|epoch", "client_id|plus:5m|epoch", "`client_id` is not a point in time"),
    ] {
        let text = SHIP.replacen(from, to, 1);
        assert_ne!(text, SHIP, "{from}");
        let mistakes = Dialect::parse(&text).err().unwrap_or_default();
        let told = mistakes.iter().any(|mistake| mistake.to_string().contains(says));
        assert!(told, "{to}: {says}\n{mistakes:#?}");
    }
}
