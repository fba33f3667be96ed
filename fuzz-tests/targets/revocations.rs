//! The revocation feed: read in whatever pieces it comes, and each event written and read the same.
#![no_main]

use jeton_core::wire::revocations::{Event, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(events) = Reader::default().read(input) else { return };
    let (first, second) = input.split_at(input.len() / 3);
    let mut reader = Reader::default();
    let pieces = [reader.read(first), reader.read(second)].into_iter().collect::<Result<Vec<Vec<Event>>, _>>();
    assert_eq!(pieces.map(|pieces| pieces.concat()), Ok(events.clone()));
    for event in events {
        // Times after the year 9999 are written as its end.
        let written = event.write();
        let again = Reader::default().read(written.as_bytes()).map(|events| events.iter().map(Event::write).collect());
        assert_eq!(again, Ok(written));
    }
});
