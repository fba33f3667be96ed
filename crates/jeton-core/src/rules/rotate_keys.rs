//! When a realm's signing keys are made, sign, retire and go (security.md N3, F13).
//!
//! A verifier keeps the key set for its `max-age`. So a key is published for longer than that before it signs, and
//! stays until nothing that it signed can be shown any more. Everything is reckoned from what the rows say: whether
//! a server ran meanwhile makes no difference.

use std::time::Duration;

use crate::domain::key::{KeyState, SigningKey};
use crate::domain::policy::Alg;
use crate::domain::realm::Settings;
use crate::time::Timestamp;

/// How long a retired key outlives its last token: clocks of nodes and verifiers differ, and a node may sign
/// with it for a second after another has retired it.
pub const SKEW: Duration = Duration::from_secs(60);

/// What a realm's settings say of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPlan {
    /// How long a key signs; none: until somebody asks for another.
    pub every: Option<Duration>,
    /// How long a verifier may keep the key set.
    pub max_age: Duration,
    /// How long a token usually has to verify.
    pub token_life: Duration,
}

impl KeyPlan {
    /// The plan of a realm with these settings.
    pub fn of(settings: &Settings) -> Self {
        let secs = |secs: u32| Duration::from_secs(u64::from(secs));
        Self {
            every: (settings.key_rotation_secs > 0).then(|| secs(settings.key_rotation_secs)),
            max_age: secs(settings.jwks_max_age_secs),
            token_life: secs(settings.access_token_secs),
        }
    }

    /// How long a key is published before it may sign: twice what verifiers are told, since clocks of nodes differ,
    /// and caches on the way add their own time.
    pub fn lead(&self) -> Duration {
        self.max_age.saturating_mul(2)
    }
}

/// One change of a realm's keys. Those of one decision belong into one transaction, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// The current key signs no more. Assumes that it is current.
    Retire {
        /// Which.
        kid: String,
        /// Since when.
        at: Timestamp,
    },
    /// The next key signs. Assumes that it is next.
    Promote {
        /// Which.
        kid: String,
        /// Since when.
        at: Timestamp,
    },
    /// A key is gone: nothing that it signed verifies any more. Assumes that it is there.
    Remove {
        /// Which.
        kid: String,
    },
    /// The current key is to be replaced as soon as another may sign. Assumes that it is current.
    Replace {
        /// Which.
        kid: String,
        /// From when on.
        at: Timestamp,
    },
    /// Another key pair is made. Assumes that its algorithm has no key in that state.
    Make {
        /// Its algorithm.
        alg: Alg,
        /// Next or current.
        state: KeyState,
        /// Since when it signs, or may.
        signs_from: Timestamp,
    },
}

/// What is due for one realm's keys at `now`: nothing, if nothing is. Algorithms do not matter to each other;
/// the first key of one is made when it is first needed.
pub fn due(keys: &[SigningKey], plan: &KeyPlan, now: Timestamp) -> Vec<KeyChange> {
    let gone = keys.iter().filter(|key| gone_at(key).is_some_and(|at| at <= now));
    let mut changes: Vec<KeyChange> = gone.map(|key| KeyChange::Remove { kid: key.kid.clone() }).collect();
    for alg in Alg::ALL {
        let next = find(keys, alg, KeyState::Next);
        match (find(keys, alg, KeyState::Current), next) {
            (Some(current), None) if replaced_from(current, plan).is_some() => {
                changes.push(make_next(alg, plan, now));
            }
            (Some(current), Some(next)) if promoted_at(current, next, plan).is_some_and(|at| at <= now) => {
                changes.push(KeyChange::Retire { kid: current.kid.clone(), at: now });
                changes.push(KeyChange::Promote { kid: next.kid.clone(), at: now });
                changes.extend(plan.every.map(|_| make_next(alg, plan, now)));
            }
            // There must be one that signs; this one has been published for longer than a new one.
            (None, Some(next)) => changes.push(KeyChange::Promote { kid: next.kid.clone(), at: now }),
            _ => {}
        }
    }
    changes
}

/// When something is due next, if it is not due already and nobody changes anything.
pub fn due_at(keys: &[SigningKey], plan: &KeyPlan) -> Option<Timestamp> {
    let promoted = Alg::ALL
        .into_iter()
        .filter_map(|alg| promoted_at(find(keys, alg, KeyState::Current)?, find(keys, alg, KeyState::Next)?, plan));
    keys.iter().filter_map(gone_at).chain(promoted).min()
}

/// What it takes that the current key `kid` is replaced as soon as verifiers know its successor: at `now`, if they do.
pub fn asked(keys: &[SigningKey], kid: &str, plan: &KeyPlan, now: Timestamp) -> Vec<KeyChange> {
    let mut keys = keys.to_vec();
    let Some(key) = keys.iter_mut().find(|key| key.kid == kid && key.state == KeyState::Current) else {
        return Vec::new();
    };
    let at = key.signs_until.map_or(now, |before| before.min(now));
    key.signs_until = Some(at);
    let mut changes = vec![KeyChange::Replace { kid: kid.to_owned(), at }];
    changes.append(&mut due(&keys, plan, now));
    changes
}

/// What it takes that the key `kid` signs no more from `now` on, whether verifiers know its successor or not;
/// `gone`: and that nothing that it signed is accepted.
pub fn at_once(keys: &[SigningKey], kid: &str, gone: bool, plan: &KeyPlan, now: Timestamp) -> Vec<KeyChange> {
    let Some(key) = keys.iter().find(|key| key.kid == kid) else { return Vec::new() };
    let alg = key.alg;
    let mut changes = match (gone, key.state) {
        (true, _) => vec![KeyChange::Remove { kid: kid.to_owned() }],
        (false, KeyState::Current) => vec![KeyChange::Retire { kid: kid.to_owned(), at: now }],
        (false, _) => return Vec::new(),
    };
    if key.state == KeyState::Current {
        changes.push(match find(keys, alg, KeyState::Next) {
            Some(next) => KeyChange::Promote { kid: next.kid.clone(), at: now },
            None => KeyChange::Make { alg, state: KeyState::Current, signs_from: now },
        });
    }
    if key.state != KeyState::Retired {
        changes.extend(plan.every.map(|_| make_next(alg, plan, now)));
    }
    changes
}

/// When a retired key goes.
pub fn gone_at(key: &SigningKey) -> Option<Timestamp> {
    let until = key.signs_until.filter(|_| key.state == KeyState::Retired)?;
    Some(until + key.token_life + SKEW)
}

/// When the next key takes the place of the current one, if it does by itself.
pub fn promoted_at(current: &SigningKey, next: &SigningKey, plan: &KeyPlan) -> Option<Timestamp> {
    Some(replaced_from(current, plan)?.max(next.signs_from))
}

/// From when on a current key is to be replaced: by the plan or because somebody asked, whichever comes first.
fn replaced_from(current: &SigningKey, plan: &KeyPlan) -> Option<Timestamp> {
    plan.every.map(|every| current.signs_from + every).into_iter().chain(current.signs_until).min()
}

fn make_next(alg: Alg, plan: &KeyPlan, now: Timestamp) -> KeyChange {
    KeyChange::Make { alg, state: KeyState::Next, signs_from: now + plan.lead() }
}

fn find(keys: &[SigningKey], alg: Alg, state: KeyState) -> Option<&SigningKey> {
    keys.iter().find(|key| key.alg == alg && key.state == state)
}
