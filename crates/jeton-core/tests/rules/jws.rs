//! JWS verification under the usual attacks (security.md F2–F6, F9, F16): each token is as good as its attacker can make
//! it, signature included.

use std::time::Instant;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64URL};
use jeton_core::domain::policy::Alg;
use jeton_core::token::assertion::Assertion;
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_core::token::jwt::{Claims, JwtError, assemble, signing_input, verify};
use serde_json::json;

const CLAIMS: &str = r#"{"iss":"i","sub":"s","exp":1768000300,"iat":1768000000}"#;

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public() -> VerifyingKey {
    VerifyingKey::new("k".to_owned(), Alg::EdDSA, pair(1).public_key().as_ref()).unwrap()
}

/// What becomes of a token where the one key is `k`.
fn read(token: &str) -> Result<Claims, JwtError> {
    verify(token, |kid| (kid == "k").then(public)).map(|verified| verified.claims)
}

/// A token that this key signed.
fn signed(by: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let input = signing_input(header, claims);
    assemble(&input, by.sign(input.as_bytes()).as_ref())
}

fn ours(header: &str, claims: &str) -> String {
    signed(&pair(1), header, claims)
}

const HEADER: &str = r#"{"alg":"EdDSA","kid":"k"}"#;

#[test]
fn f2_the_algorithm_is_the_keys_and_the_header_says_the_same() {
    assert!(read(&ours(HEADER, CLAIMS)).is_ok());
    for alg in ["ES256", "RS256", "PS256", "HS256", "Ed25519", "eddsa", "EDDSA", "EdDSA ", ""] {
        let token = ours(&json!({ "alg": alg, "kid": "k" }).to_string(), CLAIMS);
        assert_eq!(read(&token), Err(JwtError::Unreadable), "{alg}");
    }
    // One RSA key is good for two ways of signing, and a token for the one that its key is for.
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    for (of_key, of_header, good) in [
        (Alg::RS256, Alg::RS256, true),
        (Alg::PS256, Alg::PS256, true),
        (Alg::RS256, Alg::PS256, false),
        (Alg::PS256, Alg::RS256, false),
    ] {
        let input = signing_input(&json!({ "alg": of_header.name(), "kid": "k" }).to_string(), CLAIMS);
        let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding =
            if of_header == Alg::RS256 { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(encoding, &random, input.as_bytes(), &mut signature).unwrap();
        let token = assemble(&input, &signature);
        let key = |kid: &str| VerifyingKey::new(kid.to_owned(), of_key, rsa.public_key().as_ref());
        assert_eq!(verify(&token, key).is_ok(), good, "{of_key:?} {of_header:?}");
    }
}

#[test]
fn f3_no_algorithm_is_no_signature() {
    for alg in ["none", "None", "NONE", "nOnE", "null", ""] {
        let header = json!({ "alg": alg, "kid": "k" }).to_string();
        let input = signing_input(&header, CLAIMS);
        for token in [format!("{input}."), input.clone(), ours(&header, CLAIMS)] {
            assert_eq!(read(&token), Err(JwtError::Unreadable), "{token}");
        }
    }
    for header in [r#"{"kid":"k"}"#, r#"{"alg":null,"kid":"k"}"#, r#"{"alg":["EdDSA"],"kid":"k"}"#] {
        assert_eq!(read(&ours(header, CLAIMS)), Err(JwtError::Unreadable), "{header}");
    }
    assert_eq!(read(&format!("{}.", signing_input(HEADER, CLAIMS))), Err(JwtError::Unreadable));
}

/// Every text that an attacker has of a public key, as the secret of an HMAC.
#[test]
fn f4_no_form_of_a_public_key_is_a_secret() {
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let p256 = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let ed25519 = pair(1);
    // What precedes the bare key in SubjectPublicKeyInfo (RFC 5480 §2, RFC 8410 §4).
    let p256_spki =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
    let ed25519_spki = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    // RSA's bare key is PKCS#1, whose two numbers stand at fixed places for 2048 bits.
    let pkcs1 = rsa.public_key().as_ref();
    let jwks = [
        Jwk::from_rsa(&pkcs1[9..9 + 256], &[1, 0, 1], Alg::RS256),
        Jwk::from_p256(p256.public_key().as_ref()).unwrap(),
        Jwk::from_ed25519(ed25519.public_key().as_ref()),
    ];
    let spki = [
        pkcs1.to_vec(),
        [p256_spki, p256.public_key().as_ref()].concat(),
        [&ed25519_spki[..], ed25519.public_key().as_ref()].concat(),
    ];
    let bare = [pkcs1, p256.public_key().as_ref(), ed25519.public_key().as_ref()];
    for ((jwk, der), bare) in jwks.iter().zip(&spki).zip(bare) {
        assert!(jwk.verifying_key().is_some());
        let armoured = |kind: &str, width: usize| {
            let lines = STANDARD.encode(der).into_bytes();
            let lines: Vec<_> = lines.chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
        };
        let pem = armoured("PUBLIC KEY", 64);
        let coordinate = jwk.x.clone().or(jwk.n.clone()).unwrap();
        let secrets: Vec<Vec<u8>> = vec![
            pem.clone().into(),
            pem.trim_end().into(),
            format!("\n  {pem}").into(),
            pem.replace('\n', "\r\n").into(),
            armoured("PUBLIC KEY", usize::MAX).into(),
            armoured("RSA PUBLIC KEY", 64).into(),
            armoured("CERTIFICATE", 64).into(),
            STANDARD.encode(der).into(),
            der.clone(),
            bare.to_vec(),
            serde_json::to_vec(jwk).unwrap(),
            serde_json::to_string_pretty(jwk).unwrap().into(),
            json!({ "keys": [jwk] }).to_string().into(),
            coordinate.clone().into(),
            BASE64URL.decode(&coordinate).unwrap(),
            jwk.kid.clone().into(),
            Vec::new(),
        ];
        for secret in &secrets {
            for (alg, hash) in [
                ("HS256", hmac::HMAC_SHA256),
                ("HS384", hmac::HMAC_SHA384),
                ("HS512", hmac::HMAC_SHA512),
                (jwk.alg.name(), hmac::HMAC_SHA256),
            ] {
                let input = signing_input(&json!({ "alg": alg, "kid": jwk.kid }).to_string(), CLAIMS);
                let tag = hmac::sign(&hmac::Key::new(hash, secret), input.as_bytes());
                let token = assemble(&input, tag.as_ref());
                let read = verify(&token, |_| jwk.verifying_key());
                assert_eq!(read, Err(JwtError::Unreadable), "{alg} by {}", String::from_utf8_lossy(secret));
            }
        }
    }
}

#[test]
fn f5_a_header_selects_no_key_and_asks_for_nothing_new() {
    let attacker = pair(2);
    let mut jwk = serde_json::to_value(Jwk::from_ed25519(attacker.public_key().as_ref())).unwrap();
    jwk["kid"] = json!("k");
    let with = |name: &str, value: serde_json::Value| {
        let mut header = json!({ "alg": "EdDSA", "kid": "k" });
        header[name] = value;
        header.to_string()
    };
    // Keys of the attacker's: good where he signed with ours, which shows that they are passed over.
    for (name, value) in [
        ("jwk", jwk.clone()),
        ("jku", json!("https://attacker.example/jwks")),
        ("x5u", json!("https://attacker.example/chain")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("AAAA")),
    ] {
        assert_eq!(read(&signed(&attacker, &with(name, value.clone()), CLAIMS)), Err(JwtError::Unreadable), "{name}");
        assert!(read(&ours(&with(name, value), CLAIMS)).is_ok(), "{name}");
    }
    for kid in [json!(null), json!(7), json!(["k"]), json!("../k"), json!("k\u{0}"), json!("' OR 1=1 --"), jwk] {
        assert!(read(&signed(&attacker, &json!({ "alg": "EdDSA", "kid": kid }).to_string(), CLAIMS)).is_err(), "{kid}");
    }
    assert_eq!(read(&ours(r#"{"alg":"EdDSA"}"#, CLAIMS)), Err(JwtError::Unreadable));
    assert_eq!(read(&ours(r#"{"alg":"EdDSA","kid":"other"}"#, CLAIMS)), Err(JwtError::UnknownKey));
    for (name, value) in [
        ("crit", json!(["x"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("b64", json!(null)),
    ] {
        assert_eq!(read(&ours(&with(name, value.clone()), CLAIMS)), Err(JwtError::Unreadable), "{name}: {value}");
    }
}

#[test]
fn f6_times_are_whole_numbers_that_every_reader_reads_the_same() {
    let claims = |name: &str, value: &str| {
        let others = ["exp", "iat"].into_iter().filter(|other| *other != name).map(|other| format!(r#""{other}":1,"#));
        format!(r#"{{{}"iss":"i","sub":"s","{name}":{value}}}"#, others.collect::<String>())
    };
    let wrong = [
        r#""1768000300""#,
        r#""""#,
        "null",
        "true",
        "[1768000300]",
        r#"{"s":1}"#,
        "1768000300.5",
        "1768000300.0",
        "1768e6",
        "-1",
        "-0.0",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "1e999",
        "NaN",
        "Infinity",
        "-Infinity",
        "0x10",
        "01",
        "+1",
    ];
    for name in ["exp", "iat", "nbf"] {
        for good in ["0", "1768000300", "9007199254740992"] {
            assert!(read(&ours(HEADER, &claims(name, good))).is_ok(), "{name}: {good}");
        }
        for value in wrong {
            assert_eq!(read(&ours(HEADER, &claims(name, value))), Err(JwtError::Unreadable), "{name}: {value}");
        }
        for second in [format!(r#""{name}":1"#), format!(r#""{}\u00{:x}":1"#, &name[..2], name.as_bytes()[2])] {
            let twice = claims(name, "1").replacen('{', &format!("{{{second},"), 1);
            assert_eq!(read(&ours(HEADER, &twice)), Err(JwtError::Unreadable), "{twice}");
        }
    }
    for without in [r#"{"iss":"i","sub":"s","iat":1}"#, r#"{"iss":"i","sub":"s","exp":1}"#] {
        assert_eq!(read(&ours(HEADER, without)), Err(JwtError::Unreadable), "{without}");
    }
}

#[test]
fn f5_f6_what_stands_in_an_assertion_has_a_value() {
    let said = r#""iss":"c","sub":"c","aud":"a","exp":1"#;
    let rows = [
        (HEADER.to_owned(), format!("{{{said}}}"), true),
        (HEADER.to_owned(), format!(r#"{{{said},"iat":1,"nbf":1,"jti":"1"}}"#), true),
        (HEADER.to_owned(), format!(r#"{{{said},"nbf":null}}"#), false),
        (HEADER.to_owned(), format!(r#"{{{said},"iat":null}}"#), false),
        (HEADER.to_owned(), format!(r#"{{{said},"jti":null}}"#), false),
        (HEADER.to_owned(), format!(r#"{{{said},"nbf":"1"}}"#), false),
        (HEADER.replace('}', r#","crit":null}"#), format!("{{{said}}}"), false),
        (HEADER.replace('}', r#","b64":null}"#), format!("{{{said}}}"), false),
        (HEADER.replace('}', r#","typ":"logout+jwt"}"#), format!("{{{said}}}"), false),
    ];
    for (header, claims, good) in rows {
        let token = ours(&header, &claims);
        let read = Assertion::read(&token).is_some_and(|assertion| assertion.is_signed_by([public()].iter()));
        assert_eq!(read, good, "{header} {claims}");
    }
}

#[test]
fn f9_one_token_has_one_text() {
    let token = ours(HEADER, CLAIMS);
    assert!(read(&token).is_ok());
    let parts: Vec<&str> = token.split('.').collect();
    let joined = |parts: &[&str]| parts.join(".");
    let mut texts = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        joined(&parts[..2]),
        joined(&[parts[0], parts[1], parts[2], ""]),
        joined(&["", parts[0], parts[1], parts[2]]),
        joined(&[parts[0], parts[1], "", parts[2]]),
        joined(&[parts[0], parts[1], parts[2], parts[2]]),
        json!({ "payload": parts[1], "protected": parts[0], "signature": parts[2] }).to_string(),
        format!("Bearer {token}"),
    ];
    for at in 0..3 {
        let changed = |text: String| {
            let mut changed = parts.clone();
            changed[at] = &text;
            joined(&changed)
        };
        for mark in ["=", "==", " ", "\n", "\t", "\0", "%3D", "+", "/", "é"] {
            texts.extend([changed(format!("{}{mark}", parts[at])), changed(format!("{mark}{}", parts[at]))]);
        }
        texts.push(changed(STANDARD.encode(BASE64URL.decode(parts[at]).unwrap())));
    }
    // The four bits behind the last byte of 64 say nothing, and must be none.
    let last = token.chars().last().unwrap();
    let spare =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|other| *other != last);
    texts.extend(spare.map(|other| format!("{}{other}", &token[..token.len() - 1])));
    for header in
        [r#"{"alg":"EdDSA","kid":"k","kid":"k"}"#, r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#, "\u{feff}{}", "[]"]
    {
        texts.push(ours(header, CLAIMS));
    }
    for claims in [
        CLAIMS.replacen('{', r#"{"sub":"s","#, 1),
        CLAIMS.replacen('{', r#"{"s\u0075b":"s","#, 1),
        CLAIMS.replacen('{', r#"{"scope":"a","scope":"b","#, 1),
        format!("{CLAIMS}{CLAIMS}"),
        format!("{CLAIMS}x"),
    ] {
        texts.push(ours(HEADER, &claims));
    }
    for text in &texts {
        assert_eq!(read(text), Err(JwtError::Unreadable), "{text}");
    }

    // What is too long is not even looked at: no key is asked for.
    let claims = format!(r#"{{"x":"{}",{}"#, "x".repeat(16 * 1024), &CLAIMS[1..]);
    let long = [ours(HEADER, &claims), ".".repeat(1 << 20), "eyJ".repeat(1 << 20)];
    let started = Instant::now();
    for text in long.iter().cycle().take(300) {
        assert_eq!(verify(text, |_| panic!("a key is asked for")).unwrap_err(), JwtError::Unreadable);
    }
    assert!(started.elapsed().as_millis() < 300, "{:?}", started.elapsed());
}

#[test]
fn f16_what_is_encrypted_or_compressed_is_not_read() {
    for (name, value) in [("zip", json!("DEF")), ("zip", json!(null)), ("enc", json!("A128GCM")), ("enc", json!(null))]
    {
        let mut header = json!({ "alg": "EdDSA", "kid": "k" });
        header[name] = value;
        assert_eq!(read(&ours(&header.to_string(), CLAIMS)), Err(JwtError::Unreadable), "{header}");
    }
    // The compact form of a JWE has five parts (RFC 7516 §3.1).
    for header in [
        r#"{"alg":"dir","enc":"A128GCM","kid":"k"}"#,
        r#"{"alg":"RSA1_5","enc":"A128CBC-HS256","kid":"k"}"#,
        r#"{"alg":"RSA-OAEP","enc":"A256GCM","zip":"DEF","kid":"k"}"#,
        r#"{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"p2s":"AAAA","enc":"A128GCM","kid":"k"}"#,
    ] {
        let token = format!("{}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", BASE64URL.encode(header));
        assert_eq!(read(&token), Err(JwtError::Unreadable), "{header}");
    }
}
