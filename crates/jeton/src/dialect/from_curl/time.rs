//! Expiry in its many spellings: how long, or until when, in which unit.

use super::names::plain;

/// How an end is written.
pub(super) struct End {
    /// The inside of the hole, such as `expires_in|ms`.
    pub(super) hole: &'static str,
    /// The lifetime in seconds, where the sample tells it.
    pub(super) seconds: Option<u64>,
}

/// Names of a token's end.
const ENDS: &str = "expiresin expires expiry expire expiration exp expiresat validuntil validto ttl lifetime expirationtime expirydate expireson expirationdate tokenexpires tokenexpiry tokenexpiration accesstokenexpiresat accesstokenexpiresin expiresinseconds expiresinms expiresinminutes validity maxage tokenttl notafter expirein";
const DAY: u64 = 86_400;

/// How the end of a token is written here; nothing if the name or the value does not look like one.
pub(super) fn end(name: &str, value: &str) -> Option<End> {
    let name = plain(name);
    ENDS.split(' ').any(|known| known == name).then(|| end_of(&name, value))?
}

fn end_of(name: &str, value: &str) -> Option<End> {
    let relative = |hole, seconds| Some(End { hole, seconds: Some(seconds) });
    let absolute = |hole| Some(End { hole, seconds: None });
    match value.parse::<u64>() {
        Ok(number) if number > 100_000_000_000 => absolute("expires_at|epoch_ms"),
        Ok(number) if number > 1_000_000_000 => absolute("expires_at|epoch"),
        Ok(number) if name.contains("minute") => relative("expires_in|minutes", number * 60),
        Ok(number) if name.ends_with("ms") || name.contains("milli") || is_millis(number) => {
            relative("expires_in|ms", number / 1_000)
        }
        Ok(number) => relative("expires_in", number),
        Err(_) if value.starts_with('P') => match seconds(value) {
            Some(number) => relative("expires_in|iso8601", number),
            None => None,
        },
        Err(_) => absolute(date(value).map(|(in_words, _)| in_words)?),
    }
}

/// A number of seconds would be a whole number of days where it is more than one, and not be years.
fn is_millis(number: u64) -> bool {
    number.is_multiple_of(1_000) && (number > 366 * DAY || (number > DAY && !number.is_multiple_of(DAY)))
}

/// The hole of a token's end, and of another moment, for a date of this form.
fn date(value: &str) -> Option<(&'static str, &'static str)> {
    let digits = |range: std::ops::Range<usize>| {
        value.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let day = digits(0..4) && digits(5..7) && digits(8..10) && value.get(4..5) == Some("-");
    match (day, value.as_bytes().get(10)) {
        (true, Some(b'T')) => Some(("expires_at|rfc3339", "rfc3339")),
        (true, Some(b' ')) if value.len() == 19 => Some(("expires_at|datetime", "datetime")),
        (true, Some(b' ')) => Some(("expires_at|rfc3339", "rfc3339")),
        _ if value.ends_with(" GMT") => Some(("expires_at|http_date", "http_date")),
        _ => None,
    }
}

/// The transform of a moment that is not a token's end: an account's creation, say.
pub(super) fn moment(value: &str) -> Option<&'static str> {
    match value.parse::<u64>() {
        Ok(number) if number > 100_000_000_000 => Some("epoch_ms"),
        Ok(number) if number > 100_000_000 => Some("epoch"),
        Ok(_) => None,
        Err(_) => date(value).map(|(_, transform)| transform),
    }
}

/// The seconds of `PT1H30M`.
fn seconds(value: &str) -> Option<u64> {
    u64::try_from(value.parse::<jiff::SignedDuration>().ok()?.as_secs()).ok()
}

/// A lifetime as dialect files write it: `1h`, `90s`.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0 => "1h".to_owned(),
        seconds if seconds.is_multiple_of(DAY) => format!("{}d", seconds / DAY),
        seconds if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        seconds if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}
