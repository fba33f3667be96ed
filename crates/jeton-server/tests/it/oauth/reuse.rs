//! Fewer tokens: the same one for the same request, and no more than a client may have.

use jeton_core::domain::client::{ClientSettings, IssueLimit};
use jeton_core::domain::grant::GrantType::ClientCredentials;

use crate::harness::{Key, MINUTE, SECOND};

use super::{REALM, Shop, access, no, shop};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn client(shop: &Shop, name: &str, more: ClientSettings) -> Key {
    let settings = ClientSettings {
        grants: vec![ClientCredentials],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        access_token_secs: Some(300),
        ..more
    };
    shop.server.seed().client(REALM, name, settings).await
}

#[tokio::test]
async fn a_token_is_had_again_while_half_of_its_life_is_left() {
    let shop = shop().await;
    let job = client(&shop, "job", ClientSettings { reuse: true, ..ClientSettings::default() }).await;
    let each = client(&shop, "each", ClientSettings::default()).await;
    // The first of all makes the realm's key, which is a change of the configuration.
    assert_eq!(shop.token(&each, &[GRANT]).await.status, 200);
    let first = shop.token(&job, &[GRANT]).await;
    shop.server.clock.advance(SECOND * 100);
    let again = shop.token(&job, &[GRANT]).await;
    assert_eq!(access(&again), access(&first));
    assert_eq!((&first.json()["expires_in"], &again.json()["expires_in"]), (&300.into(), &200.into()));
    // Another request is another request, another client's policy is another.
    let narrow = shop.token(&job, &[GRANT, ("scope", "read")]).await;
    assert_ne!(access(&narrow), access(&first));
    assert_ne!(access(&shop.token(&each, &[GRANT]).await), access(&shop.token(&each, &[GRANT]).await));
    shop.server.clock.advance(SECOND * 51);
    let late = shop.token(&job, &[GRANT]).await;
    assert_ne!(access(&late), access(&first));

    // It must still be the client's to have, and good.
    let wrong = Key { id: job.id.clone(), secret: each.secret.clone() };
    assert_eq!(no(&shop.token(&wrong, &[GRANT]).await), (401, "invalid_client".to_owned()));
    let token = access(&late);
    assert_eq!(shop.server.oauth(REALM, "revoke", &job, &[("token", &token)]).await.status, 200);
    let after = access(&shop.token(&job, &[GRANT]).await);
    assert_ne!(after, token);
    assert!(shop.lives(&after).await);
    shop.server.seed().configure_client(REALM, "job", |settings| settings.scopes.truncate(1)).await;
    assert_eq!(shop.token(&job, &[GRANT]).await.json()["scope"], "read");
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let shop = shop().await;
    let limit = IssueLimit { count: 3, per_secs: 60 };
    let job = client(&shop, "job", ClientSettings { issue_limit: Some(limit), ..ClientSettings::default() }).await;
    // Strangers use up nobody's.
    let stranger = Key { id: job.id.clone(), secret: "jts_wrong".to_owned() };
    for _ in 0..4 {
        assert_eq!(shop.token(&stranger, &[GRANT]).await.status, 401);
    }
    for _ in 0..3 {
        assert_eq!(shop.token(&job, &[GRANT]).await.status, 200);
    }
    let refused = shop.token(&job, &[GRANT]).await;
    assert_eq!(no(&refused), (429, "slow_down".to_owned()));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    shop.server.clock.advance(MINUTE);
    assert_eq!(shop.token(&job, &[GRANT]).await.status, 200);

    let both = ClientSettings { issue_limit: Some(limit), reuse: true, ..ClientSettings::default() };
    let thrifty = client(&shop, "thrifty", both).await;
    for _ in 0..9 {
        assert_eq!(shop.token(&thrifty, &[GRANT]).await.status, 200, "one that it has is not a new one");
    }
}
