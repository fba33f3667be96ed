//! Renewal by HTTP: an answer that was lost is given again, a token that comes back after its successor was used ends
//! the session (docs/adr/0007).

use std::path::PathBuf;

use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::realm::{Mount, Settings};
use tempfile::TempDir;

use crate::harness::{Answer, DAY, Key, MINUTE, Options, SECOND, Server, mount};

/// A dialect whose tokens are opaque, and renewed by themselves.
const TURNSTILE: &str = include_str!("../../../jeton-core/tests/rules/turnstile.toml");

/// The realm `zro` with a client that may ask about its tokens.
async fn start() -> (Server, Key) {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::start_with(Options { trusted_proxies, ..Options::default() }).await;
    let api = ClientSettings { resource_server: true, ..ClientSettings::default() };
    let api = server.seed().client("zro", "api", api).await;
    (server, api)
}

async fn introspect(server: &Server, api: &Key, token: &str) -> Answer {
    server.oauth("zro", "token/introspect", api, &[("token", token)]).await
}

async fn forward_auth(server: &Server, token: &str) -> Answer {
    let call = server.get("/realms/zro/forward-auth").bearer(token).header("X-Original-Method", "GET");
    let call = call.header("X-Original-URI", "/operations/wallets").header("X-Original-Host", "api.example");
    call.header("nonce", "0f8fad5b-d9cb-469f-a165-70867728950e").await
}

/// Whether a token is good, asked everywhere.
async fn lives(server: &Server, api: &Key, token: &str) -> [bool; 3] {
    [
        server.wallets(token).await.status == 200,
        introspect(server, api, token).await.json()["active"] == true,
        forward_auth(server, token).await.status == 200,
    ]
}

/// Why sessions were ended for reuse, newest first.
async fn reuses(server: &Server) -> Vec<String> {
    let lines = server.app.store.newest_audit(99).await.unwrap();
    lines.into_iter().filter(|line| line.event == "token.reused").map(|line| line.detail).collect()
}

#[tokio::test]
async fn e5_a_lost_answer_is_given_again_by_every_node() {
    let (server, api) = start().await;
    let other = server.beside().await;
    let old = server.zro_token().await;
    let lost = server.renew(&old).await;
    assert_eq!(lost.status, 200);
    for (node, wait) in [(&server, 0), (&other, 4), (&server, 5)] {
        server.clock.advance(SECOND * wait);
        let again = node.renew(&old).await;
        assert_eq!((again.status, &again.body), (200, &lost.body), "after {wait} s more");
    }
    assert_eq!(lives(&other, &api, &lost.text("/access_token")).await, [true; 3]);
    assert_eq!(lives(&other, &api, &old).await, [false; 3]);
    assert_eq!(reuses(&server).await, Vec::<String>::new());
}

#[tokio::test]
async fn e2_a_token_that_comes_back_after_its_successor_was_used_ends_the_session() {
    for asked in ["the gate", "introspection", "forward-auth", "another node's gate"] {
        let (server, api) = start().await;
        let other = server.beside().await;
        let first = server.zro_token().await;
        let second = server.renew(&first).await.text("/access_token");
        server.clock.advance(MINUTE);
        let third = server.renew(&second).await.text("/access_token");
        assert_eq!(server.renew(&second).await.text("/access_token"), third, "{asked}: not used yet");
        match asked {
            "the gate" => assert_eq!(server.wallets(&third).await.status, 200),
            "introspection" => assert_eq!(introspect(&server, &api, &third).await.json()["active"], true),
            "forward-auth" => assert_eq!(forward_auth(&server, &third).await.status, 200),
            _ => assert_eq!(other.wallets(&third).await.status, 200),
        }
        assert_eq!(server.renew(&second).await.status, 401, "{asked}: in the same second");
        for token in [&first, &second, &third] {
            assert_eq!(lives(&server, &api, token).await, [false; 3], "{asked}");
            server.clock.advance(MINUTE);
            assert_eq!(other.renew(token).await.status, 401, "{asked}");
        }
        assert_eq!(reuses(&server).await, ["presented again after its successor was used"], "{asked}");
        server.clock.advance(MINUTE);
        assert_eq!(server.wallets(&server.zro_token().await).await.status, 200, "{asked}: a new sign-in is welcome");
    }
}

#[tokio::test]
async fn e2_the_trail_says_why_a_session_ended() {
    for (what, reason) in [
        ("late", "presented again outside of the ten seconds after it was renewed"),
        ("renewed", "presented again after its successor was renewed"),
    ] {
        let (server, api) = start().await;
        let old = server.zro_token().await;
        let mut newest = server.renew(&old).await.text("/access_token");
        match what {
            "late" => server.clock.advance(SECOND * 10),
            _ => {
                server.clock.advance(MINUTE);
                newest = server.renew(&newest).await.text("/access_token");
            }
        }
        assert_eq!(server.renew(&old).await.status, 401, "{what}");
        assert_eq!(lives(&server, &api, &newest).await, [false; 3], "{what}");
        assert_eq!(reuses(&server).await, [reason]);
    }
}

/// E1: another's door changes nothing, whether the token is live, or was renewed.
#[tokio::test]
async fn e1_a_renewed_token_at_another_door_ends_nothing() {
    let (server, api) = start().await;
    let dialects = vec![Mount { prefix: "/z".to_owned(), ..mount("zro") }];
    server.seed().realm("custom", Settings { dialects, ..Settings::default() }).await;
    let old = server.zro_token().await;
    let new = server.renew(&old).await.text("/access_token");
    for token in [&old, &new] {
        let elsewhere = server.post("/z/auth/refresh-token").header("x-access-token", token).await;
        assert_eq!(elsewhere.status, 401);
        assert_eq!(server.refresh(token).await.status, 403);
    }
    assert_eq!(server.renew(&old).await.text("/access_token"), new, "the window is as it was");
    assert_eq!(lives(&server, &api, &new).await, [true; 3]);
}

#[tokio::test]
async fn an_opaque_token_has_one_successor_too() {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("turnstile.toml");
    std::fs::write(&file, TURNSTILE).unwrap();
    let server = Server::start_with(Options { dialects: vec![file], ..Options::default() }).await;
    let dialects = vec![Mount { prefix: "/t".to_owned(), ..mount("turnstile") }];
    let gate = vec!["GET /custom/*".to_owned()];
    server.seed().realm("custom", Settings { dialects, gate, ..Settings::default() }).await;
    let key = server.seed().api_key("custom").await;
    let renew = |token: &str| server.post("/t/on").header("X-Token", token);
    let show = |token: &str| server.get("/custom/x").header("X-Token", token);

    let old = server.post("/t/in").header("X-Key", &format!("{} {}", key.id, key.secret)).await.body;
    server.clock.advance(DAY);
    let new = renew(&old).await;
    assert_eq!(new.status, 200, "{new:?}");
    assert_ne!(new.body, old);
    server.clock.advance(SECOND * 9);
    assert_eq!(renew(&old).await.body, new.body, "the same text");
    assert_eq!(show(&new.body).await.status, 200);
    assert_eq!(renew(&old).await.status, 401);
    assert_eq!(show(&new.body).await.status, 401);
}

#[tokio::test]
async fn g8_a_check_is_right_although_the_first_use_cannot_be_noted() {
    let (server, api) = start().await;
    let old = server.zro_token().await;
    let new = server.renew(&old).await.text("/access_token");
    server.app.store.close().await;
    assert_eq!(lives(&server, &api, &new).await, [true; 3]);
    assert_eq!(lives(&server, &api, &old).await, [false; 3]);
    // It was not noted, so the window ends by its ten seconds.
    let server = server.restart().await;
    assert_eq!(server.renew(&old).await.text("/access_token"), new);
    server.clock.advance(SECOND * 10);
    assert_eq!(server.renew(&old).await.status, 401);
}
