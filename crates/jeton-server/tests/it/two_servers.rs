//! Two servers on one store, as two processes would be, and a server that was started again.

use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::realm::Settings;

use crate::harness::{ADA, HOUR, Key, MINUTE, SECOND, Server, rules};

const NONCE: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

async fn introspect(server: &Server, client: &Key, token: &str) -> String {
    server.oauth("api-keys", "token/introspect", client, &[("token", token)]).await.body
}

#[tokio::test]
async fn what_one_issues_the_other_knows() {
    let one = Server::start().await;
    let other = one.beside().await;
    assert_eq!(other.person_get(&one.inevent_token().await).await.status, 200);
    assert_eq!(other.wallets(&one.zro_token().await).await.status, 200);
    assert_eq!(one.graphql(&other.ion_token().await).await.status, 200, "the realm's first key, made by the other");
    assert_eq!(other.graphql(&one.ion_token().await).await.status, 200, "and used by both");
    let tokens = one.pitchpoint_tokens().await;
    let refreshed = other.refresh(&tokens.refresh).await.text("/access_token");
    assert_eq!(one.orders(&refreshed).await.status, 200);
    let certs = "/realms/api-keys/protocol/openid-connect/certs";
    assert_eq!(one.get(certs).await.body, other.get(certs).await.body);
}

#[tokio::test]
async fn what_one_ends_is_dead_at_the_other_in_the_next_request() {
    let one = Server::start().await;
    let other = one.beside().await;

    let token = one.inevent_token().await;
    assert_eq!(other.person_get(&token).await.status, 200);
    assert_eq!(one.post("/person/signOut").bearer(&token).await.status, 200);
    assert_eq!(other.person_get(&token).await.status, 401, "signed out");

    let token = one.ion_token().await;
    assert!(introspect(&other, &other.ion, &token).await.ends_with(r#""active":true}"#));
    assert_eq!(other.graphql(&token).await.status, 200);
    assert_eq!(one.oauth("api-keys", "revoke", &one.ion, &[("token", &token)]).await.status, 200);
    assert_eq!(introspect(&other, &other.ion, &token).await, r#"{"active":false}"#);
    assert_eq!(other.graphql(&token).await.status, 401, "revoked");

    let token = one.zro_token().await;
    assert_eq!(other.wallets(&token).await.status, 200);
    assert_eq!(one.renew(&token).await.status, 200);
    assert_eq!(other.wallets(&token).await.status, 401, "renewed");
    one.clock.advance(MINUTE);
    assert_eq!(other.renew(&token).await.status, 401, "used at one, used at the other");

    let token = one.zro_token().await;
    assert_eq!(other.wallets(&token).await.status, 200);
    one.seed().enable_api_key("zro", &one.zro.id, false).await;
    assert_eq!(other.wallets(&token).await.status, 401, "disabled");
    assert_eq!(other.zro_sign_in(&other.zro).await.status, 401, "disabled");
}

#[tokio::test]
async fn what_one_is_told_the_other_obeys_in_the_next_request() {
    let one = Server::start().await;
    let other = one.beside().await;
    let client = ClientSettings {
        grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
        ..ClientSettings::default()
    };
    let grant = [("grant_type", "client_credentials")];

    assert_eq!(other.oauth("late", "token", &other.ion, &grant).await.status, 404);
    let settings = Settings { gate: rules(&["GET /late/* anonymous"]), ..Settings::default() };
    one.seed().realm("late", settings).await;
    let key = one.seed().client("late", "late", client).await;
    assert_eq!(other.oauth("late", "token", &key, &grant).await.status, 200, "a new realm and client");

    assert_eq!(other.inevent_token().await.len(), 60);
    one.configure("inevent", |settings| settings.dialects.clear()).await;
    let answer = other.inevent(ADA, ADA.password, &[]).await;
    assert_eq!((answer.status, answer.header("x-inevent-error")), (404, None), "a dialect that is off: {answer:?}");

    one.configure("plain", |settings| settings.gate = rules(&["GET /plain-new anonymous"])).await;
    assert_eq!(other.get("/plain-new").await.status, 200, "a new rule");
    assert_eq!(other.get("/plain-open").await.status, 404, "a rule that is gone");

    one.seed().enable_realm("plain", false).await;
    assert_eq!(other.oauth("plain", "token", &other.plain, &grant).await.status, 403, "a disabled realm");
    assert_eq!(other.get("/plain-new").await.status, 404, "and its API");
}

#[tokio::test]
async fn failures_and_nonces_are_counted_together() {
    let one = Server::start().await;
    let other = one.beside().await;
    for server in [&one, &other] {
        for _ in 0..5 {
            assert_eq!(server.inevent(ADA, "guess", &[]).await.status, 401);
        }
    }
    for server in [&one, &other] {
        assert_eq!(server.inevent(ADA, ADA.password, &[]).await.status, 403, "ten failures in all");
    }
    assert_eq!(one.zro_sign_in(&one.zro).header("nonce", NONCE).await.status, 200);
    assert_eq!(other.zro_sign_in(&other.zro).header("nonce", NONCE).await.status, 400, "a nonce used at the other");
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let server = Server::start().await;
    let (live, ended) = (server.inevent_token().await, server.inevent_token().await);
    assert_eq!(server.post("/person/signOut").bearer(&ended).await.status, 200);
    let (jwt, revoked) = (server.ion_token().await, server.ion_token().await);
    assert_eq!(server.oauth("api-keys", "revoke", &server.ion, &[("token", &revoked)]).await.status, 200);
    let old = server.zro_sign_in(&server.zro).header("nonce", NONCE).await.text("/access_token");
    let renewed = server.renew(&old).await.text("/access_token");
    let tokens = server.pitchpoint_tokens().await;
    for _ in 0..10 {
        assert_eq!(server.pitchpoint("bob", "guess").await.status, 403);
    }
    let certs = server.get("/realms/api-keys/protocol/openid-connect/certs").await.body;

    let server = server.restart().await;
    // E11: not even with a clock that stepped back.
    for step in ["the same time", "an hour earlier", "two hours later"] {
        match step {
            "an hour earlier" => server.clock.set(server.clock.now() - HOUR),
            "two hours later" => server.clock.advance(2 * HOUR),
            _ => {}
        }
        assert_eq!(server.person_get(&ended).await.status, 401, "signed out, {step}");
        assert_eq!(server.graphql(&revoked).await.status, 401, "revoked, {step}");
        assert_eq!(server.wallets(&old).await.status, 401, "renewed, {step}");
        assert_eq!(server.person_get(&live).await.status, 200, "a live token, {step}");
    }
    server.clock.set(server.clock.now() - HOUR);
    assert_eq!(server.graphql(&jwt).await.status, 200, "a JWT of before");
    assert_eq!(server.get("/realms/api-keys/protocol/openid-connect/certs").await.body, certs, "the same keys");
    assert_eq!(server.refresh(&tokens.refresh).await.status, 200, "a refresh token of before");
    assert_eq!(server.zro_sign_in(&server.zro).header("nonce", NONCE).await.status, 400, "a nonce used before");
    let closed = server.pitchpoint("bob", crate::harness::BOB.password).await;
    assert_eq!(closed.text("/error_description"), "Too many attempts, try later", "failures of before");
    server.clock.advance(10 * SECOND);
    assert_eq!(server.renew(&old).await.status, 401, "a token used before");
    assert_eq!(server.wallets(&renewed).await.status, 401, "whose return ends its successor");
}
