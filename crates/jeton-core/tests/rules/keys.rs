//! Signing keys over time (security.md N3, F13, E11): rows of what is due, and a model in which everything that was
//! signed verifies wherever the key set is kept for no longer than it may be.

use std::time::Duration;

use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::rules::forecast_keys::debuts;
use jeton_core::rules::rotate_keys::{KeyChange, KeyPlan, SKEW, asked, at_once, due, due_at};
use jeton_core::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::fixture::{id, now};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn plan() -> KeyPlan {
    KeyPlan { every: Some(90 * DAY), max_age: secs(300), token_life: HOUR }
}

/// A key that was made at `created`, and may sign or signs since `from`.
fn key(kid: &str, state: KeyState, created: Timestamp, from: Timestamp) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        realm_id: id(1),
        alg: Alg::ES256,
        state,
        created_at: created,
        signs_from: from,
        signs_until: None,
        token_life: HOUR,
    }
}

/// Changes as one reads them.
fn told(changes: &[KeyChange]) -> String {
    let told = changes.iter().map(|change| match change {
        KeyChange::Retire { kid, .. } => format!("{kid} retires"),
        KeyChange::Promote { kid, .. } => format!("{kid} signs"),
        KeyChange::Remove { kid } => format!("{kid} goes"),
        KeyChange::Replace { kid, .. } => format!("{kid} asked"),
        KeyChange::Make { alg, state, signs_from } => {
            format!("{} {} +{}s", state.name(), alg.name(), signs_from.since(now()).as_secs())
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn n3_what_is_due() {
    let now = now();
    let current = key("c", KeyState::Current, now - DAY, now - DAY);
    let old = SigningKey { signs_from: now - 91 * DAY, ..current.clone() };
    let next = key("n", KeyState::Next, now - DAY, now - DAY + secs(600));
    let fresh = key("n", KeyState::Next, now - secs(599), now + secs(1));
    let wanted = SigningKey { signs_until: Some(now - secs(5)), ..current.clone() };
    let retired = |ago: Duration| SigningKey {
        signs_until: Some(now - ago),
        ..key("r", KeyState::Retired, now - 90 * DAY, now - 80 * DAY)
    };
    let never = KeyPlan { every: None, ..plan() };
    let rsa = SigningKey { kid: "p".to_owned(), alg: Alg::PS256, ..current.clone() };
    let rows: &[(&str, Vec<SigningKey>, KeyPlan, &str)] = &[
        ("nothing there", vec![], plan(), ""),
        ("a next one is made at once", vec![current.clone()], plan(), "next ES256 +600s"),
        ("it is there", vec![current.clone(), next.clone()], plan(), ""),
        ("its time has come", vec![old.clone(), next.clone()], plan(), "c retires, n signs, next ES256 +600s"),
        ("verifiers may not know it yet", vec![old.clone(), fresh.clone()], plan(), ""),
        ("a year without a server", vec![old.clone()], plan(), "next ES256 +600s"),
        ("asked for", vec![wanted.clone(), next.clone()], plan(), "c retires, n signs, next ES256 +600s"),
        ("asked for, and not known yet", vec![wanted.clone(), fresh], plan(), ""),
        ("never by itself", vec![old.clone()], never, ""),
        ("never by itself, a spare", vec![old, next.clone()], never, ""),
        ("never by itself, asked for", vec![wanted.clone()], never, "next ES256 +600s"),
        ("never by itself, asked for and known", vec![wanted, next.clone()], never, "c retires, n signs"),
        ("nothing signs", vec![next.clone()], plan(), "n signs"),
        ("its last token lives", vec![current.clone(), next.clone(), retired(HOUR + SKEW - secs(1))], plan(), ""),
        ("its last token ended", vec![current.clone(), next.clone(), retired(HOUR + SKEW)], plan(), "r goes"),
        ("each algorithm for itself", vec![current, next, rsa], plan(), "next PS256 +600s"),
    ];
    for (what, keys, plan, wanted) in rows {
        assert_eq!(told(&due(keys, plan, now)), *wanted, "{what}");
    }
}

#[test]
fn n3_what_is_asked_for() {
    let now = now();
    let current = key("c", KeyState::Current, now - DAY, now - DAY);
    let next = key("n", KeyState::Next, now - DAY, now - HOUR);
    let fresh = key("n", KeyState::Next, now, now + secs(600));
    let retired = SigningKey { signs_until: Some(now), ..key("r", KeyState::Retired, now - DAY, now - DAY) };
    let never = KeyPlan { every: None, ..plan() };
    let all = [current.clone(), next, retired];
    let few = [current, fresh];
    for (what, changes, wanted) in [
        ("known", asked(&all, "c", &plan(), now), "c asked, c retires, n signs, next ES256 +600s"),
        ("not known yet", asked(&few, "c", &plan(), now), "c asked"),
        ("none is next", asked(&few[..1], "c", &never, now), "c asked, next ES256 +600s"),
        ("it does not sign", asked(&all, "n", &plan(), now), ""),
        ("replaced at once", at_once(&few, "c", false, &plan(), now), "c retires, n signs, next ES256 +600s"),
        ("replaced at once, alone", at_once(&few[..1], "c", false, &never, now), "c retires, current ES256 +0s"),
        ("revoked", at_once(&all, "c", true, &plan(), now), "c goes, n signs, next ES256 +600s"),
        ("revoked alone", at_once(&few[..1], "c", true, &never, now), "c goes, current ES256 +0s"),
        ("the next one revoked", at_once(&all, "n", true, &plan(), now), "n goes, next ES256 +600s"),
        ("a retired one revoked", at_once(&all, "r", true, &plan(), now), "r goes"),
        ("a retired one replaced", at_once(&all, "r", false, &plan(), now), ""),
        ("an unknown one", at_once(&all, "x", true, &plan(), now), ""),
    ] {
        assert_eq!(told(&changes), wanted, "{what}");
    }
}

// --- the model -------------------------------------------------------------------------------------

/// How long a node may answer by what the keys were, where many share a store.
const STALE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Op {
    Wait(u64),
    /// Until shortly before or after something is due.
    WaitForDue(u64),
    /// A node applies the plan, by a clock that is ahead by this.
    Tick(u64),
    /// A node that may be stale issues a token that has to verify for so long.
    Issue(u64, bool),
    /// A verifier asks a node that may be stale for the key set.
    Fetch(usize, bool),
    /// Somebody asks for another key.
    Ask,
    /// Another period; zero is none.
    Every(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => prop_oneof![0_u64..3, 0_u64..40, 0_u64..3000].prop_map(Op::Wait),
        3 => (0_u64..5).prop_map(Op::WaitForDue),
        5 => (0_u64..3).prop_map(Op::Tick),
        4 => (1_u64..600, any::<bool>()).prop_map(|(life, stale)| Op::Issue(life, stale)),
        4 => (0_usize..3, any::<bool>()).prop_map(|(verifier, stale)| Op::Fetch(verifier, stale)),
        1 => Just(Op::Ask),
        1 => prop_oneof![Just(0_u64), 1_u64..400].prop_map(Op::Every),
    ]
}

struct Model {
    now: Timestamp,
    plan: KeyPlan,
    keys: Vec<SigningKey>,
    /// What the keys were until when, newest last.
    before: Vec<(Timestamp, Vec<SigningKey>)>,
    /// Key sets as three verifiers keep them, and since when.
    kept: [Option<(Timestamp, Vec<String>)>; 3],
    /// Which key signed each token, and when it ends.
    tokens: Vec<(String, Timestamp)>,
    made: usize,
}

impl Model {
    fn new(max_age: u64) -> Self {
        let first = SigningKey { token_life: secs(30), ..key("k0", KeyState::Current, now(), now()) };
        let plan = KeyPlan { every: Some(secs(100)), max_age: secs(max_age), token_life: secs(30) };
        Self { now: now(), plan, keys: vec![first], before: vec![], kept: Default::default(), tokens: vec![], made: 0 }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Wait(time) => self.now = self.now + secs(time),
            Op::WaitForDue(late) => {
                let due = due_at(&self.keys, &self.plan).map(|due| due - secs(3) + secs(late));
                self.now = self.now.max(due.unwrap_or(self.now));
            }
            Op::Tick(ahead) => self.change(due(&self.keys, &self.plan, self.now + secs(ahead)), secs(ahead)),
            Op::Every(every) => self.plan.every = (every > 0).then(|| secs(every)),
            Op::Ask => {
                let current = self.keys.iter().find(|key| key.state == KeyState::Current).unwrap().kid.clone();
                self.change(asked(&self.keys, &current, &self.plan, self.now), Duration::ZERO);
            }
            Op::Issue(life, stale) => {
                let seen = self.seen(stale).to_vec();
                let signer = seen.into_iter().find(|key| key.state == KeyState::Current).unwrap();
                // The row is told before the token goes out, whatever the node has seen of it.
                let row = self.keys.iter_mut().find(|key| key.kid == signer.kid).unwrap();
                row.token_life = row.token_life.max(secs(life));
                self.tokens.push((signer.kid, self.now + secs(life)));
            }
            Op::Fetch(verifier, stale) => {
                let kids = self.seen(stale).iter().map(|key| key.kid.clone()).collect();
                self.kept[verifier] = Some((self.now, kids));
            }
        }
    }

    fn seen(&self, stale: bool) -> &[SigningKey] {
        let before = self.before.iter().find(|(until, _)| stale && *until + STALE > self.now);
        before.map_or(&self.keys, |(_, keys)| keys)
    }

    fn change(&mut self, changes: Vec<KeyChange>, ahead: Duration) {
        self.before.push((self.now, self.keys.clone()));
        for change in changes {
            let keys = &mut self.keys;
            let mut set = |kid: &str, state, from: Option<Timestamp>, until: Option<Timestamp>| {
                let key = keys.iter_mut().find(|key| key.kid == kid).unwrap();
                key.state = state;
                key.signs_from = from.unwrap_or(key.signs_from);
                key.signs_until = until.or(key.signs_until);
            };
            match change {
                KeyChange::Retire { kid, at } => set(&kid, KeyState::Retired, None, Some(at)),
                KeyChange::Promote { kid, at } => set(&kid, KeyState::Current, Some(at), None),
                KeyChange::Replace { kid, at } => set(&kid, KeyState::Current, None, Some(at)),
                KeyChange::Remove { kid } => keys.retain(|key| key.kid != kid),
                KeyChange::Make { state, signs_from, .. } => {
                    self.made += 1;
                    let made = key(&format!("k{}", self.made), state, self.now + ahead, signs_from);
                    keys.push(SigningKey { token_life: self.plan.token_life, ..made });
                }
            }
        }
        for state in [KeyState::Current, KeyState::Next] {
            let count = self.keys.iter().filter(|key| key.state == state).count();
            assert!(count == 1 || (count == 0 && state == KeyState::Next), "{count} of {state:?}");
        }
    }

    /// Whether each token that has not ended verifies wherever a key set is kept, for as long as it may be kept, and
    /// wherever one is fetched now.
    fn check(&self) {
        for (kid, _) in self.tokens.iter().filter(|(_, ends)| *ends > self.now) {
            assert!(self.keys.iter().any(|key| key.kid == *kid), "{kid} is gone, and not what it signed");
            for (since, kids) in self.kept.iter().flatten().filter(|(since, _)| *since + self.plan.max_age > self.now) {
                let state = self.keys.iter().find(|key| key.kid == *kid);
                assert!(kids.contains(kid), "{state:?} is not in what was fetched at {since}; it is {}", self.now);
            }
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    #[test]
    fn n3_whatever_is_signed_verifies(max_age in 5_u64..60, ops in prop::collection::vec(op(), 1..120)) {
        let mut model = Model::new(max_age);
        for op in &ops {
            model.step(op);
            model.check();
        }
    }

    #[test]
    fn f13_nothing_is_due_before_it_is_said_to_be(ops in prop::collection::vec(op(), 1..60)) {
        let mut model = Model::new(10);
        for op in &ops {
            model.step(op);
            if due(&model.keys, &model.plan, model.now).is_empty() {
                let at = due_at(&model.keys, &model.plan);
                prop_assert!(at.is_none_or(|at| at > model.now));
                let Some(at) = at else { continue };
                prop_assert!(due(&model.keys, &model.plan, at - Duration::from_micros(1)).is_empty());
                prop_assert!(!due(&model.keys, &model.plan, at).is_empty());
            }
        }
    }
}

/// E11: rows say what was, so neither a year without a server nor a clock that steps back gives a key a second life.
#[test]
fn e11_a_key_never_goes_back() {
    let mut model = Model::new(300);
    model.plan.every = Some(90 * DAY);
    let mut reached = std::collections::BTreeMap::new();
    for at in [0, 95, 94, 460, 95, 1000, 1001] {
        model.now = now() + at * DAY;
        for _ in 0..3 {
            model.step(&Op::Tick(0));
        }
        for key in &model.keys {
            let before = reached.insert(key.kid.clone(), key.state).unwrap_or(key.state);
            assert!(before <= key.state, "{} was {before:?}, and is {:?} at day {at}", key.kid, key.state);
        }
        let current = model.keys.iter().filter(|key| key.state == KeyState::Current).count();
        assert_eq!(current, 1, "day {at}");
    }
}

#[test]
fn n3_what_the_forecast_says() {
    let now = now();
    let first = key("c", KeyState::Current, now - DAY, now - DAY);
    let next = key("n", KeyState::Next, now - DAY, now - DAY + secs(600));
    let promoted = key("p", KeyState::Current, now - HOUR, now - secs(60));
    let wanted = SigningKey { signs_until: Some(now), ..first.clone() };
    let never = KeyPlan { every: None, ..plan() };
    let often = KeyPlan { every: Some(secs(1)), ..plan() };
    // For how long each key will have been published when it begins to sign, in seconds.
    let days = |days: u64| days * 24 * 3600;
    let rows: &[(&str, Vec<SigningKey>, KeyPlan, &[u64])] = &[
        ("nothing there", vec![], plan(), &[]),
        ("a first key", vec![first.clone()], plan(), &[days(89), days(90)]),
        ("one that comes next", vec![first.clone(), next.clone()], plan(), &[days(90), days(90)]),
        ("one that has begun", vec![promoted], plan(), &[3540, days(90) - 60, days(90)]),
        ("more often than they can be known", vec![first.clone(), next], often, &[days(1), 600, 600]),
        ("never", vec![first], never, &[]),
        ("never, but asked for", vec![wanted], never, &[600]),
    ];
    for (what, keys, plan, wanted) in rows {
        let notice: Vec<u64> = debuts(keys, plan, now).iter().map(|debut| debut.notice().as_secs()).collect();
        assert_eq!(notice, *wanted, "{what}");
    }
}
