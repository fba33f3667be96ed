//! Renewals, uses and an end in any order, by two nodes with clocks of their own, against a small model: one live
//! successor, the same answer inside the window, the end after it, and nothing that lives again.
//!
//! The checker takes the rules as an argument. Beside the real ones it is given some with a piece left out, and must
//! find each of them.

use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::dialect::Dialect;
use jeton_core::facts::Facts;
use jeton_core::rules::state::of_session_token;
use jeton_core::rules::{Decision, Grant, Issue, PasswordCheck, Request, Shape};
use jeton_core::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use crate::family::{Conflict, Family, renewing, text};
use crate::fixture::{decide, dialect, now, request};

/// What is under test: how a renewal and a use are decided, and how a decision is committed.
struct Rules {
    renew: fn(Facts, &'static Dialect, Timestamp, u64) -> Decision<Issue>,
    show: fn(Facts, &'static Dialect, Timestamp) -> (bool, Vec<Change>),
    commit: fn(&mut Family, &[Change]) -> Result<(), Conflict>,
}

const REAL: Rules = Rules { renew, show, commit: Family::commit };

fn renew(facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    let renewal = Request { throttle: None, ..request(Grant::Refresh, Shape::Dialect(dialect)) };
    decide(&facts, &renewal, PasswordCheck::default(), now, seed)
}

fn show(facts: Facts, dialect: &'static Dialect, now: Timestamp) -> (bool, Vec<Change>) {
    let token = facts.token.as_ref().unwrap();
    let decision = of_session_token(&facts.realm, token, Shape::Dialect(dialect), None, now);
    (decision.answer.is_ok(), decision.changes)
}

/// What is done. Tokens are named by a number that wraps around; `fast` is the node whose clock is ahead.
#[derive(Clone, Debug)]
enum Act {
    Renew {
        which: usize,
        fast: bool,
    },
    Use {
        which: usize,
        fast: bool,
    },
    End,
    Wait {
        secs: u64,
    },
    /// A renewal that was decided before `meanwhile` was done, and is committed after it.
    Overtaken {
        which: usize,
        fast: bool,
        meanwhile: Box<Act>,
    },
}

/// What the model allows as an answer to a renewal.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Allowed {
    /// A successor that was not there before.
    New,
    /// The successor that is there.
    Same,
    /// A no, and the end of the session.
    Reuse,
    /// Between the two clocks it is one or the other.
    SameOrReuse,
    /// A no.
    No,
}

/// The session as it should be.
struct Model {
    /// What each token is; the last one is live.
    texts: Vec<String>,
    renewed_at: Timestamp,
    used: bool,
    ended: bool,
}

impl Model {
    /// May be answered to token `which`, if clocks differ by up to `ahead`.
    fn allows(&self, which: usize, now: Timestamp, ahead: Duration) -> Allowed {
        let since = now.since(self.renewed_at);
        match self.texts.len() - 1 - which {
            _ if self.ended => Allowed::No,
            0 => Allowed::New,
            1 if self.used => Allowed::Reuse,
            1 if since + ahead < Duration::from_secs(10) => Allowed::Same,
            1 if since >= Duration::from_secs(10) + ahead => Allowed::Reuse,
            1 => Allowed::SameOrReuse,
            _ => Allowed::Reuse,
        }
    }
}

/// One run: the session under the rules, beside the model.
struct Run<'a> {
    rules: &'a Rules,
    family: Family,
    model: Model,
    now: Timestamp,
    ahead: Duration,
    seed: u64,
}

/// Does `acts` in their order with tokens of `dialect`; says what the rules did other than the model.
fn check(rules: &Rules, dialect: &'static Dialect, ahead: u64, acts: &[Act]) -> Result<(), String> {
    let model = Model { texts: vec![String::new()], renewed_at: now(), used: false, ended: false };
    let ahead = Duration::from_secs(ahead);
    let mut run = Run { rules, family: Family::begin(dialect), model, now: now(), ahead, seed: 100 };
    for (number, act) in acts.iter().enumerate() {
        run.act(act).map_err(|wrong| format!("act {number}, {act:?}: {wrong}"))?;
    }
    Ok(())
}

impl Run<'_> {
    fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Wait { secs } => self.now = self.now + Duration::from_secs(*secs),
            Act::End => {
                let end = Change::EndSession { id: self.family.session.id, at: self.now };
                (self.rules.commit)(&mut self.family, &[end]).map_err(|_| "ending is no conflict")?;
                self.model.ended = true;
            }
            Act::Use { which, fast } => {
                let which = which % self.model.texts.len();
                let (live, changes) = (self.rules.show)(self.load(which)?, self.family.dialect, self.clock(*fast));
                (self.rules.commit)(&mut self.family, &changes).map_err(|_| "noting a use is no conflict here")?;
                let newest = which + 1 == self.model.texts.len();
                if live != (newest && !self.model.ended) {
                    return Err(format!("token {which} is called {live}"));
                }
                self.model.used |= live;
            }
            Act::Renew { which, fast } => self.renew(*which, *fast, None)?,
            Act::Overtaken { which, fast, meanwhile } => self.renew(*which, *fast, Some(meanwhile))?,
        }
        let expected = if self.model.ended { Vec::new() } else { vec![self.model.texts.len() - 1] };
        let live = self.family.live(self.now);
        if live != expected { Err(format!("{live:?} are live, not {expected:?}")) } else { Ok(()) }
    }

    /// Decides, lets `meanwhile` happen and commits; where that conflicts, all over again.
    fn renew(&mut self, which: usize, fast: bool, meanwhile: Option<&Act>) -> Result<(), String> {
        let which = which % self.model.texts.len();
        let mut at = self.now;
        let mut allowed = self.model.allows(which, at, self.ahead);
        let mut decision = self.decide(which, fast)?;
        if let Some(act) = meanwhile {
            self.act(act)?;
        }
        if (self.rules.commit)(&mut self.family, &decision.changes).is_err() {
            at = self.now;
            allowed = self.model.allows(which, at, self.ahead);
            decision = self.decide(which, fast)?;
            let endless = |_| format!("{allowed:?} is allowed, a conflict with nobody is the answer");
            (self.rules.commit)(&mut self.family, &decision.changes).map_err(endless)?;
        } else if allowed == Allowed::New {
            // Who begins a generation assumes that it is the first to do so.
            allowed = self.model.allows(which, at, self.ahead);
        }
        let answer = decision.answer.ok().map(|issue| text(&issue));
        let model = &mut self.model;
        let same = answer.is_some() && answer.as_ref() == model.texts.get(which + 1);
        match (allowed, answer) {
            (Allowed::New, Some(text)) if !model.texts.contains(&text) => {
                model.texts.push(text);
                (model.renewed_at, model.used) = (at, false);
            }
            (Allowed::Same | Allowed::SameOrReuse, Some(_)) if same => {}
            (Allowed::Reuse | Allowed::SameOrReuse, None) => model.ended = true,
            (Allowed::No, None) => {}
            (allowed, answer) => return Err(format!("{allowed:?} is allowed, {answer:?} is the answer")),
        }
        Ok(())
    }

    fn decide(&mut self, which: usize, fast: bool) -> Result<Decision<Issue>, String> {
        self.seed += 1;
        Ok((self.rules.renew)(self.load(which)?, self.family.dialect, self.clock(fast), self.seed))
    }

    fn load(&self, which: usize) -> Result<Facts, String> {
        if self.family.tokens.len() != self.model.texts.len() {
            return Err(format!("{} tokens are stored, not {}", self.family.tokens.len(), self.model.texts.len()));
        }
        Ok(self.family.load(which))
    }

    fn clock(&self, fast: bool) -> Timestamp {
        if fast { self.now + self.ahead } else { self.now }
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    // The newest tokens are the interesting ones; a number from the end, and now and then any.
    let which = prop_oneof![0_usize..3, any::<prop::sample::Index>().prop_map(|index| index.index(50))];
    let simple = prop_oneof![
        5 => (which.clone(), any::<bool>()).prop_map(|(which, fast)| Act::Renew { which, fast }),
        2 => (which.clone(), any::<bool>()).prop_map(|(which, fast)| Act::Use { which, fast }),
        2 => (0_u64..12).prop_map(|secs| Act::Wait { secs }),
        1 => Just(Act::End),
    ];
    let overtaken = (which, any::<bool>(), simple.clone()).prop_map(|(which, fast, meanwhile)| {
        let meanwhile = Box::new(meanwhile);
        Act::Overtaken { which, fast, meanwhile }
    });
    prop::collection::vec(prop_oneof![3 => simple, 1 => overtaken], 1..40)
}

proptest! {
    /// E3, E5, E11: whatever is done in whatever order and at whatever time.
    #[test]
    fn e3_the_rules_do_as_the_model_does(acts in acts(), ahead in prop_oneof![Just(0), 0_u64..=30]) {
        for dialect in renewing() {
            let checked = check(&REAL, dialect, ahead, &acts);
            prop_assert!(checked.is_ok(), "{}: {checked:?}", dialect.name);
        }
    }
}

/// The same checker, given rules with a piece left out, finds that they are, and how.
#[test]
fn e3_a_rule_with_a_piece_left_out_is_found() {
    let broken: [(&str, &str, Rules); 8] = [
        ("first use ends no window", "Reuse is allowed, Some", Rules { show: unwritten, ..REAL }),
        ("the window never ends", "Reuse is allowed, Some", Rules { renew: just_renewed, ..REAL }),
        ("there is no window", "Same is allowed, None", Rules { renew: long_renewed, ..REAL }),
        ("a repeat has a successor of its own", "Same is allowed, Some", Rules { renew: forked, ..REAL }),
        ("renewals are not guarded", "are live, not [", Rules { commit: unguarded, ..REAL }),
        ("reuse ends nothing", "are live, not []", Rules { renew: lenient, ..REAL }),
        ("an ended session is renewed", "No is allowed, ", Rules { renew: renew_unended, ..REAL }),
        ("an ended session is used", "is called true", Rules { show: show_unended, ..REAL }),
    ];
    for (what, complaint, rules) in broken {
        let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 100, ..ProptestConfig::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let found = runner.run(&acts(), |acts| check(&rules, dialect("zro"), 0, &acts).map_err(TestCaseError::fail));
        let Err(TestError::Fail(why, acts)) = found else { panic!("{what}: not found") };
        assert!(why.message().contains(complaint), "{what}: {why}: {acts:?}");
    }
}

fn unwritten(facts: Facts, dialect: &'static Dialect, now: Timestamp) -> (bool, Vec<Change>) {
    (show(facts, dialect, now).0, Vec::new())
}

fn just_renewed(facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    renew(renewed_at(facts, now), dialect, now, seed)
}

fn long_renewed(facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    renew(renewed_at(facts, Timestamp::EPOCH), dialect, now, seed)
}

/// As if the last renewal had been at `at`, and its successor not been used.
fn renewed_at(mut facts: Facts, at: Timestamp) -> Facts {
    let session = &mut facts.token.as_mut().unwrap().session;
    session.renewed_at = Some(at);
    facts
}

fn forked(mut facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    let token = facts.token.as_mut().unwrap();
    let repeated = token.successor.take().is_some();
    if repeated {
        token.token.digest.0[0] ^= 1;
        token.session.generation = token.token.generation;
    }
    let mut decision = renew(facts, dialect, now, seed);
    decision.changes.retain(|change| !repeated || !matches!(change, Change::RenewSession { .. }));
    decision
}

/// Every generation is taken for the one that is assumed.
fn unguarded(family: &mut Family, changes: &[Change]) -> Result<(), Conflict> {
    let current = family.session.generation;
    let any = |change: &Change| match change {
        Change::RenewSession { id, at, .. } => Change::RenewSession { id: *id, generation: current, at: *at },
        other => other.clone(),
    };
    family.commit(&changes.iter().map(any).collect::<Vec<_>>())
}

fn lenient(facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    let mut decision = renew(facts, dialect, now, seed);
    decision.changes.retain(|change| !matches!(change, Change::EndSession { .. }));
    decision
}

fn renew_unended(facts: Facts, dialect: &'static Dialect, now: Timestamp, seed: u64) -> Decision<Issue> {
    renew(unended(facts), dialect, now, seed)
}

fn show_unended(facts: Facts, dialect: &'static Dialect, now: Timestamp) -> (bool, Vec<Change>) {
    show(unended(facts), dialect, now)
}

fn unended(mut facts: Facts) -> Facts {
    facts.token.as_mut().unwrap().session.ended_at = None;
    facts
}
