//! Signing keys while they change (N3, F13, E11): with a clock that is moved, through the routes.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::key::{KeyState, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::rules::rotate_keys::{KeyPlan, at_once};
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt;
use jeton_server::key_rotation::{change, rotate_all};
use serde_json::Value;

use crate::harness::{Answer, DAY, HOUR, MINUTE, SECOND, Server};

const CERTS: &str = "/realms/plain/protocol/openid-connect/certs";

/// The `kid` of a token.
fn kid(token: &str) -> String {
    let header = BASE64URL.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// The key set as a verifier keeps it.
fn kept(answer: &Answer) -> BTreeMap<String, Jwk> {
    let keys: Vec<Jwk> = serde_json::from_value(answer.json()["keys"].clone()).unwrap();
    keys.into_iter().map(|jwk| (jwk.kid.clone(), jwk)).collect()
}

/// Whether somebody else's verifier takes this token by the keys that it keeps.
fn verifies(kept: &BTreeMap<String, Jwk>, token: &str) -> bool {
    jwt::verify(token, |kid| kept.get(kid)?.verifying_key()).is_ok()
}

async fn keys(server: &Server) -> Vec<SigningKey> {
    let realm_id = server.seed().find_realm("plain").await.id;
    server.app.store.keys(realm_id).await.unwrap()
}

/// States in the order of the key set.
async fn states(server: &Server) -> Vec<KeyState> {
    keys(server).await.iter().map(|key| key.state).collect()
}

/// Takes the realm's current key away, as a command does.
async fn revoke_current(server: &Server) {
    let realm = server.seed().find_realm("plain").await;
    let keys = keys(server).await;
    let (plan, now) = (KeyPlan::of(&realm.settings), server.clock.now());
    assert!(change(&server.app, &realm, &at_once(&keys, &keys[0].kid, true, &plan, now), "local").await.unwrap());
}

/// Applies the plan, the clock being moved to each time that it names, up to `end`.
async fn run_until(server: &Server, end: Timestamp) {
    loop {
        match rotate_all(&server.app).await.unwrap() {
            Some(due) if due <= end => server.clock.set(due.max(server.clock.now())),
            _ => return server.clock.set(end),
        }
    }
}

#[tokio::test]
async fn n3_a_key_is_published_for_a_cache_life_before_it_signs_and_until_its_last_token_ends() {
    let server = Server::start().await;
    for alg in Alg::ALL {
        server.configure("plain", |settings| settings.alg = alg).await;
        server.client_token("plain", &server.plain).await;
    }
    run_until(&server, server.clock.now() + HOUR).await;
    assert_eq!(keys(&server).await.len(), 2 * Alg::ALL.len(), "each has one that signs and one that comes next");

    // A year, in steps that a verifier's cache just outlives, around each rotation.
    let end = server.clock.now() + 365 * DAY;
    let mut signed_by = std::collections::BTreeSet::new();
    while server.clock.now() < end {
        let set = kept(&server.get(CERTS).await);
        let token = server.client_token("plain", &server.plain).await;
        assert!(verifies(&set, &token));
        let due = rotate_all(&server.app).await.unwrap().unwrap();
        if due > server.clock.now() + 5 * MINUTE {
            server.clock.set(due - 4 * MINUTE);
            continue;
        }
        server.clock.set(due);
        rotate_all(&server.app).await.unwrap();
        let fresh = server.client_token("plain", &server.plain).await;
        signed_by.insert(kid(&fresh));
        assert!(verifies(&set, &fresh), "by a set of before the rotation");
        assert!(verifies(&kept(&server.get(CERTS).await), &token), "by a set of after the rotation");
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200, "what the old key signed");
        assert_eq!(server.get("/plain/x").bearer(&fresh).await.status, 200, "what the new key signed");
        server.clock.advance(6 * MINUTE);
    }
    assert!(signed_by.len() >= 4, "one every ninety days: {signed_by:?}");
    run_until(&server, server.clock.now() + HOUR).await;
    assert_eq!(keys(&server).await.len(), 2 * Alg::ALL.len(), "those of before are gone");
}

#[tokio::test]
async fn n3_a_key_that_is_taken_away_opens_nothing_from_the_next_request_on_at_any_node() {
    let server = Server::start().await;
    let other = server.beside().await;
    server.client_token("plain", &server.plain).await;
    rotate_all(&server.app).await.unwrap();
    let api = server.seed().client("plain", "api", super::resource_server()).await;
    let introspect = async |server: &Server, token: &str| {
        server.oauth("plain", "token/introspect", &api, &[("token", token)]).await.json()["active"] == true
    };
    // With a next key that others know, and with one that nobody has seen.
    for (minutes, known) in [(0, true), (20, true), (0, false)] {
        if !known {
            server.configure("plain", |settings| settings.key_rotation_secs = 0).await;
            let keys = keys(&server).await;
            let realm = server.seed().find_realm("plain").await;
            let next = &keys.iter().find(|key| key.state == KeyState::Next).unwrap().kid;
            let changes = at_once(&keys, next, true, &KeyPlan::of(&realm.settings), server.clock.now());
            assert!(change(&server.app, &realm, &changes, "local").await.unwrap());
        }
        server.clock.advance(minutes * MINUTE);
        let token = server.client_token("plain", &server.plain).await;
        for server in [&server, &other] {
            assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
            assert!(introspect(server, &token).await);
        }
        let (gone, set) = (kid(&token), kept(&server.get(CERTS).await));
        revoke_current(&server).await;
        for server in [&server, &other] {
            assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401);
            assert!(!introspect(server, &token).await);
            assert!(!kept(&server.get(CERTS).await).contains_key(&gone));
            let fresh = server.client_token("plain", &server.plain).await;
            assert_ne!(kid(&fresh), gone);
            assert_eq!(server.get("/plain/x").bearer(&fresh).await.status, 200, "another signs at once");
            assert_eq!(verifies(&set, &fresh), known, "where a next key was published, verifiers know it");
        }
    }
    let trail = server.app.store.newest_audit(99).await.unwrap();
    assert_eq!(trail.iter().filter(|line| line.event == "signing_key.removed").count(), 4);
}

#[tokio::test]
async fn n3_a_key_outlives_what_may_be_shown_longest_though_settings_change() {
    let server = Server::start().await;
    server.configure("plain", |settings| settings.access_token_secs = 7200).await;
    let long = server.client_token("plain", &server.plain).await;
    server.configure("plain", |settings| settings.access_token_secs = 60).await;
    server.configure("plain", |settings| settings.key_rotation_secs = 700).await;
    let issued = server.clock.now();
    rotate_all(&server.app).await.unwrap();
    run_until(&server, issued + 7199 * SECOND).await;
    assert_ne!(kid(&server.client_token("plain", &server.plain).await), kid(&long));
    assert!(verifies(&kept(&server.get(CERTS).await), &long));
    assert_eq!(server.get("/plain/x").bearer(&long).await.status, 200);
    run_until(&server, issued + 3 * HOUR).await;
    assert!(!kept(&server.get(CERTS).await).contains_key(&kid(&long)), "its last token has ended");
}

/// A token that can be renewed though it has ended has to verify for as long.
#[tokio::test]
async fn n3_an_ended_token_can_be_renewed_after_its_key_was_replaced() {
    let server = Server::start().await;
    server.configure("zro", |settings| settings.key_rotation_secs = 3600).await;
    let token = server.zro_token().await;
    run_until(&server, server.clock.now() + 6 * DAY).await;
    let renewed = server.renew(&token).await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    assert_ne!(kid(&renewed.text("/access_token")), kid(&token));
    // And for no longer: the set does not grow without bound.
    run_until(&server, server.clock.now() + 8 * DAY).await;
    let realm_id = server.seed().find_realm("zro").await.id;
    let keys = server.app.store.keys(realm_id).await.unwrap();
    assert!(!keys.iter().any(|key| key.kid == kid(&token)), "{keys:?}");
}

/// E5: an answer that was lost is given again though the key was replaced meanwhile.
#[tokio::test]
async fn e5_an_answer_is_repeated_with_the_key_that_it_was_signed_with() {
    let server = Server::start().await;
    let token = server.zro_token().await;
    server.clock.advance(MINUTE);
    let lost = server.renew(&token).await.text("/access_token");
    server.clock.advance(SECOND);
    let realm = server.seed().find_realm("zro").await;
    let keys = server.app.store.keys(realm.id).await.unwrap();
    let (plan, now) = (KeyPlan::of(&realm.settings), server.clock.now());
    for key in keys.iter().filter(|key| key.state == KeyState::Current) {
        let changes = at_once(&keys, &key.kid, false, &plan, now);
        assert!(change(&server.app, &realm, &changes, "local").await.unwrap());
    }
    server.clock.advance(SECOND);
    let again = server.renew(&token).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let again = again.text("/access_token");
    assert_eq!((kid(&again), again.split('.').nth(1)), (kid(&lost), lost.split('.').nth(1)));
    assert_eq!(server.wallets(&again).await.status, 200);
    // What goes on from there is signed with the new key.
    server.clock.advance(2 * MINUTE);
    let next = server.renew(&again).await.text("/access_token");
    assert_ne!(kid(&next), kid(&again));
}

#[tokio::test]
async fn n3_two_nodes_rotate_once() {
    let server = Server::start().await;
    let other = server.beside().await;
    server.client_token("plain", &server.plain).await;
    for _ in 0..4 {
        let (one, two) = tokio::join!(rotate_all(&server.app), rotate_all(&other.app));
        one.unwrap();
        two.unwrap();
        assert_eq!(states(&server).await.iter().filter(|state| **state == KeyState::Current).count(), 1);
        assert_eq!(states(&server).await.iter().filter(|state| **state == KeyState::Next).count(), 1);
        let token = server.client_token("plain", &server.plain).await;
        assert_eq!(kid(&token), kid(&other.client_token("plain", &server.plain).await));
        assert_eq!(other.get("/plain/x").bearer(&token).await.status, 200);
        server.clock.advance(91 * DAY);
        other.clock.set(server.clock.now());
    }
}

/// E11: after a year without a server, and with a clock that steps back, a removed key is not there again.
#[tokio::test]
async fn e11_what_a_key_of_before_signed_stays_refused_after_a_restart_and_a_clock_step() {
    let server = Server::start().await;
    // A client's tokens are refused that are older than the client: the clock goes back no further than to that.
    server.clock.advance(2 * HOUR);
    let token = server.client_token("plain", &server.plain).await;
    rotate_all(&server.app).await.unwrap();
    revoke_current(&server).await;
    let began = server.clock.now();
    let server = server.restart().await;
    for now in [began, began - HOUR, began + 365 * DAY, began] {
        server.clock.set(now);
        rotate_all(&server.app).await.unwrap();
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401, "at {now}");
        let fresh = server.client_token("plain", &server.plain).await;
        assert_eq!(server.get("/plain/x").bearer(&fresh).await.status, 200, "at {now}, and it answers");
    }
}

#[tokio::test]
async fn f13_the_key_set_says_how_long_it_may_be_kept_and_when_it_is_another() {
    let server = Server::start().await;
    server.client_token("plain", &server.plain).await;
    let first = server.get(CERTS).await;
    assert_eq!(first.header("cache-control"), Some("public, max-age=300"));
    let tag = first.header("etag").unwrap().to_owned();
    for (known, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"other\", {tag}"), 304),
        ("*".to_owned(), 304),
        (tag.trim_matches('"').to_owned(), 200),
        ("\"other\"".to_owned(), 200),
    ] {
        let answer = server.get(CERTS).header("if-none-match", &known).await;
        assert_eq!(answer.status, status, "{known}");
        assert_eq!(answer.body.is_empty(), status == 304);
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    // A key more, another order, a key less: another tag each.
    let mut tags = vec![tag];
    for days in [0, 91, 1] {
        server.clock.advance(days * DAY);
        rotate_all(&server.app).await.unwrap();
        let answer = server.get(CERTS).header("if-none-match", tags.last().unwrap()).await;
        assert_eq!(answer.status, 200);
        let current = &keys(&server).await[0];
        assert_eq!(current.state, KeyState::Current);
        assert_eq!(answer.json()["keys"][0]["kid"], current.kid.as_str(), "one that signs comes first");
        tags.push(answer.header("etag").unwrap().to_owned());
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 4);

    server.configure("plain", |settings| settings.jwks_max_age_secs = 20).await;
    assert_eq!(server.get(CERTS).await.header("cache-control"), Some("public, max-age=20"));
}
