//! Refresh tokens, and what ends the sessions they belong to (E1, E10, E11, E13, E14).

use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::time::Timestamp;
use serde_json::json;

use crate::harness::{
    ADA, BOB, Call, DAY, EVENT, EVENT_PASSWORD, GRACE, HOUR, MINUTE, REFRESH, SECOND, SIGN_IN, Server, Tokens, mount,
};

/// A dialect that keeps its refresh tokens, beside the one that is mounted at the same realm.
fn below(dialect: &str, prefix: &str) -> Mount {
    Mount { prefix: prefix.to_owned(), ..mount(dialect) }
}

#[tokio::test]
async fn e1_a_refresh_token_is_of_use_to_nobody_else_and_survives_their_try() {
    let server = Server::start().await;
    let dialects = vec![below("pitchpoint", "/p"), below("zro", "/z")];
    server.seed().realm("custom", Settings { dialects, ..Settings::default() }).await;
    server.seed().person("custom", GRACE, 1, &[], &[]).await;
    let body = |token: &str| json!({ "refresh_token": token }).to_string();
    let in_custom = |token: &str| server.post(&format!("/p{REFRESH}")).json(body(token));
    let renew_in_custom = |token: &str| server.post("/z/auth/refresh-token").header("x-access-token", token);

    let here = server.pitchpoint_tokens().await;
    let signed_in = json!({ "username": GRACE.username, "password": GRACE.password }).to_string();
    let there = server.post(&format!("/p{SIGN_IN}")).json(signed_in).await;
    let there = Tokens { access: there.text("/access_token"), refresh: there.text("/refresh_token") };
    let zro = server.zro_token().await;

    let tries: [(&str, Call, u16); 8] = [
        ("another realm", in_custom(&here.refresh), 403),
        ("and back", server.refresh(&there.refresh), 403),
        ("an access token", server.refresh(&here.access), 403),
        ("another dialect of the same realm", renew_in_custom(&there.refresh), 401),
        ("its access token there", renew_in_custom(&there.access), 401),
        ("another realm's dialect", renew_in_custom(&zro), 401),
        ("a token that is renewed, refreshed", server.refresh(&zro), 403),
        ("a refresh token, renewed", server.renew(&here.refresh), 401),
    ];
    for (what, call, status) in tries {
        assert_eq!(call.await.status, status, "{what}");
    }
    assert_eq!(server.refresh(&here.refresh).await.status, 200);
    assert_eq!(in_custom(&there.refresh).await.status, 200);
    assert_eq!(server.renew(&zro).await.status, 200);
}

#[tokio::test]
async fn e10_a_new_password_ends_what_the_old_one_began() {
    let server = Server::start().await;
    let (ada, grace) = (server.inevent_token().await, server.pitchpoint_tokens().await);
    let as_bob = json!({ "username": GRACE.username, "password": GRACE.password, "useralias": "bob" }).to_string();
    let as_bob = server.post(SIGN_IN).json(as_bob).await;
    let bob = server.pitchpoint(BOB.username, BOB.password).await;
    server.clock.advance(SECOND);
    server.seed().set_password("inevent", ADA.username, None, "a new password").await;
    server.seed().set_password("pitchpoint", GRACE.username, None, "a new password").await;

    assert_eq!(server.person_get(&ada).await.status, 401);
    assert_eq!(server.orders(&grace.access).await.status, 401);
    assert_eq!(server.refresh(&grace.refresh).await.status, 403);
    assert_eq!(server.orders(&as_bob.text("/access_token")).await.status, 401, "where she acted as another, too");
    assert_eq!(server.refresh(&as_bob.text("/refresh_token")).await.status, 403);
    assert_eq!(server.orders(&bob.text("/access_token")).await.status, 200, "his own goes on");
    assert_eq!(server.pitchpoint(GRACE.username, GRACE.password).await.status, 403);
    assert_eq!(server.pitchpoint(GRACE.username, "a new password").await.status, 200);
}

#[tokio::test]
async fn e10_signing_out_everywhere_ends_everything_begun_before() {
    let server = Server::start().await;
    let first = server.pitchpoint_tokens().await;
    let second = server.pitchpoint_tokens().await;
    server.clock.advance(SECOND);
    let grace = server.seed().find_principal("pitchpoint", GRACE.username).await;
    server.app.store.end_principal_sessions(grace.id, server.clock.now(), server.seed().record()).await.unwrap();
    for tokens in [first, second] {
        assert_eq!(server.orders(&tokens.access).await.status, 401);
        assert_eq!(server.refresh(&tokens.refresh).await.status, 403);
    }
    let third = server.pitchpoint_tokens().await;
    assert_eq!(server.orders(&third.access).await.status, 200);
}

#[tokio::test]
async fn e10_g9_signing_out_ends_one_session_and_leaves_the_others() {
    let server = Server::start().await;
    let sign_out = |token: &str| server.post("/person/signOut").bearer(token);
    let (one, other) = (server.inevent_token().await, server.inevent_token().await);
    let event = server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID");
    assert_eq!(sign_out(&one).await.status, 200);
    assert_eq!(server.person_get(&one).await.status, 401);
    assert_eq!(server.person_get(&other).await.status, 200);
    assert_eq!(server.person_get(&event).await.status, 200);
    assert_eq!(sign_out(&one).await.status, 200, "twice is once");
    assert_eq!(sign_out("madeup").await.status, 200, "and says nothing about a token that never was");
}

#[tokio::test]
async fn e11_what_was_used_or_ended_stays_so_after_a_restart_and_any_step_of_the_clock() {
    let server = Server::start().await;
    let used = server.zro_token().await;
    let successor = server.renew(&used).await.text("/access_token");
    let signed_out = server.inevent_token().await;
    assert_eq!(server.post("/person/signOut").bearer(&signed_out).await.status, 200);
    let revoked = server.client_token("plain", &server.plain).await;
    assert_eq!(server.oauth("plain", "revoke", &server.plain, &[("token", &revoked)]).await.status, 200);
    let ended = server.pitchpoint_tokens().await;
    let grace = server.seed().find_principal("pitchpoint", GRACE.username).await;
    server.clock.advance(SECOND);
    server.app.store.end_principal_sessions(grace.id, server.clock.now(), server.seed().record()).await.unwrap();
    let begun = server.clock.now();

    let mut server = server;
    for offset in [0, 30, -3600, -365 * 24 * 3600, 240] {
        server = server.restart().await;
        server.clock.set(Timestamp::from_micros(begun.as_micros() + offset * 1_000_000));
        assert_eq!(server.wallets(&used).await.status, 401, "{offset}");
        assert_eq!(server.person_get(&signed_out).await.status, 401, "{offset}");
        assert_eq!(server.get("/plain/x").bearer(&revoked).await.status, 401, "{offset}");
        assert_eq!(server.orders(&ended.access).await.status, 401, "{offset}");
        assert_eq!(server.refresh(&ended.refresh).await.status, 403, "{offset}");
        assert_eq!(server.wallets(&successor).await.status, 200, "{offset}: what is live lives on");
    }
    // Reuse long after the answer may have been lost means that two hold it: then nobody does.
    server.clock.set(Timestamp::from_micros(begun.as_micros()));
    server.clock.advance(MINUTE * 2);
    assert_eq!(server.renew(&used).await.status, 401);
    assert_eq!(server.wallets(&successor).await.status, 401);
}

/// Every cut, and every change of one character at each place.
fn mutations(token: &str) -> Vec<String> {
    let mut found: Vec<String> = (1..token.len()).map(|end| token[..end].to_owned()).collect();
    found.extend((1..token.len()).map(|start| token[start..].to_owned()));
    for at in 0..token.len() {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        found.push(String::from_utf8(bytes).unwrap());
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] ^= 0x20;
        found
            .extend(String::from_utf8(bytes).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }
    found.push(format!("{token}0"));
    found.push(format!("{token}="));
    found.push(format!("{token}{token}"));
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_no_change_of_a_token_is_another_token() {
    let server = Server::start().await;
    let opaque = server.inevent_token().await;
    for wrong in mutations(&opaque) {
        let answer = server.get("/?action=person.get").bearer(&wrong).await;
        assert!(matches!(answer.status, 400 | 401), "{wrong}: {answer:?}");
    }
    assert_eq!(server.get("/?action=person.get").bearer(&opaque).await.status, 200);

    let tokens = server.pitchpoint_tokens().await;
    for wrong in mutations(&tokens.refresh) {
        assert_eq!(server.refresh(&wrong).await.status, 403, "{wrong}");
    }
    assert_eq!(server.refresh(&tokens.refresh).await.status, 200);

    let jwt = server.client_token("plain", &server.plain).await;
    for wrong in mutations(&jwt) {
        let answer = server.get("/plain/x").bearer(&wrong).await;
        assert!(matches!(answer.status, 400 | 401), "{wrong}: {answer:?}");
    }
    assert_eq!(server.get("/plain/x").bearer(&jwt).await.status, 200);
}

/// The latest cut-off of several holds, for sessions; for a client's own tokens, too.
#[tokio::test]
async fn e14_every_cut_off_ends_what_was_issued_before_it() {
    let server = Server::start().await;
    let realm = |name: &'static str| async { server.seed().find_realm(name).await.id };
    let record = || server.seed().record();
    let now = || server.clock.now();
    let plain = realm("plain").await;
    let client = server.app.store.client(plain, &server.plain.id).await.unwrap().unwrap();
    for cut in ["realm", "client", "service"] {
        let token = server.client_token("plain", &server.plain).await;
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200, "{cut}");
        server.clock.advance(SECOND);
        let store = &server.app.store;
        match cut {
            "realm" => store.set_realm_not_before(plain, now(), record()).await.unwrap(),
            "client" => store.set_client_not_before(client.id, now(), record()).await.unwrap(),
            _ => store.end_principal_sessions(client.service.id, now(), record()).await.unwrap(),
        }
        // An earlier one that comes later moves nothing back.
        store.set_realm_not_before(plain, Timestamp::EPOCH, record()).await.unwrap();
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401, "{cut}");
        let fresh = server.client_token("plain", &server.plain).await;
        assert_eq!(server.get("/plain/x").bearer(&fresh).await.status, 200, "{cut}");
    }
    let tokens = server.pitchpoint_tokens().await;
    server.clock.advance(HOUR - SECOND);
    let refreshed = server.refresh(&tokens.refresh).await.text("/access_token");
    server.clock.advance(SECOND);
    server.app.store.set_realm_not_before(realm("pitchpoint").await, now(), record()).await.unwrap();
    assert_eq!(server.orders(&refreshed).await.status, 401);
    assert_eq!(server.refresh(&tokens.refresh).await.status, 403);
    server.clock.advance(DAY);
    assert_eq!(server.pitchpoint(GRACE.username, GRACE.password).await.status, 200);
}
