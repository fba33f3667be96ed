//! Who may manage a client that registered itself.

use serde_json::{Value, json};

use super::super::{REALM, no};
use super::{ENDPOINT, desk, post};
use crate::harness::{Answer, MINUTE, PUBLIC_URL};

#[tokio::test]
async fn c9_a_disabled_client_does_not_manage_itself() {
    let desk = desk().await;
    let made = desk.register(&post()).await;
    let (server, id) = (&desk.shop.server, made.text("/client_id"));
    let seed = server.seed();
    let cannot = async |why: &str| {
        for method in ["GET", "PUT", "DELETE"] {
            let asked = json!({ "client_id": id, "enabled": true, "token_endpoint_auth_method": "client_secret_post" });
            let answer = desk.about(method, &made).json(asked.to_string()).await;
            assert_eq!(no(&answer), (401, "invalid_token".to_owned()), "{why} {method}");
            server.clock.advance(MINUTE * 2);
        }
        let realm = seed.find_realm(REALM).await.id;
        assert!(server.app.store.client(realm, &id).await.unwrap().is_some(), "{why}: it is there");
    };
    seed.enable_client(REALM, &id, false).await;
    cannot("disabled").await;
    seed.enable_client(REALM, &id, true).await;
    assert_eq!(desk.about("GET", &made).await.status, 200, "enabled again");
    let service = format!("service-account-{id}");
    seed.enable_principal(REALM, &service, false).await;
    cannot("its service is disabled").await;
    seed.enable_principal(REALM, &service, true).await;
    assert_eq!(desk.about("GET", &made).await.status, 200, "enabled again");

    // What an operator has taken from it, it does not give itself back.
    seed.configure_client(REALM, &id, |settings| settings.scopes = vec!["read".to_owned()]).await;
    cannot("an operator has set something").await;
    assert_eq!(desk.token(&made, &[]).await.json()["scope"], "read");
}

#[tokio::test]
async fn g11_a_registration_access_token_is_good_for_its_own_client_alone() {
    let desk = desk().await;
    let (made, other) = (desk.register(&post()).await, desk.register(&post()).await);
    let own = desk.token(&made, &[]).await.text("/access_token");
    let path = |answer: &Answer| answer.text("/registration_client_uri").strip_prefix(PUBLIC_URL).unwrap().to_owned();
    let token = made.text("/registration_access_token");
    let cells = [
        (path(&other), token.as_str()),
        (format!("{ENDPOINT}/nobody"), &token),
        (format!("{ENDPOINT}/web"), &token),
        (path(&made), &desk.token),
        (path(&made), &own),
        (path(&made), &token[..token.len() - 1]),
        (path(&made).replace("/shop/", "/plain/"), &token),
    ];
    for (target, shown) in &cells {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = desk.shop.server.call(method, target).bearer(shown).json(post().to_string()).await;
            assert!([401, 404].contains(&answer.status), "{method} {target} {shown}: {answer:?}");
            desk.shop.server.clock.advance(MINUTE * 2);
        }
    }
    let bare = desk.shop.server.get(&path(&made)).await;
    assert_eq!((bare.status, bare.header("www-authenticate")), (401, Some("Bearer realm=\"shop\"")));
    // An update must be about the client that it is sent to, and a secret in it the client's own (RFC 7592 §2.2).
    for (id, secret, status) in [
        (json!(other.text("/client_id")), Value::Null, 400),
        (Value::Null, Value::Null, 400),
        (json!(made.text("/client_id")), json!(other.text("/client_secret")), 400),
        (json!(made.text("/client_id")), json!(made.text("/client_secret")), 200),
    ] {
        let asked = json!({ "client_id": id, "client_secret": secret });
        let answer = desk.about("PUT", &made).json(asked.to_string()).await;
        assert_eq!(answer.status, status, "{asked} {answer:?}");
    }
    assert_eq!(desk.about("GET", &made).await.status, 200);
}
