//! The end of a session by its refresh token, as Keycloak's clients ask for it.

use super::{REALM, Shop, access, invalid_grant, no, refresh_of, shop};
use crate::harness::{ADA, Answer, Key};

async fn logout(shop: &Shop, client: &Key, fields: &[(&str, &str)]) -> Answer {
    shop.server.oauth(REALM, "logout", client, fields).await.without_date()
}

#[tokio::test]
async fn g9_logout_ends_the_session_of_a_refresh_token_and_no_other() {
    let shop = shop().await;
    for client in [&shop.web, &shop.keep, &shop.opaque, &shop.app] {
        let (begun, other) = (shop.sign_in(client, ADA).await, shop.sign_in(client, ADA).await);
        let next = shop.refresh(client, &refresh_of(&begun), &[]).await;
        // Ending twice is ending once; a token that was used tells its session as well.
        for token in [refresh_of(&next), refresh_of(&next), refresh_of(&begun)] {
            let answer = logout(&shop, client, &[("refresh_token", &token)]).await;
            assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{}", client.id);
            assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{}", client.id);
        }
        for token in [access(&begun), access(&next)] {
            assert!(!shop.lives(&token).await, "{}", client.id);
        }
        assert_eq!(no(&shop.refresh(client, &refresh_of(&next), &[]).await), invalid_grant(), "{}", client.id);
        assert!(shop.lives(&access(&other)).await, "{}", client.id);
        assert_eq!(shop.refresh(client, &refresh_of(&other), &[]).await.status, 200, "{}", client.id);
    }
    let ended = shop.server.app.store.newest_audit(999).await.unwrap();
    assert_eq!(ended.iter().filter(|line| line.event == "session.ended").count(), 4, "said once of each");
}

#[tokio::test]
async fn g10_logout_of_what_is_not_the_clients_is_refused_and_ends_nothing() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    let (access, refresh) = (access(&begun), refresh_of(&begun));
    let unknown = logout(&shop, &shop.web, &[("refresh_token", "made-up")]).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.body, r#"{"error":"invalid_grant","error_description":"Invalid refresh token"}"#);
    for thief in [&shop.keep, &shop.opaque, &shop.app] {
        assert_eq!(logout(&shop, thief, &[("refresh_token", &refresh)]).await, unknown, "{}", thief.id);
    }
    assert_eq!(logout(&shop, &shop.web, &[("refresh_token", &access)]).await, unknown, "an access token");

    let guess = Key { secret: "guess".to_owned(), ..shop.web.clone() };
    let rows: [(&Key, &[(&str, &str)], (u16, &str)); 4] = [
        (&guess, &[("refresh_token", &refresh)], (401, "invalid_client")),
        (&shop.web, &[], (400, "invalid_request")),
        (&shop.web, &[("token", &refresh)], (400, "invalid_request")),
        (&shop.web, &[("refresh_token", &refresh), ("refresh_token", &refresh)], (400, "invalid_request")),
    ];
    for (client, fields, (status, error)) in rows {
        assert_eq!(no(&logout(&shop, client, fields).await), (status, error.to_owned()), "{fields:?}");
    }
    assert!(shop.lives(&access).await);
    assert_eq!(shop.refresh(&shop.web, &refresh, &[]).await.status, 200);
}
