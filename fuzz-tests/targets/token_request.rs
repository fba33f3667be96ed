//! Requests to the token endpoint: read the same each time, and refused with an answer that is JSON and no 5xx.
#![no_main]

use fuzz_tests::Message;
use jeton_core::domain::grant::GrantType;
use jeton_core::rules::ClientProof;
use jeton_core::wire::client_auth::client_auth;
use jeton_core::wire::oauth::refusal_answer;
use jeton_core::wire::token_request::{form, token_request};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let message = Message::request(input);
    let (headers, body) = (&message.headers, message.body);
    let form = form(headers, body);
    if let Ok(form) = &form {
        let client = client_auth(headers, form);
        // The form names the client wherever it names one, so that no header speaks for another.
        if let Some(client_id) = form.field("client_id") {
            assert_eq!(client.client_id.as_deref(), Some(client_id));
        }
        assert!(client.client_id.is_some() || !matches!(client.proof, ClientProof::Secret { .. }));
    }
    match (token_request(headers, body, &GrantType::ALL), form) {
        (Ok(request), Ok(form)) => {
            assert_eq!(request.scope.as_deref(), form.field("scope"));
            assert!(request.resources.iter().map(String::as_str).eq(form.fields("resource")));
        }
        (Ok(_), Err(_)) => panic!("a request that is no form"),
        (Err(refusal), _) => {
            let answer = refusal_answer(&refusal, None);
            assert!(answer.status().is_client_error(), "{}", answer.status());
            let body: serde_json::Value = serde_json::from_str(answer.body()).expect("a refusal is JSON");
            assert!(body["error"].is_string());
        }
    }
});
