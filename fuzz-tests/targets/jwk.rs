//! Public keys as JSON, ours and those of others: what is read is written and read the same, a key that verifies is of its
//! one algorithm, and a private key is no public one.
#![no_main]

use fuzz_tests::read_again;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwk_set;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(jwk) = serde_json::from_str::<Jwk>(text) {
        written_and_read(&jwk);
    }
    let Some(keys) = jwk_set::read(text) else { return };
    let Some(value) = read_again(text) else { return };
    assert!(keys.is_empty() || value.get("keys").is_some() || value["d"].is_null(), "a private key");
    for jwk in keys {
        assert!(jwk.verifying_key().is_some());
        written_and_read(&jwk);
    }
});

fn written_and_read(jwk: &Jwk) {
    let written = serde_json::to_string(jwk).expect("a key can be written");
    assert_eq!(serde_json::from_str::<Jwk>(&written).ok().as_ref(), Some(jwk));
    if let Some(key) = jwk.verifying_key() {
        assert!(key.alg == jwk.alg && key.kid == jwk.kid && jwk.usage == "sig");
        assert!(!key.verify(b"message", &[0; 64]), "a signature of nothing but zeros");
    }
}
