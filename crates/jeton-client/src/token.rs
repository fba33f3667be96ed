//! A token as the client keeps it, and when it is used, refreshed or let go: functions of `now` and chance.

use std::collections::BTreeMap;
use std::time::Duration;

use jeton_core::dialect::Deviation;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

use crate::flow::Issued;

/// A token. All times are by this machine's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The access token.
    pub access: Secret<String>,
    /// What it is refreshed with, where that is another value.
    pub refresh: Option<Secret<String>>,
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// From here on it is still used, and refreshed beside that; nothing if it has no known end.
    pub refresh_at: Option<Timestamp>,
    /// When it ends; nothing if that is not known.
    pub expires_at: Option<Timestamp>,
    /// Where calls with it go, if that is not the profile's URL.
    pub url: Option<String>,
    /// What later requests repeat of the answer that issued it, such as the person's id.
    pub said: BTreeMap<String, String>,
    /// What was wrong with the answer that has just issued it. Not kept.
    pub deviations: Vec<Deviation>,
}

/// What must be done before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The token is good.
    Nothing,
    /// The token is good and shall be refreshed early.
    Refresh,
    /// There is no good token.
    Obtain,
}

/// A token with less time than this is of no use to a call that still has to travel.
const MARGIN: Duration = Duration::from_secs(5);

impl Token {
    /// What an answer issued, as this machine's clock sees it.
    ///
    /// `asked_at` is before the request was sent, so that a lifetime is never taken for longer than it is; `ahead` is
    /// how many seconds the server's clock is ahead of this one; `chance` (from 0 up to 1) spreads the early refreshes
    /// of many clients.
    pub fn new(issued: Issued, asked_at: Timestamp, ahead: i64, chance: f64) -> Self {
        let by_lifetime = issued.lifetime.map(|lifetime| asked_at + lifetime);
        let by_clock = issued.expires_at.map(|at| Timestamp::from_secs(at.as_secs().saturating_sub(ahead)));
        let expires_at = [by_lifetime, by_clock].into_iter().flatten().min();
        let refresh_at = expires_at.map(|end| asked_at + end.since(asked_at).mul_f64(0.8 + 0.1 * chance));
        let Issued { access, refresh, url, said, deviations, .. } = issued;
        Self { access, refresh, obtained_at: asked_at, refresh_at, expires_at, url, said, deviations }
    }

    /// Whether a call can be made with it now.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end - MARGIN.min(end.since(self.obtained_at) / 10))
    }

    /// What must be done before a call at `now`.
    pub fn need(&self, now: Timestamp) -> Need {
        match self.is_good(now) {
            true if self.refresh_at.is_some_and(|at| now >= at) => Need::Refresh,
            true => Need::Nothing,
            false => Need::Obtain,
        }
    }
}

/// How long to wait after the `failures`th failure in a row, at least as long as the API asks for.
pub fn pause(failures: u32, asked: Option<Duration>, chance: f64) -> Duration {
    const LONGEST: u64 = 300;
    let seconds = 1_u64.checked_shl(failures.saturating_sub(1)).map_or(LONGEST, |seconds| seconds.min(LONGEST));
    let own = Duration::from_secs(seconds).mul_f64(0.5 + 0.5 * chance);
    asked.map_or(own, |asked| asked.max(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(1_000_000 + secs)
    }

    fn token(lifetime: Option<u64>, expires_at: Option<i64>, ahead: i64, chance: f64) -> Token {
        let issued = Issued {
            access: Secret::from("t"),
            refresh: None,
            lifetime: lifetime.map(Duration::from_secs),
            expires_at: expires_at.map(at),
            ..Issued::default()
        };
        Token::new(issued, at(0), ahead, chance)
    }

    #[test]
    fn the_end_is_the_nearest_that_is_known_by_this_clock() {
        for (lifetime, expires_at, ahead, end) in [
            (Some(3600), None, 0, Some(3600)),
            (Some(3600), None, 900, Some(3600)),
            (None, Some(3600), 0, Some(3600)),
            // A server ten minutes ahead: what it calls 3600 is 3000 here.
            (None, Some(3600), 600, Some(3000)),
            (None, Some(3600), -600, Some(4200)),
            (Some(1800), Some(3600), 0, Some(1800)),
            (None, None, 0, None),
        ] {
            let token = token(lifetime, expires_at, ahead, 0.0);
            assert_eq!(token.expires_at, end.map(at), "{lifetime:?} {expires_at:?} {ahead}");
        }
    }

    #[test]
    fn what_must_be_done_when() {
        for (lifetime, chance, now, need) in [
            (Some(1000), 0.0, 0, Need::Nothing),
            (Some(1000), 0.0, 799, Need::Nothing),
            (Some(1000), 0.0, 800, Need::Refresh),
            (Some(1000), 1.0, 899, Need::Nothing),
            (Some(1000), 1.0, 900, Need::Refresh),
            (Some(1000), 0.0, 994, Need::Refresh),
            (Some(1000), 0.0, 995, Need::Obtain),
            (Some(1000), 0.0, 5000, Need::Obtain),
            // The margin is no more than a tenth of a short life.
            (Some(10), 0.0, 8, Need::Refresh),
            (Some(10), 0.0, 9, Need::Obtain),
            (Some(0), 0.0, 0, Need::Obtain),
            (None, 0.0, 1_000_000_000, Need::Nothing),
        ] {
            assert_eq!(token(lifetime, None, 0, chance).need(at(now)), need, "{lifetime:?} {chance} {now}");
        }
    }

    #[test]
    fn pauses_grow_to_five_minutes_and_never_undercut_the_api() {
        for (failures, asked, chance, seconds) in [
            (1, None, 1.0, 1.0),
            (1, None, 0.0, 0.5),
            (4, None, 1.0, 8.0),
            (9, None, 1.0, 256.0),
            (10, None, 1.0, 300.0),
            (64, None, 1.0, 300.0),
            (u32::MAX, None, 1.0, 300.0),
            (1, Some(60), 1.0, 60.0),
            (10, Some(60), 1.0, 300.0),
        ] {
            let asked = asked.map(Duration::from_secs);
            assert_eq!(pause(failures, asked, chance), Duration::from_secs_f64(seconds), "{failures} {asked:?}");
        }
    }
}
