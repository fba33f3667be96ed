//! The examples beside each dialect: read both ways and written both ways, byte for byte.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jeton_core::dialect::{Answer, Dialect, Kind, Place, ReadError, Reading, Shown, Slot, Values};

use super::http_file::{Case, Reply, cases, foreign_cases, sorted};

static BUILT_IN: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let parse = |(name, text): &(&str, &str)| match Dialect::parse(text) {
        Ok(dialect) => {
            assert_eq!(dialect.name, *name);
            dialect
        }
        Err(mistakes) => panic!("{name}: {mistakes:#?}"),
    };
    Dialect::built_in().iter().map(parse).collect()
});

pub(crate) fn built_in() -> &'static [Dialect] {
    &BUILT_IN
}

#[test]
fn every_example_reads_and_writes_as_it_stands() {
    for dialect in built_in() {
        for case in cases(&dialect.name) {
            if case.has("call") { call(dialect, &case) } else { exchange(dialect, &case) }
        }
    }
}

fn exchange(dialect: &Dialect, case: &Case) {
    let title = &case.title;
    let settings = case.settings();
    assert_eq!(dialect.check_settings(&settings), Ok(()), "{title}");
    match dialect.read_request(&case.request(), &settings) {
        Reading::NotMine => panic!("{title}: not mine"),
        Reading::Refused { place, refusal } => {
            let (reason, field) = case.refused().unwrap_or_else(|| panic!("{title}: {refusal:?}"));
            assert_eq!((refusal.reason, refusal.field.as_deref()), (reason, field), "{title}");
            let answer = dialect.write_refusal(place, &refusal, &Values::new());
            let reply = case.answer.as_ref().unwrap();
            same_answer(title, &answer, reply);
            let read = dialect.read_refusal(place, &reply.parts()).unwrap();
            assert_eq!(read.reason, case.read_as().unwrap_or(reason), "{title}");
        }
        Reading::Exchange { index, grant, values } => {
            assert_eq!(case.refused(), None, "{title}: was not refused");
            let exchange = &dialect.exchanges[index];
            assert_eq!(grant, exchange.grant);
            let (mut asked, answered) = (exchange.request_slots(), exchange.answer_slots());
            let own = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
            let shown = grant.shows_token() && !asked.iter().any(own);
            if shown {
                asked.push(Slot { name: "access_token".to_owned(), kind: Kind::Secret, required: true });
            }
            case.check_names(&[asked.as_slice(), answered.as_slice()].concat());
            let expected = case.values(&asked);
            assert_eq!(sort(&values), sort(&expected), "{title}: the request");
            if !case.has("read_only") {
                let mut request = dialect.write_request(index, &expected, &settings).unwrap();
                if shown {
                    let token = expected.secret("access_token").unwrap();
                    let path = case.request().path.to_owned();
                    let placed = dialect.place_token(&case.method, &path, token, &expected).unwrap();
                    request.headers.extend(placed.headers);
                }
                assert_eq!((request.method, request.target), (case.method.clone(), case.target.clone()), "{title}");
                assert_eq!((sorted(&request.headers), &request.body), (sorted(&case.headers), &case.body), "{title}");
            }
            let Some(reply) = &case.answer else { return };
            match case.answers() {
                Some(refusal) => {
                    let answer = dialect.write_refusal(Place::Exchange(index), &refusal, &Values::new());
                    same_answer(title, &answer, reply);
                    match dialect.read_answer(index, &reply.parts()) {
                        Err(ReadError::Refused(read)) => {
                            assert_eq!(read.reason, case.read_as().unwrap_or(refusal.reason), "{title}");
                            assert_eq!(read.retry_after, refusal.retry_after, "{title}");
                        }
                        other => panic!("{title}: {other:?}"),
                    }
                }
                None => {
                    let expected = case.values(&answered);
                    let answer = dialect.write_answer(index, &expected, &settings).unwrap();
                    same_answer(title, &answer, reply);
                    let read = dialect.read_answer(index, &reply.parts()).unwrap();
                    assert_eq!(sort(&without_choice(read, &settings)), sort(&expected), "{title}: the answer");
                }
            }
        }
    }
}

/// What others sent and answered is read: there is more in it than the file says, and it is written otherwise.
#[test]
fn every_foreign_example_is_read() {
    for dialect in built_in() {
        for case in foreign_cases(&dialect.name) {
            let title = &case.title;
            let Reading::Exchange { index, values, .. } = dialect.read_request(&case.request(), &case.settings())
            else {
                panic!("{title}: the request is not read")
            };
            let slots = dialect.exchanges[index].request_slots();
            let token = Slot { name: "access_token".to_owned(), kind: Kind::Secret, required: false };
            let answered = dialect.exchanges[index].answer_slots();
            case.check_names(&[slots.as_slice(), &[token.clone()], answered.as_slice()].concat());
            let shown = dialect.exchanges[index].grant.shows_token().then_some(token);
            let expected = case.values(&slots.into_iter().chain(shown).collect::<Vec<_>>());
            assert_eq!(sort(&values), sort(&expected), "{title}: the request");
            let Some(reply) = &case.answer else { continue };
            match (dialect.read_answer(index, &reply.parts()), case.answers()) {
                (Ok(read), None) => assert_eq!(sort(&read), sort(&case.values(&answered)), "{title}: the answer"),
                (Err(ReadError::Refused(read)), Some(refusal)) => assert_eq!(read.reason, refusal.reason, "{title}"),
                (read, _) => panic!("{title}: {read:?}"),
            }
        }
    }
}

/// Reading tells which alternative an answer was written by; that is checked here and taken out.
fn without_choice(mut read: Values, settings: &Values) -> Values {
    if let Some(shape) = read.remove("shape")
        && let Some(chosen) = settings.get("shape")
    {
        assert_eq!(shape, *chosen);
    }
    read
}

fn call(dialect: &Dialect, case: &Case) {
    let title = &case.title;
    let mut slots = vec![Slot { name: "access_token".to_owned(), kind: Kind::Secret, required: true }];
    slots.extend(dialect.fields.iter().map(|field| Slot {
        name: field.name.clone(),
        kind: field.kind,
        required: false,
    }));
    case.check_names(&slots);
    let expected = case.values(&slots);
    let refusal = match dialect.read_token(&case.request()) {
        Shown::None => {
            assert_eq!((expected.len(), case.refused()), (0, None), "{title}: none shown");
            case.answers().map(|refusal| (0, refusal))
        }
        Shown::Refused { show, refusal } => {
            let (reason, field) = case.refused().unwrap_or_else(|| panic!("{title}: {refusal:?}"));
            assert_eq!((refusal.reason, refusal.field.as_deref()), (reason, field), "{title}");
            Some((show, refusal))
        }
        Shown::Token { token, show, also } => {
            assert_eq!(case.refused(), None, "{title}: was not refused");
            assert_eq!(sort(&also.clone().with("access_token", token.clone())), sort(&expected), "{title}");
            if !case.has("read_only") {
                let placed = dialect.place_token(&case.method, case.request().path, &token, &also).unwrap();
                for header in &placed.headers {
                    assert!(case.headers.contains(header), "{title}: {}", header.0);
                }
                assert!(placed.query.is_empty() && !placed.headers.is_empty(), "{title}");
            }
            case.answers().map(|refusal| (show, refusal))
        }
    };
    if let Some((show, refusal)) = refusal {
        let reply = case.answer.as_ref().unwrap_or_else(|| panic!("{title}: no answer"));
        same_answer(title, &dialect.write_refusal(Place::Show(show), &refusal, &Values::new()), reply);
        let read = dialect.read_refusal(Place::Show(show), &reply.parts()).unwrap();
        assert_eq!(read.reason, case.read_as().unwrap_or(refusal.reason), "{title}");
    }
}

fn same_answer(title: &str, answer: &Answer, reply: &Reply) {
    assert_eq!((answer.status, &answer.reason_phrase), (reply.status, &reply.phrase), "{title}");
    assert_eq!(sorted(&answer.headers), sorted(&reply.headers), "{title}");
    assert_eq!(answer.body, reply.body, "{title}");
}

pub(crate) fn sort(values: &Values) -> Vec<(&str, &jeton_core::dialect::Value)> {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

/// One example for each exchange, alternative and row of refusals: a new row without one fails here.
#[test]
fn every_row_and_alternative_has_an_example() {
    for (name, text) in Dialect::built_in() {
        let file = toml_edit::Document::parse(*text).unwrap();
        let dialect = Dialect::parse(text).unwrap();
        let cases = cases(name);
        let reasons = |call: bool| -> BTreeSet<&str> {
            let cases = cases.iter().filter(move |case| case.has("call") == call);
            cases
                .filter_map(|case| Some(case.word("answers").or(case.word("refused"))?.split(' ').next().unwrap()))
                .collect()
        };
        let rows = |table: Option<&toml_edit::Item>| -> BTreeSet<String> {
            let keys = table.and_then(|item| item.as_table_like()).into_iter().flat_map(|table| table.iter());
            keys.map(|(key, _)| key.to_owned()).filter(|key| !["answer", "by"].contains(&key.as_str())).collect()
        };
        let (of_exchanges, of_calls) = (reasons(false), reasons(true));
        for row in rows(file.get("refusal")) {
            assert!(of_exchanges.contains(row.as_str()) || of_calls.contains(row.as_str()), "{name}: refusal.{row}");
        }
        for show in file.get("show").and_then(|item| item.as_array_of_tables()).into_iter().flatten() {
            for row in rows(show.get("refusal")) {
                assert!(of_calls.contains(row.as_str()), "{name}: show.refusal.{row}");
            }
        }
        let good: BTreeSet<usize> = cases
            .iter()
            .filter(|case| {
                !case.has("call") && case.answer.as_ref().is_some_and(|reply| (200..300).contains(&reply.status))
            })
            .filter_map(|case| match dialect.read_request(&case.request(), &case.settings()) {
                Reading::Exchange { index, .. } => Some(index),
                _ => None,
            })
            .collect();
        assert_eq!(good, (0..dialect.exchanges.len()).collect(), "{name}: exchanges with an example");
        for (part, ways) in
            file.get("part").and_then(|item| item.as_table_like()).into_iter().flat_map(|table| table.iter())
        {
            let ways: Vec<_> =
                ways.as_table_like().into_iter().flat_map(|ways| ways.iter()).map(|(way, _)| way).collect();
            for way in ways.into_iter().skip(1) {
                let setting = format!("setting.{part}");
                assert!(cases.iter().any(|case| case.word(&setting) == Some(way)), "{name}: {part} = {way}");
            }
        }
    }
}
