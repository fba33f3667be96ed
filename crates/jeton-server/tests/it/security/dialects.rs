//! Dialects are doors to the same house: shut ones are not there, and none opens more than another (I1, I2, I4).

use jeton_core::domain::realm::Mount;
use serde_json::json;

use super::resource_server;
use crate::harness::{ADA, EVENT, EVENT_PASSWORD, REFRESH, SIGN_IN, Server, form, mount};

/// Every address of every dialect that has addresses, with the method that it answers.
fn addresses() -> Vec<String> {
    let mut addresses = Vec::new();
    for prefix in ["", "/api"] {
        for end in ["/?action=person.signIn&username=x", "/?action=person.signOut"] {
            addresses.push(format!("{prefix}{end}"));
        }
        for end in
            ["/person/signIn?username=x", "/person/signOut", "/auth/singin", "/auth/signin", "/auth/refresh-token"]
        {
            addresses.push(format!("{prefix}{end}"));
        }
    }
    addresses.extend([SIGN_IN.to_owned(), REFRESH.to_owned()]);
    addresses
}

#[tokio::test]
async fn i1_a_dialect_that_is_off_is_not_there() {
    let server = Server::start().await;
    for address in addresses() {
        assert_ne!(server.post(&address).await.status, 404, "{address}");
    }
    for realm in ["inevent", "pitchpoint", "zro"] {
        server.configure(realm, |settings| settings.dialects.clear()).await;
    }
    for address in addresses() {
        for method in ["POST", "GET", "PUT", "HEAD"] {
            let answer = server.call(method, &address).await;
            assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{method} {address}");
            assert_eq!(answer.header("x-inevent-error"), None);
        }
    }
    server.seed().configure("zro", |settings| settings.dialects = vec![mount("zro")]).await;
    assert_eq!(server.zro_sign_in(&server.zro).await.status, 200, "and comes back without a restart");
    server.seed().enable_realm("zro", false).await;
    assert_eq!(server.zro_sign_in(&server.zro).await.status, 404);
}

#[tokio::test]
async fn i1_a_dialect_answers_at_its_own_host_alone() {
    let server = Server::start().await;
    let at = Mount { host: Some("api.custom.test".to_owned()), prefix: "/v1".to_owned(), ..mount("zro") };
    server.configure("zro", |settings| settings.dialects = vec![at]).await;
    let body = json!({ "api_id": server.zro.id, "api_key": server.zro.secret }).to_string();
    for (host, path, status) in [
        ("api.custom.test", "/v1/auth/signin", 200),
        ("API.Custom.test:8443", "/v1/auth/signin", 200),
        ("api.custom.test", "/auth/signin", 404),
        ("other.test", "/v1/auth/signin", 404),
        ("api.custom.test.evil.test", "/v1/auth/signin", 404),
        ("api.custom.test", "/v1x/auth/signin", 404),
        ("api.custom.test", "/v2/../v1/auth/signin", 404),
    ] {
        let answer = server.post(path).host(host).json(body.clone()).await;
        assert_eq!(answer.status, status, "{host}{path}");
    }
}

/// What a session's token of any dialect can be asked and made to do, over OAuth's endpoints.
#[tokio::test]
async fn i2_every_dialects_token_has_the_same_state_machine() {
    let server = Server::start().await;
    for (realm, kind) in [("inevent", "realm"), ("inevent", "event"), ("pitchpoint", "realm"), ("zro", "realm")] {
        let token = match (realm, kind) {
            ("inevent", "event") => {
                server.inevent(ADA, EVENT_PASSWORD, &[("eventID", EVENT)]).await.text("/data/0/tokenID")
            }
            ("inevent", _) => server.inevent_token().await,
            ("pitchpoint", _) => server.pitchpoint_tokens().await.access,
            _ => server.zro_token().await,
        };
        let api = server.seed().client(realm, &format!("api-{realm}-{kind}"), resource_server()).await;
        let active =
            async || server.oauth(realm, "token/introspect", &api, &[("token", &token)]).await.json()["active"] == true;
        assert!(active().await, "{realm}: introspectable");
        let sessions = server.app.store.sessions(
            jeton_store::Sessions::OfRealm(server.seed().find_realm(realm).await.id),
            Some(server.clock.now()),
            10,
        );
        for listed in sessions.await.unwrap() {
            let ended = server.app.store.end_session(listed.session.id, server.clock.now(), server.seed().record());
            ended.await.unwrap();
        }
        assert!(!active().await, "{realm}: revocable");
    }
}

/// Which realm answers is the address's matter: no member of a body changes it.
#[tokio::test]
async fn i4_nothing_in_a_body_chooses_whom_it_is_about() {
    let server = Server::start().await;
    let body = json!({
        "username": "bob", "password": "bob's builder 2026", "realm": "zro", "sub": "1", "user_id": "1223",
        "tenant": "zro", "person": { "number": 1223 }, "principal_id": "x", "admin": true, "scope": "admin",
    });
    let answer = server.post(SIGN_IN).json(body.to_string()).await;
    let claims = answer.text("/access_token");
    let claims =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims.split('.').nth(1).unwrap());
    let claims: serde_json::Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    assert_eq!((claims["user_id"].as_str(), claims["aud"].as_str()), (Some("1224"), Some("pitchpoint")));
    assert_eq!(answer.text("/scope"), "policy");
    for twice in [
        r#"{"username":"bob","username":"grace","password":"bob's builder 2026"}"#,
        r#"{"username":"bob","password":"x","password":"bob's builder 2026"}"#,
        r#"{"username":["bob"],"password":"bob's builder 2026"}"#,
        r#"{"username":"bob","password":{"$ne":""}}"#,
        r#"{"username":"bob","password":true}"#,
        r#"{"username":null,"password":null}"#,
    ] {
        assert_eq!(server.post(SIGN_IN).json(twice).await.status, 400, "{twice}");
    }
    let target = format!("/?{}&username=x", form(&[("action", "person.signIn"), ("username", ADA.username)]));
    assert_eq!(server.post(&target).form(&[("password", ADA.password)]).await.status, 400);
}
