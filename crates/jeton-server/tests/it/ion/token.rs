//! The token endpoint (contracts/ion.md §2–§4, §6).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64URL};
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::realm::ClientErrors;
use serde_json::{Value, json};

use super::{BAD_CLIENT, BAD_SECRET, GRANT, INTROSPECT, TOKEN, assert_answer, error};
use crate::harness::{Key, PUBLIC_URL, Server};

#[tokio::test]
async fn a_token_comes_in_keycloaks_order_with_keycloaks_headers() {
    let server = Server::start().await;
    let (id, secret) = (server.ion.id.as_str(), server.ion.secret.as_str());
    let own = [GRANT, ("client_id", id), ("client_secret", secret)];
    let basic = |user: &str, password: &str| format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
    let rows = [
        ("the seed's form", server.post(TOKEN).form(&own)),
        ("below /auth", server.post(&format!("/auth{TOKEN}")).form(&own)),
        (
            "the script's extra field",
            server.post(TOKEN).form(&[&own[..], &[("audience", "https://api.example.org")]].concat()),
        ),
        ("a name that nobody reads", server.post(TOKEN).form(&[&own[..], &[("x", "1")]].concat())),
        (
            "query names do not count",
            server.post(&format!("{TOKEN}?grant_type=password&client_id=x&x=1&x=2")).form(&own),
        ),
        ("Basic", server.post(TOKEN).header("Authorization", &basic(id, secret)).form(&[GRANT])),
        (
            "Basic, form-encoded",
            server.post(TOKEN).header("Authorization", &basic(&id.replace('-', "%2D"), secret)).form(&[GRANT]),
        ),
        (
            "Basic with the id in the form",
            server.post(TOKEN).header("Authorization", &basic(id, secret)).form(&[GRANT, ("client_id", id)]),
        ),
        ("the form wins over Basic", server.post(TOKEN).header("Authorization", &basic("other", "x")).form(&own)),
        ("a scope", server.post(TOKEN).form(&[&own[..], &[("scope", "profile email")]].concat())),
    ];
    for (what, call) in rows {
        let answer = call.await;
        let token = answer.text("/access_token");
        let body = format!(
            r#"{{"access_token":"{token}","expires_in":300,"refresh_expires_in":0,"token_type":"Bearer","not-before-policy":0,"scope":"profile email"}}"#
        );
        assert_answer(&answer, 200, &body, what);
    }
    let narrow = server.oauth("api-keys", "token", &server.ion, &[GRANT, ("scope", "email")]).await;
    assert_eq!(narrow.text("/scope"), "email");
    server.seed().configure_client("api-keys", id, |client| client.access_token_secs = Some(60)).await;
    let short = server.oauth("api-keys", "token", &server.ion, &[GRANT]).await;
    assert_eq!(short.json()["expires_in"], 60);
}

#[tokio::test]
async fn claims_stand_in_keycloaks_order() {
    let server = Server::start().await;
    let token = server.ion_token().await;
    let part = |at: usize| String::from_utf8(BASE64URL.decode(token.split('.').nth(at).unwrap()).unwrap()).unwrap();
    let claims: Value = serde_json::from_str(&part(1)).unwrap();
    let text = |name: &str| claims[name].as_str().unwrap();
    let expected = format!(
        r#"{{"exp":1768489500,"iat":1768489200,"jti":"{}","iss":"{PUBLIC_URL}/realms/api-keys","sub":"{}","typ":"Bearer","azp":"ion-key-1","acr":"1","scope":"profile email","email_verified":false,"preferred_username":"service-account-ion-key-1","client_id":"ion-key-1"}}"#,
        text("jti"),
        text("sub"),
    );
    assert_eq!(part(1), expected);
    let header: Value = serde_json::from_str(&part(0)).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    // Realms of no particular shape keep to RFC 9068.
    let plain = server.client_token("plain", &server.plain).await;
    let header: Value = serde_json::from_slice(&BASE64URL.decode(plain.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
}

#[tokio::test]
async fn the_error_table() {
    let server = Server::start().await;
    let seed = server.seed();
    let service = |grants: &[&str]| ClientSettings {
        grants: grants.iter().filter_map(|grant| jeton_core::domain::grant::GrantType::named(grant)).collect(),
        scopes: vec!["profile".to_owned()],
        ..ClientSettings::default()
    };
    let off = seed.client("api-keys", "off", service(&["client_credentials"])).await;
    seed.enable_client("api-keys", "off", false).await;
    let none = seed.client("api-keys", "none", service(&[])).await;
    let asleep = seed.client("api-keys", "Asleep", service(&["client_credentials"])).await;
    seed.enable_principal("api-keys", "Asleep", false).await;
    let own = server.ion.clone();
    let key = |id: &str, secret: &str| Key { id: id.to_owned(), secret: secret.to_owned() };
    let unknown = key("nobody", &own.secret);
    let wrong = key(&own.id, "guess");
    let no_secret = key(&own.id, "");

    let bad_client = || BAD_CLIENT.to_owned();
    let missing_grant = error("invalid_request", "Missing form parameter: grant_type");
    let bad_grant = error("unsupported_grant_type", "Unsupported grant_type");
    let twice = error("invalid_request", "duplicated parameter");
    let no_service = error("unauthorized_client", "Client not enabled to retrieve service account");
    // Row of the table, client, further fields, the status and body of a uniform realm, and Keycloak's where they differ.
    type Row<'a> = (&'a str, &'a Key, &'a [(&'a str, &'a str)], (u16, String), Option<&'a str>);
    let rows: [Row<'_>; 17] = [
        ("4", &own, &[], (400, missing_grant.clone()), None),
        ("4, empty", &own, &[("grant_type", "")], (400, missing_grant.clone()), None),
        ("4 before 6", &unknown, &[], (400, missing_grant), None),
        ("5", &own, &[("grant_type", "magic")], (400, bad_grant.clone()), None),
        ("5, a grant that is off", &own, &[("grant_type", "password")], (400, bad_grant.clone()), None),
        ("5 before 7", &wrong, &[("grant_type", "magic")], (400, bad_grant), None),
        ("6, unknown", &unknown, &[GRANT], (401, bad_client()), None),
        ("6, disabled", &off, &[GRANT], (401, bad_client()), None),
        ("7, wrong", &wrong, &[GRANT], (401, bad_client()), Some(BAD_SECRET)),
        ("7, missing", &no_secret, &[GRANT], (401, bad_client()), Some(BAD_SECRET)),
        ("7 before 8", &wrong, &[GRANT, ("x", "1"), ("x", "2")], (401, bad_client()), Some(BAD_SECRET)),
        ("8", &own, &[GRANT, ("x", "1"), ("x", "2")], (400, twice.clone()), None),
        ("8, the grant itself", &own, &[GRANT, GRANT], (400, twice), None),
        ("9", &none, &[GRANT], (401, no_service), None),
        ("10", &asleep, &[GRANT], (401, error("invalid_request", "User 'service-account-asleep' disabled")), None),
        ("11", &own, &[GRANT, ("scope", "admin")], (400, error("invalid_scope", "Invalid scopes: admin")), None),
        (
            "11, one of several",
            &own,
            &[GRANT, ("scope", "email \"x\"")],
            (400, error("invalid_scope", r#"Invalid scopes: email \"x\""#)),
            None,
        ),
    ];
    for errors in [ClientErrors::Uniform, ClientErrors::Keycloak] {
        server.configure("api-keys", |settings| settings.client_errors = errors).await;
        for (what, client, more, (status, body), keycloak) in &rows {
            let answer = server.oauth("api-keys", "token", client, more).await;
            let body = keycloak.filter(|_| errors == ClientErrors::Keycloak).unwrap_or(body);
            assert_answer(&answer, *status, body, &format!("row {what}, {errors:?}"));
        }
    }
    for (compat, status, missing) in [
        (None, 401, (401, bad_client())),
        (Some(26), 400, (401, bad_client())),
        (Some(19), 401, (400, error("invalid_client", "Missing client_id parameter"))),
    ] {
        server.configure("api-keys", |settings| settings.keycloak_compat = compat).await;
        assert_eq!(server.oauth("api-keys", "token", &none, &[GRANT]).await.status, status, "row 9, {compat:?}");
        let answer = server.post(TOKEN).form(&[GRANT]).await;
        assert_answer(&answer, missing.0, &missing.1, &format!("no client, {compat:?}"));
    }
}

#[tokio::test]
async fn realms_that_do_not_answer() {
    let server = Server::start().await;
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let answer = server.oauth("nowhere", endpoint, &server.ion, &[GRANT]).await;
        assert_answer(&answer, 404, r#"{"error":"Realm does not exist"}"#, &format!("row 1, {endpoint}"));
    }
    server.seed().enable_realm("api-keys", false).await;
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let answer = server.oauth("api-keys", endpoint, &server.ion, &[GRANT]).await;
        assert_answer(&answer, 403, &error("access_denied", "Realm not enabled"), &format!("row 3, {endpoint}"));
    }
    assert_eq!(server.get("/realms/api-keys/protocol/openid-connect/certs").await.status, 403);
    assert_eq!(server.post("/graphql").json("{}").await.status, 404, "its API is not there either");
}

#[tokio::test]
async fn what_is_not_a_form_by_post() {
    let server = Server::start().await;
    let own = [GRANT, ("client_id", &server.ion.id), ("client_secret", &server.ion.secret)];
    for endpoint in ["token", INTROSPECT, "revoke"] {
        let target = format!("/realms/api-keys/protocol/openid-connect/{endpoint}");
        for method in ["GET", "PUT", "DELETE"] {
            let answer = server.call(method, &target).form(&own).await;
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (405, r#"{"error":"HTTP 405 Method Not Allowed"}"#),
                "{method} {endpoint}"
            );
            // RFC 9110 §15.5.6.
            assert_eq!(answer.header("allow"), Some("POST"), "{method} {endpoint}");
        }
        for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=b"] {
            let answer = server.post(&target).body(content_type, "{}").await;
            assert_answer(&answer, 415, r#"{"error":"HTTP 415 Unsupported Media Type"}"#, content_type);
        }
        let answer = server.post(&target).await;
        assert_eq!(answer.status, 415, "no content type, {endpoint}");
    }
    assert_eq!(server.post("/realms/api-keys/protocol/openid-connect/userinfo").await.status, 404);
}

#[tokio::test]
async fn credentials_that_cannot_be_read_are_a_challenge() {
    let server = Server::start().await;
    let long = format!("Basic {}", "A".repeat(8 * 1024));
    let values = [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic aWQ=",
        "Basic aWQ6cwB4",
        "Basic aWT/OnM=",
        "Bearer abc",
        "Digest username=\"a\"",
        &long,
    ];
    for value in values {
        for endpoint in ["token", INTROSPECT, "revoke"] {
            let target = format!("/realms/api-keys/protocol/openid-connect/{endpoint}");
            let answer = server.post(&target).header("Authorization", value).form(&[GRANT, ("token", "x")]).await;
            assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{endpoint} {value}");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Basic realm="api-keys""#), "{endpoint} {value}");
        }
    }
}
