//! One sign-in: what can be the case with it, after all that was answered.

use super::Kind;
use crate::record::{Act, Answer, Record};

/// For this long a refresh that is asked for again is answered with the same successor; later it means theft, and
/// ends the family. In microseconds.
pub(crate) const REPEAT: u64 = 10_000_000;

/// One sign-in and what came from it.
pub(crate) struct Family {
    nonce: String,
    tokens: Vec<Held>,
    worlds: Worlds,
    /// From when on the end is acknowledged.
    ended_at: Option<u64>,
    /// When the first refresh began whose answer did not come.
    unseen_since: Option<u64>,
    /// The service has broken its word about it: everything after that would follow from that.
    pub(super) accused: bool,
}

struct Held {
    text: String,
    /// From when on it is certain that the successor is there.
    used_at: Option<u64>,
}

/// What can be the case; at least one of them.
#[derive(Clone, Copy)]
struct Worlds {
    /// The last token is live.
    live: bool,
    /// The last token has a successor that no answer told.
    unseen: bool,
    /// The family has ended.
    ended: bool,
}

impl Worlds {
    const NONE: Self = Self { live: false, unseen: false, ended: false };
    const LIVE: Self = Self { live: true, ..Self::NONE };
    const ENDED: Self = Self { ended: true, ..Self::NONE };
}

type Accusation = Option<(Kind, &'static str)>;

impl Family {
    pub(super) fn new(nonce: &str, token: &str) -> Self {
        Self {
            nonce: nonce.to_owned(),
            tokens: vec![Held { text: token.to_owned(), used_at: None }],
            worlds: Worlds::LIVE,
            ended_at: None,
            unseen_since: None,
            accused: false,
        }
    }

    /// The nonce it was signed in with.
    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Its tokens, the oldest first.
    pub(crate) fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.tokens.iter().map(|held| held.text.as_str())
    }

    /// Whether it is possible that the last token has a successor that no answer told.
    pub(crate) fn may_have_unseen(&self) -> bool {
        self.worlds.unseen
    }

    /// Whether the last token was found used, and its successor was not told yet.
    pub(super) fn awaits_its_successor(&self) -> bool {
        self.worlds.unseen && !self.worlds.live
    }

    /// The live token, if it is certain that there is one.
    pub(super) fn live_token(&self) -> Option<&str> {
        let certain = self.worlds.live && !self.worlds.unseen && !self.worlds.ended && !self.accused;
        self.tokens.last().filter(|_| certain).map(|held| held.text.as_str())
    }

    pub(super) fn note(&mut self, record: &Record) -> Accusation {
        let newest_first = self.tokens.iter().rev().position(|held| held.text == record.shown);
        match (record.act, newest_first) {
            (Act::Replay, _) => match record.answer {
                Answer::Token(_) => Some((Kind::Reused, "a nonce was taken twice")),
                _ => None,
            },
            (Act::Introspect, Some(age)) => self.introspected(record, age),
            (Act::Refresh, Some(age)) => self.refreshed(record, age),
            (Act::Revoke, Some(age)) => self.revoked(record, age),
            (Act::Issue, _) => Some((Kind::Forked, "one sign-in was answered twice")),
            // A token of which the history knows nothing: the journal is not whole.
            (_, None) => Some((Kind::Wrong, "an act with a token that no answer gave")),
        }
    }

    fn introspected(&mut self, record: &Record, age: usize) -> Accusation {
        let before_the_end = self.ended_at.is_some_and(|at| record.begun < at);
        match (&record.answer, age) {
            (Answer::Active, 0) if self.worlds.live => self.worlds = Worlds::LIVE,
            (Answer::Active, 0) if before_the_end => {}
            (Answer::Active, 0) if self.worlds.ended => {
                return Some((Kind::Revived, "active after its end was acknowledged"));
            }
            (Answer::Active, 0) => return Some((Kind::Revived, "active after it was used up")),
            (Answer::Active, _) => {
                let used_at = self.nth(age).and_then(|held| held.used_at);
                return match used_at.is_some_and(|at| record.begun < at) || before_the_end {
                    true => None,
                    false if self.worlds.live => Some((Kind::Forked, "active beside its successor")),
                    false => Some((Kind::Revived, "active although it has a successor and was ended")),
                };
            }
            (Answer::Inactive, 0) => {
                self.worlds.live = false;
                return self.lost_if_impossible("inactive, and nobody has ended or used it");
            }
            _ => {}
        }
        None
    }

    fn refreshed(&mut self, record: &Record, age: usize) -> Accusation {
        match (&record.answer, age) {
            (Answer::Token(successor), 0) => {
                if self.tokens().any(|known| known == successor) {
                    return Some((Kind::Forked, "its successor is a token that was there before"));
                }
                let ended = !self.worlds.live && !self.worlds.unseen;
                if ended && self.ended_at.is_none_or(|at| record.begun > at) {
                    return Some((Kind::Revived, "refreshed after its end was acknowledged"));
                }
                if let Some(last) = self.tokens.last_mut() {
                    last.used_at = Some(record.ended);
                }
                self.tokens.push(Held { text: successor.clone(), used_at: None });
                self.unseen_since = None;
                self.worlds = if ended { Worlds::ENDED } else { Worlds::LIVE };
            }
            (Answer::Token(successor), age) => {
                let (used_at, expected) = (self.nth(age).and_then(|held| held.used_at), self.nth(age - 1));
                if expected.is_none_or(|expected| expected.text != *successor) {
                    return Some((Kind::Forked, "refreshed to another successor than before"));
                }
                if used_at.is_some_and(|at| record.begun > at + REPEAT) {
                    return Some((Kind::Reused, "refreshed long after its successor was given"));
                }
                if self.ended_at.is_some_and(|at| record.begun > at) {
                    return Some((Kind::Revived, "refreshed again after its end was acknowledged"));
                }
            }
            (Answer::Refused(_), 0) => {
                let late = self.unseen_since.is_some_and(|since| record.ended > since + REPEAT);
                self.worlds.live = false;
                // Too late for the repetition, this was taken for theft, which ends the family.
                if self.worlds.unseen && late {
                    self.end(record.ended);
                }
                self.worlds.unseen = false;
                return self.lost_if_impossible("refused a refresh that it owes");
            }
            // Reuse of a token that has a successor: no later than now, the family has ended.
            (Answer::Refused(_), _) => self.end(record.ended),
            (Answer::Nothing | Answer::Unavailable, 0) => {
                let since = *self.unseen_since.get_or_insert(record.begun);
                self.worlds.ended |= self.worlds.unseen && record.ended > since + REPEAT;
                self.worlds.unseen |= self.worlds.live;
            }
            (Answer::Nothing | Answer::Unavailable, _) => self.worlds.ended = true,
            _ => {}
        }
        None
    }

    fn revoked(&mut self, record: &Record, age: usize) -> Accusation {
        match (&record.answer, age) {
            (Answer::Done, _) => self.end(record.ended),
            (Answer::Refused(_), 0) => {
                self.worlds.live = false;
                return self.lost_if_impossible("refused to end a token that is live");
            }
            (Answer::Nothing | Answer::Unavailable, _) => self.worlds.ended = true,
            _ => {}
        }
        None
    }

    fn end(&mut self, at: u64) {
        self.worlds = Worlds::ENDED;
        self.ended_at.get_or_insert(at);
    }

    fn lost_if_impossible(&self, text: &'static str) -> Accusation {
        let Worlds { live, unseen, ended } = self.worlds;
        (!live && !unseen && !ended).then_some((Kind::Lost, text))
    }

    /// The last token but `age`.
    fn nth(&self, age: usize) -> Option<&Held> {
        self.tokens.iter().rev().nth(age)
    }
}
