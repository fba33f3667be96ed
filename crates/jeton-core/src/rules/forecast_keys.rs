//! Which keys will begin to sign, and since when verifiers can know them then: the plan played forward.

use std::time::Duration;

use super::rotate_keys::{KeyChange, KeyPlan, due, due_at};
use crate::domain::key::{KeyState, SigningKey};
use crate::domain::policy::Alg;
use crate::time::Timestamp;

/// A key begins to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debut {
    /// Its algorithm.
    pub alg: Alg,
    /// Since when it is published.
    pub published_at: Timestamp,
    /// When it begins to sign.
    pub signs_at: Timestamp,
}

impl Debut {
    /// For how long a verifier may keep a key set and know this key when it begins to sign.
    pub fn notice(&self) -> Duration {
        self.signs_at.since(self.published_at)
    }
}

/// The debuts of the next two periods of the plan, from `now` on, in their order: those that follow are like them. A key
/// that has begun already is among them if the keys that are there now tell of it.
pub fn debuts(keys: &[SigningKey], plan: &KeyPlan, now: Timestamp) -> Vec<Debut> {
    let mut keys = keys.to_vec();
    // A first key has nobody who could know another.
    let promoted = keys.iter().filter(|key| key.state == KeyState::Current && key.signs_from > key.created_at);
    let mut debuts: Vec<Debut> = promoted.map(|key| debut(key, key.signs_from)).collect();
    let end = now + plan.every.unwrap_or_default().saturating_add(plan.lead()).saturating_mul(2);
    let mut at = now;
    while at <= end {
        for change in due(&keys, plan, at) {
            if let KeyChange::Promote { kid, .. } = &change {
                debuts.extend(keys.iter().find(|key| key.kid == *kid).map(|key| debut(key, at)));
            }
            apply(&mut keys, &change, plan, at);
        }
        match due_at(&keys, plan) {
            Some(next) if next > at => at = next,
            _ => break,
        }
    }
    debuts
}

fn debut(key: &SigningKey, signs_at: Timestamp) -> Debut {
    Debut { alg: key.alg, published_at: key.created_at, signs_at }
}

/// The keys after a change.
fn apply(keys: &mut Vec<SigningKey>, change: &KeyChange, plan: &KeyPlan, now: Timestamp) {
    let at = |kid: &str| keys.iter().position(|key| key.kid == kid);
    match change {
        KeyChange::Retire { kid, at: when } => {
            for key in keys.iter_mut().filter(|key| key.kid == *kid) {
                (key.state, key.signs_until) = (KeyState::Retired, Some(*when));
            }
        }
        KeyChange::Promote { kid, at: when } => {
            for key in keys.iter_mut().filter(|key| key.kid == *kid) {
                (key.state, key.signs_from) = (KeyState::Current, *when);
            }
        }
        KeyChange::Replace { kid, at: when } => {
            keys.iter_mut().filter(|key| key.kid == *kid).for_each(|key| key.signs_until = Some(*when));
        }
        KeyChange::Remove { kid } => {
            at(kid).map(|at| keys.remove(at));
        }
        KeyChange::Make { alg, state, signs_from } => {
            let Some(realm_id) = keys.first().map(|key| key.realm_id) else { return };
            keys.push(SigningKey {
                // No thumbprint is like this.
                kid: format!("{} of {now}", alg.name()),
                realm_id,
                alg: *alg,
                state: *state,
                created_at: now,
                signs_from: *signs_from,
                signs_until: None,
                token_life: plan.token_life,
            });
        }
    }
}
