//! One session and its tokens as a store keeps them, for rules about what comes one after the other.

use std::sync::LazyLock;
use std::time::Duration;

use jeton_core::change::{Audit, Change};
use jeton_core::dialect::Dialect;
use jeton_core::domain::session::{Session, Token};
use jeton_core::facts::{Facts, TokenFacts};
use jeton_core::rules::state::of_session_token;
use jeton_core::rules::{Access, Issue, PasswordCheck, Shape};
use jeton_core::time::Timestamp;

use crate::fixture::{SECRET, apply, decide, dialect, facts, now, request, token_facts};

/// A dialect whose tokens are renewed by themselves and say nothing.
static OPAQUE: LazyLock<Dialect> = LazyLock::new(|| Dialect::parse(include_str!("turnstile.toml")).unwrap());

/// The dialects whose tokens are renewed by themselves: a JWT, and opaque text.
pub(crate) fn renewing() -> [&'static Dialect; 2] {
    [dialect("zro"), &OPAQUE]
}

/// What a commit says where a guard does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conflict;

/// A store with one session, begun by an API key.
#[derive(Clone)]
pub(crate) struct Family {
    pub(crate) dialect: &'static Dialect,
    pub(crate) facts: Facts,
    pub(crate) session: Session,
    /// By their number: the first has generation 0.
    pub(crate) tokens: Vec<Token>,
    pub(crate) trail: Vec<Audit>,
}

impl Family {
    pub(crate) fn begin(dialect: &'static Dialect) -> Self {
        let facts = facts();
        let sign_in = request(jeton_core::rules::Grant::ApiKey { secret: SECRET.into() }, Shape::Dialect(dialect));
        let decision = decide(&facts, &sign_in, PasswordCheck::default(), now(), 1);
        let service = facts.api_key.as_ref().unwrap().service.clone();
        let begun = apply(&decision.changes, &service, &facts).unwrap();
        Self { dialect, session: begun.session, tokens: vec![begun.token], facts, trail: Vec::new() }
    }

    /// What a request that presents token `which` is decided on.
    pub(crate) fn load(&self, which: usize) -> Facts {
        let mut token = self.token(&self.tokens[which]);
        let newest = self.tokens.iter().find(|token| token.generation == self.session.generation).cloned();
        token.successor = newest.filter(|newest| newest.generation > token.token.generation);
        Facts { token: Some(token), ..self.facts.clone() }
    }

    /// Writes all changes or none, under the same guards as the store's.
    pub(crate) fn commit(&mut self, changes: &[Change]) -> Result<(), Conflict> {
        let mut next = self.clone();
        for change in changes {
            next.apply(change)?;
        }
        *self = next;
        Ok(())
    }

    fn apply(&mut self, change: &Change) -> Result<(), Conflict> {
        let session = &mut self.session;
        let current = |generation: i64| session.generation == generation && session.ended_at.is_none();
        match change {
            Change::UseSession { generation, at, .. } if current(*generation) => session.last_used_at = *at,
            Change::RenewSession { generation, at, .. } if current(*generation) => {
                session.generation += 1;
                session.renewed_at = Some(*at);
                session.last_used_at = *at;
            }
            Change::UseSession { .. } | Change::RenewSession { .. } => return Err(Conflict),
            Change::ConfirmRenewal { generation, at, .. } if current(*generation) => {
                session.renewed_at = None;
                session.last_used_at = *at;
            }
            Change::EndSession { at, .. } => session.ended_at = session.ended_at.or(Some(*at)),
            Change::PutToken(token) if !self.tokens.iter().any(|known| known.digest == token.digest) => {
                self.tokens.push(token.clone());
            }
            Change::Audit(record) => self.trail.push(record.clone()),
            Change::ConfirmRenewal { .. } | Change::PutToken(_) => {}
            other => panic!("no renewal asks for {other:?}"),
        }
        Ok(())
    }

    /// The numbers of the tokens that are good at `now`.
    pub(crate) fn live(&self, now: Timestamp) -> Vec<usize> {
        let good = |number: &usize| {
            let facts = self.token(&self.tokens[*number]);
            of_session_token(&self.facts.realm, &facts, Shape::Dialect(self.dialect), None, now).answer.is_ok()
        };
        (0..self.tokens.len()).filter(good).collect()
    }

    fn token(&self, token: &Token) -> TokenFacts {
        let service = &self.facts.api_key.as_ref().unwrap().service;
        token_facts(token.clone(), self.session.clone(), service, &self.facts)
    }
}

/// The text of a token, but for a JWT's signature.
pub(crate) fn text(issue: &Issue) -> String {
    match &issue.access {
        Access::Jwt { signing_input, .. } => signing_input.clone(),
        Access::Opaque(token) => token.expose().clone(),
        Access::Presented => panic!("the presented token goes on, and is not in the issue"),
    }
}

/// `secs` after `at`, or before it.
pub(crate) fn shifted(at: Timestamp, secs: i64) -> Timestamp {
    let span = Duration::from_secs(secs.unsigned_abs());
    if secs < 0 { at - span } else { at + span }
}
