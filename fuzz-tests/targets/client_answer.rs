//! Answers as the client reads them: an issuer's metadata, tokens, errors and device codes, and those of each dialect
//! of the binary. A token that comes out of one can be kept and has a use by date.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fuzz_tests::{Message, NOW, by_dialect};
use http::HeaderMap;
use jeton_client::flow::{Act, DialectFlow, Flow, Grant, Metadata, OAuthFlow, Response};
use jeton_client::{Profile, Token};
use jeton_core::dialect::Values;
use jeton_core::secret::Secret;
use libfuzzer_sys::fuzz_target;

const ISSUER: &str = "https://issuer.example";

const METADATA: &[u8] = br#"{"issuer":"https://issuer.example","token_endpoint":"https://issuer.example/token",
    "device_authorization_endpoint":"https://issuer.example/device"}"#;

static OAUTH: LazyLock<OAuthFlow> = LazyLock::new(|| {
    let client = BTreeMap::from([("client_id".to_owned(), "program".to_owned())]);
    let metadata = Metadata::read(ISSUER, &response(200, None, HeaderMap::new(), METADATA), NOW).expect("metadata");
    OAuthFlow::new(metadata, Grant::TokenExchange, None, &client).expect("a flow")
});

fn response(status: u16, reason_phrase: Option<&str>, headers: HeaderMap, body: &[u8]) -> Response {
    Response { status, reason_phrase: reason_phrase.map(str::to_owned), headers, body: Secret::new(body.to_vec()) }
}

fuzz_target!(|input: &[u8]| {
    let (dialect, input) = by_dialect(input);
    let message = Message::answer(input);
    let answer = response(message.status(), message.reason_phrase(), message.headers.clone(), message.body);
    let _ = Metadata::read(ISSUER, &answer, NOW);
    let _ = OAUTH.read_device(&answer);
    let _ = OAUTH.read_poll(&answer);
    let profile = Profile { url: "https://api.example".to_owned(), ..Profile::default() };
    let flow = DialectFlow::new(dialect.clone(), &profile).ok().map(|flow| Flow::Dialect(Box::new(flow)));
    for act in [Act::SignIn, Act::Refresh] {
        let by_dialect = flow.iter().map(|flow| flow.read(act, &Values::new(), &answer));
        for issued in by_dialect.chain([OAUTH.read(act, &answer)]).flatten() {
            assert!(!issued.access.expose().is_empty(), "a token that is none");
            let token = Token::new(issued, NOW, 0, 0.5);
            assert!(token.refresh_at.is_none_or(|at| token.expires_at.is_some_and(|end| at <= end.max(NOW))));
            token.need(NOW);
        }
    }
    if let Some(flow) = flow {
        let _ = flow.read_user_info(&answer);
        let _ = flow.read_end(&answer);
    }
});
