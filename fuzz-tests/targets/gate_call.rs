//! Calls at a gate: what is let through has one spelling, and the same rule holds for it; a proxy gets an answer that it
//! understands.
#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use fuzz_tests::{Message, NOW};
use http::header::HOST;
use jeton_core::dialect::Values;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_gate::decide::Original;
use jeton_gate::path::Path;
use jeton_gate::{Caller, CheckToken, Guard, Peer, Proofs, Rule, Usage, forward_auth, headers, host, query};
use libfuzzer_sys::fuzz_target;

/// Knows one token.
struct Known;

impl CheckToken for Known {
    async fn check(&self, token: &Secret<String>, _also: &Values) -> Result<Caller, Refusal> {
        if token.expose() != "good" {
            return Err(Reason::InvalidToken.into());
        }
        Ok(Caller {
            realm: "meadow".to_owned(),
            subject: "ada".to_owned(),
            number: Some(7),
            username: None,
            client_id: None,
            key_id: None,
            scope: vec!["read".to_owned()],
            target: Some(12),
            level: None,
            actor: None,
            cnf: None,
            expires_at: NOW,
        })
    }
}

static GUARD: LazyLock<Guard<Known>> = LazyLock::new(|| {
    let rules = [
        "GET /health anonymous",
        "GET,POST /operations/* scope=read",
        "* api.example.org/graphql",
        "GET / ?action=person.get target=eventID",
        "* /admin/* scope=admin",
    ];
    Guard {
        realm: "meadow".to_owned(),
        rules: rules.iter().map(|rule| rule.parse::<Rule>().expect("a rule")).collect(),
        usage: Usage::Bearer { realm: "meadow".to_owned(), metadata: None },
        check: Known,
        proofs: Arc::new(Proofs::new(|| NOW)),
        trusted: vec!["127.0.0.0/8".parse().expect("a network")],
    }
});

/// What a future gives that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fuzz_target!(|input: &[u8]| {
    let message = Message::request(input);
    let (method, (path, query)) = (message.method(), message.target());
    let named = message.headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or("api.example.org");
    let Ok(host) = host::normalise(named) else { return };
    assert_eq!(host::normalise(&host).as_ref(), Ok(&host));

    let original = Original { method: &method, host: &host, path, query, headers: &message.headers, certificate: None };
    if let Ok(passage) = now(GUARD.pass(&original)) {
        let let_through = &passage.admission;
        assert_eq!(passage.caller.is_none(), let_through.rule.anonymous);
        let again = Path::normalise(let_through.path.as_str()).expect("what is sent on is a path");
        assert!(!again.was_restructured());
        assert_eq!((again.as_str(), again.decoded()), (let_through.path.as_str(), let_through.path.decoded()));
        // What the API decodes is what was decided on.
        let decoded: Vec<u8> = form_urlencoded::parse(
            again.as_str().replace('+', "%2B").replace('=', "%3D").replace('&', "%26").as_bytes(),
        )
        .next()
        .map(|(name, _)| name.as_bytes().to_vec())
        .unwrap_or_default();
        assert_eq!(decoded, again.decoded().as_bytes());
        assert_eq!(GUARD.rules.find(&method, &host, &again, query).ok(), Some(let_through.rule));
    }

    let answer =
        now(forward_auth(&GUARD, Peer::from(std::net::SocketAddr::from(([127, 0, 0, 1], 1))), &message.headers));
    assert!([200, 401, 403].contains(&answer.status().as_u16()), "{}", answer.status());
    let told = answer.headers().keys().filter(|name| headers::is_identity(name)).count();
    assert_eq!(told, if answer.status() == 200 { 9 } else { 0 });

    let mut passed_on = message.headers.clone();
    headers::remove_hop_by_hop(&mut passed_on);
    assert!(
        !passed_on.contains_key(http::header::CONNECTION) && !passed_on.contains_key(http::header::TRANSFER_ENCODING)
    );
    if let Some(rest) = query.and_then(|query| query::without(query, |name, _| name == "access_token")) {
        assert!(form_urlencoded::parse(rest.as_bytes()).all(|(name, _)| name != "access_token"), "{rest}");
    }
});
