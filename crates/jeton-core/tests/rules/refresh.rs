//! What follows when a token is renewed, used, and presented again: docs/adr/0007, row by row.

use std::sync::Arc;

use jeton_core::change::Change;
use jeton_core::domain::refusal::Reason;
use jeton_core::domain::session::TokenKind;
use jeton_core::rules::state::of_session_token;
use jeton_core::rules::{Grant, PasswordCheck, Request, Shape};
use jeton_core::time::Timestamp;

use crate::family::{Family, renewing, shifted, text};
use crate::fixture::{decide, dialect, facts, now, request, token_facts};

const NONE: PasswordCheck = PasswordCheck { realm: false, target: false };
const DAY: i64 = 86_400;

fn renewal(family: &Family) -> Request<'static> {
    Request { throttle: None, ..request(Grant::Refresh, Shape::Dialect(family.dialect)) }
}

/// Presents token `which` for renewal; the new token's text, or why not.
fn renew(family: &mut Family, which: usize, now: Timestamp) -> Result<String, Reason> {
    let decision = decide(&family.load(which), &renewal(family), NONE, now, 2);
    family.commit(&decision.changes).unwrap();
    decision.answer.map(|issue| text(&issue)).map_err(|refusal| refusal.reason)
}

/// Shows token `which` to an endpoint that says whether it is live.
fn show(family: &mut Family, which: usize, now: Timestamp) {
    let facts = family.load(which);
    let decision =
        of_session_token(&facts.realm, facts.token.as_ref().unwrap(), Shape::Dialect(family.dialect), None, now);
    assert!(decision.answer.is_ok());
    family.commit(&decision.changes).unwrap();
}

/// What becomes of the token that is presented again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// The very same successor, and nothing is written.
    Same,
    /// A no; the session has ended, and the trail says why.
    Ended(&'static str),
    /// A no that leaves everything as it is.
    No(Reason),
}

const OUTSIDE: Then = Then::Ended("presented again outside of the ten seconds after it was renewed");
const USED: Then = Then::Ended("presented again after its successor was used");
const RENEWED: Then = Then::Ended("presented again after its successor was renewed");

#[test]
fn e5_a_token_that_was_renewed_comes_back() {
    // What happens after the renewal; how many seconds after it, by the clock of the node that is asked.
    type Row = (&'static str, fn(&mut Family), i64, Then);
    let rows: [Row; 18] = [
        ("the answer was lost", |_| {}, 0, Then::Same),
        ("at the last second", |_| {}, 9, Then::Same),
        ("a second later", |_| {}, 10, OUTSIDE),
        ("a day later", |_| {}, DAY, OUTSIDE),
        ("the successor was used", |family| show(family, 1, now()), 0, USED),
        ("and not at once", |family| show(family, 1, shifted(now(), 3600 - 1)), 1, USED),
        ("and the clock was set back", |family| show(family, 1, now()), -3600, USED),
        ("the successor was renewed", |family| drop(renew(family, 1, now())), 0, RENEWED),
        (
            "and its successor used",
            |family| {
                renew(family, 1, now()).unwrap();
                show(family, 2, now());
            },
            0,
            RENEWED,
        ),
        ("a clock that is behind", |_| {}, -30, Then::Same),
        ("and its ten seconds are over", |_| {}, 10, OUTSIDE),
        ("a clock that was set back", |_| {}, -31, OUTSIDE),
        ("far", |_| {}, -DAY, OUTSIDE),
        ("the session was ended", |family| family.session.ended_at = Some(now()), 0, Then::No(Reason::Revoked)),
        (
            "the key was disabled",
            |family| Arc::make_mut(family.facts.api_key.as_mut().unwrap()).enabled = false,
            0,
            Then::No(Reason::Disabled),
        ),
        (
            "too old to be renewed",
            |family| family.tokens[0].issued_at = now() - std::time::Duration::from_secs(7 * 86_400),
            0,
            Then::No(Reason::Expired),
        ),
        ("begun in another dialect", |family| family.session.dialect = "ion".to_owned(), 0, {
            Then::No(Reason::InvalidToken)
        }),
        (
            "its successor would be another today",
            |family| family.tokens[1].digest.0[0] ^= 1,
            0,
            Then::No(Reason::Revoked),
        ),
    ];
    for dialect in renewing() {
        for (what, after, later, expected) in rows {
            let what = format!("{}: {what}", dialect.name);
            let mut family = Family::begin(dialect);
            let successor = renew(&mut family, 0, now()).unwrap();
            after(&mut family);
            let before = family.clone();
            let then = shifted(now(), later);
            let answer = renew(&mut family, 0, then);
            let untouched = family.session == before.session && family.tokens == before.tokens;
            let found = match (&answer, family.trail.last()) {
                (Ok(text), None) if *text == successor && untouched => Then::Same,
                (Err(reason), None) if untouched => Then::No(*reason),
                (Err(Reason::Revoked), Some(record)) if family.session.ended_at == Some(then) => {
                    assert_eq!((record.event, record.session_id), ("token.reused", Some(family.session.id)), "{what}");
                    assert_eq!((record.at, record.source.as_str()), (then, "192.0.2.1"), "{what}");
                    let Then::Ended(why) = expected else { panic!("{what}: {record:?}") };
                    assert_eq!(record.detail, why, "{what}");
                    expected
                }
                _ => panic!("{what}: {answer:?}, {:?}", family.session),
            };
            assert_eq!(found, expected, "{what}");
            if matches!(expected, Then::Ended(_)) {
                assert!(family.live(then).is_empty(), "{what}: no token of the session is good");
                for which in 0..family.tokens.len() {
                    assert_eq!(renew(&mut family, which, then), Err(Reason::Revoked), "{what}");
                }
                assert_eq!(family.trail.len(), 1, "{what}: and it is told once");
            }
        }
    }
}

#[test]
fn whatever_is_asked_for_the_successor_is_as_it_was_made() {
    for dialect in renewing() {
        let mut family = Family::begin(dialect);
        let successor = renew(&mut family, 0, now()).unwrap();
        for scope in ["", "more", "read"] {
            let again =
                Request { scope: Some(scope.to_owned()), source: "198.51.100.7".to_owned(), ..renewal(&family) };
            let decision = decide(&family.load(0), &again, NONE, shifted(now(), 3), 77);
            assert_eq!(decision.changes, [], "a repeat writes nothing");
            let issue = decision.answer.unwrap();
            assert_eq!((text(&issue), issue.issued_at, issue.scope.as_str()), (successor.clone(), now(), ""));
        }
    }
}

#[test]
fn every_token_has_a_successor_of_its_own() {
    for dialect in renewing() {
        let mut family = Family::begin(dialect);
        let mut seen: Vec<String> = (0..4).map(|which| renew(&mut family, which, now()).unwrap()).collect();
        let mut other = Family::begin(dialect);
        other.tokens[0].digest.0[0] ^= 1;
        seen.push(renew(&mut other, 0, now()).unwrap());
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 5, "{}", dialect.name);
    }
}

#[test]
fn a_successors_first_use_is_written_once() {
    for dialect in renewing() {
        let mut family = Family::begin(dialect);
        let changes = |family: &Family, which: usize, secs: i64| {
            let facts = family.load(which);
            let shape = Shape::Dialect(family.dialect);
            of_session_token(&facts.realm, facts.token.as_ref().unwrap(), shape, None, shifted(now(), secs)).changes
        };
        assert_eq!(changes(&family, 0, 0), [], "a session that was never renewed");
        renew(&mut family, 0, now()).unwrap();
        assert_eq!(changes(&family, 0, 1), [], "its old token is refused, and confirms nothing");
        for secs in [0, 9, 10, 3000] {
            let confirmed = Change::ConfirmRenewal { id: family.session.id, generation: 1, at: shifted(now(), secs) };
            assert_eq!(changes(&family, 1, secs), [confirmed], "{secs}");
        }
        show(&mut family, 1, shifted(now(), 5));
        for secs in [5, 6, 3000] {
            assert_eq!(changes(&family, 1, secs), [], "{secs}: and then no more");
        }
    }
}

#[test]
fn an_expired_token_is_renewed_for_seven_days() {
    for (later, renewed) in [(3600, true), (7 * DAY - 1, true), (7 * DAY, false)] {
        let mut family = Family::begin(dialect("zro"));
        assert_eq!(renew(&mut family, 0, shifted(now(), later)).is_ok(), renewed, "{later}");
        assert!(family.session.ended_at.is_none(), "too late is not theft");
    }
}

/// Pitchpoint's refresh token is not spent by its use, whatever was done with what it gave.
#[test]
fn a_kept_refresh_token_knows_no_reuse() {
    let facts = facts();
    let shape = Shape::Dialect(dialect("pitchpoint"));
    let sign_in = request(Grant::Password { target: false, act_as: false }, shape);
    let decision = decide(&facts, &sign_in, PasswordCheck { realm: true, target: false }, now(), 1);
    let session = decision.changes.iter().find_map(|change| match change {
        Change::StartSession(session) => Some(session.clone()),
        _ => None,
    });
    let refresh = decision.changes.iter().find_map(|change| match change {
        Change::PutToken(token) if token.kind == TokenKind::Refresh => Some(token.clone()),
        _ => None,
    });
    let person = facts.person.as_ref().unwrap().principal.clone();
    let token = token_facts(refresh.unwrap(), session.unwrap(), &person, &facts);
    let known = jeton_core::facts::Facts { token: Some(token), ..facts };
    let again = Request { throttle: None, ..request(Grant::Refresh, shape) };
    for secs in [0, 1, 10, 11, 3600] {
        let decision = decide(&known, &again, NONE, shifted(now(), secs), 3);
        assert!(decision.answer.is_ok(), "{secs}");
        let kinds: Vec<bool> = decision
            .changes
            .iter()
            .map(|change| match change {
                Change::UseSession { .. } => true,
                Change::PutToken(_) => false,
                other => panic!("{secs}: {other:?}"),
            })
            .collect();
        assert_eq!(kinds, [true, false], "{secs}");
    }
}
