//! Resource indicators (RFC 8707): a token for fewer than all of a client's audiences.

use serde_json::{Value, json};

use crate::harness::ADA;

use super::{REALM, access, claims, no, refresh_of, shop};

const ORDERS: &str = "https://orders.example";
const BILLS: &str = "https://bills.example";

#[tokio::test]
async fn d5_a_token_is_for_what_was_asked_of_what_is_allowed() {
    let shop = shop().await;
    let rows: [(&[&str], Option<Value>); 6] = [
        (&[], Some(json!([ORDERS, BILLS]))),
        (&[ORDERS], Some(json!(ORDERS))),
        (&[BILLS, ORDERS], Some(json!([BILLS, ORDERS]))),
        (&[BILLS, BILLS], Some(json!(BILLS))),
        (&["https://other.example"], None),
        (&[ORDERS, "https://orders.example/"], None),
    ];
    for (asked, expected) in rows {
        let resources: Vec<(&str, &str)> = asked.iter().map(|name| ("resource", *name)).collect();
        let answer = shop.sign_in_for(&shop.web, ADA, &resources).await;
        match expected {
            Some(audience) => {
                assert_eq!(claims(&access(&answer))["aud"], audience, "{asked:?}");
                assert_eq!(shop.introspect(&access(&answer)).await["aud"], audience, "{asked:?}");
            }
            None => assert_eq!(no(&answer), (400, "invalid_target".to_owned()), "{asked:?}"),
        }
    }
}

#[tokio::test]
async fn e1_a_refresh_stays_within_the_sessions_audience() {
    let shop = shop().await;
    let both = shop.sign_in(&shop.web, ADA).await;
    let narrow = shop.refresh(&shop.web, &refresh_of(&both), &[("resource", BILLS)]).await;
    assert_eq!(claims(&access(&narrow))["aud"], BILLS);
    // The session was not narrowed by it.
    let whole = shop.refresh(&shop.web, &refresh_of(&narrow), &[]).await;
    assert_eq!(claims(&access(&whole))["aud"], json!([ORDERS, BILLS]));

    let orders = shop.sign_in_for(&shop.web, ADA, &[("resource", ORDERS)]).await;
    let refused = shop.refresh(&shop.web, &refresh_of(&orders), &[("resource", BILLS)]).await;
    assert_eq!(no(&refused), (400, "invalid_target".to_owned()));
    let next = shop.refresh(&shop.web, &refresh_of(&orders), &[]).await;
    assert_eq!(claims(&access(&next))["aud"], ORDERS);

    let take =
        |settings: &mut jeton_core::domain::client::ClientSettings| settings.audiences.retain(|name| name != ORDERS);
    shop.server.seed().configure_client(REALM, "web", take).await;
    let refused = shop.refresh(&shop.web, &refresh_of(&next), &[]).await;
    assert_eq!(no(&refused), (400, "invalid_target".to_owned()));
}

#[tokio::test]
async fn g3_an_opaque_token_is_seen_by_its_audience_alone() {
    let shop = shop().await;
    let api = |audience: &str| jeton_core::domain::client::ClientSettings {
        resource_server: true,
        audiences: vec![audience.to_owned()],
        ..jeton_core::domain::client::ClientSettings::default()
    };
    let orders = shop.server.seed().client(REALM, "orders", api(ORDERS)).await;
    let bills = shop.server.seed().client(REALM, "bills", api(BILLS)).await;
    for (client, grant) in [(&shop.opaque, "password"), (&shop.opaque, "client_credentials"), (&shop.web, "password")] {
        let fields =
            [("grant_type", grant), ("username", ADA.username), ("password", ADA.password), ("resource", ORDERS)];
        let token = access(&shop.token(client, &fields).await);
        for (asks, active) in [(&orders, true), (&bills, false), (client, true), (&shop.keep, false)] {
            let seen = shop.server.oauth(REALM, "token/introspect", asks, &[("token", &token)]).await.json();
            assert_eq!(seen["active"], active, "{} {grant} {}", client.id, asks.id);
        }
    }
}

/// What a token was for, before somebody was taken away, is not more than that afterwards.
#[tokio::test]
async fn g3_an_audience_that_is_taken_from_a_client_makes_no_token_good_for_others() {
    let api = |audience: &str| jeton_core::domain::client::ClientSettings {
        resource_server: true,
        audiences: vec![audience.to_owned()],
        ..jeton_core::domain::client::ClientSettings::default()
    };
    for taken in [&[BILLS][..], &[BILLS, ORDERS]] {
        let shop = shop().await;
        let orders = shop.server.seed().client(REALM, "orders", api(ORDERS)).await;
        let bills = shop.server.seed().client(REALM, "bills", api(BILLS)).await;
        let other = shop.server.seed().client(REALM, "other", api("https://other.example")).await;
        for client in [&shop.web, &shop.opaque] {
            let token = access(&shop.sign_in(client, ADA).await);
            let seen = async || {
                let mut seen = Vec::new();
                for asks in [&orders, &bills, &other] {
                    let answer = shop.server.oauth(REALM, "token/introspect", asks, &[("token", &token)]).await;
                    seen.push(answer.json()["active"] == true);
                }
                seen
            };
            assert_eq!(seen().await, [true, true, false], "{}", client.id);
            let take = |settings: &mut jeton_core::domain::client::ClientSettings| {
                settings.audiences.retain(|name| !taken.contains(&name.as_str()));
            };
            shop.server.seed().configure_client(REALM, &client.id, take).await;
            assert_eq!(seen().await, [taken.len() == 1, false, false], "{} {taken:?}", client.id);
        }
    }
}
