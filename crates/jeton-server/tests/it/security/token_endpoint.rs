//! What every endpoint that takes a credential has in common (D1 to D7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use super::{error, service};
use crate::harness::{ADA, Answer, Call, GRACE, Key, Person, REFRESH, SIGN_IN, Server, form};

const ENDPOINTS: [&str; 4] = ["token", "token/introspect", "revoke", "logout"];

fn endpoint(name: &str) -> String {
    format!("/realms/plain/protocol/openid-connect/{name}")
}

#[tokio::test]
async fn d1_only_post_and_only_the_type_that_is_read() {
    let server = Server::start().await;
    let inevent = format!("/?{}", form(&[("action", "person.signIn"), ("username", ADA.username)]));
    let paths = ENDPOINTS.map(endpoint);
    let dialects = [SIGN_IN, REFRESH, "/auth/signin", "/auth/refresh-token"];
    for path in paths.iter().map(String::as_str).chain(dialects) {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"] {
            assert_eq!(server.call(method, path).await.status, 405, "{method} {path}");
        }
    }
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"] {
        assert_eq!(server.call(method, &inevent).await.status, 405, "{method} {inevent}");
    }

    let types =
        ["application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx"];
    let body = form(&[
        ("grant_type", "client_credentials"),
        ("client_id", &server.plain.id),
        ("client_secret", &server.plain.secret),
    ]);
    for path in &paths {
        for content_type in types {
            let answer = server.post(path).body(content_type, body.clone()).await;
            assert_eq!(answer.status, 415, "{path} {content_type}");
        }
        assert_eq!(server.post(path).await.status, 415, "{path}, no type and no body");
        let compressed = server
            .post(path)
            .header("Content-Encoding", "gzip")
            .body("application/x-www-form-urlencoded", body.clone());
        assert_eq!(compressed.await.status, 415, "{path}, compressed");
    }
    // The contracts of Pitchpoint and Zro have no 415: there it is their 400.
    let json = serde_json::json!({ "username": GRACE.username, "password": GRACE.password }).to_string();
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        assert_eq!(server.post(SIGN_IN).body(content_type, json.clone()).await.status, 400, "{content_type}");
        let key = serde_json::json!({ "api_id": server.zro.id, "api_key": server.zro.secret }).to_string();
        assert_eq!(server.post("/auth/signin").body(content_type, key).await.status, 400, "{content_type}");
    }
    let json = serde_json::json!({ "password": ADA.password }).to_string();
    assert_eq!(server.post(&inevent).json(json).await.status, 415);
}

/// Names and values of a query or a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn d2_no_credential_is_read_from_the_query() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let Key { id, secret } = &server.plain;
    let client = [("client_id", id.as_str()), ("client_secret", secret)];
    let grant = ("grant_type", "client_credentials");
    // What stands in the query, what in the body, and the status that leaving the query out has as well.
    let rows: [(&str, Fields<'_>, Fields<'_>, u16); 5] = [
        ("token", &[client[0], client[1], grant], &[], 400),
        ("token", &client, &[grant], 401),
        ("token", &[client[1]], &[client[0], grant], 401),
        ("token/introspect", &[("token", &token)], &client, 400),
        ("revoke", &[("token", &token)], &client, 400),
    ];
    for (name, query, body, status) in rows {
        let with = server.post(&format!("{}?{}", endpoint(name), form(query))).form(body).await;
        let without = server.post(&endpoint(name)).form(body).await;
        assert_eq!(with.status, status, "{name} {query:?}");
        assert_eq!(with.without_date(), without.without_date(), "{name} {query:?}");
    }
    assert_eq!(server.get("/plain/x").bearer(&token).await.status, 200, "it was not revoked either");

    let query = form(&[("username", GRACE.username), ("password", GRACE.password)]);
    assert_eq!(server.post(&format!("{SIGN_IN}?{query}")).json("{}").await.status, 400);
    let query = form(&[("api_id", &server.zro.id), ("api_key", &server.zro.secret)]);
    assert_eq!(server.post(&format!("/auth/signin?{query}")).json("{}").await.status, 400);
    let renewed = server.post(&format!("/auth/refresh-token?x-access-token={}", server.zro_token().await)).await;
    assert_eq!(renewed.status, 400);
    let query = form(&[("action", "person.signIn"), ("username", ADA.username), ("password", ADA.password)]);
    for body in [&[][..], &[("password", ADA.password)][..]] {
        let answer = server.post(&format!("/?{query}")).form(body).await;
        assert_eq!((answer.status, answer.reason.as_str()), (400, "password must be sent in the body"));
    }
}

/// Every answer with a token in it, and those of introspection.
async fn answers_with_tokens(server: &Server) -> Vec<(&'static str, Answer)> {
    let pitchpoint = server.pitchpoint_tokens().await;
    let zro = server.zro_token().await;
    let token = server.client_token("plain", &server.plain).await;
    let grant = [("grant_type", "client_credentials")];
    let calls: [(&str, Call); 8] = [
        ("application/json", server.oauth("plain", "token", &server.plain, &grant)),
        ("application/json", server.oauth("api-keys", "token", &server.ion, &grant)),
        ("application/json", server.oauth("plain", "token/introspect", &server.plain, &[("token", &token)])),
        ("application/json", server.inevent(ADA, ADA.password, &[])),
        ("application/json", server.pitchpoint(GRACE.username, GRACE.password)),
        ("application/json", server.refresh(&pitchpoint.refresh)),
        ("application/json; charset=utf-8", server.zro_sign_in(&server.zro)),
        ("application/json; charset=utf-8", server.renew(&zro)),
    ];
    let mut answers = Vec::new();
    for (content_type, call) in calls {
        answers.push((content_type, call.await));
    }
    answers
}

#[tokio::test]
async fn d3_no_cache_keeps_a_token() {
    let server = Server::start().await;
    for (content_type, answer) in answers_with_tokens(&server).await {
        assert_eq!(answer.status, 200, "{answer:?}");
        let all = |name: &str| {
            answer
                .headers
                .iter()
                .filter(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(all("cache-control"), ["no-store"], "{answer:?}");
        assert_eq!(all("content-type"), [content_type], "{answer:?}");
    }
}

#[tokio::test]
async fn d4_the_scope_is_what_was_asked_and_allowed_and_is_always_told() {
    let server = Server::start().await;
    // Asked for, and then got, as told and as signed.
    let rows = [
        (None, Some("profile email")),
        (Some(""), Some("profile email")),
        (Some("email"), Some("email")),
        (Some("email profile"), Some("email profile")),
        (Some("  email "), Some("email")),
        (Some("email openid"), None),
        (Some("*"), None),
        (Some("profile,email"), None),
        (Some("profile\temail"), None),
    ];
    for (asked, got) in rows {
        let fields = [("grant_type", "client_credentials"), ("scope", asked.unwrap_or_default())];
        let fields = if asked.is_some() { &fields[..] } else { &fields[..1] };
        let answer = server.oauth("plain", "token", &server.plain, fields).await;
        match got {
            Some(scope) => {
                assert_eq!((answer.status, answer.text("/scope").as_str()), (200, scope), "{asked:?}");
                assert_eq!(claims(&answer.text("/access_token"))["scope"], scope, "{asked:?}");
            }
            None => assert_eq!((answer.status, error(&answer).as_str()), (400, "invalid_scope"), "{asked:?}"),
        }
    }
}

fn claims(token: &str) -> serde_json::Value {
    serde_json::from_slice(&BASE64URL.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A client named like a person, its id or its number, is still somebody else.
#[tokio::test]
async fn d6_a_clients_subject_is_nobodys() {
    let server = Server::start().await;
    let mallory = Person { username: "mallory", password: "mallory's password" };
    let person = server.seed().person("plain", mallory, 77, &[], &[]).await;
    let id = person.id.to_string();
    for client_id in ["77", id.as_str()] {
        let client = server.seed().client("plain", client_id, service()).await;
        // Its service is named as it is; nobody else's name may be taken.
        let token = server.client_token("plain", &client).await;
        let claims = claims(&token);
        assert_ne!(claims["sub"], id.as_str());
        assert_eq!(claims["client_id"], client_id);
        let call = server.get("/plain/x").bearer(&token).await;
        let passed = |name: &str| {
            let headers = call.json()["headers"].clone();
            let all = headers.as_array().unwrap().clone();
            all.iter().find(|pair| pair[0] == name).map(|pair| pair[1].as_str().unwrap().to_owned())
        };
        assert_eq!(passed("x-jeton-subject").as_deref(), claims["sub"].as_str());
        assert_ne!(passed("x-jeton-number").as_deref(), Some("77"));
    }
}

#[tokio::test]
async fn d7_a_client_gets_no_refresh_token() {
    let server = Server::start().await;
    for (realm, client) in [("plain", &server.plain), ("api-keys", &server.ion)] {
        let answer = server.oauth(realm, "token", client, &[("grant_type", "client_credentials")]).await.json();
        assert_eq!(answer.get("refresh_token"), None, "{realm}");
        let token = answer["access_token"].as_str().unwrap();
        let refreshed =
            server.oauth(realm, "token", client, &[("grant_type", "refresh_token"), ("refresh_token", token)]);
        assert_eq!(error(&refreshed.await), "unauthorized_client", "{realm}");
    }
}
