//! Realms are strangers to each other: no token, client or person of one is anything in another (I8).

use super::{behind_proxy, forwarded, protected, protected_call, resource_server, service};
use crate::harness::{ADA, BOB, EVENT, EVENT_PASSWORD, Key, Server};

const REALMS: [&str; 5] = ["inevent", "pitchpoint", "api-keys", "zro", "plain"];

/// Every kind of token of every realm.
async fn tokens(server: &Server) -> Vec<(&'static str, &'static str, String)> {
    let pitchpoint = server.pitchpoint_tokens().await;
    let event = server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID");
    vec![
        ("inevent", "access", server.inevent_token().await),
        ("inevent", "event", event),
        ("pitchpoint", "access", pitchpoint.access),
        ("pitchpoint", "refresh", pitchpoint.refresh),
        ("api-keys", "access", server.ion_token().await),
        ("zro", "access", server.zro_token().await),
        ("plain", "access", server.client_token("plain", &server.plain).await),
    ]
}

#[tokio::test]
async fn i8_a_token_of_one_realm_is_nothing_in_any_other() {
    let server = behind_proxy().await;
    let mut apis = Vec::new();
    for realm in REALMS {
        apis.push((realm, server.seed().client(realm, "api", resource_server()).await));
    }
    for (home, kind, token) in tokens(&server).await {
        for (realm, api) in &apis {
            let good = *realm == home && kind != "refresh";
            let what = format!("{home}'s {kind} token in {realm}");
            let status = protected(&server, realm, &token).await.status;
            assert_eq!(status == 200, good, "{what}, gate: {status}");
            assert!(good || status == 401, "{what}, gate: {status}");
            let (method, target, _) = protected_call(realm);
            let asked = forwarded(&server, realm, method, target, &token);
            assert_eq!(asked.await.status, if good { 200 } else { 401 }, "{what}, forward-auth");
            let seen = server.oauth(realm, "token/introspect", api, &[("token", &token)]).await;
            assert_eq!((seen.status, seen.json()["active"] == true), (200, good), "{what}, introspection: {seen:?}");
        }
        let refreshed = server.refresh(&token).await.status;
        assert_eq!(refreshed, if (home, kind) == ("pitchpoint", "refresh") { 200 } else { 403 }, "{home}'s {kind}");
        let renewed = server.renew(&token).await.status;
        assert_eq!(renewed, if (home, kind) == ("zro", "access") { 200 } else { 401 }, "{home}'s {kind}");
    }
    // In whatever other place a realm takes its token from.
    let plain = server.client_token("plain", &server.plain).await;
    assert_eq!(server.person_get(&plain).await.status, 401);
    for authorization in [format!("Token {plain}"), plain.clone()] {
        assert_eq!(server.graphql(&authorization).await.status, 401, "{authorization}");
    }
}

#[tokio::test]
async fn i8_a_client_of_one_realm_is_nobody_in_another() {
    let server = Server::start().await;
    // Namesakes with other secrets.
    let mut clients: Vec<(&str, Key)> = Vec::new();
    for realm in REALMS {
        clients.push((realm, server.seed().client(realm, "namesake", service()).await));
    }
    for (home, client) in &clients {
        let token = server.client_token(home, client).await;
        for realm in REALMS {
            let good = if realm == *home { 200 } else { 401 };
            for endpoint in ["token", "token/introspect"] {
                let fields = [("grant_type", "client_credentials"), ("token", token.as_str())];
                let status = server.oauth(realm, endpoint, client, &fields).await.status;
                assert_eq!(status, good, "{home}'s client at {realm}'s {endpoint}");
            }
        }
    }
}

#[tokio::test]
async fn i8_a_person_or_key_of_one_realm_is_unknown_in_another() {
    let server = Server::start().await;
    assert_eq!(server.pitchpoint(ADA.username, ADA.password).await.status, 403);
    assert_eq!(server.inevent(BOB, BOB.password, &[]).await.status, 401);
    let other = server.seed().api_key("plain").await;
    assert_eq!(server.zro_sign_in(&other).await.status, 401);
    assert_eq!(server.zro_sign_in(&server.zro).await.status, 200);
}

#[tokio::test]
async fn i8_a_realms_name_has_one_spelling() {
    let server = Server::start().await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &server.plain.id),
        ("client_secret", &server.plain.secret),
    ];
    let end = "protocol/openid-connect/token";
    for (path, status) in [
        (format!("/realms/plain/{end}"), 200),
        (format!("/auth/realms/plain/{end}"), 200),
        (format!("/realms/Plain/{end}"), 404),
        (format!("/realms/plain%20/{end}"), 404),
        (format!("/realms/plain%00/{end}"), 404),
        (format!("/realms/zro/../plain/{end}"), 404),
        (format!("/realms/zro%2F..%2Fplain/{end}"), 404),
        (format!("/realms//plain/{end}"), 404),
        (format!("/realms/plain/{end}/"), 404),
        (format!("/realms/plain;x/{end}"), 404),
        (format!("/auth/auth/realms/plain/{end}"), 404),
    ] {
        assert_eq!(server.post(&path).form(&fields).await.status, status, "{path}");
    }
}
