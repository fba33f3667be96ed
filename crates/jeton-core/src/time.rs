//! Points in time. The core never reads a clock: whoever calls it passes `now`.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// The store keeps exactly this number, so what was written is what is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of the epoch: earlier than everything that Jeton writes.
    pub const EPOCH: Self = Self(0);
    /// Later than everything that Jeton writes (year 9999), and representable in RFC 3339.
    pub const MAX: Self = Self(253_402_300_799_000_000);

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: a token is never said to live longer than it does.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This instant without its fraction of a second.
    pub const fn whole_secs(self) -> Self {
        Self::from_secs(self.as_secs())
    }

    /// How long from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The earliest midnight (00:00:00 local time in `zone`) that is not before this instant.
    ///
    /// A day whose midnight does not exist begins at its first instant.
    pub fn round_up_to_midnight(self, zone: &jiff::tz::TimeZone) -> Self {
        let Ok(instant) = jiff::Timestamp::from_microsecond(self.0) else { return self };
        let local = instant.to_zoned(zone.clone());
        let midnight = match local.start_of_day() {
            Ok(start) if start.timestamp() == instant => return self,
            _ => local.tomorrow().and_then(|next| next.start_of_day()),
        };
        midnight.map_or(self, |at| Self(at.timestamp().as_microsecond()))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros).min(Self::MAX.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }
}

/// RFC 3339 in UTC, as in `2026-01-15T15:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
