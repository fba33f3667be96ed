//! How long what came of a token is good: no longer than that.

use serde_json::json;

use super::super::{REALM, access, no, refresh_of};
use super::{Apis, apis, apis_on, shown};
use crate::harness::{ADA, Answer, Key, MINUTE, Options, SECOND, Server, postgres};

#[tokio::test]
async fn d9_what_came_of_a_token_is_good_no_longer_than_it() {
    let apis = apis().await;
    let (clock, server) = (&apis.shop.server.clock, &apis.shop.server);
    server.seed().configure_client(REALM, "orders", |settings| settings.access_token_secs = Some(3600)).await;
    let begun = apis.shop.sign_in(&apis.shop.web, ADA).await;
    clock.advance(MINUTE);
    let first = apis.exchange(&apis.orders, &access(&begun), &[]).await;
    let second = apis.exchange(&apis.bills, &access(&first), &[]).await;
    assert_eq!((&first.json()["expires_in"], &second.json()["expires_in"]), (&json!(240), &json!(240)));
    clock.advance(MINUTE * 4 - SECOND);
    for token in [&begun, &first, &second] {
        assert!(apis.shop.lives(&access(token)).await);
    }
    clock.advance(SECOND);
    for token in [&begun, &first, &second] {
        assert!(!apis.shop.lives(&access(token)).await);
    }
    server.seed().configure_client(REALM, "web", |settings| settings.access_token_secs = Some(3600)).await;
    let long = apis.signed_in(&apis.shop.web).await;
    assert_eq!(apis.exchange(&apis.bills, &long, &[]).await.json()["expires_in"], 300, "nor longer than its own");
}

/// How a token or what it hangs on is ended.
type End = (&'static str, bool);

/// Each end of a token, for tokens of sessions and such that have none, is the end of what came of it, however far.
#[tokio::test]
async fn d9_g9_what_came_of_a_token_ends_with_it() {
    let ends: [End; 12] = [
        ("revoked", true),
        ("session revoked", false),
        ("signed out everywhere", false),
        ("person disabled", false),
        ("subject's service disabled", true),
        ("client disabled", true),
        ("client's cut-off", true),
        ("client removed", true),
        ("actor's service disabled", true),
        ("actor's cut-off", true),
        ("acting client disabled", true),
        ("realm's cut-off", true),
    ];
    for opaque in [false, true] {
        for (end, of_machine) in ends {
            for machine in if of_machine { &[false, true][..] } else { &[false] } {
                if end == "subject's service disabled" && !machine {
                    continue;
                }
                let apis = apis().await;
                let shop = &apis.shop;
                let client = if opaque { &shop.opaque } else { &shop.web };
                let begun = match machine {
                    true => shop.token(client, &[("grant_type", "client_credentials")]).await,
                    false => shop.sign_in(client, ADA).await,
                };
                let first = access(&apis.exchange(&apis.orders, &access(&begun), &[]).await);
                let second = access(&apis.exchange(&apis.bills, &first, &[]).await);
                // Another's stays.
                let other = apis.signed_in(&shop.keep).await;
                shop.server.clock.advance(SECOND);
                for token in [&first, &second, &other] {
                    assert!(shop.lives(token).await, "{end}");
                }
                give(&apis, client, end, &begun).await;
                for token in [&first, &second] {
                    assert!(!shop.lives(token).await, "{end}, opaque: {opaque}, machine: {machine}");
                }
                let still = shop.lives(&other).await;
                let all = matches!(end, "signed out everywhere" | "person disabled" | "realm's cut-off");
                assert_eq!(still, !all, "{end}");
            }
        }
    }
}

async fn give(apis: &Apis, client: &Key, end: &str, begun: &Answer) {
    let (server, seed, store) = (&apis.shop.server, apis.shop.server.seed(), &apis.shop.server.app.store);
    let now = server.clock.now();
    let row = async |name: &str| {
        let realm = seed.find_realm(REALM).await.id;
        store.client(realm, name).await.unwrap().unwrap().id
    };
    let revoke = async |token: &str| {
        assert_eq!(server.oauth(REALM, "revoke", client, &[("token", token)]).await.status, 200);
    };
    match end {
        "revoked" => revoke(&access(begun)).await,
        "session revoked" => revoke(&refresh_of(begun)).await,
        "signed out everywhere" => {
            let ada = seed.find_principal(REALM, ADA.username).await.id;
            store.set_principal_not_before(ada, now, seed.record()).await.unwrap();
        }
        "person disabled" => seed.enable_principal(REALM, ADA.username, false).await,
        "subject's service disabled" => seed.enable_principal(REALM, &client.id, false).await,
        "client disabled" => seed.enable_client(REALM, &client.id, false).await,
        "client's cut-off" => store.set_client_not_before(row(&client.id).await, now, seed.record()).await.unwrap(),
        "client removed" => store.remove_client(row(&client.id).await, seed.record()).await.unwrap(),
        "actor's service disabled" => seed.enable_principal(REALM, "orders", false).await,
        "actor's cut-off" => {
            let orders = seed.find_principal(REALM, "orders").await.id;
            store.set_principal_not_before(orders, now, seed.record()).await.unwrap();
        }
        "acting client disabled" => seed.enable_client(REALM, "orders", false).await,
        "realm's cut-off" => {
            let realm = seed.find_realm(REALM).await.id;
            store.set_realm_not_before(realm, now, seed.record()).await.unwrap();
        }
        other => unreachable!("{other}"),
    }
}

/// What is taken from the first client is gone from what came of its tokens too.
#[tokio::test]
async fn d9_a_scope_that_is_taken_is_gone_from_what_came_of_it() {
    let apis = apis().await;
    let first = access(&apis.exchange(&apis.orders, &apis.signed_in(&apis.shop.web).await, &[]).await);
    assert_eq!(apis.shop.introspect(&first).await["scope"], "read write");
    let seed = apis.shop.server.seed();
    seed.configure_client(REALM, "web", |settings| settings.scopes.retain(|word| word != "write")).await;
    assert_eq!(apis.shop.introspect(&first).await["scope"], "read");
    let second = apis.exchange(&apis.bills, &first, &[("scope", "write")]).await;
    assert_eq!(no(&second), (400, "invalid_scope".to_owned()));
}

/// Begun on one node, exchanged on another, ended on a third, refused everywhere; on each engine.
#[tokio::test]
async fn d9_g13_an_exchange_holds_on_every_node() {
    let file = Some(Options::default());
    let shared = postgres().await.map(|database| Options { database: Some(database), ..Options::default() });
    for options in [file, shared].into_iter().flatten() {
        let apis = apis_on(Server::start_with(options).await).await;
        let shop = &apis.shop;
        let (other, third) = (shop.server.beside().await, shop.server.beside().await);
        for client in [&shop.web, &shop.opaque] {
            let begun = apis.signed_in(client).await;
            let first = access(&other.oauth(REALM, "token", &apis.orders, &shown(&begun)).await);
            let second = access(&third.oauth(REALM, "token", &apis.bills, &shown(&first)).await);
            let nodes = [&shop.server, &other, &third];
            let lives = async |node: &Server, token: &str| {
                node.oauth(REALM, "token/introspect", &shop.api, &[("token", token)]).await.json()["active"] == true
            };
            for node in nodes {
                assert!(lives(node, &first).await && lives(node, &second).await, "{}", client.id);
            }
            assert_eq!(third.oauth(REALM, "revoke", client, &[("token", &begun)]).await.status, 200);
            for node in nodes {
                assert!(!lives(node, &first).await && !lives(node, &second).await, "{}", client.id);
                assert_eq!(node.oauth(REALM, "token", &apis.bills, &shown(&first)).await.status, 400);
            }
        }
    }
}
