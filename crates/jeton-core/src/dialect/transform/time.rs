//! Points in time and spans of seconds, as APIs write them.

use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;

use super::Transform;
use crate::dialect::noun;
use crate::time::Timestamp;

/// Finer than any clock of ours; more digits than these are cut off.
const FRACTION_DIGITS: usize = 9;

/// A point in time in the form of a transform that takes one.
pub(super) fn write(time: Timestamp, form: &Transform) -> Option<String> {
    match form {
        Transform::Epoch => Some(time.as_secs().to_string()),
        Transform::EpochMillis => Some(time.as_millis().to_string()),
        Transform::Rfc3339 => Some(time.to_string()),
        Transform::HttpDate => {
            let whole = jiff::Timestamp::from_second(time.as_secs()).ok()?;
            DateTimePrinter::new().timestamp_to_rfc9110_string(&whole).ok()
        }
        Transform::DateTime => {
            let utc = jiff::Timestamp::from_second(time.as_secs()).ok()?.to_zoned(TimeZone::UTC).datetime();
            (utc.year() >= 0).then(|| format!("{} {}", utc.date(), utc.time()))
        }
        _ => None,
    }
}

/// The point in time that a text of this form names.
pub(super) fn read(text: &str, form: &Transform) -> Option<Timestamp> {
    let per_second = 1_000_000;
    match form {
        Transform::Epoch => noun::number(text)?.checked_mul(per_second).map(Timestamp::from_micros),
        Transform::EpochMillis => noun::number(text)?.checked_mul(per_second / 1_000).map(Timestamp::from_micros),
        Transform::Rfc3339 => of(short_fraction(text).parse().ok()?),
        // RFC 9110 §5.6.7: the one form that is written today.
        Transform::HttpDate if text.ends_with(" GMT") => of(DateTimeParser::new().parse_timestamp(text).ok()?),
        Transform::DateTime => {
            let with_time = text.len() >= "2026-01-15 15:00:00".len() && text.as_bytes().get(10) == Some(&b' ');
            let utc: jiff::civil::DateTime = short_fraction(text).parse().ok().filter(|_| with_time)?;
            of(utc.to_zoned(TimeZone::UTC).ok()?.timestamp())
        }
        _ => None,
    }
}

fn of(time: jiff::Timestamp) -> Option<Timestamp> {
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// The text with no more digits behind the first dot than can be read.
fn short_fraction(text: &str) -> String {
    let Some((whole, rest)) = text.split_once('.') else { return text.to_owned() };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    format!("{whole}.{}{}", &rest[..digits.min(FRACTION_DIGITS)], &rest[digits..])
}

/// Seconds in the form of a transform that takes a span; nothing for a span that goes back.
pub(super) fn write_span(seconds: i64, form: &Transform) -> Option<String> {
    let seconds = Some(seconds).filter(|seconds| *seconds >= 0)?;
    match form {
        Transform::Millis => seconds.checked_mul(1_000).map(|millis| millis.to_string()),
        Transform::Minutes => Some((seconds / 60).to_string()),
        Transform::Iso8601 => Some(jiff::SignedDuration::from_secs(seconds).to_string()),
        _ => None,
    }
}

/// The whole seconds of a span.
pub(super) fn read_span(text: &str, form: &Transform) -> Option<i64> {
    let number = || noun::number(text).filter(|number| *number >= 0);
    match form {
        Transform::Millis => Some(number()? / 1_000),
        Transform::Minutes => number()?.checked_mul(60),
        Transform::Iso8601 => iso8601(text),
        _ => None,
    }
}

/// `P1DT2H`: a day has 24 hours here; months and years have no fixed length and are not read.
fn iso8601(text: &str) -> Option<i64> {
    let exact = |span: &jiff::Span| span.get_years() == 0 && span.get_months() == 0 && !span.is_negative();
    let span: jiff::Span = text.strip_prefix('P').and_then(|_| text.parse().ok()).filter(exact)?;
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let minutes = (days * 24 + i64::from(span.get_hours())) * 60 + span.get_minutes();
    minutes.checked_mul(60)?.checked_add(span.get_seconds())
}
