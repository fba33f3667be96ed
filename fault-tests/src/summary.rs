//! A run in one line.

use std::fmt;
use std::time::Duration;

use crate::history::{Counts, History, Kind};

/// What a history comes to.
pub(crate) struct Summary {
    counts: Counts,
    lost: usize,
    revived: usize,
    forked: usize,
    reused: usize,
    wrong: usize,
}

impl Summary {
    /// The summary of a history as it is now.
    pub(crate) fn of(history: &History) -> Self {
        Self {
            counts: history.counts(),
            lost: history.found(Kind::Lost),
            revived: history.found(Kind::Revived),
            forked: history.found(Kind::Forked),
            reused: history.found(Kind::Reused),
            wrong: history.found(Kind::Wrong),
        }
    }

    /// Whether the service has kept its word, and had a chance to break it.
    pub(crate) fn is_clean(&self) -> bool {
        let broken = self.lost + self.revived + self.forked + self.reused + self.wrong;
        broken == 0 && self.counts.acknowledged > 0
    }

    /// Whether something was lost and something else revived: what a store must look like that was put back.
    pub(crate) fn shows_loss(&self) -> bool {
        self.lost > 0 && self.revived > 0
    }

    /// Whether a token was seen to have two successors.
    pub(crate) fn shows_fork(&self) -> bool {
        self.forked > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { acknowledged, refused, unavailable, unanswered, recovered, longest_pause } = self.counts;
        write!(
            out,
            "{acknowledged} acts acknowledged, {refused} refused, {unavailable} unavailable, {unanswered} unanswered, \
             {recovered} lost answers recovered, longest pause of writes {} ms; {} lost, {} revived, {} forked, {} reused, \
             {} wrong",
            longest_pause / 1000,
            self.lost,
            self.revived,
            self.forked,
            self.reused,
            self.wrong
        )
    }
}

/// Times in milliseconds: the middle and the one that 99 of 100 do not exceed.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// No times yet.
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
        self.0.sort_unstable();
    }

    /// The smallest time that `percent` of all do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [middle, high, highest] = [50, 99, 100].map(|percent| self.percentile(percent).as_millis());
        write!(out, "p50 {middle} ms, p99 {high} ms, longest {highest} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let mut times = Times::new();
        assert_eq!(times.to_string(), "p50 0 ms, p99 0 ms, longest 0 ms");
        for millis in (1..=200).rev() {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.to_string(), "p50 100 ms, p99 198 ms, longest 200 ms");
    }

    #[test]
    fn a_run_without_acts_is_not_clean() {
        assert!(!Summary::of(&History::default()).is_clean());
    }
}
