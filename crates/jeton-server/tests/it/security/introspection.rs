//! Introspection and revocation: who may ask, and how little a stranger learns (G1 to G5, G9, G10).

use jeton_core::domain::client::ClientSettings;

use super::{error, resource_server, service};
use crate::harness::{Answer, HOUR, Key, MINUTE, SECOND, Server};

const INACTIVE: &str = r#"{"active":false}"#;

/// The answer to a question about `token`.
async fn ask(server: &Server, realm: &str, client: &Key, token: &str) -> Answer {
    server.oauth(realm, "token/introspect", client, &[("token", token)]).await.without_date()
}

#[tokio::test]
async fn g1_made_up_tokens_teach_nothing() {
    let server = Server::start().await;
    server.client_token("plain", &server.plain).await;
    let nothing = ask(&server, "plain", &server.plain, "made-up").await;
    assert_eq!((nothing.status, nothing.body.as_str()), (200, INACTIVE));
    for number in 0..300 {
        let token = match number % 3 {
            0 => format!("jta_{number:043}000000"),
            1 => server.seed().secret().0.replacen("jts_", "jta_", 1),
            _ => format!("eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.{number:086}"),
        };
        assert_eq!(ask(&server, "plain", &server.plain, &token).await, nothing, "{token}");
    }
}

#[tokio::test]
async fn g2_g4_a_dead_token_is_inactive_whatever_ended_it() {
    let server = Server::start().await;
    let client = &server.plain;
    let seed = server.seed();
    let realm_id = seed.find_realm("plain").await.id;
    let id = server.app.store.client(realm_id, &client.id).await.unwrap().unwrap().id;
    let nothing = ask(&server, "plain", client, "made-up").await;
    assert_eq!((nothing.status, nothing.body.as_str()), (200, INACTIVE));
    for reason in ["expired", "revoked", "realm's cut-off", "client's cut-off", "service disabled", "another realm's"] {
        let mut token = server.client_token("plain", client).await;
        assert_eq!(ask(&server, "plain", client, &token).await.json()["active"], true, "{reason}");
        server.clock.advance(SECOND);
        let now = server.clock.now();
        match reason {
            "expired" => server.clock.advance(MINUTE * 5),
            "revoked" => {
                let revoked = server.oauth("plain", "revoke", client, &[("token", &token)]).await;
                assert_eq!((revoked.status, revoked.body.as_str()), (200, ""));
            }
            "realm's cut-off" => server.app.store.set_realm_not_before(realm_id, now, seed.record()).await.unwrap(),
            "client's cut-off" => server.app.store.set_client_not_before(id, now, seed.record()).await.unwrap(),
            "service disabled" => seed.enable_principal("plain", &client.id, false).await,
            _ => token = server.ion_token().await,
        }
        assert_eq!(ask(&server, "plain", client, &token).await, nothing, "{reason}");
        seed.enable_principal("plain", &client.id, true).await;
    }
}

/// The API that tokens are shown to is told why one is dead; nobody else is.
#[tokio::test]
async fn g2_only_a_resource_server_hears_the_reason() {
    let server = Server::start().await;
    let api = server.seed().client("plain", "api", resource_server()).await;
    let token = server.client_token("plain", &server.plain).await;
    server.clock.advance(HOUR);
    assert_eq!(ask(&server, "plain", &server.plain, &token).await.body, INACTIVE);
    assert_eq!(ask(&server, "plain", &api, &token).await.body, r#"{"active":false,"jeton_reason":"expired"}"#);
}

#[tokio::test]
async fn g3_only_the_audience_and_the_owner_learn_that_a_token_lives() {
    let server = Server::start().await;
    let seed = server.seed();
    let audience = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let for_orders = ClientSettings { audiences: audience(&["orders"]), ..service() };
    let for_two = ClientSettings { audiences: audience(&["orders", "bills"]), ..service() };
    let owner = seed.client("plain", "owner", for_orders).await;
    let both = seed.client("plain", "both", for_two).await;
    let stranger = seed.client("plain", "stranger", service()).await;
    let named = seed.client("plain", "orders", service()).await;
    let api = |names: &[&str]| ClientSettings { audiences: audience(names), ..resource_server() };
    let orders = seed.client("plain", "orders-api", api(&["orders"])).await;
    let bills = seed.client("plain", "bills-api", api(&["bills"])).await;
    let any = seed.client("plain", "any-api", api(&[])).await;

    let (one, two) = (server.client_token("plain", &owner).await, server.client_token("plain", &both).await);
    let rows = [
        ("the owner", &owner, true, false),
        ("the other owner", &both, false, true),
        ("another client", &stranger, false, false),
        ("the audience itself", &named, true, true),
        ("the audience's API", &orders, true, true),
        ("the second audience's", &bills, false, true),
        ("an API for all", &any, true, true),
    ];
    for (what, client, sees_one, sees_two) in rows {
        for (token, sees) in [(&one, sees_one), (&two, sees_two)] {
            let answer = ask(&server, "plain", client, token).await;
            assert_eq!(answer.json()["active"], sees, "{what}");
            assert!(sees || answer.body == INACTIVE, "{what}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn g5_a_wrong_hint_changes_nothing_and_an_unknown_one_is_refused() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let plain = ask(&server, "plain", &server.plain, &token).await;
    for hint in ["access_token", "refresh_token", "pat", "%00", ""] {
        let fields = [("token", token.as_str()), ("token_type_hint", hint)];
        let answer = server.oauth("plain", "token/introspect", &server.plain, &fields).await.without_date();
        assert_eq!(answer, plain, "{hint:?}");
    }
    // Keycloak refuses a hint it does not know, and so do we: the token then lives on.
    let fields = [("token", token.as_str()), ("token_type_hint", "pat")];
    let refused = server.oauth("plain", "revoke", &server.plain, &fields).await;
    assert_eq!((refused.status, error(&refused).as_str()), (400, "unsupported_token_type"));
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    let fields = [("token", token.as_str()), ("token_type_hint", "refresh_token")];
    assert_eq!(server.oauth("plain", "revoke", &server.plain, &fields).await.status, 200);
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401);
}

#[tokio::test]
async fn g6_what_was_said_of_a_token_is_not_kept() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let answer = ask(&server, "plain", &server.plain, &token).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn g9_revoking_one_token_leaves_the_others() {
    let server = Server::start().await;
    let (one, other) = (server.ion_token().await, server.ion_token().await);
    assert_eq!(server.oauth("api-keys", "revoke", &server.ion, &[("token", &one)]).await.status, 200);
    assert_eq!(server.graphql(&one).await.status, 401);
    assert_eq!(server.graphql(&other).await.status, 200);
}

#[tokio::test]
async fn g10_a_foreign_token_is_left_alone_and_told_from_none() {
    let server = Server::start().await;
    let thief = server.seed().client("plain", "thief", service()).await;
    let ours = server.client_token("plain", &server.plain).await;
    let twin = {
        // A second client that speaks for the very same service.
        let realm = server.seed().find_realm("plain").await;
        let client = server.app.store.client(realm.id, &server.plain.id).await.unwrap().unwrap();
        let (secret, stored) = server.seed().secret();
        let new = jeton_store::NewClient {
            id: server.seed().service(realm.id, "x").id,
            realm_id: realm.id,
            client_id: "twin".to_owned(),
            settings: service(),
            service: jeton_store::Service::Existing(client.service.id),
            secrets: vec![stored],
            registration: None,
            created_at: server.clock.now(),
        };
        server.app.store.add_client(&new, server.seed().record()).await.unwrap();
        Key { id: "twin".to_owned(), secret }
    };
    let zro = server.zro_token().await;
    let revoke = async |realm: &str, client: &Key, token: &str| {
        server.oauth(realm, "revoke", client, &[("token", token)]).await.without_date()
    };
    let unknown = revoke("plain", &thief, "made-up").await;
    for (what, client, token) in [
        ("another client's", &thief, ours.as_str()),
        ("a twin's", &twin, &ours),
        ("another realm's", &thief, &zro),
        ("another realm's, by its owner", &server.plain, &zro),
    ] {
        assert_eq!(revoke("plain", client, token).await, unknown, "{what}");
    }
    assert_eq!(server.get("/plain/x").bearer(&ours).await.status, 200);
    assert_eq!(server.wallets(&zro).await.status, 200);
    let zro_client = server.seed().client("zro", "client", service()).await;
    assert_eq!(revoke("zro", &zro_client, &zro).await, unknown, "nor a session that no client began");
    assert_eq!(server.wallets(&zro).await.status, 200);
    assert_ne!(revoke("plain", &server.plain, &ours).await, unknown);
    assert_eq!(server.get("/plain/x").bearer(&ours).await.status, 401);
}
