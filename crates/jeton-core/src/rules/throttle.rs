//! When a proof is not even looked at: against guessing, without locking the owner out.
//!
//! Failures are counted per account and source, per account, and per source (security.md H7–H12). A source
//! that the account was used from before is known to it, and is not stopped by what others do.

use std::time::Duration;

use crate::domain::throttle::{Failures, Throttle};
use crate::time::Timestamp;

/// Failures of one account from one source before it has to wait.
const PAIR: i64 = 10;
/// The same from a source that the account is known to be used from.
const KNOWN_PAIR: i64 = 30;
/// Failures of one account from anywhere before unknown sources have to wait (NIST SP 800-63B-4 §3.2.2: at
/// most 100).
const ACCOUNT: i64 = 100;
/// Failures of any accounts from one source before it has to wait.
const SOURCE: i64 = 300;
/// How long a pair or a source waits after its last failure.
const WAIT: Duration = Duration::from_secs(600);
/// How long an account is closed to unknown sources. The store forgets failures after the same time.
const SUSPENDED: Duration = Duration::from_secs(24 * 3600);
/// How long a source stays known after the last success from it.
const KNOWN: Duration = Duration::from_secs(30 * 24 * 3600);
/// The longest wait of a machine, whose secret cannot be guessed in any number of tries.
const MACHINE_WAIT: u64 = 60;

/// How long a person's sign-in has to wait, if it has to. The password is then not checked at all.
pub fn person(throttle: &Throttle, now: Timestamp) -> Option<Duration> {
    let known = throttle.pair.succeeded_at.is_some_and(|at| now < at + KNOWN);
    let pair = wait(throttle.pair, if known { KNOWN_PAIR } else { PAIR }, WAIT, now);
    let others = || wait(throttle.account, ACCOUNT, SUSPENDED, now).or(wait(throttle.source, SOURCE, WAIT, now));
    pair.or_else(|| if known { None } else { others() })
}

/// How long a client or API key has to wait, if it has to: from ten failures on, twice as long each time,
/// up to a minute, so that a mended configuration works soon.
pub fn machine(throttle: &Throttle, now: Timestamp) -> Option<Duration> {
    let beyond = u32::try_from(throttle.pair.count.saturating_sub(PAIR)).unwrap_or(0);
    let secs = 2_u64.saturating_pow(beyond).min(MACHINE_WAIT);
    wait(throttle.pair, PAIR, Duration::from_secs(secs), now)
}

/// How long whoever types user codes of devices has to wait, if it has to. Nobody else's failures count: a code is
/// nobody's account.
pub fn user_code(throttle: &Throttle, now: Timestamp) -> Option<Duration> {
    wait(throttle.pair, PAIR, WAIT, now).or(wait(throttle.source, SOURCE, WAIT, now))
}

fn wait(failures: Failures, allowed: i64, span: Duration, now: Timestamp) -> Option<Duration> {
    let end = failures.last_at + span;
    (failures.count >= allowed && now < end).then(|| end.since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + secs)
    }

    fn failures(count: i64, last: i64) -> Failures {
        Failures { count, first_at: at(0), last_at: at(last), succeeded_at: None }
    }

    #[test]
    fn rules() {
        let known = |count| Failures { succeeded_at: Some(at(-100)), ..failures(count, 0) };
        let none = Failures::default();
        // pair, account, source, seconds later, waits
        let rows = [
            (none, none, none, 0, false),
            (failures(9, 0), none, none, 1, false),
            (failures(10, 0), none, none, 1, true),
            (failures(10, 0), none, none, 599, true),
            (failures(10, 0), none, none, 600, false),
            (known(29), none, none, 1, false),
            (known(30), none, none, 1, true),
            (none, failures(99, 0), none, 1, false),
            (none, failures(100, 0), none, 1, true),
            (none, failures(100, 0), none, 24 * 3600 - 1, true),
            (none, failures(100, 0), none, 24 * 3600, false),
            (known(0), failures(100, 0), failures(300, 0), 1, false),
            (none, none, failures(299, 0), 1, false),
            (none, none, failures(300, 0), 1, true),
        ];
        for (row, (pair, account, source, later, waits)) in rows.into_iter().enumerate() {
            let throttle = Throttle { pair, account, source };
            assert_eq!(person(&throttle, at(later)).is_some(), waits, "row {row}");
        }
    }

    #[test]
    fn a_source_is_not_known_for_ever() {
        let pair = Failures { succeeded_at: Some(at(-30 * 24 * 3600)), ..Failures::default() };
        let throttle = Throttle { pair, account: failures(100, 0), ..Throttle::default() };
        assert!(person(&throttle, at(1)).is_some());
    }

    #[test]
    fn machines_back_off() {
        for (count, waits) in [(9, 0), (10, 1), (11, 2), (13, 8), (16, 60), (99, 60)] {
            let throttle = Throttle { pair: failures(count, 0), ..Throttle::default() };
            let expected = (waits > 0).then(|| Duration::from_secs(waits));
            assert_eq!(machine(&throttle, at(0)), expected, "{count}");
        }
    }
}
