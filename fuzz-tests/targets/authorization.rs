//! `Authorization`: Basic reads back what it says, Bearer and DPoP give the very text that was sent, and no value is both.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::byte_serialize;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use jeton_core::dialect::{Request, Shown};
use jeton_core::wire::form::basic;
use jeton_gate::Usage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let pair = value.to_str().ok().and_then(basic);
    if let Some((user, password)) = &pair {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let both = format!("{}:{}", encoded(user), encoded(password.expose()));
        let again = basic(&format!("bASIC {}", STANDARD.encode(both)));
        assert_eq!(
            again.map(|(user, password)| (user, password.expose().clone())),
            Some((user.clone(), password.expose().clone()))
        );
    }

    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value.clone());
    let usage = Usage::Bearer { realm: "meadow".to_owned(), metadata: None };
    match usage.read_token(&Request { method: &Method::GET, path: "/", query: None, headers: &headers, body: b"" }) {
        Shown::None => {}
        Shown::Token { token, .. } => {
            let (scheme, sent) = value.to_str().ok().and_then(|text| text.split_once(' ')).expect("ASCII with a space");
            let shows = ["bearer", "dpop"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            assert!(shows && sent == token.expose());
            assert!(pair.is_none());
        }
        Shown::Refused { show, refusal } => {
            assert!(pair.is_none());
            let answer = usage.refuse(Some(show), &refusal);
            assert!((400..500).contains(&answer.status));
        }
    }
});
