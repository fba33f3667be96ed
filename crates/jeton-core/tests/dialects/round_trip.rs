//! Whatever one direction writes, the other reads: `read(write(x)) = x` for every exchange of every dialect.

use std::sync::LazyLock;

use http::HeaderMap;
use jeton_core::dialect::{
    AnswerParts, Dialect, End, Exchange, Kind, Origin, OwnedRequest, Reading, Request, Slot, Value, Values,
};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::chains::ferry;
use super::goldens::{built_in, sort};
use super::made_up::meadow;
use super::wire::header_map;

/// A value of each slot, the optional ones now and then absent.
fn values(slots: &[Slot]) -> BoxedStrategy<Values> {
    let one = |slot: &Slot| {
        let (name, required) = (slot.name.clone(), slot.required);
        (value(slot), prop::bool::weighted(0.7))
            .prop_map(move |(value, there)| (name.clone(), (required || there).then_some(value)))
    };
    let all: Vec<_> = slots.iter().map(one).collect();
    all.prop_map(|all| {
        let there = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        there.fold(Values::new(), |values, (name, value)| values.with(name, value))
    })
    .boxed()
}

fn value(slot: &Slot) -> BoxedStrategy<Value> {
    let uuid4 = any::<[u8; 16]>().prop_map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid().to_string());
    match slot.kind {
        // Tokens stand in headers; passwords and names are any text, with what each place has to escape.
        Kind::Secret if slot.name.ends_with("token") => {
            "[A-Za-z0-9._~+/=-]{1,80}".prop_map(|text| Value::Secret(Secret::from(text))).boxed()
        }
        Kind::Secret => prop_oneof![
            "[a-zA-Z0-9]{1,12}",
            "[a-zA-Z0-9%+&=<>]{900,1000}",
            r#"[ -~]{1,20}"#,
            r#"[ -~é/"\\€😀\n\t]{1,20}"#
        ]
        .prop_map(|text| Value::Secret(Secret::from(text)))
        .boxed(),
        // Lives are spans of time: what is written in minutes is whole minutes.
        Kind::Number if slot.name == "expires_in" => {
            (0..1_000_000i64).prop_map(|span| Value::Number(span * 60)).boxed()
        }
        Kind::Number => prop_oneof![any::<i64>(), -3..400i64].prop_map(Value::Number).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Time => (0..4_000_000_000i64).prop_map(|secs| Value::Time(Timestamp::from_secs(secs))).boxed(),
        Kind::Uuid | Kind::Uuid4 => uuid4.prop_map(Value::Text).boxed(),
        Kind::Dotted => "[a-z]{1,5}\\.[a-zA-Z]{1,5}".prop_map(Value::Text).boxed(),
        Kind::Text if slot.name == "key_id" => uuid4.prop_map(Value::Text).boxed(),
        Kind::Text if slot.name == "scope" => "[!-~é]{1,8}( [!-~é]{1,8}){0,4}".prop_map(Value::Text).boxed(),
        Kind::Text => prop_oneof!["[a-zA-Z0-9]{1,12}", r#"[!-~]([ -~]{0,20}[!-~])?"#, r#"[!-~é/"\\€😀%+&=]{1,20}"#]
            .prop_map(Value::Text)
            .boxed(),
    }
}

/// Bodies, places and marks that neither the dialects in the tree nor `meadow` have.
pub(crate) const VALLEY: &str = include_str!("valley.toml");

pub(crate) fn valley() -> &'static Dialect {
    static PARSED: LazyLock<Dialect> =
        LazyLock::new(|| Dialect::parse(VALLEY).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")));
    &PARSED
}

fn dialects() -> impl Iterator<Item = &'static Dialect> {
    built_in().iter().chain([meadow(), valley(), ferry()])
}

#[derive(Default)]
struct Tally {
    written: u32,
    unfit: u32,
}

impl Tally {
    /// A generator whose values no place can hold would prove nothing.
    fn check(&self, what: &str) {
        assert!(self.written * 5 > self.unfit, "{what}: {} written, {} unfit", self.written, self.unfit);
    }
}

fn for_each(slots: &[Slot], what: &str, test: impl Fn(&Values) -> Option<Values>) {
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let tally = std::cell::RefCell::new(Tally::default());
    let result = runner.run(&values(slots), |values| {
        match test(&values) {
            Some(read) => {
                tally.borrow_mut().written += 1;
                prop_assert_eq!(sort(&read), sort(&values));
            }
            None => tally.borrow_mut().unfit += 1,
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{what}: {error}");
    }
    tally.borrow().check(what);
}

/// A value for each setting that has none by itself and may be needed.
fn settings(dialect: &Dialect) -> Values {
    let needed = dialect.fields.iter().filter(|field| field.origin == Origin::Setting && field.default.is_none());
    needed.fold(Values::new(), |values, field| values.with(field.name.as_str(), "example.org"))
}

#[test]
fn requests() {
    for dialect in dialects() {
        let written = |(_, exchange): &(usize, &Exchange)| exchange.only != Some(End::Server);
        for (index, exchange) in dialect.exchanges.iter().enumerate().filter(written) {
            // What is asked about a token may have it where calls show it: `shown_tokens`.
            let token = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
            if exchange.grant.shows_token() && !exchange.request_slots().iter().any(token) {
                continue;
            }
            let what = format!("{} {}", dialect.name, exchange.grant.name());
            for_each(&exchange.request_slots(), &what, |values| {
                let request = dialect.write_request(index, values, &settings(dialect)).ok()?;
                match read_back(dialect, &request) {
                    Reading::Exchange { index: read, values, .. } if read == index => Some(values),
                    other => panic!("{what}: {other:?}"),
                }
            });
        }
    }
}

fn read_back(dialect: &Dialect, request: &OwnedRequest) -> Reading {
    let headers: HeaderMap = header_map(&request.headers);
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (request.target.as_str(), None),
    };
    let request = Request { method: &request.method, path, query, headers: &headers, body: request.body.as_bytes() };
    dialect.read_request(&request, &settings(dialect))
}

#[test]
fn answers() {
    for dialect in dialects() {
        for (index, exchange) in dialect.exchanges.iter().enumerate() {
            for shape in
                [None, Some("three")].into_iter().filter(|shape| shape.is_none() || dialect.name == "pitchpoint")
            {
                let settings = settings(dialect);
                let settings = shape.map_or(settings.clone(), |shape| settings.with("shape", shape));
                let what = format!("{} {} {shape:?}", dialect.name, exchange.grant.name());
                // The shorter shape has no scope.
                let slots: Vec<_> = exchange
                    .answer_slots()
                    .into_iter()
                    .filter(|slot| shape.is_none() || slot.name != "scope")
                    .collect();
                for_each(&slots, &what, |values| {
                    let answer = dialect.write_answer(index, values, &settings).ok()?;
                    let headers = header_map(&answer.headers);
                    let parts = AnswerParts {
                        status: answer.status,
                        reason_phrase: answer.reason_phrase.as_deref(),
                        headers: &headers,
                        body: answer.body.as_bytes(),
                    };
                    let mut read = dialect.read_answer(index, &parts).unwrap_or_else(|error| panic!("{what}: {error}"));
                    if let Some(read) = read.remove("shape") {
                        assert_eq!(read, Value::from(shape.unwrap_or("five")));
                    }
                    Some(read)
                });
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn shown_tokens(token in "[!-~]{1,60}") {
        for dialect in built_in() {
            let also = Values::new().with("nonce", "0f8fad5b-d9cb-469f-a165-70867728950e");
            let placed = dialect.place_token(&http::Method::GET, "/", &Secret::from(token.as_str()), &also).unwrap();
            let headers = header_map(&placed.headers);
            let request = Request { method: &http::Method::GET, path: "/", query: None, headers: &headers, body: b"" };
            match dialect.read_token(&request) {
                jeton_core::dialect::Shown::Token { token: read, .. } => prop_assert_eq!(read.expose(), &token),
                other => prop_assert!(false, "{}: {:?}", dialect.name, other),
            }
        }
    }
}
