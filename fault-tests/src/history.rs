//! The oracle: what a service may answer after what it has answered.
//!
//! A *family* is a sign-in with the tokens that came from it. For each, the history keeps which *worlds* are possible:
//! its last known token is the live one, or has a successor that no answer told, or the family has ended. An
//! acknowledged act leaves one world, an act without an answer adds one, and an answer that fits none is a violation.

mod family;

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::record::{Act, Answer, Record};
use family::Family;

/// How a service broke its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// What was acknowledged is not there.
    Lost,
    /// What was ended or used up is good again.
    Revived,
    /// Two successors of one token, or two live tokens of one family.
    Forked,
    /// What is good once was taken twice.
    Reused,
    /// A status that nobody should see, or a panic.
    Wrong,
}

/// A broken word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    /// Which one.
    pub(crate) kind: Kind,
    /// Whose.
    pub(crate) family: u64,
    /// What happened.
    pub(crate) text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: family {}: {}", self.kind, self.family, self.text)
    }
}

/// How often what was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// Tokens, ends and introspections that were answered with 2xx.
    pub(crate) acknowledged: u64,
    /// 4xx.
    pub(crate) refused: u64,
    /// 503.
    pub(crate) unavailable: u64,
    /// No answer.
    pub(crate) unanswered: u64,
    /// Refreshes whose answer was lost and whose successor was had by asking again.
    pub(crate) recovered: u64,
    /// The longest time between two acknowledged writes between which something got no answer or a 503, in microseconds.
    pub(crate) longest_pause: u64,
}

/// All families, as far as answers tell.
#[derive(Default)]
pub(crate) struct History {
    families: HashMap<u64, Family>,
    touched: BTreeSet<u64>,
    counts: Counts,
    last_write: Option<u64>,
    /// Something got no answer or a 503 since then.
    troubled: bool,
    violations: Vec<Violation>,
}

impl History {
    /// Takes note of a record; a violation, if the answer fits no possible world. A family is accused once.
    pub(crate) fn note(&mut self, record: &Record) -> Option<Violation> {
        self.count(record);
        self.touched.insert(record.family);
        let accusation = match (&record.act, &record.answer, self.families.get_mut(&record.family)) {
            (_, Answer::Wrong(status), _) => Some((Kind::Wrong, format!("{:?} answered {status}", record.act))),
            (Act::Issue, Answer::Token(token), None) => {
                self.families.insert(record.family, Family::new(&record.shown, token));
                None
            }
            (Act::Issue, Answer::Refused(status), None) => {
                Some((Kind::Wrong, format!("a right key and a fresh nonce were refused with {status}")))
            }
            // Without a token there is no family to say anything of.
            (_, _, None) => None,
            (_, _, Some(family)) if family.accused => None,
            (_, _, Some(family)) => family.note(record).map(|(kind, text)| (kind, text.to_owned())),
        };
        let (kind, text) = accusation?;
        if let Some(family) = self.families.get_mut(&record.family) {
            family.accused = true;
        }
        let at = format!(" ({:?} at node {}, {} µs after the epoch)", record.act, record.node, record.begun);
        let violation = Violation { kind, family: record.family, text: text + &at };
        self.violations.push(violation.clone());
        Some(violation)
    }

    fn count(&mut self, record: &Record) {
        let counts = &mut self.counts;
        match record.answer {
            Answer::Token(_) | Answer::Done | Answer::Active | Answer::Inactive => counts.acknowledged += 1,
            Answer::Refused(_) => counts.refused += 1,
            Answer::Unavailable => counts.unavailable += 1,
            Answer::Nothing => counts.unanswered += 1,
            Answer::Wrong(_) => {}
        }
        self.troubled |= matches!(record.answer, Answer::Unavailable | Answer::Nothing);
        if matches!(record.answer, Answer::Token(_) | Answer::Done) {
            let pause = self.last_write.filter(|_| self.troubled).map_or(0, |last| record.ended.saturating_sub(last));
            counts.longest_pause = counts.longest_pause.max(pause);
            (self.last_write, self.troubled) = (Some(record.ended), false);
        }
        let recovered = matches!(record.answer, Answer::Token(_)) && record.act == Act::Refresh;
        if recovered && self.families.get(&record.family).is_some_and(Family::awaits_its_successor) {
            counts.recovered += 1;
        }
    }

    /// Notes something that belongs to no family, such as a panic in a server's log.
    pub(crate) fn accuse(&mut self, kind: Kind, text: impl Into<String>) {
        self.violations.push(Violation { kind, family: 0, text: text.into() });
    }

    /// What was found so far.
    pub(crate) fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// How many violations of a kind were found.
    pub(crate) fn found(&self, kind: Kind) -> usize {
        self.violations.iter().filter(|violation| violation.kind == kind).count()
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Forgets the last write, so that the time until the next one counts as no pause.
    pub(crate) fn rest(&mut self) {
        (self.last_write, self.troubled) = (None, false);
    }

    /// The families that were asked about since this was last called.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<u64> {
        std::mem::take(&mut self.touched)
    }

    /// All families, in order.
    pub(crate) fn all(&self) -> Vec<u64> {
        let mut all: Vec<u64> = self.families.keys().copied().collect();
        all.sort_unstable();
        all
    }

    /// A number that no family has.
    pub(crate) fn next_family(&self) -> u64 {
        self.families.keys().max().map_or(1, |last| last + 1)
    }

    /// A family.
    pub(crate) fn family(&self, id: u64) -> Option<&Family> {
        self.families.get(&id)
    }

    /// The families of which is certain that they live, with their live tokens, in no order.
    pub(crate) fn live(&self) -> impl Iterator<Item = (u64, &str)> {
        self.families.iter().filter_map(|(id, family)| Some((*id, family.live_token()?)))
    }
}

#[cfg(test)]
mod tests;
