//! Introspection and revocation (contracts/ion.md §5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::client::ClientSettings;
use serde_json::Value;

use super::{BAD_CLIENT, INTROSPECT, assert_answer, error};
use crate::harness::{Key, MINUTE, PUBLIC_URL, Server};

const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn a_token_is_described_to_those_it_concerns() {
    let server = Server::start().await;
    let service = ClientSettings {
        grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
        ..ClientSettings::default()
    };
    let other = server.seed().client("api-keys", "other", service.clone()).await;
    let api = ClientSettings { resource_server: true, ..ClientSettings::default() };
    let api = server.seed().client("api-keys", "the-api", api).await;
    let token = server.ion_token().await;
    let ask = |client: &Key, token: &str, hint: &str| {
        server.oauth("api-keys", INTROSPECT, client, &[("token", token), ("token_type_hint", hint)])
    };
    let claims: Value = serde_json::from_slice(&BASE64URL.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let text = |name: &str| claims[name].as_str().unwrap();
    let active = format!(
        r#"{{"exp":1768489500,"iat":1768489200,"jti":"{}","iss":"{PUBLIC_URL}/realms/api-keys","sub":"{}","typ":"Bearer","azp":"ion-key-1","acr":"1","scope":"profile email","email_verified":false,"preferred_username":"service-account-ion-key-1","client_id":"ion-key-1","username":"service-account-ion-key-1","jeton_number":1000,"token_type":"Bearer","active":true}}"#,
        text("jti"),
        text("sub"),
    );
    for hint in ["", "access_token", "refresh_token", "odd"] {
        assert_answer(&ask(&server.ion, &token, hint).await, 200, &active, hint);
    }
    assert_answer(&ask(&api, &token, "").await, 200, &active, "a resource server");
    assert_answer(&ask(&other, &token, "").await, 200, INACTIVE, "a foreign client");

    let foreign = server.client_token("plain", &server.plain).await;
    let cut = &token[..token.len() - 4];
    for (what, token) in
        [("made up", "x"), ("damaged", cut), ("another realm's", &foreign), ("of four parts", "eyJ.a.b.c")]
    {
        assert_answer(&ask(&server.ion, token, "").await, 200, INACTIVE, what);
    }
    let missing = server.oauth("api-keys", INTROSPECT, &server.ion, &[]).await;
    assert_answer(&missing, 400, &error("invalid_request", "Token not provided."), "no token");
    for client in
        [Key { secret: "guess".into(), ..server.ion.clone() }, Key { id: "nobody".into(), secret: "x".into() }]
    {
        assert_answer(&ask(&client, &token, "").await, 401, BAD_CLIENT, "a bad credential");
    }
    let twice = server.oauth("api-keys", INTROSPECT, &server.ion, &[("token", &token), ("token", &token)]).await;
    assert_answer(&twice, 400, &error("invalid_request", "duplicated parameter"), "twice");

    server.seed().enable_principal("api-keys", "ion-key-1", false).await;
    assert_answer(&ask(&server.ion, &token, "").await, 200, INACTIVE, "of a disabled service");
    server.seed().enable_principal("api-keys", "ion-key-1", true).await;
    server.clock.advance(5 * MINUTE);
    assert_answer(&ask(&server.ion, &token, "").await, 200, INACTIVE, "expired");
    // The API is told why, and only in a member of our own.
    let told = ask(&api, &token, "").await;
    assert_answer(&told, 200, r#"{"active":false,"jeton_reason":"expired"}"#, "expired, to a resource server");
}

#[tokio::test]
async fn revocation() {
    let server = Server::start().await;
    let service = ClientSettings {
        grants: vec![jeton_core::domain::grant::GrantType::ClientCredentials],
        ..ClientSettings::default()
    };
    let other = server.seed().client("api-keys", "other", service).await;
    let (first, second) = (server.ion_token().await, server.ion_token().await);
    let revoke = |client: &Key, token: &str, hint: &str| {
        server.oauth("api-keys", "revoke", client, &[("token", token), ("token_type_hint", hint)])
    };
    let nothing = error("invalid_token", "Invalid token");
    let foreign = server.client_token("plain", &server.plain).await;
    for (what, client, token) in [
        ("unknown", &server.ion, "x"),
        ("another client's", &other, first.as_str()),
        ("another realm's", &server.ion, &foreign),
        ("damaged", &server.ion, &first[..first.len() - 4]),
    ] {
        assert_answer(&revoke(client, token, "").await, 200, &nothing, what);
    }
    assert_eq!(server.graphql(&first).await.status, 200, "a foreign client ends nothing");

    let missing = server.oauth("api-keys", "revoke", &server.ion, &[]).await;
    assert_answer(&missing, 400, &error("invalid_request", "Token not provided"), "no token");
    let odd = error("unsupported_token_type", "Unsupported token type");
    assert_answer(&revoke(&server.ion, &first, "odd").await, 400, &odd, "an odd hint");
    let wrong = Key { secret: "guess".into(), ..server.ion.clone() };
    assert_answer(&revoke(&wrong, &first, "").await, 401, BAD_CLIENT, "a bad credential");
    assert_eq!(server.graphql(&first).await.status, 200);

    for (what, hint) in [("own, with the wrong hint", "refresh_token"), ("again", "")] {
        let answer = revoke(&server.ion, &first, hint).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("content-type")), (200, "", None), "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
    let introspected = server.oauth("api-keys", INTROSPECT, &server.ion, &[("token", &first)]).await;
    assert_answer(&introspected, 200, INACTIVE, "after its end");
    assert_eq!(server.graphql(&first).await.text("/errors/0/message"), "Token is expired.");
    assert_eq!(server.graphql(&second).await.status, 200, "another token of the same client goes on");
}
