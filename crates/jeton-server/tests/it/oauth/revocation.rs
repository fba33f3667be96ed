//! Revocation (RFC 7009) of what OAuth's sessions have: which of it ends with which.

use super::{REALM, Shop, access, invalid_grant, no, refresh_of, shop};
use crate::harness::{ADA, Answer, Key, SECOND};

async fn revoke(shop: &Shop, client: &Key, token: &str) -> Answer {
    shop.server.oauth(REALM, "revoke", client, &[("token", token)]).await.without_date()
}

#[tokio::test]
async fn g9_with_a_refresh_token_ends_its_session_and_no_other() {
    let shop = shop().await;
    for client in [&shop.web, &shop.keep, &shop.opaque, &shop.app] {
        let (begun, other) = (shop.sign_in(client, ADA).await, shop.sign_in(client, ADA).await);
        let next = shop.refresh(client, &refresh_of(&begun), &[]).await;
        // One that was used tells its session as well.
        let answer = revoke(&shop, client, &refresh_of(&begun)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{}", client.id);
        for token in [access(&begun), access(&next)] {
            assert!(!shop.lives(&token).await, "{}", client.id);
        }
        assert_eq!(no(&shop.refresh(client, &refresh_of(&next), &[]).await), invalid_grant(), "{}", client.id);
        assert!(shop.lives(&access(&other)).await, "{}", client.id);
        assert_eq!(shop.refresh(client, &refresh_of(&other), &[]).await.status, 200, "{}", client.id);
    }
}

#[tokio::test]
async fn g9_an_access_token_ends_alone_and_its_session_goes_on() {
    let shop = shop().await;
    for client in [&shop.web, &shop.keep, &shop.opaque, &shop.app] {
        let begun = shop.sign_in(client, ADA).await;
        let next = shop.refresh(client, &refresh_of(&begun), &[]).await;
        shop.server.clock.advance(SECOND);
        for _ in 0..2 {
            assert_eq!(revoke(&shop, client, &access(&begun)).await.status, 200, "{}", client.id);
        }
        assert!(!shop.lives(&access(&begun)).await, "{}", client.id);
        assert!(shop.lives(&access(&next)).await, "{}", client.id);
        let third = shop.refresh(client, &refresh_of(&next), &[]).await;
        assert!(shop.lives(&access(&third)).await, "{}", client.id);
        assert!(!shop.lives(&access(&begun)).await, "{}", client.id);
    }
    assert!(shop.reuses().await.is_empty());
    let ended = shop.server.app.store.newest_audit(999).await.unwrap();
    assert_eq!(ended.iter().filter(|line| line.event == "token.ended").count(), 4, "said once of each");
}

/// A machine's opaque token has nothing to go on by: nothing is left of it.
#[tokio::test]
async fn g9_what_a_client_has_for_itself_ends_whole() {
    let shop = shop().await;
    let token = access(&shop.token(&shop.opaque, &[("grant_type", "client_credentials")]).await);
    assert!(shop.lives(&token).await);
    assert_eq!(revoke(&shop, &shop.opaque, &token).await.status, 200);
    assert!(!shop.lives(&token).await);
    let lines = shop.server.app.store.newest_audit(999).await.unwrap();
    assert!(lines.iter().any(|line| line.event == "session.ended"));
}

#[tokio::test]
async fn g10_sessions_of_others_are_left_alone_and_told_from_nothing() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    for thief in [&shop.keep, &shop.opaque, &shop.app] {
        let unknown = revoke(&shop, thief, "made-up").await;
        for token in [access(&begun), refresh_of(&begun)] {
            assert_eq!(revoke(&shop, thief, &token).await, unknown, "{}", thief.id);
        }
    }
    assert!(shop.lives(&access(&begun)).await);
    assert_eq!(shop.refresh(&shop.web, &refresh_of(&begun), &[]).await.status, 200);
}

#[tokio::test]
async fn g7_g13_what_ends_here_is_ended_on_another_node_with_its_next_request() {
    let shop = shop().await;
    let other = shop.server.beside().await;
    let seen = async |token: &str| {
        other.oauth(REALM, "token/introspect", &shop.api, &[("token", token)]).await.json()["active"] == true
    };
    for client in [&shop.web, &shop.opaque] {
        let begun = shop.sign_in(client, ADA).await;
        let next = shop.refresh(client, &refresh_of(&begun), &[]).await;
        assert!(seen(&access(&begun)).await && seen(&access(&next)).await, "{}", client.id);
        assert_eq!(revoke(&shop, client, &access(&begun)).await.status, 200);
        assert!(!seen(&access(&begun)).await && seen(&access(&next)).await, "{}", client.id);
        assert_eq!(revoke(&shop, client, &refresh_of(&next)).await.status, 200);
        assert!(!seen(&access(&next)).await, "{}", client.id);
    }
}

#[tokio::test]
async fn g8_a_store_that_cannot_write_revokes_nothing_and_says_so() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let mine = shop.token(&shop.opaque, &[("grant_type", "client_credentials")]).await;
    let tokens = [(&shop.web, access(&begun)), (&shop.web, refresh_of(&begun)), (&shop.opaque, access(&mine))];
    shop.server.app.store.close().await;
    for (client, token) in &tokens {
        let answer = revoke(&shop, client, token).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    }
    let other = shop.server.beside().await;
    for (client, token) in &tokens {
        let seen = other.oauth(REALM, "token/introspect", client, &[("token", token)]).await;
        assert_eq!(seen.json()["active"], true, "{}", client.id);
    }
}
