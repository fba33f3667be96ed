//! Requests by each dialect of the binary: what is read can be written, and is then read the same; what is not is refused
//! with an answer that is no 5xx.
#![no_main]

use fuzz_tests::{Message, by_dialect, header_map, settings, sorted};
use jeton_core::dialect::{Dialect, Place, Reading, Request, Shown, Values};
use jeton_core::domain::refusal::Refusal;
use jeton_core::secret::Secret;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (dialect, input) = by_dialect(input);
    let message = Message::request(input);
    let method = message.method();
    let request = message.parts(&method);
    match dialect.read_token(&request) {
        Shown::None => {}
        Shown::Token { token, also, .. } => shown_again(dialect, &request, &token, &also),
        Shown::Refused { show, refusal } => refused(dialect, Place::Show(show), &refusal),
    }
    match dialect.read_request(&request, &settings(dialect)) {
        Reading::NotMine => {}
        Reading::Exchange { index, values, .. } => read_again(dialect, index, &values),
        Reading::Refused { place, refusal } => refused(dialect, place, &refusal),
    }
});

fn shown_again(dialect: &Dialect, request: &Request<'_>, token: &Secret<String>, also: &Values) {
    let Ok(placed) = dialect.place_token(request.method, request.path, token, also) else { return };
    let headers = header_map(&placed.headers);
    let query: Vec<String> = placed.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let call = Request { headers: &headers, query: Some(&query.join("&")), body: b"", ..*request };
    match dialect.read_token(&call) {
        Shown::Token { token: again, .. } => assert_eq!(again.expose(), token.expose(), "{}", dialect.name),
        other => panic!("{}: {other:?}", dialect.name),
    }
}

fn read_again(dialect: &Dialect, index: usize, values: &Values) {
    let exchange = &dialect.exchanges[index];
    let settings = settings(dialect);
    let Ok(mut written) = dialect.write_request(index, values, &settings) else { return };
    let own = exchange.request_slots().iter().any(|slot| slot.name == "access_token" || slot.name == "refresh_token");
    if let (true, false, Some(token)) = (exchange.grant.shows_token(), own, values.secret("access_token")) {
        let path = written.target.split('?').next().unwrap_or_default();
        let Ok(placed) = dialect.place_token(&written.method, path, token, values) else { return };
        written.headers.extend(placed.headers);
        for (name, value) in placed.query {
            let mark = if written.target.contains('?') { '&' } else { '?' };
            written.target = format!("{}{mark}{name}={value}", written.target);
        }
    }
    let headers = header_map(&written.headers);
    let (path, query) = match written.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (written.target.as_str(), None),
    };
    let request = Request { method: &written.method, path, query, headers: &headers, body: written.body.as_bytes() };
    match dialect.read_request(&request, &settings) {
        Reading::Exchange { index: again, values: read, .. } => {
            assert_eq!((again, sorted(&read)), (index, sorted(values)), "{}", dialect.name);
        }
        other => panic!("{}: {other:?} of {values:?}", dialect.name),
    }
}

fn refused(dialect: &Dialect, place: Place, refusal: &Refusal) {
    let answer = dialect.write_refusal(place, refusal, &Values::new());
    assert!((400..500).contains(&answer.status), "{} {refusal:?}: {}", dialect.name, answer.status);
    header_map(&answer.headers);
}
