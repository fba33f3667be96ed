//! Every grant against every reason to say no. Each row differs in one thing from a request that is granted.

use std::sync::Arc;
use std::time::Duration;

use jeton_core::change::Change;
use jeton_core::domain::id::Digest;
use jeton_core::domain::principal::Kind;
use jeton_core::domain::refusal::Reason;
use jeton_core::domain::throttle::Failures;
use jeton_core::facts::Facts;
use jeton_core::rules::{Access, PasswordCheck, Request};
use jeton_core::token::pepper::Purpose;

use crate::fixture::{self, SECRET, api_key, client, decide, facts, now, password, principal, the};

const NONE: PasswordCheck = PasswordCheck { realm: false, target: false };
const REALM: PasswordCheck = PasswordCheck { realm: true, target: false };
const TARGET: PasswordCheck = PasswordCheck { realm: false, target: true };

/// What is changed in the world before it is asked, and what then is said.
type Row = (&'static str, fn(&mut Facts), Result<(), Reason>);

fn check(request: &Request<'_>, checked: PasswordCheck, rows: &[Row]) {
    for (name, change, expected) in rows {
        let mut facts = facts();
        change(&mut facts);
        let decision = decide(&facts, request, checked, now(), 1);
        let answer = decision.answer.as_ref().map(|_| ()).map_err(|refusal| refusal.reason);
        assert_eq!(answer, *expected, "{name}");
        let wrong = matches!(answer, Err(Reason::WrongCredentials | Reason::InvalidClient));
        let counted = decision.changes.iter().any(|change| matches!(change, Change::Fail { .. }));
        let started = decision.changes.iter().any(|change| matches!(change, Change::StartSession(_)));
        assert!(!started || answer.is_ok(), "{name}: a refusal starts no session");
        assert!(!counted || wrong, "{name}: only failed proofs are counted");
    }
}

#[test]
fn passwords() {
    check(
        &password(false, false),
        REALM,
        &[
            ("as it is", |_| {}, Ok(())),
            ("realm disabled", |facts| Arc::make_mut(&mut facts.realm).enabled = false, Err(Reason::NoRealm)),
            ("unknown", |facts| facts.person = None, Err(Reason::WrongCredentials)),
            (
                "disabled",
                |facts| facts.person.as_mut().unwrap().principal.enabled = false,
                Err(Reason::WrongCredentials),
            ),
            (
                "a service",
                |facts| facts.person.as_mut().unwrap().principal.kind = Kind::Service,
                Err(Reason::WrongCredentials),
            ),
            ("locked", |facts| facts.throttle.pair = failures(10), Err(Reason::Locked)),
        ],
    );
    check(&password(false, false), NONE, &[("wrong", |_| {}, Err(Reason::WrongCredentials))]);
    // contracts/inevent.md §7.4: the event's password without the event.
    check(&password(false, false), TARGET, &[("the target's alone", |_| {}, Err(Reason::WrongCredentials))]);
}

#[test]
fn passwords_for_a_target() {
    check(
        &password(true, false),
        TARGET,
        &[
            ("as it is", |_| {}, Ok(())),
            ("unknown target", |facts| facts.target = None, Err(Reason::WrongCredentials)),
            ("disabled target", |facts| the(&mut facts.target).enabled = false, Err(Reason::WrongCredentials)),
            ("no member", |facts| facts.membership = None, Err(Reason::WrongCredentials)),
        ],
    );
    let scope = |checked| {
        let decision = decide(&facts(), &password(true, false), checked, now(), 1);
        decision.answer.unwrap().scope
    };
    assert_eq!(scope(TARGET), "event");
    assert_eq!(scope(REALM), "system");
    assert_eq!(scope(PasswordCheck { realm: true, target: true }), "system");
}

#[test]
fn acting_as_another() {
    let rows: [(&str, fn(&mut Facts), bool); 5] = [
        ("allowed", |_| {}, true),
        ("not allowed", |facts| facts.person.as_mut().unwrap().principal.profile.may_act_as.clear(), false),
        ("unknown", |facts| facts.act_as = None, false),
        ("disabled", |facts| facts.act_as.as_mut().unwrap().enabled = false, false),
        ("a service", |facts| facts.act_as.as_mut().unwrap().kind = Kind::Service, false),
    ];
    for (name, change, granted) in rows {
        let mut facts = facts();
        facts.act_as = Some(principal(101, Kind::Person));
        facts.person.as_mut().unwrap().principal.profile.may_act_as = vec!["USER101".to_owned()];
        change(&mut facts);
        let decision = decide(&facts, &password(false, true), REALM, now(), 1);
        assert_eq!(decision.answer.is_ok(), granted, "{name}");
        let session = decision.changes.iter().find_map(|change| match change {
            Change::StartSession(session) => Some(session),
            _ => None,
        });
        if granted {
            let session = session.unwrap();
            assert_eq!(session.principal_id, principal(101, Kind::Person).id);
            assert_eq!(session.actor_id, Some(principal(100, Kind::Person).id));
        }
    }
}

#[test]
fn api_keys() {
    check(
        &api_key(SECRET),
        NONE,
        &[
            ("as it is", |_| {}, Ok(())),
            ("realm disabled", |facts| Arc::make_mut(&mut facts.realm).enabled = false, Err(Reason::NoRealm)),
            ("unknown", |facts| facts.api_key = None, Err(Reason::WrongCredentials)),
            ("disabled", |facts| the(&mut facts.api_key).enabled = false, Err(Reason::WrongCredentials)),
            (
                "service disabled",
                |facts| the(&mut facts.api_key).service.enabled = false,
                Err(Reason::WrongCredentials),
            ),
            ("expired", |facts| the(&mut facts.api_key).expires_at = Some(now()), Err(Reason::WrongCredentials)),
            (
                "secret expired",
                |facts| the(&mut facts.api_key).secrets[0].expires_at = Some(now()),
                Err(Reason::WrongCredentials),
            ),
            ("no secret", |facts| the(&mut facts.api_key).secrets.clear(), Err(Reason::WrongCredentials)),
            ("backing off", |facts| facts.throttle.pair = failures(20), Err(Reason::WrongCredentials)),
        ],
    );
    check(&api_key("wrong"), NONE, &[("wrong", |_| {}, Err(Reason::WrongCredentials))]);
}

#[test]
fn clients() {
    check(
        &client(SECRET),
        NONE,
        &[
            ("as it is", |_| {}, Ok(())),
            ("realm disabled", |facts| Arc::make_mut(&mut facts.realm).enabled = false, Err(Reason::NoRealm)),
            ("unknown", |facts| facts.client = None, Err(Reason::InvalidClient)),
            ("disabled", |facts| the(&mut facts.client).enabled = false, Err(Reason::InvalidClient)),
            ("no such grant", |facts| the(&mut facts.client).settings.grants.clear(), Err(Reason::DeniedGrant)),
            ("service disabled", |facts| the(&mut facts.client).service.enabled = false, Err(Reason::Disabled)),
            (
                "secret expired",
                |facts| the(&mut facts.client).secrets[0].expires_at = Some(now()),
                Err(Reason::WrongCredentials),
            ),
            ("backing off", |facts| facts.throttle.pair = failures(20), Err(Reason::Locked)),
        ],
    );
    check(&client("wrong"), NONE, &[("wrong", |_| {}, Err(Reason::WrongCredentials))]);
}

#[test]
fn a_second_secret_works_beside_the_first() {
    let mut facts = facts();
    let known = &mut the(&mut facts.client).secrets;
    let mut second = known[0].clone();
    second.digest = fixture::pepper().digest(Purpose::Secret, &[b"another"]);
    known.push(second);
    for secret in [SECRET, "another"] {
        assert!(decide(&facts, &client(secret), NONE, now(), 1).answer.is_ok());
    }
}

#[test]
fn a_clients_own_token_writes_no_row() {
    let decision = decide(&facts(), &client(SECRET), NONE, now(), 1);
    assert_eq!(decision.changes, []);
    let issue = decision.answer.unwrap();
    assert!(issue.refresh.is_none() && matches!(issue.access, Access::Jwt { .. }));
    assert_eq!(issue.expires_at, now() + Duration::from_secs(300));
}

#[test]
fn d4_scope_is_narrowed_and_never_widened() {
    let rows = [
        (None, Ok("read write")),
        (Some(""), Ok("read write")),
        (Some("read"), Ok("read")),
        (Some("write read"), Ok("write read")),
        (Some("read admin"), Err(Reason::DeniedScope)),
        (Some("READ"), Err(Reason::DeniedScope)),
    ];
    for (asked, expected) in rows {
        let request = Request { scope: asked.map(str::to_owned), ..client(SECRET) };
        let decision = decide(&facts(), &request, NONE, now(), 1);
        let answer = decision.answer.map(|issue| issue.scope).map_err(|refusal| refusal.reason);
        assert_eq!(answer.as_deref().map_err(|reason| *reason), expected, "{asked:?}");
    }
}

#[test]
fn h6_unknown_wrong_and_disabled_leave_the_same_trace() {
    let kinds = |change: fn(&mut Facts), checked| {
        let mut facts = facts();
        change(&mut facts);
        let decision = decide(&facts, &password(false, false), checked, now(), 1);
        let names = decision.changes.iter().map(|change| match change {
            Change::Fail { .. } => "fail",
            Change::Audit(_) => "audit",
            _ => "other",
        });
        (decision.answer.err().unwrap(), names.collect::<Vec<_>>())
    };
    let wrong = kinds(|_| {}, NONE);
    assert_eq!(wrong.1, ["fail", "audit"]);
    assert_eq!(kinds(|facts| facts.person = None, NONE), wrong);
    assert_eq!(kinds(|facts| facts.person.as_mut().unwrap().principal.enabled = false, REALM), wrong);
}

#[test]
fn a_cap_ends_the_oldest_sessions() {
    let mut facts = facts();
    Arc::make_mut(&mut facts.realm).settings.session_cap = Some(5);
    let decision = decide(&facts, &password(false, false), REALM, now(), 1);
    let kept = decision.changes.iter().find_map(|change| match change {
        Change::CapSessions { keep, .. } => Some(*keep),
        _ => None,
    });
    assert_eq!(kept, Some(4));
}

fn failures(count: i64) -> Failures {
    Failures { count, first_at: now(), last_at: now(), succeeded_at: None }
}

#[test]
fn a_nonce_is_good_once() {
    let nonce = Some((Digest([3; 32]), Duration::from_secs(60)));
    let request = Request { nonce, ..password(false, false) };
    let right = PasswordCheck { realm: true, target: false };
    let used = |facts: &mut Facts| facts.used = vec![Digest([3; 32])];
    check(&request, right, &[("new", |_| {}, Ok(())), ("used", used, Err(Reason::Malformed))]);
}
