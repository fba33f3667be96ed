//! Signed tokens: what they say, which keys they hang on, and what cannot pass for one (F1, F7, F13).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::policy::Alg;
use jeton_core::token::jwt;
use serde_json::{Value, json};

use super::resource_server;
use crate::harness::{PUBLIC_URL, Server};

fn part(token: &str, at: usize) -> Value {
    serde_json::from_slice(&BASE64URL.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap()
}

/// A token of this header and these claims, signed by the realm's own key: the worst that can be shown to it.
async fn signed(server: &Server, realm: &str, alg: Alg, header: &Value, claims: &Value) -> String {
    let realm_id = server.seed().find_realm(realm).await.id;
    let signer = server.app.signer(realm_id, alg).await.unwrap();
    let mut header = header.clone();
    header["alg"] = json!(alg.name());
    header["kid"] = json!(signer.kid);
    let input = jwt::signing_input(&header.to_string(), &claims.to_string());
    jwt::assemble(&input, &signer.sign(input.as_bytes()).unwrap())
}

#[tokio::test]
async fn f1_an_access_token_says_what_rfc_9068_asks_for() {
    let server = Server::start().await;
    for alg in Alg::ALL {
        server.configure("plain", |settings| settings.alg = alg).await;
        let token = server.client_token("plain", &server.plain).await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some(alg.name())));
        let keys = server.get("/realms/plain/protocol/openid-connect/certs").await.json();
        assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{header}");
        let members: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"]);
        assert_eq!(claims["iss"], format!("{PUBLIC_URL}/realms/plain"));
        assert_eq!(claims["aud"], claims["iss"]);
        assert_eq!(claims["client_id"], server.plain.id.as_str());
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200);
    }
    let first = part(&server.client_token("plain", &server.plain).await, 1)["jti"].clone();
    assert_ne!(part(&server.client_token("plain", &server.plain).await, 1)["jti"], first);
}

#[tokio::test]
async fn f7_one_kind_of_token_never_passes_for_another() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let claims = part(&token, 1);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let other_service = server.seed().client("plain", "other", super::service()).await;
    let grace = server.seed().find_principal("pitchpoint", "grace").await.id.to_string();
    let now = claims["iat"].as_i64().unwrap();
    let rows: [(&str, Value, bool); 22] = [
        ("the same again", claims.clone(), true),
        ("another issuer", with("iss", json!(format!("{PUBLIC_URL}/realms/zro"))), false),
        ("an issuer with a slash", with("iss", json!(format!("{PUBLIC_URL}/realms/plain/"))), false),
        ("no issuer", without("iss"), false),
        ("no subject", without("sub"), false),
        ("a person's subject", with("sub", json!(grace)), false),
        ("another client's id", with("client_id", json!(other_service.id)), false),
        ("no client", without("client_id"), false),
        ("an unknown client", with("client_id", json!("nobody")), false),
        ("no end", without("exp"), false),
        ("an end as text", with("exp", json!("9999999999")), false),
        ("an end as a fraction", with("exp", json!(now as f64 + 60.5)), false),
        ("an end beyond what is exact", with("exp", json!((1_i64 << 53) + 1)), false),
        ("a negative end", with("exp", json!(-1)), false),
        ("ended", with("exp", json!(now)), false),
        ("no time of issue", without("iat"), false),
        ("not yet good", with("nbf", json!(now + 60)), false),
        ("good since now", with("nbf", json!(now)), true),
        ("an audience that is a number", with("aud", json!(5)), false),
        ("an id that is a number", with("jti", json!(5)), false),
        ("a list for a subject", with("sub", json!([claims["sub"]])), false),
        ("a scope that is a list", with("scope", json!(["profile"])), false),
    ];
    let api = server.seed().client("plain", "api", resource_server()).await;
    for (what, claims, good) in rows {
        let token = signed(&server, "plain", Alg::ES256, &json!({ "typ": "at+jwt" }), &claims).await;
        let status = server.get("/plain/x").bearer(&token).await.status;
        assert_eq!(status, if good { 200 } else { 401 }, "{what}");
        let seen = server.oauth("plain", "token/introspect", &api, &[("token", &token)]).await.json();
        assert_eq!(seen["active"], good, "{what}");
    }

    let mut twice = claims.to_string();
    twice.insert_str(1, &format!("\"sub\":{},", claims["sub"]));
    let realm_id = server.seed().find_realm("plain").await.id;
    let signer = server.app.signer(realm_id, Alg::ES256).await.unwrap();
    let input = jwt::signing_input(&json!({ "alg": "ES256", "kid": signer.kid }).to_string(), &twice);
    let token = jwt::assemble(&input, &signer.sign(input.as_bytes()).unwrap());
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 401, "a claim that stands twice");

    // A session's token is its row: one that has no row is none, whoever signed it.
    let zro = server.zro_token().await;
    let mut claims = part(&zro, 1);
    assert_eq!(server.wallets(&zro).await.status, 200);
    claims["jti"] = json!("another");
    let token = signed(&server, "zro", Alg::EdDSA, &json!({ "typ": "JWT" }), &claims).await;
    assert_eq!(server.wallets(&token).await.status, 401);
    assert_eq!(server.renew(&token).await.status, 401);
}

#[tokio::test]
async fn f7_refresh_tokens_and_secrets_open_nothing() {
    let server = Server::start().await;
    let tokens = server.pitchpoint_tokens().await;
    assert_eq!(server.orders(&tokens.access).await.status, 200);
    assert_eq!(server.orders(&tokens.refresh).await.status, 401);
    let api = server.seed().client("pitchpoint", "api", resource_server()).await;
    let seen = server.oauth("pitchpoint", "token/introspect", &api, &[("token", &tokens.refresh)]).await.json();
    assert_eq!(seen["active"], false);
    for secret in [&server.plain.secret, &server.ion.secret, &server.zro.secret] {
        assert_eq!(server.get("/plain/x").bearer(secret).await.status, 401);
        assert_eq!(server.wallets(secret).await.status, 401);
        assert_eq!(server.graphql(&format!("Bearer {secret}")).await.status, 401);
    }
}

#[tokio::test]
async fn f7_the_keys_of_one_realm_are_not_those_of_another() {
    let server = Server::start().await;
    let real = server.client_token("plain", &server.plain).await;
    let (header, claims) = (part(&real, 0), part(&real, 1));
    // Signed by a realm's key, shown to another: as it is, and with the other's key named.
    let foreign = signed(&server, "zro", Alg::ES256, &json!({ "typ": "at+jwt" }), &claims).await;
    assert_eq!(server.get("/plain/x").bearer(&foreign).await.status, 401);
    let realm_id = server.seed().find_realm("zro").await.id;
    let signer = server.app.signer(realm_id, Alg::ES256).await.unwrap();
    let input = jwt::signing_input(&header.to_string(), &claims.to_string());
    let forged = jwt::assemble(&input, &signer.sign(input.as_bytes()).unwrap());
    assert_eq!(server.get("/plain/x").bearer(&forged).await.status, 401);
    assert_eq!(server.get("/plain/x").bearer(&real).await.status, 200);
}

#[tokio::test]
async fn f13_the_key_set_is_public_and_nothing_more() {
    let server = Server::start().await;
    for alg in Alg::ALL {
        server.configure("plain", |settings| settings.alg = alg).await;
        server.client_token("plain", &server.plain).await;
    }
    for path in ["/realms/plain/protocol/openid-connect/certs", "/realms/plain/.well-known/jwks.json"] {
        let answer = server.get(path).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let keys = answer.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), Alg::ALL.len());
        let mut kids = std::collections::HashSet::new();
        for key in &keys {
            assert!(kids.insert(key["kid"].as_str().unwrap().to_owned()), "{key}");
            assert_eq!(key["use"], "sig");
            assert!(Alg::named(key["alg"].as_str().unwrap()).is_some(), "{key}");
            let mut members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            members.retain(|name| !["kid", "use", "alg", "kty", "x5t", "x5t#S256"].contains(name));
            members.sort_unstable();
            let public: &[&str] = match key["kty"].as_str().unwrap() {
                "EC" => &["crv", "x", "y"],
                "OKP" => &["crv", "x"],
                "RSA" => &["e", "n"],
                other => panic!("a key of the type {other}"),
            };
            assert_eq!(members, public, "{key}");
        }
    }
}
