//! A token is good only while everything it hangs on is: one row for each thing that can end it.

use std::sync::Arc;
use std::time::Duration;

use jeton_core::domain::principal::Kind;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::Reason;
use jeton_core::domain::session::TokenKind;
use jeton_core::facts::{Facts, TokenFacts};
use jeton_core::rules::state::{of_client_token, of_session_token};
use jeton_core::rules::{PasswordCheck, Shape};
use jeton_core::time::Timestamp;
use jeton_core::token::jwt::{Audience, Claims};

use crate::fixture::{apply, decide, dialect, facts, now, password, principal, the};

fn signed_in(target: bool) -> TokenFacts {
    let facts = facts();
    let checked = PasswordCheck { realm: !target, target };
    let decision = decide(&facts, &password(target, false), checked, now(), 1);
    apply(&decision.changes, &facts.person.as_ref().unwrap().principal, &facts).unwrap()
}

#[test]
fn session_tokens() {
    let rows: [(&str, fn(&mut Realm, &mut TokenFacts), u64, Option<Reason>); 14] = [
        ("as it is", |_, _| {}, 0, None),
        ("realm disabled", |realm, _| realm.enabled = false, 0, Some(Reason::Disabled)),
        ("realm's cut-off", |realm, _| realm.not_before = now() + Duration::from_secs(1), 2, Some(Reason::Revoked)),
        ("session ended", |_, token| token.session.ended_at = Some(now()), 0, Some(Reason::Revoked)),
        ("person disabled", |_, token| Arc::make_mut(&mut token.principal).enabled = false, 0, Some(Reason::Disabled)),
        (
            "person's cut-off",
            |_, token| Arc::make_mut(&mut token.principal).not_before = now() + Duration::from_secs(1),
            2,
            Some(Reason::Revoked),
        ),
        (
            "target disabled",
            |_, token| Arc::make_mut(&mut token.target.as_mut().unwrap().0).enabled = false,
            0,
            Some(Reason::Disabled),
        ),
        ("no member any more", |_, token| token.target.as_mut().unwrap().1 = None, 0, Some(Reason::Disabled)),
        ("target removed", |_, token| token.target = None, 0, Some(Reason::Revoked)),
        ("a refresh token", |_, token| token.token.kind = TokenKind::Refresh, 0, Some(Reason::Revoked)),
        ("renewed since", |_, token| token.session.generation += 1, 0, Some(Reason::Revoked)),
        ("just before idle", |_, _| {}, 30 * 86_400 - 1, None),
        ("idle", |_, _| {}, 30 * 86_400, Some(Reason::Expired)),
        (
            "at its end",
            |_, token| token.session.last_used_at = now() + Duration::from_secs(180 * 86_400),
            180 * 86_400,
            Some(Reason::Expired),
        ),
    ];
    for (name, change, later, expected) in rows {
        let mut realm = facts().realm;
        let mut token = signed_in(true);
        change(Arc::make_mut(&mut realm), &mut token);
        let then = now() + Duration::from_secs(later);
        let decision = of_session_token(&realm, &token, Shape::Dialect(dialect("inevent")), None, then);
        assert_eq!(decision.answer.err().map(|refusal| refusal.reason), expected, "{name}");
    }
}

#[test]
fn an_admin_acts_as_a_user_under_a_targets_token() {
    let realm = facts().realm;
    let within = signed_in(true);
    let live = of_session_token(&realm, &within, Shape::Dialect(dialect("inevent")), None, now()).answer.unwrap();
    assert_eq!((live.target, live.level, &*live.scope), (Some(7), Some("User"), "event"));
    let everywhere = signed_in(false);
    let live = of_session_token(&realm, &everywhere, Shape::Dialect(dialect("inevent")), None, now()).answer.unwrap();
    assert_eq!((live.target, live.level, &*live.scope), (None, None, "system"));
}

#[test]
fn use_is_noted_once_an_hour() {
    let realm = facts().realm;
    let token = signed_in(false);
    for (later, writes) in [(0, 0), (3599, 0), (3600, 1)] {
        let then = now() + Duration::from_secs(later);
        let decision = of_session_token(&realm, &token, Shape::Dialect(dialect("inevent")), None, then);
        assert_eq!(decision.changes.len(), writes, "{later}");
    }
}

const ISSUER: &str = "https://auth.test/realms/r";

#[test]
fn client_tokens() {
    let rows: [(&str, fn(&mut Facts, &mut Claims), Option<Reason>); 14] = [
        ("as it is", |_, _| {}, None),
        ("realm disabled", |facts, _| Arc::make_mut(&mut facts.realm).enabled = false, Some(Reason::Disabled)),
        ("client disabled", |facts, _| the(&mut facts.client).enabled = false, Some(Reason::Disabled)),
        ("service disabled", |facts, _| the(&mut facts.client).service.enabled = false, Some(Reason::Disabled)),
        ("client unknown", |facts, _| facts.client = None, Some(Reason::InvalidToken)),
        (
            "another's subject",
            |_, claims| claims.sub = principal(100, Kind::Person).id.to_string(),
            Some(Reason::InvalidToken),
        ),
        ("another issuer", |_, claims| claims.iss = "https://other.test".to_owned(), Some(Reason::InvalidToken)),
        ("ended", |facts, _| facts.ended = true, Some(Reason::Revoked)),
        ("realm's cut-off", |facts, _| Arc::make_mut(&mut facts.realm).not_before = now(), Some(Reason::Revoked)),
        ("client made since", |facts, _| the(&mut facts.client).created_at = now(), Some(Reason::Revoked)),
        ("client's cut-off", |facts, _| the(&mut facts.client).not_before = now(), Some(Reason::Revoked)),
        ("service's cut-off", |facts, _| the(&mut facts.client).service.not_before = now(), Some(Reason::Revoked)),
        ("expired", |_, claims| claims.exp = now().as_secs(), Some(Reason::Expired)),
        ("not yet", |_, claims| claims.nbf = Some(now().as_secs() + 1), Some(Reason::InvalidToken)),
    ];
    for (name, change, expected) in rows {
        let mut facts = facts();
        let mut claims = Claims {
            sub: the(&mut facts.client).service.id.to_string(),
            iat: now().as_secs() - 60,
            exp: now().as_secs() + 60,
            client_id: Some("client".to_owned()),
            iss: ISSUER.to_owned(),
            ..Claims::default()
        };
        change(&mut facts, &mut claims);
        assert_eq!(of_client_token(&facts, facts.client.as_deref(), &claims, ISSUER, now()).err(), expected, "{name}");
    }
}

/// An audience that was taken from a client is gone from its tokens too.
#[test]
fn g3_a_token_is_for_whom_its_client_may_still_have_tokens() {
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    type Row<'a> = (&'a [&'a str], &'a [&'a str], Result<&'a [&'a str], Reason>);
    let rows: [Row<'_>; 7] = [
        (&[], &["a"], Ok(&[])),
        (&["a"], &["a", "b"], Ok(&["a"])),
        (&["a", "b"], &["b"], Ok(&["b"])),
        (&["a"], &["b"], Err(Reason::Revoked)),
        (&["a"], &[], Err(Reason::Revoked)),
        (&[ISSUER], &[], Ok(&[ISSUER])),
        (&["A"], &["a"], Err(Reason::Revoked)),
    ];
    for (said, allowed, expected) in rows {
        let mut facts = facts();
        the(&mut facts.client).settings.audiences = named(allowed);
        let claims = Claims {
            sub: the(&mut facts.client).service.id.to_string(),
            iat: now().as_secs() - 60,
            exp: now().as_secs() + 60,
            iss: ISSUER.to_owned(),
            aud: (!said.is_empty()).then(|| Audience::Many(named(said))),
            ..Claims::default()
        };
        let live = of_client_token(&facts, facts.client.as_deref(), &claims, ISSUER, now());
        assert_eq!(live.map(|live| live.audience), expected.map(named), "{said:?} of {allowed:?}");
    }
}

/// E14, for sessions: each of those that they hang on has a cut-off, and one of them after the sign-in is enough.
#[test]
fn e14_one_late_cut_off_of_four_ends_a_session() {
    let before = Timestamp::EPOCH;
    let after = now() + Duration::from_secs(1);
    for late in 0..16_u8 {
        let cut_off = |level: u8| if late & (1 << level) == 0 { before } else { after };
        let mut all = facts();
        Arc::make_mut(&mut all.realm).not_before = cut_off(0);
        let mut token = signed_in(false);
        the(&mut all.client).not_before = cut_off(1);
        Arc::make_mut(&mut token.principal).not_before = cut_off(2);
        the(&mut all.api_key).not_before = cut_off(3);
        (token.client, token.api_key) = (all.client.clone(), all.api_key.clone());
        let decision = of_session_token(&all.realm, &token, Shape::Dialect(dialect("inevent")), None, after);
        let expected = (late > 0).then_some(Reason::Revoked);
        assert_eq!(decision.answer.err().map(|refusal| refusal.reason), expected, "{late:04b}");
    }
}

/// E14: of several cut-offs the latest holds.
#[test]
fn e14_the_latest_cut_off_holds() {
    let instants = [Timestamp::EPOCH, now() - Duration::from_secs(100), now()];
    for realm in instants {
        for of_client in instants {
            for service in instants {
                let mut facts = facts();
                Arc::make_mut(&mut facts.realm).not_before = realm;
                the(&mut facts.client).not_before = of_client;
                the(&mut facts.client).service.not_before = service;
                let claims = Claims {
                    sub: the(&mut facts.client).service.id.to_string(),
                    iat: now().as_secs() - 60,
                    exp: now().as_secs() + 60,
                    iss: ISSUER.to_owned(),
                    ..Claims::default()
                };
                let refused = [realm, of_client, service].contains(&now());
                assert_eq!(of_client_token(&facts, facts.client.as_deref(), &claims, ISSUER, now()).is_err(), refused);
            }
        }
    }
}
