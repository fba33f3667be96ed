//! Dialect files: each mistake has a place in the text, and a file without one can say no to everybody.
#![no_main]

use http::HeaderValue;
use jeton_core::dialect::{Dialect, Place, Values};
use jeton_core::domain::refusal::{Reason, Refusal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let dialect = match Dialect::parse(text) {
        Ok(dialect) => dialect,
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            let last = text.lines().count() + 1;
            assert!(mistakes.iter().all(|mistake| (1..=last).contains(&mistake.line) && mistake.column >= 1));
            return;
        }
    };
    for exchange in &dialect.exchanges {
        exchange.describe_requests();
        exchange.describe_answers();
    }
    let exchanges = (0..dialect.exchanges.len()).map(Place::Exchange);
    let shows = (0..dialect.shows.len()).map(Place::Show);
    for place in exchanges.chain(shows).chain([Place::Dialect]) {
        for reason in Reason::ALL {
            let answer = dialect.write_refusal(place, &Refusal::new(reason).field("é\r\n"), &Values::new());
            // Some APIs say no with a 200.
            assert!((100..600).contains(&answer.status), "{place:?} {reason:?}: {}", answer.status);
            assert!(answer.headers.iter().all(|(_, value)| HeaderValue::from_str(value).is_ok()));
        }
    }
});
