//! What the realm publishes: its keys and its discovery document (contracts/ion.md §2, §5).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::harness::{PUBLIC_URL, Server};

#[tokio::test]
async fn keys_are_published_and_kept_by_caches() {
    let server = Server::start().await;
    let token = server.ion_token().await;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    for target in
        ["/realms/api-keys/protocol/openid-connect/certs", "/auth/realms/api-keys/protocol/openid-connect/certs"]
    {
        let answer = server.get(target).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{target}");
        assert_eq!(answer.header("cache-control"), Some("public, max-age=300"), "{target}");
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 1, "{answer:?}");
        let key = keys[0].as_object().unwrap();
        assert_eq!(key.keys().collect::<Vec<_>>(), ["kid", "kty", "alg", "use", "n", "e"], "and no private member");
        let expected = [&header["kid"], &json!("RSA"), &json!("RS256"), &json!("sig"), &json!("AQAB")];
        assert_eq!([&key["kid"], &key["kty"], &key["alg"], &key["use"], &key["e"]], expected);

        let tag = answer.header("etag").expect("an ETag").to_owned();
        let same = server.get(target).header("If-None-Match", &tag).await;
        assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(tag.as_str())));
        let other = server.get(target).header("If-None-Match", "\"other\"").await;
        assert_eq!((other.status, other.body), (200, answer.body));
    }
    assert_eq!(server.get("/realms/nowhere/protocol/openid-connect/certs").await.status, 404);
}

#[tokio::test]
async fn discovery_names_what_is_there_and_nothing_else() {
    let server = Server::start().await;
    let target = "/realms/api-keys/.well-known/openid-configuration";
    let answer = server.get(target).host("evil.example").header("X-Forwarded-Host", "evil.example").await;
    let document = answer.json();
    let document = document.as_object().unwrap();
    assert_eq!(document["issuer"], format!("{PUBLIC_URL}/realms/api-keys"));
    for (name, value) in document {
        if name == "issuer" {
            continue;
        }
        let Some(path) = value.as_str().and_then(|url| url.strip_prefix(PUBLIC_URL)) else {
            assert!(!value.is_string(), "{name}: {value}");
            continue;
        };
        let there = server.call(if name == "jwks_uri" { "GET" } else { "POST" }, path).await;
        assert!(![404, 405].contains(&there.status), "{name}: {there:?}");
    }
    let names: Vec<&str> = document.keys().map(String::as_str).collect();
    let expected = [
        "issuer",
        "token_endpoint",
        "introspection_endpoint",
        "jwks_uri",
        "grant_types_supported",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "introspection_endpoint_auth_methods_supported",
        "introspection_endpoint_auth_signing_alg_values_supported",
        "introspection_signing_alg_values_supported",
        "revocation_endpoint",
        "revocation_endpoint_auth_methods_supported",
        "revocation_endpoint_auth_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
    ];
    assert_eq!(names, expected);
    assert_eq!(document["grant_types_supported"], json!(["client_credentials", "refresh_token"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    for same in [format!("/auth{target}"), "/.well-known/oauth-authorization-server/realms/api-keys".to_owned()] {
        assert_eq!(server.get(&same).await.body, answer.body, "{same}");
    }
}
