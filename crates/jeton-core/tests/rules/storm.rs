//! Renewals against a model: at any time at most one live token of a session, and none after its end.

use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::domain::session::{Session, Token};
use jeton_core::facts::Facts;
use jeton_core::rules::state::of_session_token;
use jeton_core::rules::{Access, PasswordCheck, Shape};
use jeton_core::time::Timestamp;
use proptest::prelude::*;

use crate::fixture::{SECRET, api_key, apply, decide, dialect, facts, now, renewal, token_facts};

/// A store for one session.
struct World {
    facts: Facts,
    session: Session,
    tokens: Vec<Token>,
    now: Timestamp,
}

impl World {
    fn begin() -> Self {
        let facts = facts();
        let decision = decide(&facts, &api_key(SECRET), PasswordCheck::default(), now(), 1);
        let service = facts.api_key.as_ref().unwrap().service.clone();
        let begun = apply(&decision.changes, &service, &facts).unwrap();
        Self { session: begun.session, tokens: vec![begun.token], facts, now: now() }
    }

    /// Presents token `which` for renewal; the new token, if there is one.
    fn renew(&mut self, which: usize, seed: u64) -> Option<String> {
        let service = self.facts.api_key.as_ref().unwrap().service.clone();
        let mut token = token_facts(self.tokens[which].clone(), self.session.clone(), &service, &self.facts);
        let newest = self.tokens.iter().find(|token| token.generation == self.session.generation).cloned();
        token.successor = newest.filter(|newest| newest.generation > token.token.generation);
        let mut facts = self.facts.clone();
        facts.token = Some(token);
        let decision = decide(&facts, &renewal(), PasswordCheck::default(), self.now, seed);
        for change in decision.changes {
            match change {
                Change::RenewSession { generation, at, .. } => {
                    assert_eq!(generation, self.session.generation);
                    self.session.generation += 1;
                    self.session.renewed_at = Some(at);
                }
                Change::PutToken(token) if !self.tokens.iter().any(|known| known.digest == token.digest) => {
                    self.tokens.push(token);
                }
                Change::EndSession { at, .. } => self.session.ended_at = Some(at),
                _ => {}
            }
        }
        match decision.answer.ok()?.access {
            Access::Jwt { signing_input, .. } => Some(signing_input),
            Access::Opaque(_) => None,
        }
    }

    fn live(&self) -> usize {
        let service = &self.facts.api_key.as_ref().unwrap().service;
        let good = |token: &&Token| {
            let facts = token_facts((*token).clone(), self.session.clone(), service, &self.facts);
            of_session_token(&self.facts.realm, &facts, Shape::Dialect(dialect("zro")), self.now).answer.is_ok()
        };
        self.tokens.iter().filter(good).count()
    }
}

#[test]
fn the_same_answer_inside_the_window_and_the_end_after_it() {
    let mut world = World::begin();
    let first = world.renew(0, 2).unwrap();
    world.now = world.now + Duration::from_secs(9);
    assert_eq!(world.renew(0, 3), Some(first), "a lost answer is given again");
    assert_eq!((world.tokens.len(), world.live()), (2, 1));
    world.now = world.now + Duration::from_secs(1);
    assert_eq!(world.renew(0, 4), None, "later it is reuse");
    assert_eq!(world.live(), 0, "and the session ends");
}

#[test]
fn the_window_ends_with_the_successors_first_renewal() {
    let mut world = World::begin();
    world.renew(0, 2).unwrap();
    world.renew(1, 3).unwrap();
    assert_eq!(world.renew(0, 4), None);
    assert_eq!(world.live(), 0);
}

#[test]
fn an_expired_token_is_renewed_for_seven_days() {
    for (later, renewed) in [(3600, true), (7 * 86_400 - 1, true), (7 * 86_400, false)] {
        let mut world = World::begin();
        world.now = world.now + Duration::from_secs(later);
        assert_eq!(world.renew(0, 2).is_some(), renewed, "{later}");
        assert!(world.session.ended_at.is_none(), "too late is not theft");
    }
}

proptest! {
    /// E3, E11: whatever is presented in whatever order and at whatever time.
    #[test]
    fn e3_at_most_one_live_successor(steps in prop::collection::vec((0_usize..8, 0_u64..30), 1..40)) {
        let mut world = World::begin();
        let mut ended = false;
        for (step, (which, later)) in steps.into_iter().enumerate() {
            world.now = world.now + Duration::from_secs(later);
            let which = which % world.tokens.len();
            world.renew(which, 10 + step as u64);
            prop_assert!(world.live() <= 1);
            ended |= world.session.ended_at.is_some();
            prop_assert!(!ended || world.live() == 0, "an ended session stays ended");
        }
    }
}
