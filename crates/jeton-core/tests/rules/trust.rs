//! Assertions of foreign issuers: each row is one that is in order but for one thing.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jeton_core::change::Change;
use jeton_core::domain::client::AuthMethod;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Digest;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::refusal::Reason;
use jeton_core::domain::trust::{KeySource, Trust};
use jeton_core::facts::Facts;
use jeton_core::rules::trust::{Candidate, Offered, digest, judge};
use jeton_core::rules::{ClientProof, Decision, Grant, Issue, PasswordCheck, Request, Shape};
use jeton_core::secret::Secret;
use jeton_core::token::jwk::VerifyingKey;
use jeton_core::token::jwt::{assemble, signing_input};
use serde_json::{Value, json};

use crate::fixture::{decide, facts, now, pepper, request, the};

/// Of the realm that the fixture decides in.
const REALM: &str = "https://issuer.example/realms/realm";
const ISSUER: &str = "https://ci.example";

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn keys() -> Arc<[VerifyingKey]> {
    [VerifyingKey::new("k".to_owned(), Alg::EdDSA, pair(1).public_key().as_ref()).unwrap()].into()
}

fn trust() -> Trust {
    let claims = [("repository", "org/repo"), ("ref", "refs/tags/*"), ("run", "7"), ("protected", "true")];
    Trust {
        issuer: ISSUER.to_owned(),
        keys: KeySource::Discovery,
        audience: None,
        claims: claims.map(|(name, wanted)| (name.to_owned(), wanted.to_owned())).into(),
        max_secs: 3600,
        reusable: false,
    }
}

fn claims() -> Value {
    let now = now().as_secs();
    json!({
        "iss": ISSUER, "sub": "repo:org/repo:ref:refs/tags/v1", "aud": REALM, "exp": now + 300, "iat": now,
        "jti": "1", "repository": "org/repo", "ref": "refs/tags/v1", "run": 7, "protected": true,
    })
}

/// The claims with this one instead; `null` takes it away.
fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims.to_string()
}

fn signed(by: u8, kid: &str, claims: &str) -> String {
    let input = signing_input(&json!({ "alg": "EdDSA", "kid": kid, "typ": "JWT" }).to_string(), claims);
    assemble(&input, pair(by).sign(input.as_bytes()).as_ref())
}

#[test]
fn c8_an_assertion_is_accepted_for_what_it_says_alone() {
    let good = claims().to_string();
    let at = now().as_secs();
    let row = |name: &str, value: Value| signed(1, "k", &with(name, value));
    let twice = good.replace(r#""ref":"#, r#""ref":"refs/tags/v1","ref":"#);
    assert_ne!(twice, good);
    let rows = [
        (signed(1, "k", &good), ""),
        (row("aud", json!([REALM, "https://other.example"])), ""),
        (row("exp", json!(at + 3630)), ""),
        (row("iat", json!(at + 30)), ""),
        (row("iat", Value::Null), ""),
        (row("jti", Value::Null), ""),
        (row("ref", json!("refs/tags/")), ""),
        (row("run", json!("7")), ""),
        (String::new(), "no signed JWT"),
        (good.clone(), "no signed JWT"),
        (signed(1, "k", &twice), "no signed JWT"),
        (row("exp", Value::Null), "no signed JWT"),
        (row("exp", json!("soon")), "no signed JWT"),
        (row("exp", json!(1e40)), "no signed JWT"),
        (row("sub", Value::Null), "no signed JWT"),
        (signed(2, "k", &good), "its signature"),
        (signed(1, "other", &good), "its key `other`"),
        (row("iss", json!("https://ci.example/")), "its issuer `https://ci.example/`"),
        (row("aud", json!("https://other.example")), "its audience is `https://other.example`, not"),
        (row("aud", json!([])), "its audience is ``"),
        (row("exp", json!(at)), "it expired at"),
        (row("exp", json!(at + 3631)), "further off than 3600 s"),
        (row("iat", json!(at + 31)), "not good before"),
        (row("nbf", json!(at + 31)), "not good before"),
        (row("repository", json!("org/repo2")), "its claim `repository` is `org/repo2`, not `org/repo`"),
        (row("repository", json!("org/rep")), "its claim `repository`"),
        (row("repository", json!(["org/repo"])), "it has no claim `repository`"),
        (row("repository", Value::Null), "it has no claim `repository`"),
        (row("ref", json!("refs/tags")), "its claim `ref`"),
        (row("ref", json!("refs/heads/refs/tags/v1")), "its claim `ref`"),
        (row("run", json!(70)), "its claim `run`"),
        (row("protected", json!(false)), "its claim `protected` is `false`, not `true`"),
    ];
    for (assertion, expected) in rows {
        let why = judge(&trust(), &keys(), &assertion, REALM, now()).map_err(|why| why.to_string()).err();
        match expected {
            "" => assert_eq!(why, None, "{assertion}"),
            part => assert!(why.as_ref().is_some_and(|why| why.contains(part)), "{part}: {why:?}"),
        }
    }
    let elsewhere = Trust { audience: Some("https://sts.example".to_owned()), ..trust() };
    assert!(judge(&elsewhere, &keys(), &signed(1, "k", &good), REALM, now()).is_err());
    assert!(judge(&elsewhere, &keys(), &row("aud", json!("https://sts.example")), REALM, now()).is_ok());
}

#[test]
fn a_trust_without_a_real_condition_is_refused() {
    let rows: [(&[(&str, &str)], bool); 9] = [
        (&[("sub", "repo:org/repo:*")], true),
        (&[("sub", "é")], true),
        (&[], false),
        (&[("sub", "*")], false),
        (&[("sub", "")], false),
        (&[("sub", "a*b")], false),
        (&[("sub", "a**")], false),
        (&[("aud", "x"), ("sub", "x")], false),
        (&[("sub", "x"), ("jti", "x")], false),
    ];
    for (conditions, good) in rows {
        let claims = conditions.iter().map(|(name, wanted)| ((*name).to_owned(), (*wanted).to_owned())).collect();
        assert_eq!(Trust { claims, ..trust() }.check().is_ok(), good, "{conditions:?}");
    }
}

/// A realm with a client that has no secret and trusts the issuer.
fn world() -> Facts {
    let mut facts = facts();
    the(&mut facts.client).settings.trusts = vec![trust()];
    the(&mut facts.client).settings.auth = Some(AuthMethod::None);
    the(&mut facts.client).settings.grants = vec![GrantType::JwtBearer];
    Arc::make_mut(&mut facts.realm).settings.grants.push(GrantType::JwtBearer);
    facts
}

/// What the store knows the good assertion by.
fn used() -> Digest {
    digest(&pepper(), "realm", &signed(1, "k", &claims().to_string())).unwrap()
}

fn ask(facts: &Facts, assertion: &str, keys: Result<Arc<[VerifyingKey]>, String>) -> Decision<Issue> {
    let candidates = vec![Candidate { trust: trust(), keys }];
    let offered = Offered { assertion: Secret::from(assertion), candidates };
    let asked = Request { client: ClientProof::None, ..request(Grant::Assertion(offered), Shape::OAuth) };
    decide(facts, &asked, PasswordCheck::default(), now(), 1)
}

#[test]
fn c8_d8_the_grant_needs_realm_client_service_and_trust() {
    let good = signed(1, "k", &claims().to_string());
    let yes = ask(&world(), &good, Ok(keys()));
    assert_eq!(yes.answer.unwrap().scope, "read write");
    assert!(yes.changes.iter().any(|change| matches!(change, Change::UseNonce { digest, .. } if *digest == used())));
    type Break = fn(&mut Facts);
    let rows: [(&str, Break, Reason); 7] = [
        ("realm's grant", |facts| Arc::make_mut(&mut facts.realm).settings.grants.clear(), Reason::UnsupportedGrant),
        ("client's grant", |facts| the(&mut facts.client).settings.grants.clear(), Reason::DeniedGrant),
        ("client", |facts| the(&mut facts.client).enabled = false, Reason::InvalidClient),
        ("service", |facts| the(&mut facts.client).service.enabled = false, Reason::Disabled),
        ("trust", |facts| the(&mut facts.client).settings.trusts.clear(), Reason::InvalidToken),
        ("used", |facts| facts.used = vec![used()], Reason::InvalidToken),
        ("secret", |facts| the(&mut facts.client).settings.auth = None, Reason::WrongCredentials),
    ];
    for (what, breaks, reason) in rows {
        let mut facts = world();
        breaks(&mut facts);
        let decision = ask(&facts, &good, Ok(keys()));
        assert_eq!(decision.answer.unwrap_err().reason, reason, "{what}");
        assert!(!decision.changes.iter().any(|change| matches!(change, Change::UseNonce { .. })), "{what}");
    }
}

#[test]
fn a_refusal_tells_the_audit_trail_why_and_the_peer_nothing() {
    let rows = [
        (signed(1, "k", &with("ref", json!("refs/heads/main"))), Ok(keys()), "its claim `ref` is `refs/heads/main`"),
        (signed(1, "k", &claims().to_string()), Err("no answer".to_owned()), "keys cannot be had: no answer"),
    ];
    for (assertion, keys, part) in rows {
        let decision = ask(&world(), &assertion, keys);
        let refusal = decision.answer.unwrap_err();
        assert_eq!((refusal.field.as_deref(), refusal.detail), (Some("assertion"), None));
        let told = decision.changes.iter().any(|change| match change {
            Change::Audit(record) => record.event == "proof.refused" && record.detail.contains(part),
            _ => false,
        });
        assert!(told, "{part}: {:?}", decision.changes);
        assert!(decision.changes.iter().any(|change| matches!(change, Change::Fail { .. })));
    }
}
