//! What a client signs, as a file says it. (That it is signed so is a matter of the client.)

use jeton_core::dialect::Dialect;

const SHIP: &str = include_str!("ship.toml");

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
