//! The end of a session that is rounded up to midnight (contracts/pitchpoint.md §7).

use jeton_core::domain::policy::{End, Refresh};
use jeton_core::rules::issue::session_end;
use jeton_core::time::Timestamp;
use proptest::prelude::*;

use crate::fixture::{at, dialect};

fn deadline(sign_in: Timestamp) -> Timestamp {
    session_end(&dialect("pitchpoint").policy, sign_in)
}

/// Sign-in, deadline: the contract's table, every row.
const TABLE: [(&str, &str); 16] = [
    ("2026-01-15T15:00:00Z", "2026-01-17T05:00:00Z"),
    ("2026-01-15T04:59:59Z", "2026-01-16T05:00:00Z"),
    ("2026-01-15T05:00:00Z", "2026-01-16T05:00:00Z"),
    ("2026-01-15T05:00:01Z", "2026-01-17T05:00:00Z"),
    ("2026-07-15T04:00:00Z", "2026-07-16T04:00:00Z"),
    ("2026-03-07T05:00:00Z", "2026-03-08T05:00:00Z"),
    ("2026-03-07T15:00:00Z", "2026-03-09T04:00:00Z"),
    ("2026-03-08T04:30:00Z", "2026-03-10T04:00:00Z"),
    ("2026-03-08T05:00:00Z", "2026-03-10T04:00:00Z"),
    ("2026-03-09T03:30:00Z", "2026-03-10T04:00:00Z"),
    ("2026-10-31T04:00:00Z", "2026-11-01T04:00:00Z"),
    ("2026-10-31T15:00:00Z", "2026-11-02T05:00:00Z"),
    ("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"),
    ("2026-11-01T04:30:00Z", "2026-11-02T05:00:00Z"),
    ("2026-11-01T05:30:00Z", "2026-11-03T05:00:00Z"),
    ("2026-11-02T04:30:00Z", "2026-11-03T05:00:00Z"),
];

#[test]
fn every_row_of_the_contract() {
    for (sign_in, expected) in TABLE {
        assert_eq!(deadline(at(sign_in)), at(expected), "{sign_in}");
    }
}

#[test]
fn fractions_of_a_second_do_not_cost_a_day() {
    let sign_in = at("2026-01-15T05:00:00Z") + std::time::Duration::from_micros(999_999);
    assert_eq!(deadline(sign_in), at("2026-01-16T05:00:00Z"));
}

#[test]
fn the_file_says_so() {
    let Refresh::Keep { end } = &dialect("pitchpoint").policy.refresh else { panic!("keeps its token") };
    let day = std::time::Duration::from_secs(86_400);
    assert_eq!(*end, End { after: day, midnight_in: Some("America/New_York".to_owned()) });
}

proptest! {
    /// Never less than the promised day, never as much as three, always at midnight in New York.
    #[test]
    fn at_least_a_day_and_at_midnight(secs in 1_500_000_000_i64..2_500_000_000) {
        let sign_in = Timestamp::from_secs(secs);
        let end = deadline(sign_in);
        let life = end.as_secs() - secs;
        prop_assert!((86_400..49 * 3600).contains(&life), "{}", life);
        let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let local = jiff::Timestamp::from_second(end.as_secs()).unwrap().to_zoned(zone);
        prop_assert_eq!((local.hour(), local.minute(), local.second()), (0, 0, 0));
    }
}
