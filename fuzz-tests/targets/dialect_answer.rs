//! Answers by every exchange of a dialect of the binary: what is read as a success can be written, and is then read
//! the same.
#![no_main]

use fuzz_tests::{Message, by_dialect, header_map, settings, sorted};
use jeton_core::dialect::{AnswerParts, Dialect, Place, Values};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (dialect, input) = by_dialect(input);
    let message = Message::answer(input);
    let answer = message.answer_parts();
    for index in 0..dialect.exchanges.len() {
        if let Ok(values) = dialect.read_answer(index, &answer) {
            read_again(dialect, index, &values);
        }
    }
    dialect.read_refusal(Place::Dialect, &answer);
    dialect.read_returned(&answer);
});

fn read_again(dialect: &Dialect, index: usize, values: &Values) {
    // What chose between the alternatives of an answer stands among its values.
    let chosen = values.iter().fold(settings(dialect), |all, (name, value)| {
        match dialect.check_settings(&Values::new().with(name, value.clone())) {
            Ok(()) => all.with(name, value.clone()),
            Err(_) => all,
        }
    });
    let Ok(written) = dialect.write_answer(index, values, &chosen) else { return };
    let headers = header_map(&written.headers);
    let answer = AnswerParts {
        status: written.status,
        reason_phrase: written.reason_phrase.as_deref(),
        headers: &headers,
        body: written.body.as_bytes(),
    };
    let read = dialect.read_answer(index, &answer).unwrap_or_else(|error| panic!("{}: {error}", dialect.name));
    assert_eq!(sorted(&read), sorted(values), "{} {}", dialect.name, dialect.exchanges[index].grant.name());
}
