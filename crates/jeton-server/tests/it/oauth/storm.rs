//! A thousand refreshes at once: one successor, and nothing stored that would be a token (security.md E4, E12).

use std::collections::HashSet;

use crate::harness::{ADA, Server};

use super::{Shop, access, busy, refresh_of};

/// Rounds and how many ask at once; the whole figure of the issue is `it oauth::storm --ignored`.
async fn storm(rounds: usize, at_once: usize, nodes: usize) {
    let shop = busy().await;
    let mut others = Vec::new();
    for _ in 1..nodes {
        others.push(shop.server.beside().await);
    }
    let servers: Vec<&Server> = std::iter::once(&shop.server).chain(&others).collect();
    let mut token = refresh_of(&shop.sign_in(&shop.web, ADA).await);
    for round in 0..rounds {
        let answers = at_once_refreshed(&shop, &servers, &token, at_once).await;
        let statuses: HashSet<u16> = answers.iter().map(|(status, _, _)| *status).collect();
        assert_eq!(statuses, HashSet::from([200]), "round {round}");
        let successors: HashSet<&String> = answers.iter().map(|(_, refresh, _)| refresh).collect();
        assert_eq!(successors.len(), 1, "round {round}");
        let (_, successor, access) = &answers[0];
        let jtis: HashSet<String> =
            answers.iter().map(|(_, _, access)| super::claims(access)["jti"].to_string()).collect();
        assert_eq!(jtis.len(), 1, "round {round}: one access token, however often it is signed");
        // What lies on the disk in the middle of it yields no token.
        let stored = std::fs::read(shop.server.folder().join("jeton.db")).unwrap_or_default();
        let wal = std::fs::read(shop.server.folder().join("jeton.db-wal")).unwrap_or_default();
        assert!(!stored.is_empty(), "the store is where the dump looks for it");
        for secret in [&token, successor, access] {
            for dump in [&stored, &wal] {
                assert!(!contains(dump, secret.as_bytes()), "round {round}: a token is stored");
            }
        }
        token.clone_from(successor);
    }
    assert!(shop.reuses().await.is_empty());
}

/// Status, refresh token and access token of every answer.
async fn at_once_refreshed(
    shop: &Shop,
    servers: &[&Server],
    token: &str,
    at_once: usize,
) -> Vec<(u16, String, String)> {
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..at_once {
        let server = servers[number % servers.len()];
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let call = server.oauth(super::REALM, "token", &shop.web, &fields);
        calls.spawn(async move {
            let answer = call.await;
            (answer.status, refresh_of(&answer), access(&answer))
        });
    }
    calls.join_all().await
}

fn contains(dump: &[u8], secret: &[u8]) -> bool {
    dump.windows(secret.len()).any(|window| window == secret)
}

#[tokio::test]
async fn e3_e4_e12_simultaneous_refreshes_have_one_successor() {
    storm(3, 100, 3).await;
}

#[tokio::test]
#[ignore = "minutes long: the whole figure, by `cargo test --release -p jeton-server --test it storm -- --ignored`"]
async fn e4_a_thousand_at_once_a_hundred_times() {
    storm(100, 1000, 1).await;
}
