//! Rate limits in memory: so many of something per time and key (GCRA), bounded in keys.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use jeton_core::time::Timestamp;
use quick_cache::sync::{Cache, EntryAction, EntryResult};

/// Keys remembered. An attacker who sprays keys pushes out those seen once before those seen often.
const KEYS: usize = 100_000;

/// Counters by key, of this process alone.
pub struct Limiter {
    /// Random per process, so that nobody can choose keys that collide.
    hasher: RandomState,
    /// When the next event would be due if all came evenly ("theoretical arrival time"), in microseconds.
    due: Cache<u64, i64>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { hasher: RandomState::new(), due: Cache::new(KEYS) }
    }
}

impl Limiter {
    /// Takes one of `count` per `per` for `key`, all of which can come at once; they grow back evenly.
    ///
    /// The key should name the rule, too, as in `("token", source)`. When nothing is left, nothing is taken,
    /// and the error says after how long there is one again.
    pub fn take(&self, key: impl Hash, count: u32, per: Duration, now: Timestamp) -> Result<(), Duration> {
        let rate = Rate::new(count, per);
        let key = self.hasher.hash_one(key);
        match self.due.entry(&key, None, |_, due| EntryAction::Retain(rate.take(due, now))) {
            EntryResult::Retained(taken) => taken,
            EntryResult::Vacant(place) => {
                let mut due = now.as_micros();
                let taken = rate.take(&mut due, now);
                // Only a limit of none refuses the first, and it needs no memory.
                if taken.is_ok() {
                    // Fails when the place was taken away meanwhile by something that cleared the cache.
                    let _ = place.insert(due);
                }
                taken
            }
            // Not reached without a removal or a time-out; if it were, refusing would be the safe side.
            EntryResult::Removed(..) | EntryResult::Replaced(..) | EntryResult::Timeout => Err(per),
        }
    }
}

/// One limit, in microseconds.
struct Rate {
    /// Between two events that come evenly; none if no event is allowed.
    interval: Option<i64>,
    /// For all events that may come at once.
    window: i64,
}

impl Rate {
    fn new(count: u32, per: Duration) -> Self {
        // Far beyond any limit that makes sense, and such that no sum below overflows.
        const LONGEST: i64 = i64::MAX / 4;
        let window = i64::try_from(per.as_micros()).unwrap_or(LONGEST).min(LONGEST);
        Self { interval: window.checked_div(i64::from(count)), window }
    }

    fn take(&self, due: &mut i64, now: Timestamp) -> Result<(), Duration> {
        let now = now.as_micros();
        let micros = |span: i64| Duration::from_micros(span.max(0).unsigned_abs());
        let Some(interval) = self.interval else { return Err(micros(self.window)) };
        let full = now.saturating_add(self.window);
        // No honest value lies further ahead: after a clock that stepped back, nobody waits longer than one window.
        *due = (*due).clamp(now, full);
        let next = due.saturating_add(interval);
        if next > full {
            return Err(micros(next.saturating_sub(full)));
        }
        *due = next;
        Ok(())
    }
}

/// What counts as one source: an IPv4 address, or the /64 an IPv6 address is in, since that is what one
/// subscriber has. IPv4 addresses written as IPv6 are IPv4 addresses.
pub fn source_prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// What a take at each second gives: nothing, or the seconds to wait.
    fn run(count: u32, per: Duration, takes: &[(i64, Option<u64>)]) {
        let limiter = Limiter::default();
        for (row, (second, wait)) in takes.iter().enumerate() {
            let taken = limiter.take("key", count, per, Timestamp::from_secs(*second));
            assert_eq!(taken.err(), wait.map(Duration::from_secs), "row {row}");
        }
    }

    #[test]
    fn all_at_once_then_evenly() {
        run(
            3,
            MINUTE,
            &[
                (0, None),
                (0, None),
                (0, None),
                (0, Some(20)),
                (10, Some(10)),
                (20, None),
                (20, Some(20)),
                (200, None),
                (200, None),
                (200, None),
                (200, Some(20)),
            ],
        );
    }

    #[test]
    fn edges() {
        run(0, MINUTE, &[(0, Some(60)), (100, Some(60))]);
        run(1, MINUTE, &[(0, None), (59, Some(1)), (60, None)]);
        run(1, Duration::ZERO, &[(0, None), (0, None)]);
    }

    #[test]
    fn a_clock_that_stepped_back_is_recovered_from() {
        let limiter = Limiter::default();
        let take = |second| limiter.take("key", 1, MINUTE, Timestamp::from_secs(second));
        assert_eq!(take(31_536_000), Ok(()));
        assert_eq!(take(0), Err(MINUTE));
        assert_eq!(take(60), Ok(()));
    }

    #[test]
    fn no_time_overflows() {
        for now in [i64::MIN, -1, 0, i64::MAX] {
            let limiter = Limiter::default();
            for (count, per) in [(u32::MAX, Duration::MAX), (1, Duration::MAX), (u32::MAX, Duration::ZERO)] {
                let taken = limiter.take("key", count, per, Timestamp::from_micros(now));
                assert!(taken.is_ok() || taken > Err(Duration::ZERO), "{now} {count} {per:?}: {taken:?}");
            }
        }
    }

    #[test]
    fn keys_do_not_disturb_each_other() {
        let limiter = Limiter::default();
        let now = Timestamp::from_secs(1);
        for source in 0..1_000 {
            assert_eq!(limiter.take(("login", source), 1, MINUTE, now), Ok(()), "{source}");
            assert_eq!(limiter.take(("token", source), 1, MINUTE, now), Ok(()), "{source}");
            assert!(limiter.take(("login", source), 1, MINUTE, now).is_err(), "{source}");
        }
    }

    #[test]
    fn parallel_takes_do_not_exceed_the_limit() {
        let limiter = Limiter::default();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..1_000).filter(|_| limiter.take("key", 100, MINUTE, Timestamp::EPOCH).is_ok()).count()
                    })
                })
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }

    #[test]
    fn keys_are_bounded() {
        let limiter = Limiter::default();
        for key in 0..2 * KEYS {
            assert_eq!(limiter.take(key, 1, MINUTE, Timestamp::EPOCH), Ok(()));
        }
        assert!(limiter.due.len() <= KEYS, "{}", limiter.due.len());
    }

    #[test]
    fn sources() {
        for (address, source) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            let parse = |text: &str| text.parse::<IpAddr>().unwrap();
            assert_eq!(source_prefix(parse(address)), parse(source), "{address}");
        }
    }
}
